# Where services speak and listen, and what their roles need.

output "topic_arns" {
  description = "The topics: primary and recovery, each by name. Pass a service the one of its region as a parameter."
  value       = { primary = module.primary.topic_arns, recovery = module.recovery.topic_arns }
}

output "queue_urls" {
  description = "The subscribers' queues: primary and recovery, each by <topic>-<subscriber>."
  value       = { primary = module.primary.queue_urls, recovery = module.recovery.queue_urls }
}

output "dead_letter_queue_urls" {
  description = "The dead-letter queues: primary and recovery, each by <topic>-<subscriber>."
  value       = { primary = module.primary.dead_letter_queue_urls, recovery = module.recovery.dead_letter_queue_urls }
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
        Resource = [module.primary.topic_arns[t], module.recovery.topic_arns[t]]
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
      Resource = [module.primary.queue_arns[q], module.recovery.queue_arns[q]]
    }]
  }) }
}
