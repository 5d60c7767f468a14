# What may differ between two load balancers.

variable "name" {
  description = "Name of the load balancer. Its target groups are called <name>-<group>-<six digits>, the name shortened where it must be."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,21}[a-z0-9]$", var.name)) && !startswith(var.name, "internal-")
    error_message = "name: 3 to 23 characters, a-z, 0-9 and '-', beginning with a letter and neither with 'internal-' nor ending with '-'."
  }
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets in two zones at least: public ones, or private ones if it is internal."
  type        = list(string)
  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids: ${length(var.subnet_ids)}; a load balancer needs two zones at least."
  }
}

variable "security_group_ids" {
  description = "Security groups: who may reach it, and what it reaches."
  type        = list(string)
  validation {
    condition     = length(var.security_group_ids) >= 1
    error_message = "security_group_ids: at least one; without, the VPC's default group is taken."
  }
}

variable "internal" {
  description = "Whether only the VPC reaches it. An accelerator reaches an internal one too."
  type        = bool
  default     = false
}

variable "certificate" {
  description = "Certificate of this region for HTTPS, by its arn; port 80 then only points there. null: plain HTTP, for trying things out. Each region needs a certificate of its own, issued before a failover. An object, so that a certificate that is made in the same apply can be given."
  type        = object({ arn = string })
  default     = null
  validation {
    condition     = var.certificate == null || try(can(regex("^arn:aws[a-z-]*:(acm|iam):[a-z0-9-]*:[0-9]{12}:(certificate|server-certificate)/.+$", var.certificate.arn)), false)
    error_message = "certificate: arn must be the ARN of a certificate."
  }
}

variable "target_groups" {
  description = <<-TEXT
    The groups of servers behind it, by name; exactly one is the default, the others are found by path or host.
      port                 port on which its servers answer
      health_path          what they answer with 200 when they can do their work, as far as it is theirs: not while the application is starting, and
                           also while the region's database is still read-only. Whether databases take writes is asked of them before traffic opens
      paths, hosts         which requests it gets, such as ["/orders/*"]; none of both: the default
      priority             of all but the default: the lowest one that fits takes a request. It is yours to give, so that a new group moves no other
      drain_seconds        how long a server that leaves may finish what it began
      slow_start_seconds   over how long a new server's share rises to its full size; 0: at once
  TEXT
  type = map(object({
    port               = optional(number, 8080)
    health_path        = optional(string, "/health")
    paths              = optional(list(string), [])
    hosts              = optional(list(string), [])
    priority           = optional(number)
    drain_seconds      = optional(number, 30)
    slow_start_seconds = optional(number, 0)
  }))
  default = { web = {} }
  validation {
    condition     = alltrue([for k in keys(var.target_groups) : can(regex("^[a-z][a-z0-9]{0,7}$", k))])
    error_message = "target_groups: a name has 1 to 8 characters, a-z and 0-9, beginning with a letter (${join(", ", keys(var.target_groups))})."
  }
  validation {
    condition     = length([for g in values(var.target_groups) : g if length(g.paths) + length(g.hosts) == 0]) == 1
    error_message = "target_groups: ${length([for g in values(var.target_groups) : g if length(g.paths) + length(g.hosts) == 0])} groups have neither paths nor hosts; exactly one must, the default."
  }
  validation {
    condition     = alltrue([for g in values(var.target_groups) : g.port >= 1 && g.port <= 65535 && startswith(g.health_path, "/") && g.drain_seconds >= 0 && g.drain_seconds <= 3600 && (g.slow_start_seconds == 0 || (g.slow_start_seconds >= 30 && g.slow_start_seconds <= 900))])
    error_message = "target_groups: port from 1 to 65535, health_path beginning with '/', drain_seconds from 0 to 3600, slow_start_seconds 0 or from 30 to 900."
  }
  validation {
    condition     = alltrue([for g in values(var.target_groups) : length(g.paths) + length(g.hosts) == 0 ? g.priority == null : try(g.priority >= 1 && g.priority <= 50000 && floor(g.priority) == g.priority, false)]) && length(distinct(compact([for g in values(var.target_groups) : g.priority]))) == length(compact([for g in values(var.target_groups) : g.priority]))
    error_message = "target_groups: each group but the default needs a priority of its own, a whole number from 1 to 50000; the default has none (${join(", ", [for k, g in var.target_groups : "${k} ${g.priority == null ? "none" : g.priority}"])})."
  }
}

variable "idle_seconds" {
  description = "After how long a silent connection is closed."
  type        = number
  default     = 60
  validation {
    condition     = var.idle_seconds >= 1 && var.idle_seconds <= 4000
    error_message = "idle_seconds: ${var.idle_seconds}; from 1 to 4000."
  }
}

variable "access_log_bucket" {
  description = "Bucket of this region that keeps the access logs; its policy must admit the region's log delivery. null: none are kept."
  type        = string
  default     = null
}

variable "watch" {
  description = "Whether alarms tell alarm_topic_arns when no server is healthy or servers answer with errors. Not in a region that waits at zero: there no server is healthy, and rightly so."
  type        = bool
  default     = true
}

variable "alarm_topic_arns" {
  description = "Topics of this region that the alarms tell: the orchestrator's signals topic."
  type        = list(string)
  default     = []
}

variable "errors_per_minute" {
  description = "More answers of 5xx than this, in three of five minutes, raise an alarm."
  type        = number
  default     = 50
  validation {
    condition     = var.errors_per_minute >= 1
    error_message = "errors_per_minute: ${var.errors_per_minute}; 1 at least."
  }
}

variable "deletion_protection" {
  description = "Whether the load balancer refuses to be deleted. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
