# What only you can give. Everything else is in the files; change it there.

variable "image_ids" {
  description = "Machine image of each region, with Docker and Docker Compose 2.30 or newer in it."
  type        = object({ primary = string, recovery = string })
}

variable "database_password" {
  description = "Password of the database's master user. It stands in no state and no plan."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "repository" {
  description = "The repository on GitHub that delivers the services: owner/name. Its workflows can take the delivery's roles, so it has no default."
  type        = string
  validation {
    condition     = can(regex("^[A-Za-z0-9](-?[A-Za-z0-9])*/[A-Za-z0-9._-]+$", var.repository))
    error_message = "repository: '${var.repository}' isn't owner/name."
  }
}

variable "identity_provider" {
  description = "GitHub's identity provider in this account, by its arn; an account can have one only. null: there is none yet, and it is made."
  type        = object({ arn = string })
  default     = null
}

variable "https" {
  description = <<-TEXT
    HTTPS for the services; null: plain HTTP under the load balancers' own names, for trying things out.
      certificate_arns   certificate for the load balancers of each region, which covers the names users take and those of probe_urls
      probe_urls         by service, what Pilotlight asks in each region, such as https://orders.eu-south-1.shop.example.com/health: names of
                         your own that lead straight to that region's load balancer (output `balancer_dns_names`)
  TEXT
  type = object({
    certificate_arns = object({ primary = string, recovery = string })
    probe_urls       = map(object({ primary = string, recovery = string }))
  })
  default = null
  validation {
    condition     = var.https == null || try(alltrue([for side, arn in var.https.certificate_arns : can(regex("^arn:aws[a-z-]*:acm:${local.regions[side]}:[0-9]{12}:certificate/.+$", arn))]), false)
    error_message = "https: certificate_arns needs a certificate of each region (primary ${local.regions.primary}, recovery ${local.regions.recovery}). A load balancer takes none of another region."
  }
  validation {
    condition     = var.https == null || try(toset(keys(var.https.probe_urls)) == toset(keys(local.services)), false)
    error_message = "https: probe_urls needs exactly the services ${join(", ", keys(local.services))}. Without a probe a service's recovery can't be verified."
  }
  validation {
    condition     = var.https == null || try(alltrue(flatten([for urls in values(var.https.probe_urls) : [for url in values(urls) : startswith(url, "https://") && !can(regex("[.](amazonaws[.]com([.]cn)?|awsglobalaccelerator[.]com)([:/]|$)", url))]])), false)
    error_message = "https: probe_urls begin with https:// and hold names of your own. No certificate covers a load balancer's own name, and an accelerator's shows whichever region is open."
  }
  validation {
    condition     = var.https == null || try(length(distinct(flatten([for urls in values(var.https.probe_urls) : values(urls)]))) == 2 * length(var.https.probe_urls), false)
    error_message = "https: probe_urls differ from each other. One that is asked for both regions tells nothing of either."
  }
}

variable "site" {
  description = "Names of the front end, and the certificate in us-east-1 that covers them; null: the distribution's own name."
  type        = object({ aliases = list(string), certificate_arn = string })
  default     = null
  validation {
    condition     = var.site == null || try(length(var.site.aliases) >= 1 && can(regex("^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/.+$", var.site.certificate_arn)), false)
    error_message = "site: at least one alias, and the ARN of a certificate in us-east-1."
  }
  validation {
    condition     = var.site == null || var.https != null
    error_message = "site: needs https. The site is served under HTTPS, and browsers block calls from there to services under plain HTTP."
  }
}

variable "notice_emails" {
  description = "Who is told, by e-mail."
  type        = list(string)
  default     = []
}

variable "package_dir" {
  description = "Folder with the functions' zip files; null: target/lambda of this repository."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role, where the account demands one."
  type        = string
  default     = null
  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: must be a policy's ARN."
  }
}

variable "deletion_protection" {
  description = "Whether databases, journal and load balancers refuse to be deleted. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}
