# What only you can give. Everything else is in the files; change it there.

variable "source_instance_id" {
  description = "Instance of the primary region that the servers' image is made of: it starts the application by itself and answers /health on port 8080."
  type        = string
  validation {
    condition     = can(regex("^i-[0-9a-f]+$", var.source_instance_id))
    error_message = "source_instance_id: '${var.source_instance_id}' isn't an instance's id (i-...)."
  }
}

variable "database_password" {
  description = "Password of the database's master user. It stands in no state and no plan."
  type        = string
  sensitive   = true
  ephemeral   = true
  validation {
    condition     = length(var.database_password) >= 16 && length(var.database_password) <= 41
    error_message = "database_password: 16 to 41 characters."
  }
}

variable "mail_token" {
  description = "A secret of the application: an encrypted parameter below /shop/web. It stands in no state and no plan."
  type        = string
  sensitive   = true
  ephemeral   = true
  validation {
    condition     = length(var.mail_token) >= 1
    error_message = "mail_token: it may not be empty."
  }
}

variable "https" {
  description = <<-TEXT
    HTTPS at the load balancers; null: plain HTTP, for trying things out.
      certificate_arns   certificate of each region, issued before a failover
      hosts              names that these are for and that point to each region's load balancer: probes look there
  TEXT
  type = object({
    certificate_arns = object({ primary = string, recovery = string })
    hosts            = object({ primary = string, recovery = string })
  })
  default = null
  validation {
    condition     = var.https == null || try(alltrue([for side, arn in var.https.certificate_arns : can(regex("^arn:aws[a-z-]*:acm:${local.regions[side]}:[0-9]{12}:certificate/.+$", arn))]), false)
    error_message = "https: each of certificate_arns must be the ARN of a certificate in its own region (primary ${local.regions.primary}, recovery ${local.regions.recovery})."
  }
  validation {
    condition     = var.https == null || try(alltrue([for host in values(var.https.hosts) : can(regex("^[a-z0-9-]+([.][a-z0-9-]+)+$", host))]), false)
    error_message = "https: each of hosts must be a name such as us-east-2.shop.example.com."
  }
}

variable "notice_emails" {
  description = "Who is told, by e-mail."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for a in var.notice_emails : can(regex("^[^@ ]+@[^@ ]+$", a))])
    error_message = "notice_emails: each must be an e-mail address."
  }
}

variable "package_dir" {
  description = "Folder with the functions' zip files; null: target/lambda of this repository."
  type        = string
  default     = null
  validation {
    condition     = var.package_dir == null || try(length(var.package_dir) >= 1, false)
    error_message = "package_dir: a folder, or null."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role made here, where the account demands one."
  type        = string
  default     = null
  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: must be a policy's ARN."
  }
}

variable "deletion_protection" {
  description = "Whether databases, journal and load balancers refuse to be deleted. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}
