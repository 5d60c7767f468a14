# What may differ between two gates.

variable "name" {
  description = "Name of the gate, prefix of its alarm and its health check."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}[a-z0-9]$", var.name))
    error_message = "name: 3 to 31 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

variable "recovery_region" {
  description = "The region that takes over. It must be the provider's region: the gate moves from there."
  type        = string
}

variable "zone_id" {
  description = "Hosted zone of the records."
  type        = string
  validation {
    condition     = can(regex("^Z[A-Z0-9]{5,31}$", var.zone_id))
    error_message = "zone_id: '${var.zone_id}' isn't a hosted zone's id (Z...)."
  }
}

variable "records" {
  description = <<-TEXT
    The DNS names that move together, each with its target in each region.
      primary, recovery   dns_name, and for an alias the load balancer's zone_id. Without zone_id the record is a CNAME
  TEXT
  type = map(object({
    primary  = object({ dns_name = string, zone_id = optional(string) })
    recovery = object({ dns_name = string, zone_id = optional(string) })
  }))
  validation {
    condition     = length(var.records) >= 1 && alltrue([for n in keys(var.records) : can(regex("^[a-z0-9_*-]+([.][a-z0-9_-]+)*$", n))])
    error_message = "records: at least one name, in lower case and without a dot at its end."
  }
  validation {
    condition     = alltrue([for r in values(var.records) : (r.primary.zone_id == null) == (r.recovery.zone_id == null)])
    error_message = "records: both sides of a name are aliases, or both are CNAMEs."
  }
}

variable "ttl_seconds" {
  description = "How long resolvers may keep a CNAME. An alias of a load balancer has 60."
  type        = number
  default     = 30
  validation {
    condition     = var.ttl_seconds >= 1 && var.ttl_seconds <= 60
    error_message = "ttl_seconds: ${var.ttl_seconds}; from 1 to 60. Users stay with the lost region that long."
  }
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
