# What the other side needs, and what this account adds.

variable "orchestrator" {
  description = "The orchestrator's output `primary_account`: names, the function's role, and where parameter changes go."
  type = object({
    name              = string
    account           = string
    regions           = object({ primary = string, recovery = string })
    role_name         = string
    external_id       = string
    trusted_role_arns = list(string)
    parameter_heads   = list(string)
    key_arns          = list(string)
    sender_role_name  = string
    event_pattern     = string
    event_bus_arn     = string
    notices_topic_arn = string
  })
  validation {
    condition     = length(var.orchestrator.trusted_role_arns) >= 1 && alltrue([for arn in var.orchestrator.trusted_role_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[^*?]+$", arn))])
    error_message = "orchestrator: trusted_role_arns must name at least one role, each by its exact ARN."
  }
  validation {
    condition     = alltrue([for arn in var.orchestrator.trusted_role_arns : !strcontains(arn, ":${var.orchestrator.account}:")])
    error_message = "orchestrator: trusted_role_arns lie in the account ${var.orchestrator.account} itself. This module is for two accounts."
  }
  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@:/-]+$", var.orchestrator.external_id)) && length(var.orchestrator.external_id) >= 2 && length(var.orchestrator.external_id) <= 1224
    error_message = "orchestrator: external_id has 2 to 1224 letters, digits and _ + = , . @ : / -"
  }
  validation {
    condition     = length(var.orchestrator.parameter_heads) >= 1 && alltrue([for head in var.orchestrator.parameter_heads : can(regex("^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]*)*$", head))])
    error_message = "orchestrator: parameter_heads must hold at least one path or name, none with a wildcard."
  }
  validation {
    condition     = alltrue([for arn in var.orchestrator.key_arns : can(regex("^arn:aws[a-z-]*:kms:${var.orchestrator.regions.primary}:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))])
    error_message = "orchestrator: key_arns must be ARNs of keys (no alias) of the primary region."
  }
}

variable "kms_key_arn" {
  description = "Customer key for the queue of undelivered parameter changes; null: SQS's own encryption. Its policy must admit events.amazonaws.com."
  type        = string
  default     = null
  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:${var.orchestrator.regions.primary}:[0-9]{12}:key/[A-Za-z0-9-]+$", var.kms_key_arn))
    error_message = "kms_key_arn: must be the ARN of a key (no alias) of the primary region."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of both roles, if the account requires one."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
