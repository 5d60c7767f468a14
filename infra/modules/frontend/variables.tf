# What may differ between two sites.

variable "name" {
  description = "Prefix of the buckets' names and of the distribution's parts."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,13}[a-z0-9]$", var.name))
    error_message = "name: 3 to 15 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

variable "regions" {
  description = "The region that serves users today and the region that takes over."
  type        = object({ primary = string, recovery = string })
}

variable "distribute" {
  description = "Whether a CloudFront distribution reads the buckets: the primary's, or the recovery's when the primary's does not answer."
  type        = bool
  default     = true
}

variable "aliases" {
  description = "Names of the site; they need certificate_arn."
  type        = list(string)
  default     = []
  validation {
    condition     = length(var.aliases) == 0 || var.certificate_arn != null
    error_message = "aliases: ${join(", ", var.aliases)} need certificate_arn, a certificate in us-east-1 for these names."
  }
}

variable "certificate_arn" {
  description = "Certificate in us-east-1, where CloudFront needs it; null: only the distribution's own name."
  type        = string
  default     = null
  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/.+$", var.certificate_arn))
    error_message = "certificate_arn: must be the ARN of a certificate in us-east-1."
  }
}

variable "default_document" {
  description = "The document at the root."
  type        = string
  default     = "index.html"
}

variable "single_page" {
  description = "Whether unknown paths get the default document, for an application that routes in the browser."
  type        = bool
  default     = false
}

variable "price_class" {
  description = "Where the distribution answers from: PriceClass_100 (North America and Europe), PriceClass_200, PriceClass_All."
  type        = string
  default     = "PriceClass_100"
  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "price_class: '${var.price_class}' isn't one of PriceClass_100, PriceClass_200, PriceClass_All."
  }
}

variable "web_acl_arn" {
  description = "Web firewall (WAFv2, scope CLOUDFRONT); null: none."
  type        = string
  default     = null
}

variable "log_bucket_domain_name" {
  description = "Bucket for the access logs, by its domain name; null: no access logs."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the replication role, if the account requires one."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
