# What people type, and what users and deliveries need.

output "status_command" {
  description = "Shows the state of the plan."
  value       = module.pilotlight.status_command
}

output "service_dns_names" {
  description = "Where each service's users come in."
  value       = { for s in keys(var.services) : s => module.front[s].dns_name }
}

output "site_domain_name" {
  description = "Where the front end is."
  value       = module.frontend.domain_name
}

output "environments" {
  description = "Variables of each environment on GitHub."
  value       = module.delivery.environments
}

output "group_names" {
  description = "Names of the Auto Scaling groups, by service and region."
  value       = { for s in keys(var.services) : s => module.fleet[s].group_names }
}
