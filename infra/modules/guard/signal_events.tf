# How signals come by EventBridge: from the other region by the own region's bus, and from there to alarm-handler. A rule
# invokes functions of its own region only, and a topic that keeps everybody else out takes nothing from EventBridge.
#
# CloudWatch says every change of an alarm's state here too, whatever the alarm's actions are. That is a second way beside the
# signals topics: one lost message, one topic's policy that somebody broke, one key of a topic costs no failover. What comes
# twice is one signal: of an alarm the newest change counts.

locals {
  # A pattern holds 2048 characters at most; an alarm's ARN has up to 320. In both regions all alarms: which region an alarm is
  # of stands in its ARN, and on a first apply no ARN is known.
  alarm_events = { for i, chunk in var.alarm_events ? chunklist(local.watched_alarms, 5) : [] : tostring(i) => {
    source      = ["aws.cloudwatch"]
    detail-type = ["CloudWatch Alarm State Change"]
    resources   = chunk
  } }
  # Events of the other region's account, where it is another one, don't reach its neighbour's rules: there SNS alone speaks.
  alarm_events_other = !local.has_two_accounts ? local.alarm_events : {}

  # An older change than the plan takes starts nothing. EventBridge keeps an event for a minute at least.
  signal_event_seconds_max = max(60, var.signal_age_seconds_max)

  # The rules of the other region that send to the bus.
  sending_rule_arns = concat(
    [for key in keys(local.zone_failovers) : "${local.other_rule_arn_prefix}zone-failovers-${key}"],
    [for key in keys(local.alarm_events_other) : "${local.other_rule_arn_prefix}alarms-${key}"],
  )
}

resource "aws_cloudwatch_event_rule" "alarms_other" {
  for_each = local.alarm_events_other
  provider = aws.other

  name          = "${local.prefix}-alarms-${each.key}"
  description   = "Sends each change of the plan ${var.name}'s alarms to ${local.own_region}."
  event_pattern = jsonencode(each.value)
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "alarms_other" {
  for_each = local.alarm_events_other
  provider = aws.other

  rule      = aws_cloudwatch_event_rule.alarms_other[each.key].name
  target_id = "${var.seat}-bus"
  arn       = local.event_bus_arn
  role_arn  = aws_iam_role.signal_events[0].arn

  retry_policy {
    maximum_event_age_in_seconds = local.signal_event_seconds_max
    maximum_retry_attempts       = 10
  }
  dead_letter_config {
    arn = aws_sqs_queue.signals_other.arn
  }

  depends_on = [aws_iam_role_policy.signal_events, aws_sqs_queue_policy.signals_other, aws_cloudwatch_event_target.alarms]
}

# Alarms of this region, and what the other region's rule has sent.
resource "aws_cloudwatch_event_rule" "alarms" {
  for_each = local.alarm_events
  provider = aws.own

  name          = "${local.prefix}-alarms-${each.key}"
  description   = "Sends each change of an alarm of the plan ${var.name}, in either region, to alarm-handler."
  event_pattern = jsonencode(each.value)
  tags          = var.tags
}

resource "aws_lambda_permission" "alarms" {
  for_each = local.alarm_events
  provider = aws.own

  statement_id  = "alarms-${each.key}"
  function_name = aws_lambda_function.this["alarm-handler"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = "${local.rule_arn_prefix}alarms-${each.key}"
}

resource "aws_cloudwatch_event_target" "alarms" {
  for_each = local.alarm_events
  provider = aws.own

  rule      = aws_cloudwatch_event_rule.alarms[each.key].name
  target_id = "alarm-handler"
  arn       = aws_lambda_function.this["alarm-handler"].arn

  retry_policy {
    maximum_event_age_in_seconds = local.signal_event_seconds_max
    maximum_retry_attempts       = 10
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters["alarm-handler"].arn
  }

  depends_on = [aws_lambda_permission.alarms, aws_sqs_queue_policy.dead_letters, aws_ssm_parameter.plan]
}

resource "aws_iam_role" "signal_events" {
  count    = length(local.sending_rule_arns) > 0 ? 1 : 0
  provider = aws.own

  name                 = "${local.prefix}-signal-events"
  description          = "Lets EventBridge of ${local.other_region} send signals to ${local.own_region}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account }
        ArnEquals    = { "aws:SourceArn" = local.sending_rule_arns }
      }
    }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "signal_events" {
  count    = length(local.sending_rule_arns) > 0 ? 1 : 0
  provider = aws.own

  name = "send"
  role = aws_iam_role.signal_events[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Send"
      Effect   = "Allow"
      Action   = ["events:PutEvents"]
      Resource = [local.event_bus_arn]
    }]
  })
}
