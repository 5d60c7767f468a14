# What only you can give. Everything else is in the files; change it there.

variable "regions" {
  description = "The region that serves users today, and the one that takes over. The recovery region can't be an opt-in region."
  type        = object({ primary = string, recovery = string })
  default     = { primary = "eu-south-1", recovery = "eu-central-1" }
}

variable "zone_counts" {
  description = "In how many availability zones each region's network lies. us-west-1 offers two to an account, so set 2 there."
  type        = object({ primary = optional(number, 3), recovery = optional(number, 3) })
  default     = {}
  validation {
    condition     = alltrue([for count in values(var.zone_counts) : contains([2, 3], count)])
    error_message = "zone_counts: primary ${var.zone_counts.primary}, recovery ${var.zone_counts.recovery}; 2 or 3 each."
  }
  validation {
    condition     = alltrue([for side, region in var.regions : region != "us-west-1" || var.zone_counts[side] == 2])
    error_message = "zone_counts: us-west-1 offers two zones to an account; set its count to 2."
  }
}

variable "source_instance_id" {
  description = "Instance of the primary region that the servers' image is made of: it starts the application by itself and answers /health on port 8080."
  type        = string
}

variable "database_password" {
  description = "Password of the database's master user. It stands in no state and no plan."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "administrator_arns" {
  description = "Roles that administer the clusters, one at least: without one nobody could install anything in them."
  type        = set(string)
  validation {
    condition     = length(var.administrator_arns) >= 1
    error_message = "administrator_arns: one at least, or nobody can install Prometheus and Grafana."
  }
}

variable "api_client_cidrs" {
  description = "Private address ranges that reach the clusters' APIs besides each region's own network: a VPN, a connected network."
  type        = set(string)
  default     = []
}

variable "public_access_cidrs" {
  description = "Who reaches the clusters' APIs from outside; []: only from within the networks and api_client_cidrs."
  type        = list(string)
  default     = []
}

variable "https" {
  description = <<-TEXT
    HTTPS, in both regions or in none; null: plain HTTP, for trying things out.
      certificate_arns   certificate for the load balancer of each region, which covers the name users take and those of probe_urls
      probe_urls         what Pilotlight asks in each region, such as https://eu-south-1.shop.example.com/health: a name of your own that
                         leads to that region's load balancer
  TEXT
  type = object({
    certificate_arns = object({ primary = string, recovery = string })
    probe_urls       = object({ primary = string, recovery = string })
  })
  default = null
  validation {
    condition     = var.https == null || try(alltrue([for side, arn in var.https.certificate_arns : can(regex("^arn:aws[a-z-]*:acm:${local.regions[side]}:[0-9]{12}:certificate/.+$", arn))]), false)
    error_message = "https: certificate_arns needs a certificate of each region (primary ${local.regions.primary}, recovery ${local.regions.recovery}). A load balancer takes none of another region."
  }
  validation {
    condition     = var.https == null || try(alltrue([for url in values(var.https.probe_urls) : startswith(url, "https://") && !can(regex("[.](amazonaws[.]com([.]cn)?|awsglobalaccelerator[.]com)([:/]|$)", url))]), false)
    error_message = "https: probe_urls begin with https:// and hold names of your own. No certificate covers a load balancer's own name, and an accelerator's shows whichever region is open."
  }
  validation {
    condition     = var.https == null || try(var.https.probe_urls.primary != var.https.probe_urls.recovery, false)
    error_message = "https: probe_urls are the same. One that is asked for both regions tells nothing of either."
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

variable "reserved_concurrency" {
  description = "-1: no function reserves concurrent executions, for an account whose quota of Lambda leaves no room (a new account's is 10); null: snapshot-scheduler reserves one."
  type        = number
  default     = null
}

variable "deletion_protection" {
  description = "Whether databases, journal and load balancers refuse to be deleted. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}
