# What may differ between two sets of parameters.

variable "path" {
  description = "Path of the parameters, such as /shop/web; the same in both regions."
  type        = string
  validation {
    condition     = can(regex("^(/[A-Za-z0-9_.-]+){1,13}$", var.path)) && !can(regex("(?i)^/(aws|ssm)", var.path))
    error_message = "path: '${var.path}'; begins with '/', doesn't end with it, holds A-Z, a-z, 0-9, '_', '.', '-' between, and begins neither with /aws nor with /ssm."
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

variable "copied_by" {
  description = "terraform: this module writes both regions. replicator: this module writes only the primary region, and the function ssm-replicator copies from there, including changes by others."
  type        = string
  default     = "terraform"
  validation {
    condition     = contains(["terraform", "replicator"], var.copied_by)
    error_message = "copied_by: '${var.copied_by}' is neither terraform nor replicator."
  }
}

variable "values" {
  description = "Plain parameters that are the same in both regions."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for k, v in var.values : can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", k)) && length(v) >= 1 && length(v) <= 4096])
    error_message = "values: a name holds A-Z, a-z, 0-9, '_', '.', '-' and '/' between; a value has 1 to 4096 characters."
  }
}

variable "region_values" {
  description = "Plain parameters with a separate value in each region, such as a bucket's name. This module always writes them in both regions, so list them under overrides in the replicator's plan."
  type        = map(object({ primary = string, recovery = string }))
  default     = {}
  validation {
    condition     = alltrue([for k, v in var.region_values : can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", k)) && length(v.primary) >= 1 && length(v.recovery) >= 1])
    error_message = "region_values: a name holds A-Z, a-z, 0-9, '_', '.', '-' and '/' between; neither value is empty."
  }
  validation {
    condition     = length(setintersection(keys(var.region_values), keys(var.values))) == 0
    error_message = "region_values: ${join(", ", setintersection(keys(var.region_values), keys(var.values)))} stands in values as well."
  }
}

variable "secrets" {
  description = "Values of the secure parameters by name. They are ephemeral: Terraform writes them to no state and no plan."
  type        = map(string)
  sensitive   = true
  ephemeral   = true
  default     = {}
}

variable "secret_versions" {
  description = "The secure parameters, each with a number. Raise the number to write the value from `secrets`. While the number is unchanged, Terraform ignores the value and keeps what others wrote."
  type        = map(number)
  default     = {}
  validation {
    condition     = alltrue([for k, v in var.secret_versions : can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", k)) && v >= 1 && floor(v) == v])
    error_message = "secret_versions: a name holds A-Z, a-z, 0-9, '_', '.', '-' and '/' between; a version is a whole number from 1."
  }
  validation {
    condition     = length(setintersection(keys(var.secret_versions), concat(keys(var.values), keys(var.region_values)))) == 0
    error_message = "secret_versions: ${join(", ", setintersection(keys(var.secret_versions), concat(keys(var.values), keys(var.region_values))))} stands among the plain values as well."
  }
}

variable "kms_key_arns" {
  description = "Keys that encrypt the secure parameters, one in each region. null: if there are secrets, the module creates one per region, because a key can't leave its region."
  type        = object({ primary = string, recovery = string })
  default     = null
  validation {
    condition     = var.kms_key_arns == null || try(alltrue([for side, arn in var.kms_key_arns : can(regex("^arn:aws[a-z-]*:kms:${var.regions[side]}:[0-9]{12}:key/.+$", arn))]), false)
    error_message = "kms_key_arns: each must be the ARN of a key in its own region (primary ${var.regions.primary}, recovery ${var.regions.recovery})."
  }
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
