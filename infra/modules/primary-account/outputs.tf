# What an audit asks for.

output "role_arn" {
  description = "The role that the function ssm-replicator takes here."
  value       = aws_iam_role.primary_region.arn
}

output "sender_role_arn" {
  description = "The role that EventBridge sends changes of parameters with."
  value       = aws_iam_role.sender.arn
}

output "dead_letter_queue_url" {
  description = "Queue that holds changes of parameters that could not be sent."
  value       = aws_sqs_queue.dead_letters.url
}
