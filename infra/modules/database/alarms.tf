# The signals: what CloudWatch sees of the database, each told to its own region's topic. None of them decides.

# No connections is no proof that a database is dead: a deployment or a quiet night looks the same. It is one more
# signal, and only worth something beside a probe that fails.
resource "aws_cloudwatch_metric_alarm" "connections" {
  count    = var.watch ? 1 : 0
  provider = aws.primary

  alarm_name          = "${local.identifier}-connections"
  alarm_description   = "Nothing is connected to the database ${local.identifier}, or it sends no metrics."
  namespace           = "AWS/RDS"
  metric_name         = "DatabaseConnections"
  dimensions          = local.aurora ? { DBClusterIdentifier = local.identifier } : { DBInstanceIdentifier = local.identifier }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = var.alarm_topic_arns.primary
  ok_actions          = var.alarm_topic_arns.primary
  tags                = local.tags
}

# Seen from outside the primary region. An idle PostgreSQL source shows some minutes of lag, hence the long look. Aurora
# counts in milliseconds, and by the region that the lag comes from.
resource "aws_cloudwatch_metric_alarm" "lag" {
  count    = var.watch ? 1 : 0
  provider = aws.recovery

  alarm_name          = "${local.identifier}-replica-lag"
  alarm_description   = "The replica of ${local.identifier} is more than ${var.lag_seconds_max} s behind, or its lag is unknown."
  namespace           = "AWS/RDS"
  metric_name         = local.aurora ? "AuroraGlobalDBReplicationLag" : "ReplicaLag"
  dimensions          = local.aurora ? { DBClusterIdentifier = "${local.identifier}-replica", SourceRegion = var.regions.primary } : { DBInstanceIdentifier = "${local.identifier}-replica" }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 10
  datapoints_to_alarm = 8
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.lag_seconds_max * (local.aurora ? 1000 : 1)
  treat_missing_data  = "breaching" # unknown lag is never small lag
  alarm_actions       = var.alarm_topic_arns.recovery
  ok_actions          = var.alarm_topic_arns.recovery
  tags                = local.tags
}
