# What may differ between two accelerators.

variable "name" {
  description = "Name of the accelerator."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,62}[A-Za-z0-9]$", var.name))
    error_message = "name: 2 to 64 characters, letters, digits and '-', neither beginning nor ending with '-'."
  }
}

variable "regions" {
  description = "The region that serves users today and the region that takes over."
  type        = object({ primary = string, recovery = string })
  validation {
    condition     = var.regions.primary != var.regions.recovery
    error_message = "regions: recovery and primary are both '${var.regions.primary}'."
  }
  validation {
    condition     = var.regions.primary != "us-west-2"
    error_message = "regions: the primary is us-west-2, and Global Accelerator's API answers in us-west-2 only. With that region lost, traffic could not be moved."
  }
}

variable "routes" {
  description = <<-TEXT
    The routes for users, by name. Each is a listener with an endpoint in each region, and moves alone.
      ports              ports of the listener; two routes of one accelerator can't share one
      endpoints          the load balancer of each region, by ARN
      health_path, health_port, health_protocol   the accelerator's health check of an endpoint; a load balancer's own health checks replace it if there are any
      weight             the weight of an open endpoint
      after              names of the plan's databases and fleets that must be ready first
      sticky             whether all connections of a client go to the same endpoint
  TEXT
  type = map(object({
    ports           = optional(set(number), [80])
    endpoints       = object({ primary = string, recovery = string })
    health_path     = optional(string, "/health")
    health_port     = optional(number)
    health_protocol = optional(string, "HTTP")
    weight          = optional(number, 128)
    after           = optional(list(string), [])
    sticky          = optional(bool, false)
  }))
  validation {
    condition     = length(var.routes) >= 1 && alltrue([for k in keys(var.routes) : can(regex("^[a-z][a-z0-9-]{0,39}$", k))])
    error_message = "routes: at least one; a name has 1 to 40 characters, a-z, 0-9 and '-', beginning with a letter."
  }
  validation {
    condition     = length(flatten([for r in values(var.routes) : tolist(r.ports)])) == length(distinct(flatten([for r in values(var.routes) : tolist(r.ports)]))) && alltrue([for r in values(var.routes) : length(r.ports) >= 1 && alltrue([for p in r.ports : p >= 1 && p <= 65535])])
    error_message = "routes: each needs ports from 1 to 65535 that no other route of this accelerator has. Routes on the same port take an accelerator each."
  }
  validation {
    condition     = alltrue([for r in values(var.routes) : r.weight >= 1 && r.weight <= 255 && floor(r.weight) == r.weight])
    error_message = "routes: weight must be a whole number from 1 to 255. It is the weight of the open endpoint; 0 is what a closed one gets."
  }
  validation {
    condition     = alltrue([for r in values(var.routes) : contains(["HTTP", "HTTPS", "TCP"], r.health_protocol) && startswith(r.health_path, "/")])
    error_message = "routes: health_protocol is HTTP, HTTPS or TCP; health_path begins with '/'."
  }
}

variable "flow_log_bucket" {
  description = "Bucket for the accelerator's flow logs; null: no flow logs."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
