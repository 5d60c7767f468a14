# What fleets, routes, probes and dashboards need to know.

output "arn" {
  description = "The load balancer: an accelerator's endpoint."
  value       = aws_lb.this.arn
}

output "arn_suffix" {
  description = "The load balancer, as its metrics name it."
  value       = aws_lb.this.arn_suffix
}

output "dns_name" {
  description = "Its name."
  value       = aws_lb.this.dns_name
}

output "zone_id" {
  description = "The hosted zone of its name, for an alias record."
  value       = aws_lb.this.zone_id
}

output "health_url" {
  description = "The URL that a probe uses for the default group's health, over plain HTTP. null with a certificate: no certificate covers a load balancer's own name, so probe a name of yours that points to it."
  value       = var.certificate == null ? "http://${aws_lb.this.dns_name}${var.target_groups[local.default_group].health_path}" : null
}

output "target_group_arns" {
  description = "The target groups by name. They are known only after their listener and rules exist, because targets without a listener are never healthy."
  value       = { for k, g in aws_lb_target_group.this : k => g.arn }
  depends_on  = [aws_lb_listener.serving, aws_lb_listener_rule.this]
}

output "target_group_arn_suffixes" {
  description = "The target groups, as their metrics name them."
  value       = { for k, g in aws_lb_target_group.this : k => g.arn_suffix }
}

output "alarm_arns" {
  description = "The alarms that count as signals."
  value       = concat([for a in aws_cloudwatch_metric_alarm.unhealthy : a.arn], [for a in aws_cloudwatch_metric_alarm.errors : a.arn])
}
