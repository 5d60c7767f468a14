# When RDS moves a primary instance to its standby in another zone, what breaks for a minute or two looks like the loss of the
# region. RDS says so by an event of the primary region, and the signals topic there carries it: it forbids an automatic
# failover for a while. A region that is lost says nothing, and forbids nothing.
#
# Of an Aurora cluster, which moves to another instance of its own, no such word is heard.

locals {
  zone_failover_rule_arn_prefix = "arn:${local.partition}:events:${var.regions.primary}:${local.account}:rule/${var.name}-zone-failovers-"

  # A pattern holds 2048 characters at most; an instance's ARN has up to 110.
  zone_failover_chunks = { for i, chunk in chunklist([for d in var.databases : d.primary if d.kind == "rds_replica"], 15) : tostring(i) => chunk }
}

resource "aws_cloudwatch_event_rule" "zone_failovers" {
  for_each = local.zone_failover_chunks
  provider = aws.primary

  name        = "${var.name}-zone-failovers-${each.key}"
  description = "Tells alarm-handler of the plan ${var.name} that RDS moves a primary to its standby in another zone."
  event_pattern = jsonencode({
    source      = ["aws.rds"]
    detail-type = ["RDS DB Instance Event"]
    resources   = each.value
    detail      = { EventID = ["RDS-EVENT-0013", "RDS-EVENT-0015", "RDS-EVENT-0049"] }
  })
  tags = local.tags
}

resource "aws_cloudwatch_event_target" "zone_failovers" {
  for_each = local.zone_failover_chunks
  provider = aws.primary

  rule      = aws_cloudwatch_event_rule.zone_failovers[each.key].name
  target_id = "signals"
  arn       = aws_sns_topic.signals_primary.arn

  # A word that comes later than this forbids nothing any more.
  retry_policy {
    maximum_event_age_in_seconds = 180
    maximum_retry_attempts       = 3
  }
  dead_letter_config {
    arn = aws_sqs_queue.signals_primary.arn
  }

  depends_on = [aws_sns_topic_policy.signals_primary, aws_sqs_queue_policy.signals_primary]
}
