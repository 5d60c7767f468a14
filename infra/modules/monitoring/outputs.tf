# Where the dashboards are.

output "dashboard_names" {
  description = "The dashboards: primary and recovery."
  value       = { primary = aws_cloudwatch_dashboard.primary.dashboard_name, recovery = aws_cloudwatch_dashboard.recovery.dashboard_name }
}

output "dashboard_body" {
  description = "What both show, as JSON."
  value       = local.body
}
