# What people type, and what users and deliveries need.

output "status_command" {
  description = "Shows the state of the plan."
  value       = module.pilotlight.status_command
}

output "service_dns_names" {
  description = "Where each service's users come in."
  value       = { for s in keys(local.services) : s => module.front[s].dns_name }
}

output "balancer_dns_names" {
  description = "The load balancers of each service: where the names in `https.probe_urls` lead, by an alias record or a CNAME."
  value       = { for s in keys(local.services) : s => { primary = module.balancer_primary[s].dns_name, recovery = module.balancer_recovery[s].dns_name } }
}

output "site_domain_name" {
  description = "Where the front end is."
  value       = module.frontend.domain_name
}

output "environments" {
  description = "Variables of each environment on GitHub."
  value       = module.delivery.environments
}

output "workflows" {
  description = "The workflows of each service, of the functions and of the site, by their paths in your repository."
  value       = module.delivery.workflows
}

output "group_names" {
  description = "Names of the Auto Scaling groups, by service and region."
  value       = { for s in keys(local.services) : s => module.fleet[s].group_names }
}

output "endpoint_group_arns" {
  description = "The accelerator's endpoint groups, by service and region."
  value       = { for s in keys(local.services) : s => one(values(module.front[s].endpoint_group_arns)) }
}

output "function_names" {
  description = "Names of the orchestrator's functions."
  value       = module.pilotlight.function_names
}

output "journal_table" {
  description = "Name of the journal's table in the recovery region."
  value       = module.pilotlight.journal_table
}
