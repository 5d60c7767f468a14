# Failover records behind a gate. The gate is a health check that looks at one metric of the recovery region: whoever
# puts 1 there sends users to the recovery side, without any control plane of DNS.

data "aws_region" "here" {}
data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}

locals {
  namespace  = "Pilotlight/Gates"
  metric     = "PrimaryClosed"
  alarm_name = "${var.name}-primary-closed"
  sides = merge([for name, r in var.records : {
    "${name} primary"  = { name = name, side = "PRIMARY", target = r.primary }
    "${name} recovery" = { name = name, side = "SECONDARY", target = r.recovery }
  }]...)

  tags = merge({ "pilotlight:gate" = var.name }, var.tags)
}

resource "aws_cloudwatch_metric_alarm" "closed" {
  alarm_name          = local.alarm_name
  alarm_description   = "The gate ${var.name} is in alarm while Route 53 sends users to ${var.recovery_region}."
  namespace           = local.namespace
  metric_name         = local.metric
  dimensions          = { Gate = var.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  treat_missing_data  = "ignore" # the gate stays as it was put
  tags                = local.tags

  lifecycle {
    precondition {
      condition     = data.aws_region.here.id == var.recovery_region
      error_message = "The provider works in ${data.aws_region.here.id}, but recovery_region says ${var.recovery_region}. A gate in the region that is lost could not be moved."
    }
  }
}

# Route 53 follows the alarm's metric in the recovery region. Nothing is known: as it was last, and at the beginning open.
resource "aws_route53_health_check" "gate" {
  type                            = "CLOUDWATCH_METRIC"
  cloudwatch_alarm_name           = aws_cloudwatch_metric_alarm.closed.alarm_name
  cloudwatch_alarm_region         = var.recovery_region
  insufficient_data_health_status = "LastKnownStatus"
  tags                            = merge(local.tags, { Name = var.name })
}

resource "aws_route53_record" "this" {
  for_each = local.sides

  zone_id         = var.zone_id
  name            = each.value.name
  type            = each.value.target.zone_id == null ? "CNAME" : "A"
  ttl             = each.value.target.zone_id == null ? var.ttl_seconds : null
  records         = each.value.target.zone_id == null ? [each.value.target.dns_name] : null
  set_identifier  = lower(each.value.side)
  health_check_id = each.value.side == "PRIMARY" ? aws_route53_health_check.gate.id : null

  failover_routing_policy {
    type = each.value.side
  }

  dynamic "alias" {
    for_each = each.value.target.zone_id == null ? [] : [each.value.target]
    content {
      name    = alias.value.dns_name
      zone_id = alias.value.zone_id
      # Never by the load balancer's own health: users would move before the recovery side can serve.
      evaluate_target_health = false
    }
  }
}
