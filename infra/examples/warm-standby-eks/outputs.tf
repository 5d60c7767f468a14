# What people type, and where users come in.

output "status_command" {
  description = "Shows the state of the plan."
  value       = module.pilotlight.status_command
}

output "front_dns_name" {
  description = "Where users come in."
  value       = module.front.dns_name
}

output "balancer_dns_names" {
  description = "The load balancers: what the names of https.probe_urls lead to."
  value       = { primary = module.balancer_primary.dns_name, recovery = module.balancer_recovery.dns_name }
}

output "install_commands" {
  description = "Install Prometheus and Grafana in each region's cluster."
  value       = { primary = module.cluster_primary.install_command, recovery = module.cluster_recovery.install_command }
}

output "dashboard_boxes" {
  description = "What stands in the text boxes of the Grafana dashboards: install.sh takes it as a file."
  value = {
    primary           = local.regions.primary
    recovery          = local.regions.recovery
    plan              = local.name
    database_kind     = "rds_replica"
    database          = module.database.identifiers.primary
    fleet             = trimsuffix(module.web.group_names.primary, "-primary")
    balancer_primary  = module.balancer_primary.arn_suffix
    balancer_recovery = module.balancer_recovery.arn_suffix
    targets_primary   = module.balancer_primary.target_group_arn_suffixes["web"]
    targets_recovery  = module.balancer_recovery.target_group_arn_suffixes["web"]
  }
}
