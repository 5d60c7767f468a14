# What the messaging module needs of each region.

output "topic_arns" {
  description = "The topics, by name."
  value       = local.topic_arns
  depends_on  = [aws_sns_topic_policy.this]
}

output "queue_arns" {
  description = "The subscribers' queues, by <topic>-<subscriber>."
  value       = local.queue_arns
}

output "queue_urls" {
  description = "The subscribers' queues, by <topic>-<subscriber>."
  value       = { for q, r in aws_sqs_queue.this : q => r.url }
}

output "dead_letter_queue_urls" {
  description = "The dead-letter queues, by <topic>-<subscriber>."
  value       = { for q, r in aws_sqs_queue.dead_letters : q => r.url }
}

output "alarm_actions" {
  description = "Whom the alarm of each dead-letter queue notifies, by <topic>-<subscriber>."
  value       = { for q, r in aws_cloudwatch_metric_alarm.dead_letters : q => r.alarm_actions }
}
