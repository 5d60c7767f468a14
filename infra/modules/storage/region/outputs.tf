# What the storage module needs of each region.

output "names" {
  description = "The buckets' names, by bucket."
  value       = { for k, b in aws_s3_bucket.this : k => b.id }
}

output "arns" {
  description = "The buckets' ARNs, by bucket."
  value       = local.arns
  # S3 replicates only to a bucket that keeps versions.
  depends_on = [aws_s3_bucket_versioning.this]
}

output "domain_names" {
  description = "The buckets' regional names, by bucket."
  value       = { for k, b in aws_s3_bucket.this : k => b.bucket_regional_domain_name }
}

output "kms_key_arn" {
  description = "The key in use; null: no bucket needs one."
  value       = local.kms_key_arn
}

output "copies" {
  description = "Where each bucket's objects are copied to, and the key of the copies; by bucket."
  value = { for k, replication in aws_s3_bucket_replication_configuration.this : k => {
    bucket_arn  = replication.rule[0].destination[0].bucket
    kms_key_arn = one(replication.rule[0].destination[0].encryption_configuration[*].replica_kms_key_id)
  } }
}

output "policies" {
  description = "The buckets' policies, by bucket."
  value       = { for k, p in aws_s3_bucket_policy.this : k => p.policy }
}
