# What may differ between two deliveries.

variable "name" {
  description = "Prefix of the roles: <name>-deliver-<service>."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,21}[a-z0-9]$", var.name))
    error_message = "name: 3 to 23 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

variable "regions" {
  description = "The region that serves users today and the region that takes over."
  type        = object({ primary = string, recovery = string })
  validation {
    condition     = var.regions.primary != var.regions.recovery
    error_message = "regions: recovery and primary are both '${var.regions.primary}'."
  }
}

variable "repository" {
  description = "The GitHub repository that delivers: owner/name."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z0-9](-?[A-Za-z0-9])*/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository: '${var.repository}' isn't owner/name. A '*' would admit others' repositories."
  }
}

variable "identity_provider" {
  description = "GitHub's identity provider in this account, by its arn. An account can have only one. null: the module creates it."
  type        = object({ arn = string })
  default     = null
  validation {
    condition     = var.identity_provider == null || try(can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:oidc-provider/token.actions.githubusercontent.com$", var.identity_provider.arn)), false)
    error_message = "identity_provider: arn must be the ARN of the provider token.actions.githubusercontent.com."
  }
}

variable "services" {
  description = <<-TEXT
    What to deliver, by service. Each service has its own role, for the workflow's environment of the same name.
      repository_arns   ECR repositories of both regions to push images to
      group_names       Auto Scaling groups whose instances to replace: primary and recovery
      tag_parameter     the Parameter Store name that holds the tag, in both regions
      function_names    Lambda functions of the recovery region whose code to replace
      site              buckets of a front end, and the distribution that reads them
  TEXT
  type = map(object({
    repository_arns = optional(list(string), [])
    group_names     = optional(object({ primary = string, recovery = string }))
    tag_parameter   = optional(string)
    function_names  = optional(list(string), [])
    site            = optional(object({ bucket_arns = list(string), distribution_arn = string }))
  }))
  validation {
    condition     = length(var.services) >= 1 && alltrue([for k in keys(var.services) : can(regex("^[a-z][a-z0-9-]{0,29}$", k))])
    error_message = "services: at least one; a name has 1 to 30 characters, a-z, 0-9 and '-', beginning with a letter."
  }
  validation {
    condition     = alltrue([for s in values(var.services) : length([for given in [length(s.repository_arns) > 0, length(s.function_names) > 0, s.site != null] : given if given]) == 1])
    error_message = "services: each delivers one thing: repository_arns, function_names or a site."
  }
  validation {
    condition     = alltrue([for s in values(var.services) : (s.tag_parameter == null || can(regex("^(/[A-Za-z0-9_.-]+)+$", s.tag_parameter))) && alltrue([for n in concat(s.function_names, s.group_names == null ? [] : values(s.group_names)) : !can(regex("[*?]", n))])])
    error_message = "services: tag_parameter begins with '/'; names hold neither '*' nor '?', which would widen the role."
  }
}

variable "session_seconds" {
  description = "How long a delivery may take with one set of credentials."
  type        = number
  default     = 3600
  validation {
    condition     = var.session_seconds >= 900 && var.session_seconds <= 43200
    error_message = "session_seconds: ${var.session_seconds}; from 900 to 43200."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the roles, if the account requires one."
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
