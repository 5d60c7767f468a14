# What stands in each region alike: a network and a load balancer. They stand in the recovery region at rest too, because
# making them during a failover would lean on control planes at the worst moment.

module "network_primary" {
  source                   = "../../modules/network"
  providers                = { aws = aws.primary }
  name                     = var.name
  cidr_block               = "10.20.0.0/16"
  nat                      = var.nat
  interface_endpoints      = var.interface_endpoints
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "network_recovery" {
  source                   = "../../modules/network"
  providers                = { aws = aws.recovery }
  name                     = var.name
  cidr_block               = "10.21.0.0/16"
  nat                      = var.nat
  interface_endpoints      = var.interface_endpoints
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "balancer_primary" {
  source              = "../../modules/load-balancer"
  providers           = { aws = aws.primary }
  name                = var.name
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
  name                = var.name
  vpc_id              = module.network_recovery.vpc_id
  subnet_ids          = module.network_recovery.public_subnet_ids
  security_group_ids  = [module.network_recovery.security_group_ids.balancer]
  certificate         = var.https == null ? null : { arn = var.https.certificate_arns.recovery }
  watch               = false # it waits at zero: no server there is healthy, and rightly so
  deletion_protection = var.deletion_protection
}
