# What may differ between two registries.

variable "name" {
  description = "Prefix of the repositories: <name>/<repository>."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}[a-z0-9]$", var.name))
    error_message = "name: 3 to 31 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

variable "regions" {
  description = "The region that serves users today and the region that takes over. They must be the regions of the providers aws.primary and aws.recovery."
  type        = object({ primary = string, recovery = string })
  validation {
    condition     = var.regions.primary != var.regions.recovery
    error_message = "regions: recovery and primary are both '${var.regions.primary}'."
  }
}

variable "repositories" {
  description = "The repositories."
  type        = set(string)
  validation {
    condition     = length(var.repositories) >= 1 && alltrue([for r in var.repositories : can(regex("^[a-z0-9]+([._-][a-z0-9]+)*$", r))])
    error_message = "repositories: at least one; a name holds a-z and 0-9, with single '.', '_' or '-' between."
  }
}

variable "kept_images" {
  description = "How many images a repository keeps. The running tag must be among them in both regions, even after a night of many builds."
  type        = number
  default     = 50
  validation {
    condition     = var.kept_images >= 10 && var.kept_images <= 1000
    error_message = "kept_images: ${var.kept_images}; from 10 to 1000."
  }
}

variable "kms_key_arns" {
  description = "Keys that encrypt the images, one in each region; null: AWS's key aws/ecr, which costs nothing."
  type        = object({ primary = optional(string), recovery = optional(string) })
  default     = {}
}

variable "replicate" {
  description = "Whether this module sets the account's replication; each region has only one. false: you set it elsewhere, for the prefix <name>/ in both directions."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
