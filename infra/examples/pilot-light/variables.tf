# What may differ between two stacks of this kind.

variable "name" {
  description = "Name of the workload, prefix of everything in both regions."
  type        = string
  default     = "shop"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,13}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name: 3 to 15 characters, a-z, 0-9 and single '-', beginning with a letter."
  }
}

variable "regions" {
  description = "The region that serves users today, and the one that takes over. The recovery region can't be an opt-in region."
  type        = object({ primary = string, recovery = string })
  default     = { primary = "us-east-2", recovery = "us-west-1" }
  validation {
    condition     = var.regions.primary != var.regions.recovery && alltrue([for r in values(var.regions) : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", r))])
    error_message = "regions: two different ones, such as us-east-2 and us-west-1 (${var.regions.primary}, ${var.regions.recovery})."
  }
}

variable "mode" {
  description = "approve: a failover waits for a person. automatic: it starts by itself once the evidence suffices."
  type        = string
  default     = "approve"
  validation {
    condition     = contains(["approve", "automatic"], var.mode)
    error_message = "mode: '${var.mode}' is neither approve nor automatic."
  }
}

# --- The servers ----------------------------------------------------------------------------------------------

variable "source_instance_id" {
  description = "Instance of the primary region that the servers' image is made of: it starts the application by itself and answers /health on port 8080."
  type        = string
  validation {
    condition     = can(regex("^i-[0-9a-f]+$", var.source_instance_id))
    error_message = "source_instance_id: '${var.source_instance_id}' isn't an instance's id (i-...)."
  }
}

variable "image_version" {
  description = "Raise it to make a new image of the instance as it is then."
  type        = number
  default     = 1
  validation {
    condition     = var.image_version >= 1 && floor(var.image_version) == var.image_version
    error_message = "image_version: ${var.image_version}; a whole number from 1."
  }
}

variable "instance_types" {
  description = "Instance types that fit the image, the preferred one first. Name several: AWS does not guarantee capacity when all users of a region move."
  type        = list(string)
  default     = ["t4g.micro", "t4g.small", "t4g.medium"]
  validation {
    condition     = length(var.instance_types) >= 1 && alltrue([for t in var.instance_types : can(regex("^[a-z0-9-]+[.][a-z0-9-]+$", t))])
    error_message = "instance_types: at least one, such as t4g.micro."
  }
}

variable "web_capacity" {
  description = "Size of the fleet while a region serves. The recovery region waits with none."
  type        = object({ min = number, desired = number, max = number })
  default     = { min = 2, desired = 2, max = 4 }
  validation {
    condition     = 1 <= var.web_capacity.min && var.web_capacity.min <= var.web_capacity.desired && var.web_capacity.desired <= var.web_capacity.max
    error_message = "web_capacity: 1 <= min <= desired <= max (${var.web_capacity.min}, ${var.web_capacity.desired}, ${var.web_capacity.max})."
  }
}

variable "nat" {
  description = "How servers reach the internet: none, one gateway in each region, or one in each zone (per_zone)."
  type        = string
  default     = "none"
  validation {
    condition     = contains(["none", "one", "per_zone"], var.nat)
    error_message = "nat: '${var.nat}' isn't one of none, one, per_zone."
  }
}

variable "interface_endpoints" {
  description = "AWS services that servers reach without the internet: ssm for their parameters; logs for CloudWatch's agent; ssmmessages and ec2messages for sessions. S3 needs none. With a gateway (nat) [] will do."
  type        = set(string)
  default     = ["ssm"]
  validation {
    condition     = contains(var.interface_endpoints, "ssm") || var.nat != "none"
    error_message = "interface_endpoints: without ssm and without a gateway (nat) no server can read its parameters."
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
    condition     = var.https == null || try(alltrue([for side, arn in var.https.certificate_arns : can(regex("^arn:aws[a-z-]*:acm:${var.regions[side]}:[0-9]{12}:certificate/.+$", arn))]), false)
    error_message = "https: each of certificate_arns must be the ARN of a certificate in its own region (primary ${var.regions.primary}, recovery ${var.regions.recovery})."
  }
  validation {
    condition     = var.https == null || try(alltrue([for host in values(var.https.hosts) : can(regex("^[a-z0-9-]+([.][a-z0-9-]+)+$", host))]), false)
    error_message = "https: each of hosts must be a name such as us-east-2.shop.example.com."
  }
}

# --- The database and what is kept ----------------------------------------------------------------------------

variable "database_class" {
  description = "Instance class of the database and of its replica."
  type        = string
  default     = "db.t4g.micro"
  validation {
    condition     = can(regex("^db[.][a-z0-9]+[.][a-z0-9]+$", var.database_class))
    error_message = "database_class: '${var.database_class}' isn't a class such as db.t4g.micro."
  }
}

variable "postgres_version" {
  description = "Major version of PostgreSQL."
  type        = string
  default     = "16"
  validation {
    condition     = can(regex("^[0-9]+$", var.postgres_version))
    error_message = "postgres_version: '${var.postgres_version}' isn't a major version such as 16."
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

variable "database_password_version" {
  description = "Raise it to have a new password written to the database and to Parameter Store of both regions."
  type        = number
  default     = 1
  validation {
    condition     = var.database_password_version >= 1 && floor(var.database_password_version) == var.database_password_version
    error_message = "database_password_version: ${var.database_password_version}; a whole number from 1."
  }
}

variable "settings" {
  description = "Plain settings of the application, by name: parameters below /<name>/web."
  type        = map(string)
  default     = { currency = "USD" }
  validation {
    condition     = alltrue([for k, v in var.settings : can(regex("^[A-Za-z0-9_.-]+$", k)) && length(v) >= 1]) && !contains(keys(var.settings), "files_bucket")
    error_message = "settings: a name holds A-Z, a-z, 0-9, '_', '.' and '-', and isn't files_bucket; no value is empty."
  }
}

variable "secrets" {
  description = "Secrets of the application, by name: encrypted parameters below /<name>/web. They stand in no state and no plan."
  type        = map(string)
  sensitive   = true
  ephemeral   = true
  default     = {}
  validation {
    condition     = alltrue([for v in values(var.secrets) : length(v) >= 1])
    error_message = "secrets: none may be empty."
  }
}

variable "secret_versions" {
  description = "Which secrets there are, each with a number. Raise it to have its value from `secrets` written."
  type        = map(number)
  default     = {}
  validation {
    condition     = alltrue([for k, v in var.secret_versions : can(regex("^[A-Za-z0-9_.-]+$", k)) && v >= 1 && floor(v) == v])
    error_message = "secret_versions: a name holds A-Z, a-z, 0-9, '_', '.' and '-'; a version is a whole number from 1."
  }
}

variable "snapshot_schedule" {
  description = "When a snapshot of the database is due, in UTC, as EventBridge writes it."
  type        = string
  default     = "cron(0 3 * * ? *)"
  validation {
    condition     = can(regex("^(rate|cron)[(].+[)]$", var.snapshot_schedule))
    error_message = "snapshot_schedule: '${var.snapshot_schedule}' is neither rate(...) nor cron(...)."
  }
}

# --- The orchestrator -----------------------------------------------------------------------------------------

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

variable "architecture" {
  description = "Processor architecture of the functions' packages: arm64 or x86_64."
  type        = string
  default     = "x86_64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: '${var.architecture}' is neither arm64 nor x86_64."
  }
}

variable "lag_seconds_max" {
  description = "A replica that is further behind raises an alarm, and stops a failover for an operator's decision."
  type        = number
  default     = 60
  validation {
    condition     = var.lag_seconds_max >= 1 && var.lag_seconds_max <= 86400
    error_message = "lag_seconds_max: ${var.lag_seconds_max}; from 1 to 86400, a day."
  }
}

variable "confirm_seconds" {
  description = "How long sufficient evidence of a loss must hold before it is believed."
  type        = number
  default     = 60
  validation {
    condition     = var.confirm_seconds >= 10 && var.confirm_seconds <= 900
    error_message = "confirm_seconds: ${var.confirm_seconds}; from 10 to 900."
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
