# Where the site is, and where it is put.

output "domain_name" {
  description = "The distribution's name; null without one."
  value       = one(aws_cloudfront_distribution.this[*].domain_name)
}

output "zone_id" {
  description = "The hosted zone of that name, for an alias record."
  value       = one(aws_cloudfront_distribution.this[*].hosted_zone_id)
}

output "distribution_id" {
  description = "The distribution, for invalidations after a delivery."
  value       = one(aws_cloudfront_distribution.this[*].id)
}

output "distribution_arn" {
  description = "Its ARN."
  value       = one(aws_cloudfront_distribution.this[*].arn)
}

output "bucket_names" {
  description = "The buckets: primary and recovery. A delivery writes to one that answers, and replication copies it to the other."
  value       = { primary = module.storage.names.primary["site"], recovery = module.storage.names.recovery["site"] }
}

output "bucket_arns" {
  description = "Their ARNs."
  value       = { primary = module.storage.arns.primary["site"], recovery = module.storage.arns.recovery["site"] }
}
