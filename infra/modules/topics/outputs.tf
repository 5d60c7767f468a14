# What guards and users need of a region's topics.

output "arns" {
  description = "ARNs of the topics: signals and notices."
  value       = { signals = aws_sns_topic.signals.arn, notices = aws_sns_topic.notices.arn }
}

output "notices_arn" {
  description = "ARN of the notices topic, once its policy admits who publishes."
  value       = aws_sns_topic.notices.arn
  depends_on  = [aws_sns_topic_policy.notices]
}
