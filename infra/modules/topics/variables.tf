# What the topics of one region need to know. modules/orchestrator calls this and checks the values.

variable "name" {
  description = "Name of the plan, and the prefix of the topics."
  type        = string
}

variable "region" {
  description = "The region of the provider."
  type        = string
}

variable "partition" {
  description = "The partition of the region."
  type        = string
}

variable "account" {
  description = "The account that the topics are in."
  type        = string
}

variable "alarm_account" {
  description = "The account of the workload's alarms in this region; often the same."
  type        = string
}

variable "publisher_arns" {
  description = "Roles that may publish notices here: those of the functions that run in this region. The other services' alarms need none."
  type        = list(string)
}

variable "notice_emails" {
  description = "E-mail addresses that receive notices."
  type        = list(string)
}

variable "dead_letter_arn" {
  description = "Queue of this region for notices that no address took."
  type        = string
}

variable "kms_key_arn" {
  description = "Customer key for both topics. null: SNS's own encryption."
  type        = string
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
}
