# One dashboard, kept in both regions.

module "monitoring" {
  source    = "../../modules/monitoring"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name      = local.name
  regions   = local.regions
  databases = { main = module.database.identifiers }
  fleets = { for s in keys(local.services) : s => {
    groups    = module.fleet[s].group_names
    balancers = { primary = module.balancer_primary[s].arn_suffix, recovery = module.balancer_recovery[s].arn_suffix }
    targets   = { primary = module.balancer_primary[s].target_group_arn_suffixes["web"], recovery = module.balancer_recovery[s].target_group_arn_suffixes["web"] }
  } }
  keepers         = ["snapshot-scheduler"]
  lag_seconds_max = local.lag_seconds_max
}
