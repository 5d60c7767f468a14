# What may differ between two stacks of this kind.

variable "name" {
  description = "Name of the workload, prefix of everything in both regions."
  type        = string
  default     = "shop"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,10}[a-z0-9]$", var.name))
    error_message = "name: 3 to 12 characters, a-z, 0-9 and '-', beginning with a letter; a service's load balancer is called <name>-<service>."
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

variable "services" {
  description = <<-TEXT
    The services, by name. Each has a fleet, a load balancer and an accelerator of its own, and so moves alone.
      database     whether it writes to the database, and so can open in the recovery region only once that is promoted
      publishes    topics it publishes to
      subscribes   queues it works off, as <topic>-<service>
      capacity     size of its fleet while a region serves
  TEXT
  type = map(object({
    database   = optional(bool, true)
    publishes  = optional(list(string), [])
    subscribes = optional(list(string), [])
    capacity   = optional(object({ min = number, desired = number, max = number }), { min = 2, desired = 2, max = 6 })
  }))
  default = {
    catalog  = { database = false }
    orders   = { publishes = ["ordered"] }
    shipping = { subscribes = ["ordered-shipping"] }
  }
  validation {
    condition     = alltrue([for k in keys(var.services) : can(regex("^[a-z][a-z0-9]{1,9}$", k)) && !contains(["functions", "site", "main"], k)])
    error_message = "services: a name has 2 to 10 characters, a-z and 0-9, beginning with a letter; functions, site and main are taken."
  }
}

variable "certificate_arns" {
  description = "Certificate for the load balancers of each region; null: plain HTTP, for trying things out."
  type        = object({ primary = optional(string), recovery = optional(string) })
  default     = {}
}

variable "image_ids" {
  description = "Machine image of each region, with Docker and Docker Compose 2.30 or newer in it."
  type        = object({ primary = string, recovery = string })
}

variable "database_class" {
  description = "Instance class of the database and of its replica."
  type        = string
  default     = "db.t4g.medium"
}

variable "database_password" {
  description = "Password of the database's master user. It stands in no state and no plan."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "repository" {
  description = "The repository on GitHub that delivers the services: owner/name."
  type        = string
  default     = "example/shop"
}

variable "notice_emails" {
  description = "Who is told, by e-mail."
  type        = list(string)
  default     = []
}

variable "nat" {
  description = "How fleets reach the internet: one gateway in each region, or one in each zone (per_zone)."
  type        = string
  default     = "one"
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
