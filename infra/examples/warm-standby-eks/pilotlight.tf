# The orchestrator, pointed at everything above, and the dashboards.

locals {
  front = module.front.plan_items["front"]

  # Under HTTPS names of one's own: no certificate covers a load balancer's.
  probe_urls = {
    primary  = var.https == null ? module.balancer_primary.health_url : var.https.probe_urls.primary
    recovery = var.https == null ? module.balancer_recovery.health_url : var.https.probe_urls.recovery
  }
}

module "pilotlight" {
  source    = "../../modules/orchestrator"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name      = local.name
  sides     = { for side, region in local.regions : side => { region = region } }
  mode      = local.mode
  databases = [module.database.plan_item]
  fleets    = [module.web.plan_item]
  routes = [merge(local.front, { sides = {
    primary  = local.front.sides.primary
    recovery = merge(local.front.sides.recovery, { probe = { name = "front-recovery", url = local.probe_urls.recovery } })
  } })]

  detection = {
    sides = { primary = {
      alarms = concat(module.database.alarm_arns, module.balancer_primary.alarm_arns)
      probes = [{ kind = "http", name = "front-primary", url = local.probe_urls.primary, expect_status = 200 }]
    } }
  }
  limits = { lag_seconds_max = local.lag_seconds_max }

  # Parameter Store needs no copying here: Terraform writes both regions.
  snapshots = {
    schedule     = "cron(0 3 * * ? *)"
    kms_key_arns = { primary = module.database.kms_key_arns.primary, recovery = module.database.kms_key_arns.recovery }
  }

  notice_emails        = var.notice_emails
  package_dir          = coalesce(var.package_dir, "${path.module}/../../../target/lambda")
  deletion_protection  = var.deletion_protection
  reserved_concurrency = var.reserved_concurrency
  kms_key_arns         = local.messages_key_arns

  permissions_boundary_arn = var.permissions_boundary_arn
}

module "monitoring" {
  source    = "../../modules/monitoring"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name      = local.name
  regions   = local.regions
  databases = { main = module.database.identifiers }
  fleets = { web = {
    groups    = module.web.group_names
    balancers = { primary = module.balancer_primary.arn_suffix, recovery = module.balancer_recovery.arn_suffix }
    targets   = { primary = module.balancer_primary.target_group_arn_suffixes["web"], recovery = module.balancer_recovery.target_group_arn_suffixes["web"] }
  } }
  keepers         = ["snapshot-scheduler"]
  lag_seconds_max = local.lag_seconds_max
}
