# When RDS moves a primary instance to its standby in another zone, what breaks for a minute or two looks like the loss of the
# region. RDS says so by an event of that region, which goes by the own region's bus to alarm-handler: it forbids an
# automatic failover for a while. A region that is lost says nothing, and forbids nothing.
#
# Of an Aurora cluster, which moves to another instance of its own, no such word is heard.

locals {
  # A pattern holds 2048 characters at most; an instance's ARN has up to 110.
  zone_failovers = { for i, chunk in chunklist(local.other_instance_arns, 15) : tostring(i) => {
    source      = ["aws.rds"]
    detail-type = ["RDS DB Instance Event"]
    resources   = chunk
    detail      = { EventID = ["RDS-EVENT-0013", "RDS-EVENT-0015", "RDS-EVENT-0049"] }
  } }
}

resource "aws_cloudwatch_event_rule" "zone_failovers_other" {
  for_each = local.zone_failovers
  provider = aws.other

  name          = "${local.prefix}-zone-failovers-${each.key}"
  description   = "Sends RDS Multi-AZ failovers of the primaries of the plan ${var.name} to alarm-handler."
  event_pattern = jsonencode(each.value)
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "zone_failovers_other" {
  for_each = local.zone_failovers
  provider = aws.other

  rule      = aws_cloudwatch_event_rule.zone_failovers_other[each.key].name
  target_id = "signals"
  arn       = local.event_bus_arn
  role_arn  = aws_iam_role.signal_events[0].arn

  # A word that comes later than this forbids nothing any more.
  retry_policy {
    maximum_event_age_in_seconds = 180
    maximum_retry_attempts       = 3
  }
  dead_letter_config {
    arn = aws_sqs_queue.signals_other.arn
  }

  depends_on = [aws_iam_role_policy.signal_events, aws_sqs_queue_policy.signals_other, aws_cloudwatch_event_target.zone_failovers]
}

# What the other region's rule has sent to the bus of this region.
resource "aws_cloudwatch_event_rule" "zone_failovers" {
  for_each = local.zone_failovers
  provider = aws.own

  name          = "${local.prefix}-zone-failovers-${each.key}"
  description   = "Passes RDS Multi-AZ failovers of the plan ${var.name}, sent by ${local.other_region}, to alarm-handler."
  event_pattern = jsonencode(each.value)
  tags          = var.tags
}

resource "aws_lambda_permission" "zone_failovers" {
  for_each = local.zone_failovers
  provider = aws.own

  statement_id  = "zone-failovers-${each.key}"
  function_name = aws_lambda_function.this["alarm-handler"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = "${local.rule_arn_prefix}zone-failovers-${each.key}"
}

resource "aws_cloudwatch_event_target" "zone_failovers" {
  for_each = local.zone_failovers
  provider = aws.own

  rule      = aws_cloudwatch_event_rule.zone_failovers[each.key].name
  target_id = "alarm-handler"
  arn       = aws_lambda_function.this["alarm-handler"].arn

  retry_policy {
    maximum_event_age_in_seconds = 180
    maximum_retry_attempts       = 3
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters["alarm-handler"].arn
  }

  depends_on = [aws_lambda_permission.zone_failovers, aws_sqs_queue_policy.dead_letters, aws_ssm_parameter.plan]
}
