# How the gate is moved, and who may.

output "close_command" {
  description = "The command that sends users to the recovery region. Run it only once the recovery side can serve."
  value       = "aws cloudwatch put-metric-data --region ${var.recovery_region} --namespace ${local.namespace} --metric-name ${local.metric} --dimensions Gate=${var.name} --value 1"
}

output "open_command" {
  description = "The command that sends users to the primary region again. Within the minute of a close it has no effect: run it again in the next minute."
  value       = "aws cloudwatch put-metric-data --region ${var.recovery_region} --namespace ${local.namespace} --metric-name ${local.metric} --dimensions Gate=${var.name} --value 0"
}

output "metric" {
  description = "The metric of the recovery region that is the gate: 1 closes the primary, 0 opens it."
  value       = { namespace = local.namespace, name = local.metric, dimensions = { Gate = var.name } }
}

output "mover_policy" {
  description = "What a role needs to move the gate, as a policy document: metrics of this namespace in this region, nothing else."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "MoveGate"
      Effect = "Allow"
      Action = ["cloudwatch:PutMetricData"]
      # "*": CloudWatch's metrics have no resource types; the namespace is the bound.
      Resource  = "*"
      Condition = { StringEquals = { "cloudwatch:namespace" = local.namespace, "aws:RequestedRegion" = var.recovery_region } }
    }]
  })
}

output "health_check_id" {
  description = "The health check."
  value       = aws_route53_health_check.gate.id
}

output "alarm_arn" {
  description = "The alarm that shows the state of the gate."
  value       = aws_cloudwatch_metric_alarm.closed.arn
}
