# What may differ between two databases.

variable "name" {
  description = "Name of the workload, prefix of everything this module creates."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,21}[a-z0-9]$", var.name)) && !strcontains(var.name, "--")
    error_message = "name: 3 to 23 characters, a-z, 0-9 and single '-', beginning with a letter and not ending with '-'."
  }
}

variable "database" {
  description = "Name of the database in the plan, and of the database that is created in it (with '_' for '-')."
  type        = string
  default     = "main"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,20}[a-z0-9]$", var.database)) && !strcontains(var.database, "--")
    error_message = "database: 2 to 22 characters, a-z, 0-9 and single '-', beginning with a letter and not ending with '-'."
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

variable "kind" {
  description = "rds_replica: an RDS instance with a cross-region read replica, which the orchestrator promotes. aurora_global: an Aurora global database with a cluster in each region."
  type        = string
  default     = "rds_replica"
  validation {
    condition     = contains(["rds_replica", "aurora_global"], var.kind)
    error_message = "kind: '${var.kind}' is neither rds_replica nor aurora_global."
  }
}

variable "engine" {
  description = "postgres or mysql; with aurora_global, the Aurora edition of it."
  type        = string
  default     = "postgres"
  validation {
    condition     = contains(["postgres", "mysql"], var.engine)
    error_message = "engine: '${var.engine}' is neither postgres nor mysql."
  }
}

variable "engine_version" {
  description = "Version of the engine: a major one such as 16 for RDS, a full one such as 16.11 for Aurora."
  type        = string
  default     = "16"
  validation {
    condition     = can(regex("^[0-9]+([.][0-9]+)*([.]mysql_aurora[.][0-9.]+)?$", var.engine_version)) && (var.kind == "rds_replica" || strcontains(var.engine_version, "."))
    error_message = "engine_version: '${var.engine_version}' isn't a version, or (with aurora_global) isn't a full one: both clusters must run the very same."
  }
}

variable "instance_class" {
  description = "Instance class, the same on both sides: a replica smaller than its source falls behind, and can't carry the load after a failover. An Aurora global database accepts only memory-optimised classes."
  type        = string
  default     = "db.t4g.micro"
  validation {
    condition     = can(regex("^db[.][a-z0-9]+[.][a-z0-9]+$", var.instance_class)) && (var.kind == "rds_replica" || can(regex("^db[.](r|x)", var.instance_class)))
    error_message = "instance_class: '${var.instance_class}' isn't a class such as db.t4g.micro, or (with aurora_global) isn't a memory-optimised one such as db.r6g.large."
  }
}

variable "multi_az" {
  description = "Whether each region has a Multi-AZ standby (Aurora: a second instance). In the primary region it protects against the loss of a zone without a regional failover. In the recovery region it costs as much as the replica itself, and you need not add it after a failover."
  type        = object({ primary = optional(bool, true), recovery = optional(bool, false) })
  default     = {}
}

variable "allocated_storage_gb" {
  description = "Initial storage. It grows by itself up to five times that. Aurora has no such setting."
  type        = number
  default     = 20
  validation {
    condition     = var.allocated_storage_gb >= 20 && var.allocated_storage_gb <= 13000 && floor(var.allocated_storage_gb) == var.allocated_storage_gb
    error_message = "allocated_storage_gb: ${var.allocated_storage_gb}; a whole number from 20 to 13000 (five times that is the most RDS grants)."
  }
}

variable "subnet_ids" {
  description = "Database subnets of each region, in two zones at least."
  type        = object({ primary = list(string), recovery = list(string) })
  validation {
    condition     = length(var.subnet_ids.primary) >= 2 && length(var.subnet_ids.recovery) >= 2
    error_message = "subnet_ids: ${length(var.subnet_ids.primary)} in the primary and ${length(var.subnet_ids.recovery)} in the recovery region; RDS demands two zones at least."
  }
}

variable "security_group_ids" {
  description = "Security groups of the database in each region."
  type        = object({ primary = list(string), recovery = list(string) })
  validation {
    condition     = length(var.security_group_ids.primary) >= 1 && length(var.security_group_ids.recovery) >= 1
    error_message = "security_group_ids: at least one in each region; without, the VPC's default group is taken."
  }
}

variable "quarantine_security_group_id" {
  description = "Security group without rules in the primary's VPC; the module puts it into the plan. null: Pilotlight does not isolate an old primary that returns."
  type        = string
  default     = null
  validation {
    condition     = var.quarantine_security_group_id == null || can(regex("^sg-[0-9a-f]+$", var.quarantine_security_group_id))
    error_message = "quarantine_security_group_id: must be a security group's id (sg-...)."
  }
}

variable "username" {
  description = "Name of the master user."
  type        = string
  default     = "app"
  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,15}$", var.username)) && !contains(["admin", "rdsadmin", "postgres", "root", "user", "public"], var.username)
    error_message = "username: '${var.username}'; 1 to 16 characters, a-z, 0-9 and '_', beginning with a letter, and no word the engines keep for themselves."
  }
}

variable "password" {
  description = "Password of the master user. It is ephemeral: Terraform writes it to RDS and to Parameter Store, and to no state and no plan. RDS can't manage the password of an instance with cross-region replicas."
  type        = string
  sensitive   = true
  ephemeral   = true
  validation {
    condition     = length(var.password) >= 16 && length(var.password) <= 41 && can(regex("^[!-~]+$", var.password)) && !can(regex("[/@\"']", var.password))
    error_message = "password: 16 to 41 visible ASCII characters, none of them '/', '@' or a quote."
  }
}

