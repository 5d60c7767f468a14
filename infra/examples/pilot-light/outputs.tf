# What people type, and what tests look for.

output "status_command" {
  description = "Shows the state of the plan."
  value       = module.pilotlight.status_command
}

output "regions" {
  description = "The primary and the recovery region."
  value       = var.regions
}

output "accelerator_dns_name" {
  description = "Where users come in."
  value       = aws_globalaccelerator_accelerator.front.dns_name
}

output "load_balancer_dns_names" {
  description = "The load balancers, by region's role."
  value       = { primary = module.primary.load_balancer_dns_name, recovery = module.recovery.load_balancer_dns_name }
}

output "load_balancer_arns" {
  description = "The load balancers, which are the accelerator's endpoints."
  value       = { primary = module.primary.load_balancer_arn, recovery = module.recovery.load_balancer_arn }
}

output "target_group_arns" {
  description = "The target groups of the web servers."
  value       = { primary = module.primary.target_group_arn, recovery = module.recovery.target_group_arn }
}

output "endpoint_group_arns" {
  description = "The accelerator's endpoint groups."
  value       = { primary = aws_globalaccelerator_endpoint_group.primary.arn, recovery = aws_globalaccelerator_endpoint_group.recovery.arn }
}

output "databases" {
  description = "Identifiers of the database and its replica."
  value       = { primary = aws_db_instance.orders.identifier, replica = aws_db_instance.orders_replica.identifier }
}

output "database_arns" {
  description = "ARNs of the database and its replica."
  value       = { primary = aws_db_instance.orders.arn, replica = aws_db_instance.orders_replica.arn }
}

output "quarantine_security_group_id" {
  description = "The group without rules."
  value       = aws_security_group.quarantine.id
}

output "groups" {
  description = "Names of the Auto Scaling groups."
  value       = { primary = aws_autoscaling_group.web_primary.name, recovery = aws_autoscaling_group.web_recovery.name }
}

output "alarms" {
  description = "The alarms that count as signals, by name."
  value = merge(
    { for a in [aws_cloudwatch_metric_alarm.web_unhealthy, aws_cloudwatch_metric_alarm.web_errors, aws_cloudwatch_metric_alarm.orders_connections] :
    trimprefix(a.alarm_name, "${var.name}-") => { name = a.alarm_name, arn = a.arn, region = var.regions.primary } },
    { for a in [aws_cloudwatch_metric_alarm.orders_replica_lag] :
    trimprefix(a.alarm_name, "${var.name}-") => { name = a.alarm_name, arn = a.arn, region = var.regions.recovery } },
  )
}

output "function_names" {
  description = "Names of the functions."
  value       = module.pilotlight.function_names
}

output "topic_arns" {
  description = "The signals topics of both regions, the commands topic and the notices topics."
  value = {
    signals_primary  = module.pilotlight.signals_topic_arns.primary
    signals_recovery = module.pilotlight.signals_topic_arns.recovery
    commands         = module.pilotlight.commands_topic_arn
    notices_primary  = module.pilotlight.notices_topic_arns.primary
    notices_recovery = module.pilotlight.notices_topic_arns.recovery
  }
}

output "journal_table" {
  description = "Name of the journal's table in the recovery region."
  value       = module.pilotlight.journal_table
}

output "plan_parameter_names" {
  description = "Parameters that hold the plan."
  value       = module.pilotlight.plan_parameter_names
}

output "dead_letter_queue_urls" {
  description = "Queues of what could not be delivered or handled."
  value       = module.pilotlight.dead_letter_queue_urls
}
