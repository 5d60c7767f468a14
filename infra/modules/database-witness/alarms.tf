# Who notices when the witness fails. Without a topic the alarms are there to be looked at, and notify nobody.

locals {
  alarm_actions = var.alarm_topic_arn[*]
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  alarm_name          = "${local.function_name}-errors"
  alarm_description   = "${local.function_name} failed in three of the last five minutes. Its log says why."
  namespace           = "AWS/Lambda"
  metric_name         = "Errors"
  dimensions          = { FunctionName = local.function_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching" # no invocation, no error; silence has its own alarm
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = local.tags
}

# Only with a schedule: without one, nothing but a guard's look invokes the function.
resource "aws_cloudwatch_metric_alarm" "silent" {
  count = local.beats

  alarm_name          = "${local.function_name}-silent"
  alarm_description   = "${local.function_name} was not invoked for 5 minutes, so nobody writes heartbeats into the databases of this side."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = local.function_name }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching" # a function that isn't invoked sends no data at all
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = aws_sqs_queue.dead_letters.name
  alarm_description   = "Heartbeats of ${local.function_name} could not be delivered or written. The queue of the same name holds them."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching" # a queue without traffic sends no data
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = local.tags
}
