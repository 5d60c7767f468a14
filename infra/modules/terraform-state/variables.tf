# What may differ between two places for states.

variable "name" {
  description = "Prefix of the buckets' names."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,13}[a-z0-9]$", var.name))
    error_message = "name: 3 to 15 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

variable "regions" {
  description = "The region that serves users today and the region that takes over."
  type        = object({ primary = string, recovery = string })
}

variable "stack" {
  description = "Name of the stack in the backend outputs. Its state is <stack>.tfstate."
  type        = string
  default     = "stack"
  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9/_-]{0,99}$", var.stack))
    error_message = "stack: 1 to 100 characters, a-z, 0-9, '/', '_' and '-', beginning with a letter or digit."
  }
}

variable "old_states_days" {
  description = "How long old versions of a state are kept."
  type        = number
  default     = 365
  validation {
    condition     = var.old_states_days >= 30
    error_message = "old_states_days: ${var.old_states_days}; 30 at least. An old state is the way back from a broken one."
  }
}

variable "kms_key_arns" {
  description = "Keys that encrypt the states, one in each region; null: the module creates one."
  type        = object({ primary = string, recovery = string })
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the replication role, if the account requires one."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
