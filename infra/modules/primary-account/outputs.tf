# What an audit asks for.

output "role_arn" {
  description = "The role that the function ssm-replicator assumes in this account."
  value       = aws_iam_role.primary_region.arn
}

output "sender_role_arn" {
  description = "The role with which EventBridge sends parameter changes."
  value       = aws_iam_role.sender.arn
}

output "dead_letter_queue_url" {
  description = "Queue of parameter changes that could not be delivered."
  value       = aws_sqs_queue.dead_letters.url
}
