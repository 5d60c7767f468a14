# What may differ between two fleets.

variable "name" {
  description = "Name of the fleet, prefix of everything this module creates; also the role's, so unique in the account."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}[a-z0-9]$", var.name))
    error_message = "name: 3 to 31 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

variable "item" {
  description = "Name of the fleet in the orchestrator's plan; null: name."
  type        = string
  default     = null
}

variable "regions" {
  description = "The region that serves users today and the region that takes over. They must be the regions of the providers aws.primary and aws.recovery."
  type        = object({ primary = string, recovery = string })
  validation {
    condition     = var.regions.primary != var.regions.recovery
    error_message = "regions: recovery and primary are both '${var.regions.primary}'."
  }
}

# --- The machine ----------------------------------------------------------------------------------------------

variable "image" {
  description = <<-TEXT
    The machine image: either made_from an instance of the primary region and copied to the recovery region, or an existing image in each region.
      instance_id            the instance
      version                raise it to create a new image from the instance's current state
      reboot                 whether the instance stops briefly, so that its file systems are consistent
      recovery_kms_key_arn   key of the recovery region that encrypts the copy, whose policy must contain the output key_policy_statements; null: aws/ebs
      primary, recovery      ids of existing images
  TEXT
  type = object({
    made_from = optional(object({
      instance_id          = string
      version              = optional(number, 1)
      reboot               = optional(bool, false)
      recovery_kms_key_arn = optional(string)
    }))
    given = optional(object({ primary = string, recovery = string }))
  })
  validation {
    condition     = (var.image.made_from == null) != (var.image.given == null)
    error_message = "image: either made_from or given. An image lives in one region: without one of its own the recovery region can start nothing."
  }
}

variable "instance_types" {
  description = "Instance types that fit the image, the preferred one first. Name several: AWS does not guarantee capacity when all users of a region move."
  type        = list(string)
  default     = ["t4g.small", "t4g.medium", "m6g.medium"]
  validation {
    condition     = length(var.instance_types) >= 1 && length(var.instance_types) <= 20 && alltrue([for t in var.instance_types : can(regex("^[a-z0-9-]+[.][a-z0-9-]+$", t))]) && length(distinct(var.instance_types)) == length(var.instance_types)
    error_message = "instance_types: 1 to 20 different types such as t4g.small."
  }
}

variable "root_volume_gb" {
  description = "Size of the root volume."
  type        = number
  default     = 20
  validation {
    condition     = var.root_volume_gb >= 8 && var.root_volume_gb <= 16384
    error_message = "root_volume_gb: ${var.root_volume_gb}; from 8 to 16384."
  }
}

variable "root_device_name" {
  description = "Name of the root device in the image: /dev/xvda for Amazon Linux, /dev/sda1 for Ubuntu and others."
  type        = string
  default     = "/dev/xvda"
  validation {
    condition     = startswith(var.root_device_name, "/dev/")
    error_message = "root_device_name: '${var.root_device_name}' doesn't begin with /dev/."
  }
}

variable "public_key" {
  description = "OpenSSH public key for a key pair with the same name in both regions. null: no key; Session Manager needs none."
  type        = string
  default     = null
  validation {
    condition     = var.public_key == null || can(regex("^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp256) [A-Za-z0-9+/=]+", var.public_key))
    error_message = "public_key: must be an OpenSSH public key (ssh-ed25519 AAAA...), never a private one."
  }
}

variable "session_manager" {
  description = "Whether people may open a Session Manager session on an instance, if their own policies allow it."
  type        = bool
  default     = true
}

# --- Where it stands ------------------------------------------------------------------------------------------

variable "subnet_ids" {
  description = "Subnets of the instances in each region, in two zones at least."
  type        = object({ primary = list(string), recovery = list(string) })
  validation {
    condition     = length(var.subnet_ids.primary) >= 2 && length(var.subnet_ids.recovery) >= 2
    error_message = "subnet_ids: ${length(var.subnet_ids.primary)} in the primary and ${length(var.subnet_ids.recovery)} in the recovery region; two zones at least in each."
  }
}

variable "security_group_ids" {
  description = "Security groups of the instances in each region."
  type        = object({ primary = list(string), recovery = list(string) })
  validation {
    condition     = length(var.security_group_ids.primary) >= 1 && length(var.security_group_ids.recovery) >= 1
    error_message = "security_group_ids: at least one in each region; without, the VPC's default group is taken."
  }
}

