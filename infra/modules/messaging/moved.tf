# Where a state from before each region had a module of its own keeps its resources: nothing is destroyed or replaced.

moved {
  from = aws_sns_topic.primary
  to   = module.primary.aws_sns_topic.this
}

moved {
  from = aws_sns_topic_policy.primary
  to   = module.primary.aws_sns_topic_policy.this
}

moved {
  from = aws_sqs_queue.primary
  to   = module.primary.aws_sqs_queue.this
}

moved {
  from = aws_sqs_queue.primary_dead_letters
  to   = module.primary.aws_sqs_queue.dead_letters
}

moved {
  from = aws_sqs_queue_policy.primary
  to   = module.primary.aws_sqs_queue_policy.this
}

moved {
  from = aws_sqs_queue_policy.primary_dead_letters
  to   = module.primary.aws_sqs_queue_policy.dead_letters
}

moved {
  from = aws_sns_topic_subscription.primary
  to   = module.primary.aws_sns_topic_subscription.this
}

moved {
  from = aws_cloudwatch_metric_alarm.primary_dead_letters
  to   = module.primary.aws_cloudwatch_metric_alarm.dead_letters
}

moved {
  from = aws_sns_topic.recovery
  to   = module.recovery.aws_sns_topic.this
}

moved {
  from = aws_sns_topic_policy.recovery
  to   = module.recovery.aws_sns_topic_policy.this
}

moved {
  from = aws_sqs_queue.recovery
  to   = module.recovery.aws_sqs_queue.this
}

moved {
  from = aws_sqs_queue.recovery_dead_letters
  to   = module.recovery.aws_sqs_queue.dead_letters
}

moved {
  from = aws_sqs_queue_policy.recovery
  to   = module.recovery.aws_sqs_queue_policy.this
}

moved {
  from = aws_sqs_queue_policy.recovery_dead_letters
  to   = module.recovery.aws_sqs_queue_policy.dead_letters
}

moved {
  from = aws_sns_topic_subscription.recovery
  to   = module.recovery.aws_sns_topic_subscription.this
}

moved {
  from = aws_cloudwatch_metric_alarm.recovery_dead_letters
  to   = module.recovery.aws_cloudwatch_metric_alarm.dead_letters
}
