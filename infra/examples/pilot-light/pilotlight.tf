# The orchestrator, pointed at everything above, and the dashboards.

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
    recovery = merge(local.front.sides.recovery, { probe = { name = "front-recovery", url = local.health_urls.recovery } })
  } })]

  detection = {
    sides = { primary = {
      alarms = concat(module.database.alarm_arns, module.balancer_primary.alarm_arns)
      probes = [{ kind = "http", name = "front-primary", url = local.health_urls.primary, expect_status = 200 }]
    } }
    confirm_seconds = local.confirm_seconds
  }
  limits = { lag_seconds_max = local.lag_seconds_max }

  snapshots = {
    schedule     = "cron(0 3 * * ? *)"
    kms_key_arns = { primary = module.database.kms_key_arns.primary, recovery = module.database.kms_key_arns.recovery }
  }

  parameters = {
    include = ["/${local.name}/**"]
    # Terraform writes these in both regions: each has its own database and its own bucket.
    overrides = ["/${local.name}/database/**", "/${local.name}/web/files_bucket"]
    key_arns  = module.database.kms_key_arns
  }

  notice_emails            = var.notice_emails
  package_dir              = coalesce(var.package_dir, "${path.module}/../../../target/lambda")
  architecture             = local.architecture
  permissions_boundary_arn = var.permissions_boundary_arn
  deletion_protection      = var.deletion_protection
}

locals {
  front = module.front.plan_items["front"]

  # Under HTTPS a certificate is for a name of your own, and a probe looks at it.
  health_urls = {
    primary  = var.https == null ? module.balancer_primary.health_url : "https://${var.https.hosts.primary}/health"
    recovery = var.https == null ? module.balancer_recovery.health_url : "https://${var.https.hosts.recovery}/health"
  }
}

module "monitoring" {
  source    = "../../modules/monitoring"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name      = local.name
  regions   = local.regions
  databases = { orders = module.database.identifiers }
  buckets   = { files = { primary = module.storage.names.primary["files"], recovery = module.storage.names.recovery["files"] } }
  fleets = { web = {
    groups    = module.web.group_names
    balancers = { primary = module.balancer_primary.arn_suffix, recovery = module.balancer_recovery.arn_suffix }
    targets   = { primary = module.balancer_primary.target_group_arn_suffixes["web"], recovery = module.balancer_recovery.target_group_arn_suffixes["web"] }
  } }
  keepers         = ["snapshot-scheduler", "ssm-replicator"]
  lag_seconds_max = local.lag_seconds_max
}
