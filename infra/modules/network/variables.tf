# What may differ between two networks.

variable "name" {
  description = "Prefix of everything this module creates. Use the same in both regions, so that equal things have equal names."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,21}[a-z0-9]$", var.name))
    error_message = "name: 3 to 23 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

variable "cidr_block" {
  description = "Address range of the VPC, a /16 to /22. The ranges of the two regions must not overlap, in case you ever connect them."
  type        = string
  validation {
    condition     = can(cidrhost(var.cidr_block, 0)) && can(regex("/(1[6-9]|2[0-2])$", var.cidr_block))
    error_message = "cidr_block: '${var.cidr_block}' isn't an IPv4 range from /16 to /22. A smaller one leaves no room for three kinds of subnets in three zones."
  }
}

variable "zone_count" {
  description = "How many availability zones have subnets."
  type        = number
  default     = 2
  validation {
    condition     = contains([2, 3], var.zone_count)
    error_message = "zone_count: ${var.zone_count}; 2 or 3. One zone is no protection, and RDS demands two."
  }
}

variable "zone_names" {
  description = "The zones, if they must be specific ones; [] takes the first by name. Name them once a stack is in use: AWS may open a zone whose name sorts first."
  type        = list(string)
  default     = []
  validation {
    condition     = length(var.zone_names) == 0 || (length(var.zone_names) == var.zone_count && length(distinct(var.zone_names)) == var.zone_count)
    error_message = "zone_names: ${length(var.zone_names)} given, ${var.zone_count} different ones expected (zone_count)."
  }
}

variable "nat" {
  description = "How private subnets reach the internet: none (endpoints only, no cost at rest), one (a gateway in one zone, a single point of failure) or per_zone."
  type        = string
  default     = "none"
  validation {
    condition     = contains(["none", "one", "per_zone"], var.nat)
    error_message = "nat: '${var.nat}' isn't one of none, one, per_zone."
  }
}

variable "interface_endpoints" {
  description = "AWS services that private subnets reach without the internet (about 7.30 USD a month for each in each zone). With nat = none a fleet needs ssm, ecr.api, ecr.dkr, logs and sts to start. The gateway endpoints of S3 and DynamoDB cost nothing and are always there."
  type        = set(string)
  default     = []
  validation {
    condition     = alltrue([for s in var.interface_endpoints : can(regex("^[a-z][a-z0-9.-]+$", s)) && !contains(["s3", "dynamodb"], s)])
    error_message = "interface_endpoints: services' short names such as ssm or ecr.api; s3 and dynamodb have gateway endpoints already."
  }
}

variable "application_port" {
  description = "Port on which the fleet's instances answer the load balancer."
  type        = number
  default     = 8080
  validation {
    condition     = var.application_port >= 1 && var.application_port <= 65535 && floor(var.application_port) == var.application_port
    error_message = "application_port: ${var.application_port}; a port from 1 to 65535."
  }
}

variable "database_port" {
  description = "Port on which the database answers the fleet: 5432 PostgreSQL, 3306 MySQL."
  type        = number
  default     = 5432
  validation {
    condition     = var.database_port >= 1 && var.database_port <= 65535 && floor(var.database_port) == var.database_port
    error_message = "database_port: ${var.database_port}; a port from 1 to 65535."
  }
}

variable "balancer_ports" {
  description = "Ports on which the load balancer answers its users."
  type        = set(number)
  default     = [80, 443]
  validation {
    condition     = length(var.balancer_ports) >= 1 && alltrue([for p in var.balancer_ports : p >= 1 && p <= 65535 && floor(p) == p])
    error_message = "balancer_ports: at least one port from 1 to 65535."
  }
}

variable "user_cidr_blocks" {
  description = "Who may reach the load balancer. An accelerator preserves users' addresses, so behind one this must be everybody."
  type        = set(string)
  default     = ["0.0.0.0/0"]
  validation {
    condition     = length(var.user_cidr_blocks) >= 1 && alltrue([for c in var.user_cidr_blocks : can(cidrhost(c, 0))])
    error_message = "user_cidr_blocks: at least one address range such as 0.0.0.0/0."
  }
}

variable "flow_log_days" {
  description = "How long flow logs of the VPC are kept; 0: no flow logs."
  type        = number
  default     = 30
  validation {
    condition     = contains([0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.flow_log_days)
    error_message = "flow_log_days: ${var.flow_log_days} isn't 0 and no period CloudWatch Logs offers (7, 14, 30, 60, 90, 120, 180, 365, ...)."
  }
}

variable "kms_key_arn" {
  description = "Key of this region that encrypts the flow logs; null: the default encryption of CloudWatch Logs. The key's policy must admit logs.<region>.amazonaws.com."
  type        = string
  default     = null
  validation {
    condition     = var.kms_key_arn == null || can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.kms_key_arn))
    error_message = "kms_key_arn: must be a key's ARN."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role that writes flow logs, if the account requires one."
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
