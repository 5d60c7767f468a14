# What may differ between two stacks of this kind.

variable "name" {
  description = "Name of the workload, prefix of everything in both regions."
  type        = string
  default     = "shop"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,10}[a-z0-9]$", var.name))
    error_message = "name: 3 to 12 characters, a-z, 0-9 and '-', beginning with a letter; a service's load balancer is called <name>-<service>."
  }
}

variable "regions" {
  description = "The region that serves users today, and the one that takes over. The recovery region can't be an opt-in region."
  type        = object({ primary = string, recovery = string })
  default     = { primary = "eu-south-1", recovery = "eu-central-1" }
}

variable "mode" {
  description = "approve: a failover waits for a person. automatic: it starts by itself once the evidence suffices."
  type        = string
  default     = "approve"
}

variable "services" {
  description = <<-TEXT
    The services, by name. Each has a fleet, a load balancer and an accelerator of its own, and so moves alone.
      database     whether it writes to the database, and so can open in the recovery region only once that is promoted
      publishes    topics it publishes to
      subscribes   queues it works off, as <topic>-<service>
      capacity     size of its fleet while a region serves
  TEXT
  type = map(object({
    database   = optional(bool, true)
    publishes  = optional(list(string), [])
    subscribes = optional(list(string), [])
    capacity   = optional(object({ min = number, desired = number, max = number }), { min = 2, desired = 2, max = 6 })
  }))
  default = {
    catalog  = { database = false }
    orders   = { publishes = ["ordered"] }
    shipping = { subscribes = ["ordered-shipping"] }
  }
  validation {
    condition     = alltrue([for k in keys(var.services) : can(regex("^[a-z][a-z0-9]{1,9}$", k)) && !contains(["functions", "site", "main"], k)])
    error_message = "services: a name has 2 to 10 characters, a-z and 0-9, beginning with a letter; functions, site and main are taken."
  }
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
    condition     = var.https == null || try(alltrue([for side, arn in var.https.certificate_arns : can(regex("^arn:aws[a-z-]*:acm:${var.regions[side]}:[0-9]{12}:certificate/.+$", arn))]), false)
    error_message = "https: certificate_arns needs a certificate of each region (primary ${var.regions.primary}, recovery ${var.regions.recovery}). A load balancer takes none of another region."
  }
  validation {
    condition     = var.https == null || try(toset(keys(var.https.probe_urls)) == toset(keys(var.services)), false)
    error_message = "https: probe_urls needs exactly the services ${join(", ", keys(var.services))}. Without a probe a service's recovery can't be verified."
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

variable "image_ids" {
  description = "Machine image of each region, with Docker and Docker Compose 2.30 or newer in it."
  type        = object({ primary = string, recovery = string })
}

variable "database_class" {
  description = "Instance class of the database and of its replica."
  type        = string
  default     = "db.t4g.medium"
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

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role, where the account demands one."
  type        = string
  default     = null
  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: must be a policy's ARN."
  }
}

variable "notice_emails" {
  description = "Who is told, by e-mail."
  type        = list(string)
  default     = []
}

variable "nat" {
  description = "How fleets reach the internet: one gateway in each region, or one in each zone (per_zone)."
  type        = string
  default     = "one"
}

variable "package_dir" {
  description = "Folder with the functions' zip files; null: target/lambda of this repository."
  type        = string
  default     = null
}

variable "lag_seconds_max" {
  description = "A replica that is further behind raises an alarm, and stops a failover for an operator's decision."
  type        = number
  default     = 60
}

variable "deletion_protection" {
  description = "Whether databases, journal and load balancers refuse to be deleted. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}
