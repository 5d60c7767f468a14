# The orchestrator, pointed at everything above: one database, and for each service a fleet and a route.

locals {
  fronts = { for s in keys(local.services) : s => one(values(module.front[s].plan_items)) }
}

module "pilotlight" {
  source    = "../../modules/orchestrator"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name      = local.name
  sides     = { for side, region in local.regions : side => { region = region } }
  mode      = local.mode
  databases = [module.database.plan_item]
  fleets    = [for s in keys(local.services) : module.fleet[s].plan_item]
  routes = [for s, front in local.fronts : merge(front, { sides = {
    primary  = front.sides.primary
    recovery = merge(front.sides.recovery, { probe = { name = "${s}-recovery", url = local.probe_urls[s].recovery } })
  } })]

  detection = {
    sides = { primary = {
      alarms = concat(module.database.alarm_arns, flatten([for s in keys(local.services) : module.balancer_primary[s].alarm_arns]))
      probes = [for s in keys(local.services) : { kind = "http", name = "${s}-primary", url = local.probe_urls[s].primary, expect_status = 200 }]
    } }
  }
  limits = { lag_seconds_max = local.lag_seconds_max }

  # Parameter Store needs no copying here: Terraform and the deliveries write both regions.
  snapshots = {
    schedule     = "cron(0 3 * * ? *)"
    kms_key_arns = { primary = module.database.kms_key_arns.primary, recovery = module.database.kms_key_arns.recovery }
  }

  plan_parts          = 8 # three services' ARNs take more room than one's
  notice_emails       = var.notice_emails
  package_dir         = coalesce(var.package_dir, "${path.module}/../../../target/lambda")
  deletion_protection = var.deletion_protection

  permissions_boundary_arn = var.permissions_boundary_arn
}
