# Where services speak and listen, and what their roles need.

output "topic_arns" {
  description = "The topics: primary and recovery, each by name. Pass a service the one of its region as a parameter."
  value       = { primary = { for t, r in aws_sns_topic.primary : t => r.arn }, recovery = { for t, r in aws_sns_topic.recovery : t => r.arn } }
}

output "queue_urls" {
  description = "The subscribers' queues: primary and recovery, each by <topic>-<subscriber>."
  value       = { primary = { for q, r in aws_sqs_queue.primary : q => r.url }, recovery = { for q, r in aws_sqs_queue.recovery : q => r.url } }
}

output "dead_letter_queue_urls" {
  description = "The dead-letter queues: primary and recovery, each by <topic>-<subscriber>."
  value       = { primary = { for q, r in aws_sqs_queue.primary_dead_letters : q => r.url }, recovery = { for q, r in aws_sqs_queue.recovery_dead_letters : q => r.url } }
}

output "publisher_policies" {
  description = "What a role needs to publish, by topic, for both regions; for a fleet's `policies`."
  value = { for t in keys(var.topics) : t => jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid      = "Publish"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = [for side in ["primary", "recovery"] : local.topic_arns[side][t]]
      }],
      [for arns in [compact(values(var.kms_key_arns))] : {
        Sid      = "Keys"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = arns
      } if length(arns) > 0],
    )
  }) }
}

output "subscriber_policies" {
  description = "What a role needs to process its queue, by <topic>-<subscriber>, for both regions; for a fleet's `policies`."
  value = { for q in keys(local.queues) : q => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WorkOff"
      Effect   = "Allow"
      Action   = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
      Resource = [for side in ["primary", "recovery"] : local.queue_arns[side][q]]
    }]
  }) }
}
