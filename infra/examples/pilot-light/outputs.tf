# What people type, where users come in, and what tests look for.

output "status_command" {
  description = "Shows the state of the plan."
  value       = module.pilotlight.status_command
}

output "front_dns_name" {
  description = "Where users come in."
  value       = module.front.dns_name
}

output "regions" {
  description = "The primary and the recovery region."
  value       = local.regions
}

output "bucket_names" {
  description = "The buckets of the files: primary and recovery."
  value       = { primary = module.storage.names.primary["files"], recovery = module.storage.names.recovery["files"] }
}

output "parameter_paths" {
  description = "Where servers find their settings and their database in Parameter Store, the same in both regions."
  value       = { settings = module.settings.path, database = module.database.parameter_prefix }
}

output "dashboard_names" {
  description = "The CloudWatch dashboards: primary and recovery."
  value       = module.monitoring.dashboard_names
}

output "image_ids" {
  description = "The machine images: primary, and its copy."
  value       = module.web.image_ids
}

output "load_balancer_arns" {
  description = "The load balancers, which are the accelerator's endpoints."
  value       = { primary = module.balancer_primary.arn, recovery = module.balancer_recovery.arn }
}

output "load_balancer_dns_names" {
  description = "The load balancers' names."
  value       = { primary = module.balancer_primary.dns_name, recovery = module.balancer_recovery.dns_name }
}

output "target_group_arns" {
  description = "The target groups of the servers."
  value       = { primary = module.balancer_primary.target_group_arns["web"], recovery = module.balancer_recovery.target_group_arns["web"] }
}

output "endpoint_group_arns" {
  description = "The accelerator's endpoint groups."
  value       = module.front.endpoint_group_arns["front"]
}

output "databases" {
  description = "Identifiers of the database and its replica."
  value       = { primary = module.database.identifiers.primary, replica = module.database.identifiers.recovery }
}

output "groups" {
  description = "Names of the Auto Scaling groups."
  value       = module.web.group_names
}

output "alarms" {
  description = "The alarms that count as signals, by name without the workload's."
  value = { for arn in concat(module.database.alarm_arns, module.balancer_primary.alarm_arns) :
    trimprefix(split(":", arn)[6], "${local.name}-") => { name = split(":", arn)[6], arn = arn, region = split(":", arn)[3] }
  }
}

output "function_names" {
  description = "Names of the orchestrator's functions."
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
