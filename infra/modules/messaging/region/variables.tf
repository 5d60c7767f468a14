# What the messaging module passes to each region. It has checked the values.

variable "name" {
  description = "Prefix of topics and queues."
  type        = string
}

variable "place" {
  description = "Where topics and queues are; their ARNs hold it."
  type        = object({ partition = string, account = string, region = string })
}

variable "topics" {
  description = "The topics' names."
  type        = set(string)
}

variable "queues" {
  description = "The subscribers' queues, by <topic>-<subscriber>: the topic of each, and its settings as in the messaging module."
  type = map(object({
    topic              = string
    visibility_seconds = number
    receives_max       = number
    retention_seconds  = number
  }))
}

variable "kms_key_arn" {
  description = "Key of this region that encrypts the topics; null: AWS's key aws/sns."
  type        = string
}

variable "alarm_topic_arns" {
  description = "Topics of this region that receive an alarm when a dead-letter queue has messages."
  type        = list(string)
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
}
