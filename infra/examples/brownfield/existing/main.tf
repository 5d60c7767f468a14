# A small workload in two regions, as a team has it before it hears of Pilotlight: what the example is pointed at when
# it is tried out. Its outputs are the example's variables.

locals {
  name    = "webshop"
  regions = { primary = "us-east-2", recovery = "us-west-1" }
}

module "network_primary" {
  source     = "../../../modules/network"
  providers  = { aws = aws.primary }
  name       = local.name
  cidr_block = "10.30.0.0/16"

  permissions_boundary_arn = var.permissions_boundary_arn
}

module "network_recovery" {
  source     = "../../../modules/network"
  providers  = { aws = aws.recovery }
  name       = local.name
  cidr_block = "10.31.0.0/16"

  permissions_boundary_arn = var.permissions_boundary_arn
}

module "database" {
  source    = "../../../modules/database"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name                         = local.name
  database                     = "orders"
  regions                      = local.regions
  multi_az                     = { primary = true, recovery = true }
  subnet_ids                   = { primary = module.network_primary.database_subnet_ids, recovery = module.network_recovery.database_subnet_ids }
  security_group_ids           = { primary = [module.network_primary.security_group_ids.database], recovery = [module.network_recovery.security_group_ids.database] }
  quarantine_security_group_id = module.network_primary.security_group_ids.quarantine
  password                     = var.database_password
  watch                        = false
  permissions_boundary_arn     = var.permissions_boundary_arn
  deletion_protection          = var.deletion_protection
}

module "balancer_primary" {
  source              = "../../../modules/load-balancer"
  providers           = { aws = aws.primary }
  name                = local.name
  vpc_id              = module.network_primary.vpc_id
  subnet_ids          = module.network_primary.public_subnet_ids
  security_group_ids  = [module.network_primary.security_group_ids.balancer]
  deletion_protection = var.deletion_protection
}

module "balancer_recovery" {
  source              = "../../../modules/load-balancer"
  providers           = { aws = aws.recovery }
  name                = local.name
  vpc_id              = module.network_recovery.vpc_id
  subnet_ids          = module.network_recovery.public_subnet_ids
  security_group_ids  = [module.network_recovery.security_group_ids.balancer]
  watch               = false # it waits at zero
  deletion_protection = var.deletion_protection
}

module "web" {
  source    = "../../../modules/app-fleet"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name               = "${local.name}-web"
  item               = "web"
  regions            = local.regions
  image              = { given = var.image_ids }
  capacity           = { min = 2, desired = 2, max = 4 }
  subnet_ids         = { primary = module.network_primary.private_subnet_ids, recovery = module.network_recovery.private_subnet_ids }
  security_group_ids = { primary = [module.network_primary.security_group_ids.application], recovery = [module.network_recovery.security_group_ids.application] }
  target_group_arns  = { primary = [module.balancer_primary.target_group_arns["web"]], recovery = [module.balancer_recovery.target_group_arns["web"]] }

  permissions_boundary_arn = var.permissions_boundary_arn
}

module "front" {
  source    = "../../../modules/accelerator"
  providers = { aws = aws.recovery }

  name    = "${local.name}-front"
  regions = local.regions
  routes = {
    front = {
      ports           = [80]
      endpoints       = { primary = module.balancer_primary.arn, recovery = module.balancer_recovery.arn }
      health_protocol = "TCP" # behind a load balancer its own health checks decide
    }
  }
}