variable "target_group_arns" {
  description = "Target groups in which the instances become healthy, in each region."
  type        = object({ primary = list(string), recovery = list(string) })
  validation {
    condition     = length(var.target_group_arns.primary) >= 1 && length(var.target_group_arns.recovery) >= 1
    error_message = "target_group_arns: at least one in each region, or a failover could not tell when the fleet can serve."
  }
}

# --- How many -------------------------------------------------------------------------------------------------

variable "capacity" {
  description = "Size of the fleet while a region serves. A failover scales the recovery region to it."
  type        = object({ min = number, desired = number, max = number })
  default     = { min = 2, desired = 2, max = 4 }
  validation {
    condition     = 1 <= var.capacity.min && var.capacity.min <= var.capacity.desired && var.capacity.desired <= var.capacity.max && alltrue([for c in values(var.capacity) : floor(c) == c])
    error_message = "capacity: whole numbers with 1 <= min <= desired <= max (${var.capacity.min}, ${var.capacity.desired}, ${var.capacity.max})."
  }
}

variable "standby" {
  description = "How many instances run in the recovery region while it waits: 0 is a pilot light, more is a warm standby."
  type        = number
  default     = 0
  validation {
    condition     = var.standby >= 0 && var.standby <= var.capacity.max && floor(var.standby) == var.standby
    error_message = "standby: ${var.standby}; a whole number from 0 to capacity.max (${var.capacity.max})."
  }
}

variable "healthy_targets_min" {
  description = "How many healthy targets the fleet needs before traffic opens; null: capacity.desired."
  type        = number
  default     = null
  validation {
    condition     = var.healthy_targets_min == null || try(var.healthy_targets_min >= 1 && var.healthy_targets_min <= var.capacity.desired && floor(var.healthy_targets_min) == var.healthy_targets_min, false)
    error_message = "healthy_targets_min: a whole number from 1 to capacity.desired (${var.capacity.desired}), or null."
  }
}

variable "cpu_percent_target" {
  description = "Target CPU utilisation: the fleets start and end instances to hold it. null: they keep their size."
  type        = number
  default     = 50
  validation {
    condition     = var.cpu_percent_target == null || try(var.cpu_percent_target >= 10 && var.cpu_percent_target <= 90, false)
    error_message = "cpu_percent_target: from 10 to 90, or null."
  }
}

variable "health_check_types" {
  description = "When a group replaces an instance. EC2: when the machine itself fails. ELB: also when its target group reports it unhealthy, which happens to all instances at once while a database is down. A recovery fleet starts before its database is promoted, so with ELB it needs grace_seconds of 1800, the deadline of a promotion."
  type        = object({ primary = optional(string, "EC2"), recovery = optional(string, "EC2") })
  default     = {}
  validation {
    condition     = alltrue([for type in values(var.health_check_types) : contains(["EC2", "ELB"], type)])
    error_message = "health_check_types: '${var.health_check_types.primary}' and '${var.health_check_types.recovery}'; each is EC2 or ELB."
  }
  validation {
    condition     = var.health_check_types.recovery != "ELB" || var.grace_seconds >= 1800
    error_message = "health_check_types: with ELB in the recovery region grace_seconds (${var.grace_seconds}) must be 1800 at least, a promotion's deadline; else servers that wait for their database are ended and started again and again."
  }
}

variable "grace_seconds" {
  description = "How long a new instance has before a health check can end it."
  type        = number
  default     = 180
  validation {
    condition     = var.grace_seconds >= 0 && var.grace_seconds <= 7200
    error_message = "grace_seconds: ${var.grace_seconds}; from 0 to 7200."
  }
}

# --- What it runs ---------------------------------------------------------------------------------------------

