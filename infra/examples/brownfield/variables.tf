# What exists already, by ARN.

variable "regions" {
  description = "The region that serves users today, and the one that takes over."
  type        = object({ primary = string, recovery = string })
}

variable "roles_to_assume" {
  description = "Roles that Terraform takes in each region; null: its own credentials. With two accounts each leads to its region's."
  type        = object({ primary = optional(string), recovery = optional(string) })
  default     = {}
}

variable "primary_account" {
  description = "The account of the primary region, where it is not the recovery region's, the external id of the role there, and the policy that bounds that role where that account demands one; null: one account."
  type        = object({ id = string, external_id = optional(string), permissions_boundary_arn = optional(string) })
  default     = null
}

variable "database" {
  description = "ARNs of the database and of its replica, and the group without rules that cuts the old primary off; null: none that Pilotlight promotes."
  type        = object({ primary = string, replica = string, quarantine_security_group = optional(string) })
  default     = null
}

variable "parameters" {
  description = "Which parameters are kept the same in both regions, as patterns such as /shop/**; null: none."
  type        = object({ include = list(string) })
  default     = null
}

variable "fleet" {
  description = "Name of the Auto Scaling group that waits, and its target group."
  type        = object({ group = string, target_group = string, capacity = object({ min = number, desired = number, max = number }) })
}

variable "route" {
  description = "Global Accelerator's endpoint groups and the load balancers in them."
  type = object({
    primary  = object({ endpoint_group = string, endpoint = string })
    recovery = object({ endpoint_group = string, endpoint = string })
  })
}

variable "health_url" {
  description = "Where the primary region answers when it is well."
  type        = string
}

variable "alarm_arns" {
  description = "Alarms that count as signals. Let their alarm_actions and ok_actions name the output signals_topic_arns."
  type        = list(string)
  default     = []
}

variable "notice_emails" {
  description = "Who is told, by e-mail."
  type        = list(string)
  default     = []
}

variable "package_dir" {
  description = "Folder with the functions' zip files; null: target/lambda of this repository."
  type        = string
  default     = null
}

variable "deletion_protection" {
  description = "Whether the journal's table refuses to be deleted. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role, where the account demands one."
  type        = string
  default     = null
}
