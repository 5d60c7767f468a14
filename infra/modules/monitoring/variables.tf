# What may differ between two workloads' dashboards.

variable "name" {
  description = "Name of the plan. The dashboards and the orchestrator's functions have names that start with it."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}[a-z0-9]$", var.name))
    error_message = "name: 3 to 31 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
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

variable "fleets" {
  description = "Auto Scaling groups, load balancers and target groups, by fleet and region. Load balancers and target groups have the names of their metric dimensions."
  type = map(object({
    groups    = object({ primary = string, recovery = string })
    balancers = object({ primary = string, recovery = string })
    targets   = object({ primary = string, recovery = string })
  }))
  default = {}
}

variable "databases" {
  description = "Identifiers of the instances, or of the clusters of an Aurora global database, by database and region. kind: rds_replica or aurora_global, which have other metrics."
  type        = map(object({ primary = string, recovery = string, kind = optional(string, "rds_replica") }))
  default     = {}
  validation {
    condition     = alltrue([for d in var.databases : contains(["rds_replica", "aurora_global"], d.kind)])
    error_message = "databases: kind must be rds_replica or aurora_global."
  }
  validation {
    condition     = length(var.databases) + length(var.fleets) >= 1
    error_message = "databases: neither a database nor a fleet; there is nothing to show."
  }
}

variable "buckets" {
  description = "Names of buckets that are replicated both ways, by bucket and region."
  type        = map(object({ primary = string, recovery = string }))
  default     = {}
}

variable "lag_seconds_max" {
  description = "The plan's limit, drawn as a line."
  type        = number
  default     = 60
  validation {
    condition     = var.lag_seconds_max >= 1
    error_message = "lag_seconds_max: ${var.lag_seconds_max}; 1 at least."
  }
}

variable "keepers" {
  description = "The scheduled functions that not every plan has: snapshot-scheduler if it has snapshots, ssm-replicator if it has parameters."
  type        = set(string)
  default     = []
  validation {
    condition     = length(setsubtract(var.keepers, ["snapshot-scheduler", "ssm-replicator"])) == 0
    error_message = "keepers: only snapshot-scheduler and ssm-replicator are known, not ${join(", ", setsubtract(var.keepers, ["snapshot-scheduler", "ssm-replicator"]))}."
  }
}
