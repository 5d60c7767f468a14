# What may differ between two load balancers.

variable "name" {
  description = "Name of the load balancer. Its target groups are named <name>-<group>-<six digits>, with the name shortened if necessary."
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
  description = "Security groups of the load balancer: who may reach it, and what it may reach."
  type        = list(string)
  validation {
    condition     = length(var.security_group_ids) >= 1
    error_message = "security_group_ids: at least one; without, the VPC's default group is taken."
  }
}

variable "internal" {
  description = "Whether only the VPC reaches the load balancer. An accelerator reaches an internal one too."
  type        = bool
  default     = false
}

variable "certificate" {
  description = "Certificate of this region for HTTPS, by its arn; port 80 then redirects to HTTPS. null: plain HTTP, for trials. Each region needs its own certificate, issued before a failover. It is an object, so that you can pass a certificate from the same apply."
  type        = object({ arn = string })
  default     = null
  validation {
    condition     = var.certificate == null || try(can(regex("^arn:aws[a-z-]*:(acm|iam):[a-z0-9-]*:[0-9]{12}:(certificate|server-certificate)/.+$", var.certificate.arn)), false)
    error_message = "certificate: arn must be the ARN of a certificate."
  }
}

variable "target_groups" {
  description = <<-TEXT
    The target groups, by name. Exactly one is the default; requests reach the others by path or host.
      port                 port on which its servers answer
      health_path          path that returns 200 when the server itself can work: also while the region's database is still read-only, but
                           not while the application starts. Pilotlight checks that the databases accept writes before it opens traffic
      paths, hosts         the requests for this group, such as ["/orders/*"]; neither: the default group
      priority             required for all but the default: the lowest matching priority gets the request. You set it, so that a new group does not renumber others
      drain_seconds        how long a deregistered server may finish its requests
      slow_start_seconds   how long a new server's share of requests takes to reach its full size; 0: at once
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
  description = "How long a connection may stay idle before it is closed."
  type        = number
  default     = 60
  validation {
    condition     = var.idle_seconds >= 1 && var.idle_seconds <= 4000
    error_message = "idle_seconds: ${var.idle_seconds}; from 1 to 4000."
  }
}

variable "access_log_bucket" {
  description = "Bucket of this region for the access logs. Its policy must admit the region's log delivery. null: no access logs."
  type        = string
  default     = null
}

variable "watch" {
  description = "Whether alarms notify alarm_topic_arns when no server is healthy or when servers answer with errors. Set it to false in a region that waits at zero servers: it has no healthy server by design."
  type        = bool
  default     = true
}

variable "alarm_topic_arns" {
  description = "Topics of this region that the alarms notify: the orchestrator's signals topic."
  type        = list(string)
  default     = []
}

variable "errors_per_minute" {
  description = "More 5xx responses than this in three of five minutes raise an alarm."
  type        = number
  default     = 50
  validation {
    condition     = var.errors_per_minute >= 1
    error_message = "errors_per_minute: ${var.errors_per_minute}; 1 at least."
  }
}

variable "deletion_protection" {
  description = "Whether the load balancer refuses deletion. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
