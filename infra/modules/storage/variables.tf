# What may differ between two sets of buckets.

variable "name" {
  description = "Prefix of the buckets' names, which end with the account and the region: <name>-<bucket>-<account>-<region>."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,13}[a-z0-9]$", var.name))
    error_message = "name: 3 to 15 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'; a bucket's name has 63 at most."
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

variable "buckets" {
  description = <<-TEXT
    The buckets, by name; each exists in both regions and is replicated both ways.
      old_versions_days   how long overwritten and deleted objects are kept
      infrequent_days     after how many days objects move to the cheaper class STANDARD_IA; 0: never
      expire_days         after how many days objects expire; 0: never
      in_15_minutes       whether AWS guarantees replication within 15 minutes, with metrics (0.015 USD per GB)
      customer_key        whether the module's keys encrypt the objects; otherwise S3's own
  TEXT
  type = map(object({
    old_versions_days = optional(number, 90)
    infrequent_days   = optional(number, 0)
    expire_days       = optional(number, 0)
    in_15_minutes     = optional(bool, true)
    customer_key      = optional(bool, true)
  }))
  validation {
    condition     = length(var.buckets) >= 1 && alltrue([for k in keys(var.buckets) : can(regex("^[a-z][a-z0-9-]{0,13}[a-z0-9]$", k))])
    error_message = "buckets: at least one; a name has 2 to 15 characters, a-z, 0-9 and '-'."
  }
  validation {
    condition     = alltrue([for b in values(var.buckets) : b.old_versions_days >= 1 && (b.infrequent_days == 0 || b.infrequent_days >= 30) && (b.expire_days == 0 || b.expire_days > b.infrequent_days) && b.expire_days >= 0])
    error_message = "buckets: old_versions_days from 1, infrequent_days 0 or from 30, expire_days 0 or above infrequent_days."
  }
}

variable "readers" {
  description = "CloudFront distributions that read a bucket's objects, by bucket: its ARN. Such a bucket needs customer_key = false."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for k in keys(var.readers) : try(!var.buckets[k].customer_key, false)])
    error_message = "readers: each must name a bucket of the module with customer_key = false; CloudFront couldn't decrypt with a key whose policy doesn't know it."
  }
}

variable "kms_key_arns" {
  description = "Keys that encrypt the objects, one in each region; null: the module creates one."
  type        = object({ primary = string, recovery = string })
  default     = null
  validation {
    condition     = var.kms_key_arns == null || try(alltrue([for side, arn in var.kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:${var.regions[side]}:[0-9]{12}:key/.+$", arn))]), false)
    error_message = "kms_key_arns: each must be the ARN of a key in its own region (primary ${var.regions.primary}, recovery ${var.regions.recovery})."
  }
}

variable "log_buckets" {
  description = "Buckets of each region for the access logs; null: no access logs."
  type        = object({ primary = string, recovery = string })
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the replication role, if the account requires one."
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
