# Alarms about the orchestrator itself. They tell people, by the notices topic of their own region.

resource "aws_cloudwatch_metric_alarm" "detector_silent" {
  provider = aws.own

  alarm_name          = "${var.name}-detector-silent"
  alarm_description   = "${local.function_names["alarm-handler"]} was not invoked for ${var.silence_minutes} minutes, so Pilotlight does not watch the plan ${var.name}."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = local.function_names["alarm-handler"] }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = var.silence_minutes
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching" # a function that isn't invoked sends no data at all
  alarm_actions       = [var.topics[var.seat].notices]
  ok_actions          = [var.topics[var.seat].notices]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "unready" {
  provider = aws.own

  alarm_name          = "${var.name}-unready"
  alarm_description   = "A failover of the plan ${var.name} might fail: for ${var.unready_minutes} minutes a readiness check was not ready or unknown, or no check ran. To see which, run the command readiness."
  namespace           = local.metrics_namespace
  metric_name         = "UnreadyChecks"
  dimensions          = { Plan = var.name }
  statistic           = "Minimum" # one pass of a period that finds everything ready is enough
  period              = 1800      # a pass comes every half hour
  evaluation_periods  = var.unready_minutes / 30
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "breaching" # no pass, nothing known, and unknown is never ready
  alarm_actions       = [var.topics[var.seat].notices]
  ok_actions          = [var.topics[var.seat].notices]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "attention" {
  provider = aws.own

  alarm_name          = "${var.name}-attention"
  alarm_description   = "The plan ${var.name} needs a person: 1 a veto blocks evidence of a loss, 2 something waits for a person, 3 needs an operator. The command status shows the reason, and the last notice has the command to run."
  namespace           = local.metrics_namespace
  metric_name         = "Attention"
  dimensions          = { Plan = var.name }
  statistic           = "Maximum"
  period              = 300 # every minute while somebody is needed, every five while nobody is
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1        # under a veto too: two witnesses say that users are not served
  treat_missing_data  = "ignore" # whoever was needed still is; that nobody ticks has its own alarm
  alarm_actions       = [var.topics[var.seat].notices]
  ok_actions          = [var.topics[var.seat].notices]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  # What a keeper can't do is an error of its own, and nobody else would notice it. A readiness pass that fails has two alarms as it is: it
  # sends no figure, and its invocation ends in its dead-letter queue.
  for_each = setunion(var.error_alarm_functions, local.keepers)
  provider = aws.own

  alarm_name        = "${local.function_names[each.value]}-errors"
  alarm_description = contains(local.keepers, each.value) ? "${local.function_names[each.value]} failed within the last hour." : "${local.function_names[each.value]} failed in three of the last five minutes."
  namespace         = "AWS/Lambda"
  metric_name       = "Errors"
  dimensions        = { FunctionName = local.function_names[each.value] }
  statistic         = "Sum"
  # A keeper comes every few minutes only, and one failure of it leaves something to a person.
  period              = contains(local.keepers, each.value) ? 3600 : 60
  evaluation_periods  = contains(local.keepers, each.value) ? 1 : 5
  datapoints_to_alarm = contains(local.keepers, each.value) ? 1 : 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching" # no invocation, no error; silence has its own alarm
  alarm_actions       = [var.topics[var.seat].notices]
  ok_actions          = [var.topics[var.seat].notices]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = local.functions
  provider = aws.own

  alarm_name          = aws_sqs_queue.dead_letters[each.key].name
  alarm_description   = "Messages for ${local.function_names[each.key]} could not be delivered or handled. The queue of the same name holds them."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters[each.key].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching" # a queue without traffic sends no data
  alarm_actions       = [var.topics[var.seat].notices]
  ok_actions          = [var.topics[var.seat].notices]
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "signals_dead_letters" {
  provider = aws.other

  alarm_name          = aws_sqs_queue.signals_other.name
  alarm_description   = "Events from ${local.other_region} (an alarm, an RDS failover or a parameter change) could not be delivered to ${local.own_region}. The queue of the same name holds them."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.signals_other.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.topics[local.other].notices]
  ok_actions          = [var.topics[local.other].notices]
  tags                = var.tags
}
