# What exists, as the example's variables take it.

output "regions" {
  description = "The two regions."
  value       = local.regions
}

output "database" {
  description = "The database, its replica and the group without rules."
  value       = { primary = module.database.arns.primary, replica = module.database.arns.recovery, quarantine_security_group = module.network_primary.security_group_ids.quarantine }
}

output "fleet" {
  description = "The group that waits, and its target group."
  value       = { group = module.web.group_names.recovery, target_group = module.balancer_recovery.target_group_arns["web"], capacity = { min = 2, desired = 2, max = 4 } }
}

output "route" {
  description = "The accelerator's endpoint groups and the load balancers in them."
  value = {
    primary  = { endpoint_group = module.front.endpoint_group_arns["front"].primary, endpoint = module.balancer_primary.arn }
    recovery = { endpoint_group = module.front.endpoint_group_arns["front"].recovery, endpoint = module.balancer_recovery.arn }
  }
}

output "health_url" {
  description = "Where the primary region answers when it is well."
  value       = module.balancer_primary.health_url
}

output "alarm_arns" {
  description = "Alarms that count as signals."
  value       = module.balancer_primary.alarm_arns
}
