# What may differ between two clusters.

variable "name" {
  description = "Name of the cluster, and prefix of its roles; role names also contain the region."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,21}[a-z0-9]$", var.name))
    error_message = "name: 3 to 23 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes, the same in both regions. Upgrade one region after the other, before standard support ends (1.35: 2027-03-27)."
  type        = string
  default     = "1.35"
  validation {
    condition     = can(regex("^1[.][0-9]{2}$", var.kubernetes_version))
    error_message = "kubernetes_version: '${var.kubernetes_version}' isn't a minor version such as 1.35."
  }
}

variable "subnet_ids" {
  description = "Private subnets in at least two zones. Nodes pull images and reach AWS from there, through a NAT gateway or through the interface endpoints ec2, eks, eks-auth, ecr.api, ecr.dkr, sts, logs and monitoring."
  type        = list(string)
  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids: ${length(var.subnet_ids)}; two zones at least."
  }
}

variable "node_count" {
  description = "How many nodes run."
  type        = number
  default     = 2
  validation {
    condition     = var.node_count >= 2 && var.node_count <= 20 && floor(var.node_count) == var.node_count
    error_message = "node_count: ${var.node_count}; a whole number from 2 to 20. One node is no protection."
  }
}

variable "instance_types" {
  description = "Types of the nodes, the preferred first."
  type        = list(string)
  default     = ["t4g.medium", "t4g.large"]
  validation {
    condition     = length(var.instance_types) >= 1
    error_message = "instance_types: at least one."
  }
}

variable "image_type" {
  description = "Kind of the nodes' images; it must fit the types' architecture."
  type        = string
  default     = "AL2023_ARM_64_STANDARD"
  validation {
    condition     = contains(["AL2023_ARM_64_STANDARD", "AL2023_x86_64_STANDARD", "BOTTLEROCKET_ARM_64", "BOTTLEROCKET_x86_64"], var.image_type)
    error_message = "image_type: '${var.image_type}' isn't one of AL2023_ARM_64_STANDARD, AL2023_x86_64_STANDARD, BOTTLEROCKET_ARM_64, BOTTLEROCKET_x86_64."
  }
}

variable "administrator_arns" {
  description = "Roles that administer the cluster, at least one. The creator of the cluster does not administer it, unless it is listed here."
  type        = set(string)
  validation {
    condition     = length(var.administrator_arns) >= 1
    error_message = "administrator_arns: one at least, or nobody can ever install anything in the cluster."
  }
  validation {
    condition     = alltrue([for a in var.administrator_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$", a))])
    error_message = "administrator_arns: must be ARNs of roles (or users)."
  }
}

variable "api_clients" {
  description = "Who may reach the cluster's API (port 443) at its private endpoint: security groups under names of your choice, and address ranges of the VPC or of connected networks. The nodes always may."
  type = object({
    security_groups = optional(map(string), {})
    cidrs           = optional(set(string), [])
  })
  default = {}
  validation {
    condition     = alltrue([for c in var.api_clients.cidrs : can(regex("^(10[.]|172[.](1[6-9]|2[0-9]|3[01])[.]|192[.]168[.]|100[.](6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])[.])", c)) && can(cidrhost(c, 0))])
    error_message = "api_clients: cidrs must be private address ranges such as 10.0.0.0/16; who comes from outside is named in public_access_cidrs."
  }
}

variable "public_access_cidrs" {
  description = "Who may reach the cluster's API from outside, at its public endpoint; []: no public endpoint."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for c in var.public_access_cidrs : can(cidrhost(c, 0)) && c != "0.0.0.0/0"])
    error_message = "public_access_cidrs: address ranges, and not 0.0.0.0/0."
  }
}

variable "watched_regions" {
  description = "Regions whose CloudWatch metrics the cluster's Grafana may read. Name both regions of the workload, so that either cluster shows both."
  type        = set(string)
  validation {
    condition     = length(var.watched_regions) >= 2
    error_message = "watched_regions: ${length(var.watched_regions)}; both regions of the workload, or nobody sees the other when a cluster is gone."
  }
}

variable "alerts" {
  description = <<-TEXT
    Where Alertmanager sends the alerts of the cluster's own pods and nodes; null: nowhere, and install.sh prints a warning.
      topic_arn      topic of this region. Its policy must leave this account's roles to their own policies
      kms_key_arn    the key that encrypts the topic, if you use your own key
  TEXT
  type        = object({ topic_arn = string, kms_key_arn = optional(string) })
  default     = null
  validation {
    condition     = var.alerts == null || try(can(regex("^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$", var.alerts.topic_arn)) && (var.alerts.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.alerts.kms_key_arn))), false)
    error_message = "alerts: topic_arn must be a topic's ARN, kms_key_arn a key's."
  }
}

variable "log_retention_days" {
  description = "How long the control plane's logs are kept."
  type        = number
  default     = 30
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: ${var.log_retention_days} isn't a period CloudWatch Logs offers (7, 14, 30, 60, 90, 120, 180, 365, ...)."
  }
}

variable "kms_key" {
  description = "Key of this region that encrypts the cluster's secrets, by its arn; null: the module creates one. It is an object, so that you can pass a key from the same apply."
  type        = object({ arn = string })
  default     = null
  validation {
    condition     = var.kms_key == null || try(can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key.arn)), false)
    error_message = "kms_key: arn must be a key's ARN."
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
