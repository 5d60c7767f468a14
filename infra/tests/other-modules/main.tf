# What no example uses, so that `make infra-apply` applies it too: the gate for DNS, buckets for states, and an Aurora global
# database. It is for trying out: a workload has one of an accelerator and a gate, and its states elsewhere.

module "network_primary" {
  source     = "../../modules/network"
  providers  = { aws = aws.primary }
  name       = var.name
  cidr_block = "10.40.0.0/16"
}

module "network_recovery" {
  source     = "../../modules/network"
  providers  = { aws = aws.recovery }
  name       = var.name
  cidr_block = "10.41.0.0/16"
}

module "state" {
  source    = "../../modules/terraform-state"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name      = var.name
  regions   = var.regions
}

module "storage" {
  source    = "../../modules/storage"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name      = var.name
  regions   = var.regions
  buckets   = { files = {}, invoices = { old_versions_days = 3650 } }
}

module "aurora" {
  source    = "../../modules/database"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name                = var.name
  database            = "ledger"
  kind                = "aurora_global"
  engine_version      = "16.6"
  instance_class      = "db.r6g.large"
  regions             = var.regions
  multi_az            = { primary = true, recovery = true }
  subnet_ids          = { primary = module.network_primary.database_subnet_ids, recovery = module.network_recovery.database_subnet_ids }
  security_group_ids  = { primary = [module.network_primary.security_group_ids.database], recovery = [module.network_recovery.security_group_ids.database] }
  password            = var.database_password
  watch               = false
  deletion_protection = var.deletion_protection
}

module "balancer_primary" {
  source              = "../../modules/load-balancer"
  providers           = { aws = aws.primary }
  name                = var.name
  vpc_id              = module.network_primary.vpc_id
  subnet_ids          = module.network_primary.public_subnet_ids
  security_group_ids  = [module.network_primary.security_group_ids.balancer]
  watch               = false
  deletion_protection = var.deletion_protection
}

module "balancer_recovery" {
  source              = "../../modules/load-balancer"
  providers           = { aws = aws.recovery }
  name                = var.name
  vpc_id              = module.network_recovery.vpc_id
  subnet_ids          = module.network_recovery.public_subnet_ids
  security_group_ids  = [module.network_recovery.security_group_ids.balancer]
  watch               = false
  deletion_protection = var.deletion_protection
}

resource "aws_route53_zone" "here" {
  provider = aws.recovery
  name     = "${var.name}.example.com"
}

module "dns" {
  source          = "../../modules/route53"
  providers       = { aws = aws.recovery }
  name            = "${var.name}-front"
  recovery_region = var.regions.recovery
  zone_id         = aws_route53_zone.here.zone_id
  records = {
    "www.${var.name}.example.com" = {
      primary  = { dns_name = module.balancer_primary.dns_name, zone_id = module.balancer_primary.zone_id }
      recovery = { dns_name = module.balancer_recovery.dns_name, zone_id = module.balancer_recovery.zone_id }
    }
  }
}