variable "password_version" {
  description = "Raise it to write a new password to the database and to both parameters. While it is unchanged, Terraform ignores `password`."
  type        = number
  default     = 1
  validation {
    condition     = var.password_version >= 1 && floor(var.password_version) == var.password_version
    error_message = "password_version: ${var.password_version}; a whole number from 1."
  }
}

variable "parameter_prefix" {
  description = "Path in Parameter Store of what an application needs to connect: host, port, name, user and password. The names are the same in both regions; each region has its own host. null: /<name>/database/<database>."
  type        = string
  default     = null
  validation {
    condition     = var.parameter_prefix == null || can(regex("^(/[A-Za-z0-9_.-]+){1,10}$", var.parameter_prefix))
    error_message = "parameter_prefix: begins with '/' and doesn't end with it, A-Z, a-z, 0-9, '_', '.', '-' between."
  }
}

variable "settings" {
  description = "Engine parameters in addition to those that require TLS, in the format of a parameter group."
  type        = map(string)
  default     = {}
  validation {
    condition     = !anytrue([for k in keys(var.settings) : contains(["rds.force_ssl", "require_secure_transport"], k)])
    error_message = "settings: that connections need TLS isn't open to choice (rds.force_ssl, require_secure_transport)."
  }
}

variable "backup_days" {
  description = "How long automated backups are kept: those of the primary and, after a promotion, those of the promoted replica. Without backups a database can have no replica."
  type        = number
  default     = 7
  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35 && floor(var.backup_days) == var.backup_days
    error_message = "backup_days: ${var.backup_days}; a whole number from 1 to 35. With 0 RDS makes no replica."
  }
}

variable "windows" {
  description = "When backups and maintenance happen, in UTC. A backup that runs on the replica delays its promotion, so its maintenance has its own day."
  type = object({
    backup               = optional(string, "02:00-02:30")
    maintenance_primary  = optional(string, "sun:03:00-sun:04:00")
    maintenance_recovery = optional(string, "tue:03:00-tue:04:00")
  })
  default = {}
  validation {
    condition     = can(regex("^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$", var.windows.backup)) && alltrue([for w in [var.windows.maintenance_primary, var.windows.maintenance_recovery] : can(regex("^(mon|tue|wed|thu|fri|sat|sun):[0-2][0-9]:[0-5][0-9]-(mon|tue|wed|thu|fri|sat|sun):[0-2][0-9]:[0-5][0-9]$", w))])
    error_message = "windows: backup as hh:mm-hh:mm, maintenance as ddd:hh:mm-ddd:hh:mm."
  }
  validation {
    condition     = var.windows.maintenance_primary != var.windows.maintenance_recovery
    error_message = "windows: both sides would be in maintenance at once (${var.windows.maintenance_primary}), and neither could take over from the other."
  }
}

variable "monitoring_seconds" {
  description = "Interval in seconds of the operating system metrics (enhanced monitoring); 0: none."
  type        = number
  default     = 60
  validation {
    condition     = contains([0, 1, 5, 10, 15, 30, 60], var.monitoring_seconds)
    error_message = "monitoring_seconds: ${var.monitoring_seconds} isn't one of 0, 1, 5, 10, 15, 30, 60."
  }
}

variable "performance_insights" {
  description = "Whether Performance Insights keeps its free week of data. MySQL on the micro and small classes of db.t2, db.t3 and db.t4g does not support it."
  type        = bool
  default     = true
  validation {
    condition     = !var.performance_insights || var.engine != "mysql" || !can(regex("^db[.](t2|t3|t4g)[.](micro|small)$", var.instance_class))
    error_message = "performance_insights: RDS refuses it for MySQL on ${var.instance_class}. Take a larger instance_class (db.t4g.medium), or set it to false."
  }
}

variable "kms_key_arns" {
  description = "Keys that encrypt storage, backups, insights and the password's parameter, one in each region. null: the module creates one per region, because a key can't leave its region."
  type        = object({ primary = string, recovery = string })
  default     = null
  validation {
    condition     = var.kms_key_arns == null || try(alltrue([for side, arn in var.kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:${var.regions[side]}:[0-9]{12}:key/.+$", arn))]), false)
    error_message = "kms_key_arns: each must be the ARN of a key in its own region (primary ${var.regions.primary}, recovery ${var.regions.recovery})."
  }
}

variable "deletion_protection" {
  description = "Whether the databases refuse deletion and leave a final snapshot. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}

variable "watch" {
  description = "Whether alarms notify alarm_topic_arns about missing connections and about the replica's lag."
  type        = bool
  default     = true
}

variable "witness" {
  description = "The sides on which a witness (modules/database-witness) logs in to this database. plan_item then says where."
  type        = object({ primary = optional(bool, false), recovery = optional(bool, false) })
  default     = {}
  validation {
    condition     = !anytrue(values(var.witness)) || var.engine == "postgres" && var.kind == "rds_replica"
    error_message = "witness: this database is ${var.engine}, ${var.kind}, and a witness speaks to RDS for PostgreSQL alone; leave it out."
  }
}

variable "alarm_topic_arns" {
  description = "Topics of each region that its alarms notify: the orchestrator's signals topics."
  type        = object({ primary = optional(list(string), []), recovery = optional(list(string), []) })
  default     = {}
}

variable "lag_seconds_max" {
  description = "A replica that lags further behind raises an alarm. Use the same value as the plan's limit."
  type        = number
  default     = 60
  validation {
    condition     = var.lag_seconds_max >= 1 && var.lag_seconds_max <= 86400
    error_message = "lag_seconds_max: ${var.lag_seconds_max}; from 1 to 86400, a day."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role for enhanced monitoring, if the account requires one."
  type        = string
  default     = null
  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: must be a policy's ARN."
  }
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
