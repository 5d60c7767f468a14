# The servers: some serve in the primary region, none runs in the recovery region, and both are made of one image. And the
# one way in.

module "web" {
  source    = "../../modules/app-fleet"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name    = "${local.name}-web"
  item    = "web"
  regions = local.regions
  # Raise the version to have a new image made of the instance as it is then.
  image              = { made_from = { instance_id = var.source_instance_id, version = 1 } }
  instance_types     = ["t4g.micro", "t4g.small", "t4g.medium"] # several: all users of a region move at once
  capacity           = { min = 2, desired = 2, max = 4 }
  standby            = 0
  subnet_ids         = { primary = module.network_primary.private_subnet_ids, recovery = module.network_recovery.private_subnet_ids }
  security_group_ids = { primary = [module.network_primary.security_group_ids.application], recovery = [module.network_recovery.security_group_ids.application] }
  target_group_arns  = { primary = [module.balancer_primary.target_group_arns["web"]], recovery = [module.balancer_recovery.target_group_arns["web"]] }

  # The image starts its application itself; these are what its role may read, each in its own region.
  parameters         = { "" = module.settings.path, "DATABASE_" = module.database.parameter_prefix }
  parameter_key_arns = values(module.database.kms_key_arns)
  policies           = { files = local.files_policy }

  session_manager          = false # its endpoints are not in this network
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
      after           = ["orders", "web"]
    }
  }
}
