# Where images are pushed and pulled, and who may push.

output "urls" {
  description = "URLs of each repository: primary and recovery; for a fleet's `containers`."
  value       = { for r in var.repositories : r => { primary = aws_ecr_repository.primary[r].repository_url, recovery = aws_ecr_repository.recovery[r].repository_url } }
}

output "arns" {
  description = "ARNs of each repository: primary and recovery; for a fleet's `repository_arns`."
  value       = { for r in var.repositories : r => { primary = aws_ecr_repository.primary[r].arn, recovery = aws_ecr_repository.recovery[r].arn } }
}
