# What the stack is called, where it is, and when it moves. And what stands in each region alike: a network and a load balancer,
# in the recovery region at rest too, because making them during a failover would lean on control planes at the worst moment.

locals {
  name    = "shop"
  regions = { primary = "us-east-2", recovery = "us-west-1" } # the recovery region can't be an opt-in region

  mode            = "approve" # a failover waits for a person; automatic: it starts once the evidence suffices
  confirm_seconds = 60        # how long the evidence must hold
  lag_seconds_max = 60        # a replica further behind raises an alarm, and stops a failover for an operator's decision
  architecture    = "x86_64"  # of the functions' packages

  # Servers read their parameters without the internet. With nat = "one" they reach it, and need no endpoint.
  nat                 = "none"
  interface_endpoints = ["ssm"]
}

module "network_primary" {
  source                   = "../../modules/network"
  providers                = { aws = aws.primary }
  name                     = local.name
  cidr_block               = "10.20.0.0/16"
  nat                      = local.nat
  interface_endpoints      = local.interface_endpoints
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "network_recovery" {
  source                   = "../../modules/network"
  providers                = { aws = aws.recovery }
  name                     = local.name
  cidr_block               = "10.21.0.0/16"
  nat                      = local.nat
  interface_endpoints      = local.interface_endpoints
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "balancer_primary" {
  source              = "../../modules/load-balancer"
  providers           = { aws = aws.primary }
  name                = local.name
  vpc_id              = module.network_primary.vpc_id
  subnet_ids          = module.network_primary.public_subnet_ids
  security_group_ids  = [module.network_primary.security_group_ids.balancer]
  certificate         = var.https == null ? null : { arn = var.https.certificate_arns.primary }
  alarm_topic_arns    = [module.pilotlight.signals_topic_arns.primary]
  deletion_protection = var.deletion_protection
}

module "balancer_recovery" {
  source              = "../../modules/load-balancer"
  providers           = { aws = aws.recovery }
  name                = local.name
  vpc_id              = module.network_recovery.vpc_id
  subnet_ids          = module.network_recovery.public_subnet_ids
  security_group_ids  = [module.network_recovery.security_group_ids.balancer]
  certificate         = var.https == null ? null : { arn = var.https.certificate_arns.recovery }
  watch               = false # it waits at zero: no server there is healthy, and rightly so
  deletion_protection = var.deletion_protection
}
