# Wake-ups: events of the plan's own replicas and groups invoke alarm-handler at once, so that a waiting step needn't
# wait for the tick. They carry no truth: AWS sends them at best effort, and the function looks for itself.

locals {
  # A pattern holds 2048 characters at most. An instance's or cluster's ARN has up to 115, a group's name up to 255.
  wakeups = merge(
    { for i, chunk in chunklist(local.replica_arns, 15) : "replicas-${i}" => {
      source      = ["aws.rds"]
      detail-type = ["RDS DB Instance Event"]
      resources   = chunk
    } },
    { for i, chunk in chunklist(local.own_cluster_arns, 15) : "clusters-${i}" => {
      source      = ["aws.rds"]
      detail-type = ["RDS DB Cluster Event"]
      resources   = chunk
    } },
    { for i, chunk in chunklist([for f in var.fleets : f.sides[var.seat].group], 6) : "fleets-${i}" => {
      source      = ["aws.autoscaling"]
      detail-type = ["EC2 Instance Launch Successful", "EC2 Instance Launch Unsuccessful", "EC2 Instance Terminate Successful"]
      detail      = { AutoScalingGroupName = chunk }
    } },
  )
}

resource "aws_cloudwatch_event_rule" "wakeup" {
  for_each = local.wakeups
  provider = aws.own

  name          = "${local.prefix}-${each.key}"
  description   = "Wakes alarm-handler of the plan ${var.name} when a database or fleet that it waits for changes."
  event_pattern = jsonencode(each.value)
  tags          = var.tags
}

resource "aws_lambda_permission" "wakeup" {
  for_each = local.wakeups
  provider = aws.own

  statement_id  = each.key
  function_name = aws_lambda_function.this["alarm-handler"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = "${local.rule_arn_prefix}${each.key}"
}

resource "aws_cloudwatch_event_target" "wakeup" {
  for_each = local.wakeups
  provider = aws.own

  rule      = aws_cloudwatch_event_rule.wakeup[each.key].name
  target_id = "alarm-handler"
  arn       = aws_lambda_function.this["alarm-handler"].arn

  retry_policy {
    maximum_event_age_in_seconds = 300
    maximum_retry_attempts       = 3
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters["alarm-handler"].arn
  }

  depends_on = [aws_lambda_permission.wakeup, aws_sqs_queue_policy.dead_letters]
}

resource "aws_lambda_permission" "direct_alarm" {
  count    = length(var.direct_alarm_arns)
  provider = aws.own

  statement_id   = "direct-alarm-${count.index}"
  function_name  = aws_lambda_function.this["alarm-handler"].function_name
  action         = "lambda:InvokeFunction"
  principal      = "lambda.alarms.cloudwatch.amazonaws.com"
  source_arn     = var.direct_alarm_arns[count.index]
  source_account = var.account
}
