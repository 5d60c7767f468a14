# What may differ between two sets of channels.

variable "name" {
  description = "Prefix of topics and queues."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,21}[a-z0-9]$", var.name))
    error_message = "name: 3 to 23 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

variable "regions" {
  description = "The region that serves users today and the region that takes over. They must be the regions of the providers aws.primary and aws.recovery."
  type        = object({ primary = string, recovery = string })
  validation {
    condition     = var.regions.primary != var.regions.recovery
    error_message = "regions: recovery and primary are both '${var.regions.primary}'."
  }
  validation {
    condition     = data.aws_region.primary.id == var.regions.primary && data.aws_region.recovery.id == var.regions.recovery
    error_message = "The providers aws.primary and aws.recovery work in ${data.aws_region.primary.id} and ${data.aws_region.recovery.id}, but var.regions says ${var.regions.primary} and ${var.regions.recovery}."
  }
}

variable "topics" {
  description = <<-TEXT
    The topics, by name, and their subscribers. Each subscriber has its own queue in each region.
      subscribers          by name
      visibility_seconds   how long a message stays hidden from others while a consumer processes it
      receives_max         number of attempts before a message goes to the dead-letter queue
      retention_seconds    how long a message waits for a subscriber
  TEXT
  type = map(object({
    subscribers = map(object({
      visibility_seconds = optional(number, 60)
      receives_max       = optional(number, 5)
      retention_seconds  = optional(number, 1209600)
    }))
  }))
  validation {
    condition     = length(var.topics) >= 1 && alltrue(flatten([for t, topic in var.topics : [for n in concat([t], keys(topic.subscribers)) : can(regex("^[a-z][a-z0-9-]{0,18}[a-z0-9]$", n))]]))
    error_message = "topics: at least one; topics and subscribers have names of 2 to 20 characters, a-z, 0-9 and '-'."
  }
  validation {
    condition     = alltrue(flatten([for topic in values(var.topics) : [for s in values(topic.subscribers) : s.visibility_seconds >= 1 && s.visibility_seconds <= 43200 && s.receives_max >= 1 && s.receives_max <= 1000 && s.retention_seconds >= 60 && s.retention_seconds <= 1209600]]))
    error_message = "topics: visibility_seconds from 1 to 43200, receives_max from 1 to 1000, retention_seconds from 60 to 1209600 (14 days)."
  }
}

variable "kms_key_arns" {
  description = "Keys that encrypt the topics, one in each region; null: AWS's key aws/sns. Queues are encrypted by SQS itself."
  type        = object({ primary = optional(string), recovery = optional(string) })
  default     = {}
}

variable "alarm_topic_arns" {
  description = "Topics of each region that receive an alarm when a dead-letter queue has messages. Use topics for people, not the orchestrator's signals topics."
  type        = object({ primary = optional(list(string), []), recovery = optional(list(string), []) })
  default     = {}
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
