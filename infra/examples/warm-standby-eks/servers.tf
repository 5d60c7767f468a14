# The servers: as many in either region, from one image. And the one way in.

module "web" {
  source    = "../../modules/app-fleet"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name    = "${local.name}-web"
  item    = "web"
  regions = local.regions
  # Raise the version to have a new image made of the instance as it is then.
  image              = { made_from = { instance_id = var.source_instance_id, version = 1 } }
  capacity           = { min = local.server_count, desired = local.server_count, max = local.server_count * 3 }
  standby            = local.server_count # warm: a failover starts nobody, it only makes sure
  subnet_ids         = { primary = module.network_primary.private_subnet_ids, recovery = module.network_recovery.private_subnet_ids }
  security_group_ids = { primary = [module.network_primary.security_group_ids.application], recovery = [module.network_recovery.security_group_ids.application] }
  target_group_arns  = { primary = [module.balancer_primary.target_group_arns["web"]], recovery = [module.balancer_recovery.target_group_arns["web"]] }

  # The image starts its application itself; these are what its role may read to reach the database.
  parameters         = { "DATABASE_" = module.database.parameter_prefix }
  parameter_key_arns = values(module.database.kms_key_arns)

  permissions_boundary_arn = var.permissions_boundary_arn
}

module "front" {
  source    = "../../modules/accelerator"
  providers = { aws = aws.recovery }

  name    = "${local.name}-front"
  regions = local.regions
  routes = {
    front = {
      ports           = var.https == null ? [80] : [80, 443]
      endpoints       = { primary = module.balancer_primary.arn, recovery = module.balancer_recovery.arn }
      health_protocol = "TCP" # behind a load balancer its own health checks decide
      after           = ["main", "web"]
    }
  }
}
