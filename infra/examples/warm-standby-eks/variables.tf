# What may differ between two stacks of this kind.

variable "name" {
  description = "Name of the workload, prefix of everything in both regions."
  type        = string
  default     = "shop"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,10}[a-z0-9]$", var.name))
    error_message = "name: 3 to 12 characters, a-z, 0-9 and '-', beginning with a letter."
  }
}

variable "regions" {
  description = "The region that serves users today, and the one that takes over. The recovery region can't be an opt-in region."
  type        = object({ primary = string, recovery = string })
  default     = { primary = "eu-south-1", recovery = "eu-central-1" }
}

variable "mode" {
  description = "approve: a failover waits for a person. automatic: it starts by itself once the evidence suffices."
  type        = string
  default     = "approve"
}

variable "source_instance_id" {
  description = "Instance of the primary region that the servers' image is made of: it starts the application by itself and answers /health on port 8080."
  type        = string
}

variable "image_version" {
  description = "Raise it to make a new image of the instance as it is then."
  type        = number
  default     = 1
}

variable "server_count" {
  description = "How many servers run in each region, at rest too."
  type        = number
  default     = 3
  validation {
    condition     = var.server_count >= 2 && floor(var.server_count) == var.server_count
    error_message = "server_count: ${var.server_count}; a whole number from 2."
  }
}

variable "certificate_arns" {
  description = "Certificate for the load balancer of each region; null: plain HTTP, for trying things out."
  type        = object({ primary = optional(string), recovery = optional(string) })
  default     = {}
}

variable "database_class" {
  description = "Instance class of the databases."
  type        = string
  default     = "db.t4g.medium"
}

variable "database_password" {
  description = "Password of the database's master user. It stands in no state and no plan."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "administrator_arns" {
  description = "Roles that administer the clusters."
  type        = set(string)
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

variable "lag_seconds_max" {
  description = "A replica that is further behind raises an alarm, and stops a failover for an operator's decision."
  type        = number
  default     = 60
}

variable "deletion_protection" {
  description = "Whether databases, journal and load balancers refuse to be deleted. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}
