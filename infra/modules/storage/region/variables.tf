# What the storage module passes to each region. It has checked the values.

variable "name" {
  description = "Prefix of the buckets' names."
  type        = string
}

variable "place" {
  description = "Where the buckets are; names and ARNs hold it."
  type        = object({ partition = string, account = string, region = string })
}

variable "buckets" {
  description = "The buckets, by name, as in the storage module."
  type = map(object({
    old_versions_days = number
    infrequent_days   = number
    expire_days       = number
    in_15_minutes     = bool
    customer_key      = bool
  }))
}

variable "readers" {
  description = "CloudFront distributions that read a bucket's objects, by bucket: its ARN."
  type        = map(string)
}

variable "creates_key" {
  description = "Whether the module creates the key of this region."
  type        = bool
}

variable "kms_key_arn" {
  description = "Key of this region that encrypts the objects, unless the module creates it; null: no bucket needs one."
  type        = string
}

variable "log_bucket" {
  description = "Bucket of this region for the access logs; null: no access logs."
  type        = object({ name = string })
}

variable "replica" {
  description = "The other region: its buckets' ARNs, by bucket, and its key."
  type        = object({ bucket_arns = map(string), kms_key_arn = string })
}

variable "replication_role" {
  description = "Role that replicates, and the id of its policy: replication is configured once the role may replicate."
  type        = object({ arn = string, policy_id = string })
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
}