variable "containers" {
  description = <<-TEXT
    The application: services of a docker-compose file, by name. Empty: the image starts its application itself.
      image          URL of the image in each region, without a tag: use the region's own registry, or a failover waits for the lost region's
      tag            the tag to run; or
      tag_parameter  the Parameter Store name that holds the tag, the same in both regions, read whenever the application starts
      port           port of the container that the instance answers on; host_port if that differs
      command        replaces the image's own
      environment    plain settings; secrets come from parameters
  TEXT
  type = map(object({
    image         = object({ primary = string, recovery = string })
    tag           = optional(string)
    tag_parameter = optional(string)
    port          = optional(number)
    host_port     = optional(number)
    command       = optional(list(string))
    environment   = optional(map(string), {})
  }))
  default = {}
  validation {
    condition     = alltrue([for k in keys(var.containers) : can(regex("^[a-z][a-z0-9_]{0,29}$", k))])
    error_message = "containers: a name has 1 to 30 characters, a-z, 0-9 and '_', beginning with a letter."
  }
  validation {
    condition     = alltrue([for c in values(var.containers) : (c.tag == null) != (c.tag_parameter == null)])
    error_message = "containers: each needs either tag or tag_parameter."
  }
  validation {
    condition     = alltrue(flatten([for c in values(var.containers) : [for url in values(c.image) : can(regex("^[a-z0-9.:/_-]+$", url)) && !can(regex(":[^/]*$", url))]]))
    error_message = "containers: image is a URL without tag and digest, such as 123456789012.dkr.ecr.eu-south-1.amazonaws.com/shop/web."
  }
  validation {
    condition     = alltrue([for c in values(var.containers) : c.tag_parameter == null || can(regex("^(/[A-Za-z0-9_.-]+)+$", c.tag_parameter))])
    error_message = "containers: tag_parameter begins with '/' and holds A-Z, a-z, 0-9, '_', '.', '-' between slashes."
  }
  validation {
    condition     = alltrue([for c in values(var.containers) : alltrue([for k in keys(c.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", k))]) && (c.port != null || c.host_port == null)])
    error_message = "containers: environment takes names of A-Z, a-z, 0-9 and '_'; host_port needs port."
  }
}

variable "parameters" {
  description = "What the containers get in their environment from Parameter Store: a prefix of the variable's name, and the path to read. { \"DATABASE_\" = \"/shop/database/orders\" } sets DATABASE_HOST from /shop/database/orders/host. The paths must exist in both regions."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for prefix, path in var.parameters : can(regex("^([A-Z][A-Z0-9_]*)?$", prefix)) && can(regex("^(/[A-Za-z0-9_.-]+){1,14}$", path))])
    error_message = "parameters: a prefix holds A-Z, 0-9 and '_'; a path begins with '/' and doesn't end with it."
  }
}

variable "compose_plugin" {
  description = "Where an image without Docker Compose downloads the plugin: a URL and its SHA-256 for each region, best in a bucket of that region. null: the image has the plugin, and an instance without it fails loudly. A download from elsewhere is one more dependency that can fail during a failover."
  type = object({
    primary  = object({ url = string, sha256 = string })
    recovery = object({ url = string, sha256 = string })
  })
  default = null
  validation {
    condition     = var.compose_plugin == null || try(alltrue([for p in values(var.compose_plugin) : startswith(p.url, "https://") && can(regex("^[0-9a-f]{64}$", p.sha256))]), false)
    error_message = "compose_plugin: each needs an https url and a sha256 of 64 hexadecimal digits."
  }
}

variable "containers_use_role" {
  description = "Whether containers may use the instances' role (one more hop to the metadata service), for queues and buckets."
  type        = bool
  default     = false
}

variable "log_retention_days" {
  description = "How long the containers' logs are kept."
  type        = number
  default     = 30
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: ${var.log_retention_days} isn't a period CloudWatch Logs offers (7, 14, 30, 60, 90, 120, 180, 365, ...)."
  }
}

# --- What it may do -------------------------------------------------------------------------------------------

variable "repository_arns" {
  description = "ECR repositories of both regions that images are pulled from."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for a in var.repository_arns : can(regex("^arn:aws[a-z-]*:ecr:[a-z0-9-]+:[0-9]{12}:repository/[^*?]+$", a))])
    error_message = "repository_arns: must be ARNs of repositories, without '*' and '?'."
  }
}

variable "parameter_key_arns" {
  description = "Keys of both regions that encrypt the secure parameters it reads."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for a in var.parameter_key_arns : can(regex("^arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[^*?]+$", a))])
    error_message = "parameter_key_arns: must be keys' ARNs."
  }
}

variable "policies" {
  description = "Further permissions of the application: policy documents (JSON) by name, for the resources of both regions."
  type        = map(string)
  default     = {}
  validation {
    condition     = alltrue([for p in values(var.policies) : can(jsondecode(p).Statement)])
    error_message = "policies: each must be a policy document in JSON."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the instances' role, if the account requires one."
  type        = string
  default     = null
  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn: must be a policy's ARN."
  }
}

variable "log_key_arns" {
  description = "Keys that encrypt the logs, one in each region; null: the default encryption of CloudWatch Logs."
  type        = object({ primary = optional(string), recovery = optional(string) })
  default     = {}
}

variable "tags" {
  description = "Tags for everything this module creates, including instances."
  type        = map(string)
  default     = {}
}
