# What applications, distributions and dashboards need to know.

output "names" {
  description = "The buckets' names: primary and recovery, each by bucket."
  value       = { primary = { for k, b in aws_s3_bucket.primary : k => b.id }, recovery = { for k, b in aws_s3_bucket.recovery : k => b.id } }
}

output "arns" {
  description = "The buckets' ARNs: primary and recovery, each by bucket."
  value       = local.arns
}

output "domain_names" {
  description = "The buckets' regional names, for a distribution's origins: primary and recovery, each by bucket."
  value       = { primary = { for k, b in aws_s3_bucket.primary : k => b.bucket_regional_domain_name }, recovery = { for k, b in aws_s3_bucket.recovery : k => b.bucket_regional_domain_name } }
}

output "kms_key_arns" {
  description = "The keys in use. An application's role needs kms:Decrypt and kms:GenerateDataKey on the key of its region."
  value       = local.kms_key_arns
}

output "replication_role_arn" {
  description = "The role that replicates."
  value       = aws_iam_role.replication.arn
}
