# What may differ between two stacks of this kind.

variable "name" {
  description = "Name of the workload, prefix of everything in both regions."
  type        = string
  default     = "shop"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,13}[a-z0-9]$", var.name))
    error_message = "name: 3 to 15 characters, a-z, 0-9 and '-', beginning with a letter; a load balancer's name has 32 at most."
  }
}

variable "regions" {
  description = "The region that serves users today, and the one that takes over."
  type        = object({ primary = string, recovery = string })
  default     = { primary = "us-east-2", recovery = "us-west-1" }
}

variable "mode" {
  description = "approve: a failover waits for a person. automatic: it starts by itself once the evidence suffices."
  type        = string
  default     = "approve"
}

variable "notice_emails" {
  description = "Who is told, by e-mail."
  type        = list(string)
  default     = []
}

variable "snapshot_schedule" {
  description = "When a snapshot of the database is due, in UTC, as EventBridge writes it; null: none are taken."
  type        = string
  default     = "cron(0 3 * * ? *)"
}

variable "parameter_paths" {
  description = "Patterns of the parameters that are kept the same in both regions; null: all below the workload's name; empty: none."
  type        = list(string)
  default     = null
}

variable "package_dir" {
  description = "Folder with the functions' zip files; null: target/lambda of this repository."
  type        = string
  default     = null
}

variable "architecture" {
  description = "Processor architecture of the functions' packages: arm64 or x86_64."
  type        = string
  default     = "x86_64"
}

variable "image_ids" {
  description = "Machine image of each region. null: the newest Amazon Linux 2023 (arm64) at each plan. Name your own in production, or each new release of the image changes the plan."
  type        = object({ primary = optional(string), recovery = optional(string) })
  default     = {}
}

variable "instance_type" {
  description = "Type of the web servers. It must fit the image's architecture."
  type        = string
  default     = "t4g.micro"
}

variable "web_capacity" {
  description = "Size of the fleet while a region serves."
  type        = object({ min = number, desired = number, max = number })
  default     = { min = 2, desired = 2, max = 4 }
}

variable "database_class" {
  description = "Instance class of the database and of its replica."
  type        = string
  default     = "db.t4g.micro"
}

variable "postgres_version" {
  description = "Major version of PostgreSQL."
  type        = string
  default     = "16"
}

variable "database_password" {
  description = "Password of the database's master user. It is in the state: keep the state encrypted. RDS doesn't manage the password itself for a PostgreSQL instance that has replicas."
  type        = string
  sensitive   = true
  validation {
    condition     = length(var.database_password) >= 16 && length(var.database_password) <= 41 && !can(regex("[/@\" ]", var.database_password))
    error_message = "database_password: 16 to 41 characters, none of them '/', '@', '\"' or a blank."
  }
}

variable "deletion_protection" {
  description = "Whether databases, journal and load balancers refuse to be deleted. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}

variable "lag_seconds_max" {
  description = "A replica that is further behind raises an alarm, and stops a failover for an operator's decision."
  type        = number
  default     = 60
}

variable "confirm_seconds" {
  description = "How long sufficient evidence of a loss must hold before it is believed."
  type        = number
  default     = 60
}
