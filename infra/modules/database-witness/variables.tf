# What may differ between two witnesses.

variable "name" {
  description = "Name of the plan, the same as the orchestrator's, and prefix of everything this module creates. The orchestrator's notices topics admit alarms with this prefix only."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}[a-z0-9]$", var.name))
    error_message = "name: 3 to 31 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

# --- The databases --------------------------------------------------------------------------------------------

variable "databases" {
  description = <<-TEXT
    The databases of this side, by their names in the plan: RDS instances of PostgreSQL, whether they serve here or replicate.
      host          host name of the instance's own endpoint. A login is good for this name only, so no CNAME of your own
      port          port of the endpoint
      database      the database on it in which the grants were run
      resource_id   the instance's resource id (db-...), for which the function may log in. A new instance has another one
  TEXT
  type = map(object({
    host        = string
    port        = optional(number, 5432)
    database    = string
    resource_id = string
  }))
  validation {
    condition     = length(var.databases) >= 1
    error_message = "databases: there is none; name at least one, or leave the module out."
  }
  validation {
    condition     = alltrue([for name in keys(var.databases) : can(regex("^[a-z][a-z0-9-]{0,39}$", name))])
    error_message = "databases: a name has 1 to 40 characters, a-z, 0-9 and '-', beginning with a letter; give the names of the plan (${join(", ", keys(var.databases))})."
  }
  validation {
    condition     = alltrue([for d in var.databases : can(regex("^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$", d.host))])
    error_message = "databases: host is not a host name; give the address of the instance's endpoint, like shop-orders.abc123.us-east-2.rds.amazonaws.com, without its port (${join(", ", [for name, d in var.databases : "${name}: ${d.host}"])})."
  }
  validation {
    condition     = alltrue([for d in var.databases : d.port >= 1 && d.port <= 65535 && floor(d.port) == d.port])
    error_message = "databases: port must be a whole number from 1 to 65535 (${join(", ", [for name, d in var.databases : "${name}: ${d.port}"])})."
  }
  validation {
    condition     = alltrue([for d in var.databases : can(regex("^[A-Za-z_][A-Za-z0-9_$-]{0,62}$", d.database))])
    error_message = "databases: database is not the name of a database; give 1 to 63 letters, digits, underscores, dollar signs and hyphens, beginning with a letter or an underscore (${join(", ", [for name, d in var.databases : "${name}: ${d.database}"])})."
  }
  validation {
    condition     = alltrue([for d in var.databases : can(regex("^db-[A-Z0-9]+$", d.resource_id))])
    error_message = "databases: resource_id must be the resource id of an RDS instance, like db-ABCDEFGHIJKL0123456789ABCD, not its identifier (${join(", ", [for name, d in var.databases : "${name}: ${d.resource_id}"])})."
  }
  validation {
    condition     = length(distinct(values(var.databases)[*].resource_id)) == length(var.databases)
    error_message = "databases: two have the same resource_id; give each database its own instance (${join(", ", [for name, d in var.databases : "${name}: ${d.resource_id}"])})."
  }
}

variable "security_groups" {
  description = <<-TEXT
    The security groups of these databases, by any name. The function reaches them at these ports and nothing else. Name each group once: databases share groups.
      id      the group
      ports   the ports of its databases
  TEXT
  type        = map(object({ id = string, ports = optional(set(number), [5432]) }))
  validation {
    condition     = alltrue([for g in var.security_groups : can(regex("^sg-[a-z0-9]{1,32}$", g.id))])
    error_message = "security_groups: id must be a security group's id (sg-...)."
  }
  validation {
    condition     = length(distinct(values(var.security_groups)[*].id)) == length(var.security_groups)
    error_message = "security_groups: a group stands twice, and EC2 refuses the same rule twice; name each once, with all its ports."
  }
  validation {
    condition     = alltrue(flatten([for g in var.security_groups : [for port in g.ports : port >= 1 && port <= 65535 && floor(port) == port]]))
    error_message = "security_groups: ports must be whole numbers from 1 to 65535."
  }
  validation {
    condition     = alltrue([for d in var.databases : contains(flatten([for g in var.security_groups : tolist(g.ports)]), d.port)])
    error_message = "security_groups: a database takes connections at a port that no group has, and the function couldn't reach it; add the port to its group (${join(", ", [for name, d in var.databases : "${name}: ${d.port}"])})."
  }
}

variable "admit" {
  description = "Whether the databases' groups get a rule that admits the function. false: you admit `security_group_id` yourself, as you must if Terraform manages those groups with rules inside them."
  type        = bool
  default     = false
}

variable "user" {
  description = "The database role that the function logs in as. The orchestrator's `witness.user` must be the same."
  type        = string
  default     = "pilotlight_witness"
  validation {
    condition     = can(regex("^[a-z_][a-z0-9_]{0,62}$", var.user))
    error_message = "user: '${var.user}' is not a role's name: 1 to 63 characters, a-z, 0-9 and '_', not beginning with a digit."
  }
}

