# What applications, distributions and dashboards need to know.

output "names" {
  description = "The buckets' names: primary and recovery, each by bucket."
  value       = { primary = module.primary.names, recovery = module.recovery.names }
}

output "arns" {
  description = "The buckets' ARNs: primary and recovery, each by bucket."
  value       = { primary = module.primary.arns, recovery = module.recovery.arns }
}

output "domain_names" {
  description = "The buckets' regional names, for a distribution's origins: primary and recovery, each by bucket."
  value       = { primary = module.primary.domain_names, recovery = module.recovery.domain_names }
}

output "kms_key_arns" {
  description = "The keys in use. An application's role needs kms:Decrypt and kms:GenerateDataKey on the key of its region."
  value       = { primary = module.primary.kms_key_arn, recovery = module.recovery.kms_key_arn }
}

output "replication_role_arn" {
  description = "The role that replicates."
  value       = aws_iam_role.replication.arn
}
