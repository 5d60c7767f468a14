# What the stack is called, where it is, when it moves, and how large it is. And what stands in each region alike: network, load
# balancer, and a cluster for Prometheus and Grafana.

locals {
  name    = "shop"
  regions = var.regions

  mode            = "approve" # a failover waits for a person; automatic: it starts once the evidence suffices
  lag_seconds_max = 60        # a replica further behind raises an alarm, and stops a failover for an operator's decision
  server_count    = 3         # in each region, at rest too

  network_cidrs = { primary = "10.20.0.0/16", recovery = "10.21.0.0/16" }
}

module "network_primary" {
  source     = "../../modules/network"
  providers  = { aws = aws.primary }
  name       = local.name
  cidr_block = local.network_cidrs.primary
  zone_count = var.zone_counts.primary
  nat        = "per_zone"

  permissions_boundary_arn = var.permissions_boundary_arn
}

module "network_recovery" {
  source     = "../../modules/network"
  providers  = { aws = aws.recovery }
  name       = local.name
  cidr_block = local.network_cidrs.recovery
  zone_count = var.zone_counts.recovery
  nat        = "per_zone"

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

# It serves nobody, but its servers run: that none is healthy is worth telling people, and is no sign of the primary's loss.
module "balancer_recovery" {
  source              = "../../modules/load-balancer"
  providers           = { aws = aws.recovery }
  name                = local.name
  vpc_id              = module.network_recovery.vpc_id
  subnet_ids          = module.network_recovery.public_subnet_ids
  security_group_ids  = [module.network_recovery.security_group_ids.balancer]
  certificate         = var.https == null ? null : { arn = var.https.certificate_arns.recovery }
  alarm_topic_arns    = [module.pilotlight.notices_topic_arns.recovery]
  deletion_protection = var.deletion_protection
}

module "cluster_primary" {
  source             = "../../modules/cluster"
  providers          = { aws = aws.primary }
  name               = "${local.name}-monitoring"
  subnet_ids         = module.network_primary.private_subnet_ids
  watched_regions    = values(local.regions)
  administrator_arns = var.administrator_arns

  api_clients         = { cidrs = setunion([local.network_cidrs.primary], var.api_client_cidrs) }
  public_access_cidrs = var.public_access_cidrs
  alerts              = { topic_arn = aws_sns_topic.alerts_primary.arn, kms_key_arn = local.messages_key_arns.primary }

  permissions_boundary_arn = var.permissions_boundary_arn
}

# It needs nothing of the other one and shows both regions: monitoring goes on when the primary's cluster is gone.
module "cluster_recovery" {
  source             = "../../modules/cluster"
  providers          = { aws = aws.recovery }
  name               = "${local.name}-monitoring"
  subnet_ids         = module.network_recovery.private_subnet_ids
  watched_regions    = values(local.regions)
  administrator_arns = var.administrator_arns

  api_clients         = { cidrs = setunion([local.network_cidrs.recovery], var.api_client_cidrs) }
  public_access_cidrs = var.public_access_cidrs
  alerts              = { topic_arn = aws_sns_topic.alerts_recovery.arn, kms_key_arn = local.messages_key_arns.recovery }

  permissions_boundary_arn = var.permissions_boundary_arn
}