variable "heartbeat_seconds" {
  description = "Time from one heartbeat to the next, in each database that takes writes. 0: no heartbeats and no schedule; the witness only looks when a guard asks."
  type        = number
  default     = 5
  validation {
    condition     = var.heartbeat_seconds >= 0 && var.heartbeat_seconds <= 60 && floor(var.heartbeat_seconds) == var.heartbeat_seconds
    error_message = "heartbeat_seconds: ${var.heartbeat_seconds}; a whole number from 0 (no heartbeats) to 60."
  }
}

# --- The network ----------------------------------------------------------------------------------------------

variable "vpc_id" {
  description = "The VPC of the databases."
  type        = string
  validation {
    condition     = can(regex("^vpc-[a-z0-9]{1,32}$", var.vpc_id))
    error_message = "vpc_id: '${var.vpc_id}' is not a VPC's id (vpc-...)."
  }
}

variable "subnet_ids" {
  description = "Subnets of the function in that VPC, in two zones at least, from which the databases are reached. They need no route out of the VPC."
  type        = list(string)
  validation {
    condition     = length(distinct(var.subnet_ids)) >= 2 && alltrue([for id in var.subnet_ids : can(regex("^subnet-[a-z0-9]{1,32}$", id))])
    error_message = "subnet_ids: at least two subnets, each by its id (subnet-...): with one, the loss of a zone silences the witness."
  }
}

# --- The function ---------------------------------------------------------------------------------------------

variable "authorities" {
  description = "Zip that authorities.py made of the region's bundle of RDS's certificate authorities, by which the function knows a database from an impostor."
  type        = string
  validation {
    condition     = fileexists(var.authorities)
    error_message = "authorities: there is no file '${var.authorities}'. Make it of the region's bundle with authorities.py (README.md)."
  }
  # It is stored, not compressed: its first entry's name lies at byte 30, and what it holds behind it.
  validation {
    condition     = !fileexists(var.authorities) || try(substr(filebase64(var.authorities), 40, 56) == base64encode("rds-authorities.pem-----BEGIN CERTIFICATE-"), false)
    error_message = "authorities: '${var.authorities}' does not hold certificates as rds-authorities.pem. Make it of the region's bundle with authorities.py (README.md)."
  }
}

variable "package_dir" {
  description = "Folder with the function's package, database-witness.zip."
  type        = string
  default     = "target/lambda"
  validation {
    condition     = fileexists("${var.package_dir}/database-witness.zip")
    error_message = "package_dir: '${var.package_dir}' lacks database-witness.zip. Build the packages first, or name the folder that holds the zip files."
  }
}

variable "architecture" {
  description = "Processor architecture of the package: arm64 or x86_64."
  type        = string
  default     = "x86_64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: '${var.architecture}' is neither arm64 nor x86_64."
  }
}

variable "reserved_concurrency" {
  description = "Concurrent executions reserved for the function, so that other functions cannot starve it. -1: none, if the account's quota leaves no room (a new account's is 10)."
  type        = number
  default     = 4
  validation {
    condition     = var.reserved_concurrency == -1 || var.reserved_concurrency >= 3 && floor(var.reserved_concurrency) == var.reserved_concurrency
    error_message = "reserved_concurrency: ${var.reserved_concurrency}; -1, or a whole number from 3: two beats overlap, and a guard looks meanwhile."
  }
}

variable "log_level" {
  description = "Level of the function's own log lines. The package contains none below INFO."
  type        = string
  default     = "INFO"
  validation {
    condition     = contains(["INFO", "WARN", "ERROR"], var.log_level)
    error_message = "log_level: '${var.log_level}' isn't one of INFO, WARN, ERROR."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 90
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: ${var.log_retention_days} isn't a period CloudWatch Logs offers (7, 14, 30, 60, 90, 120, 180, 365, ...)."
  }
}

# --- People, and guarding -------------------------------------------------------------------------------------

variable "alarm_topic_arn" {
  description = "Topic of this region that the alarms notify: the orchestrator's notices topic. Not a signals topic: that the witness fails is no sign of a loss. null: the alarms notify nobody."
  type        = string
  default     = null
  validation {
    condition     = var.alarm_topic_arn == null || can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.alarm_topic_arn))
    error_message = "alarm_topic_arn: must be the ARN of a topic."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the function's role, if the account requires one."
  type        = string
  default     = null
  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: must be a policy's ARN."
  }
}

variable "kms_key_arn" {
  description = "Customer key for the queue and the logs. null: AWS's own encryption. Its policy must admit events and logs of the region (modules/orchestrator/README.md)."
  type        = string
  default     = null
  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn: must be the ARN of a key (not an alias)."
  }
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
