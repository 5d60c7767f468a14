# The signals: what CloudWatch sees of each target group. None of them decides.

resource "aws_cloudwatch_metric_alarm" "unhealthy" {
  for_each = var.watch ? var.target_groups : {}

  alarm_name          = "${var.name}-${each.key}-unhealthy"
  alarm_description   = "No server of ${each.key} behind ${var.name} is healthy."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  dimensions          = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = aws_lb_target_group.this[each.key].arn_suffix }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching" # missing data is never healthy
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = local.tags
}

resource "aws_cloudwatch_metric_alarm" "errors" {
  for_each = var.watch ? var.target_groups : {}

  alarm_name          = "${var.name}-${each.key}-errors"
  alarm_description   = "Servers of ${each.key} behind ${var.name} answer with errors."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HTTPCode_Target_5XX_Count"
  dimensions          = { LoadBalancer = aws_lb.this.arn_suffix, TargetGroup = aws_lb_target_group.this[each.key].arn_suffix }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.errors_per_minute
  treat_missing_data  = "notBreaching" # the metric exists only while there are errors
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = local.tags
}
