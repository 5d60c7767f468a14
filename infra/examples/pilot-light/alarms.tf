# The signals: alarms of both regions, each speaking to the signals topic of its own region. None of them decides.

resource "aws_cloudwatch_metric_alarm" "web_unhealthy" {
  provider = aws.primary

  alarm_name          = "${var.name}-web-unhealthy"
  alarm_description   = "No web server in ${var.regions.primary} is healthy."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HealthyHostCount"
  dimensions          = { LoadBalancer = module.primary.load_balancer_arn_suffix, TargetGroup = module.primary.target_group_arn_suffix }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching" # missing data is never healthy
  alarm_actions       = [module.pilotlight.signals_topic_arns.primary]
  ok_actions          = [module.pilotlight.signals_topic_arns.primary]
}

resource "aws_cloudwatch_metric_alarm" "web_errors" {
  provider = aws.primary

  alarm_name          = "${var.name}-web-errors"
  alarm_description   = "The web servers in ${var.regions.primary} answer with errors."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "HTTPCode_Target_5XX_Count"
  dimensions          = { LoadBalancer = module.primary.load_balancer_arn_suffix, TargetGroup = module.primary.target_group_arn_suffix }
  statistic           = "Sum"
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 50
  treat_missing_data  = "notBreaching" # the metric exists only while there are errors
  alarm_actions       = [module.pilotlight.signals_topic_arns.primary]
  ok_actions          = [module.pilotlight.signals_topic_arns.primary]
}

# No connections is no proof that a database is dead: a deployment or a quiet night looks the same. It is one more
# signal, and only worth something beside a probe that fails.
resource "aws_cloudwatch_metric_alarm" "orders_connections" {
  provider = aws.primary

  alarm_name          = "${var.name}-orders-connections"
  alarm_description   = "Nothing is connected to the database ${aws_db_instance.orders.identifier}, or it sends no metrics."
  namespace           = "AWS/RDS"
  metric_name         = "DatabaseConnections"
  dimensions          = { DBInstanceIdentifier = aws_db_instance.orders.identifier }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [module.pilotlight.signals_topic_arns.primary]
  ok_actions          = [module.pilotlight.signals_topic_arns.primary]
}

# Seen from outside the primary region. An idle source shows some minutes of lag, hence the long look.
resource "aws_cloudwatch_metric_alarm" "orders_replica_lag" {
  provider = aws.recovery

  alarm_name          = "${var.name}-orders-replica-lag"
  alarm_description   = "The replica ${aws_db_instance.orders_replica.identifier} is more than ${var.lag_seconds_max} s behind, or its lag is unknown."
  namespace           = "AWS/RDS"
  metric_name         = "ReplicaLag"
  dimensions          = { DBInstanceIdentifier = aws_db_instance.orders_replica.identifier }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 10
  datapoints_to_alarm = 8
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.lag_seconds_max
  treat_missing_data  = "breaching" # unknown lag is never small lag
  alarm_actions       = [module.pilotlight.signals_topic_arns.recovery]
  ok_actions          = [module.pilotlight.signals_topic_arns.recovery]
}
