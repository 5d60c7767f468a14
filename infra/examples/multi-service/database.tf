# The database: two nodes in the primary region, a replica in the recovery region.

module "database" {
  source    = "../../modules/database"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name                         = local.name
  database                     = "main"
  regions                      = local.regions
  instance_class               = "db.t4g.medium"
  multi_az                     = { primary = true, recovery = false }
  subnet_ids                   = { primary = module.network_primary.database_subnet_ids, recovery = module.network_recovery.database_subnet_ids }
  security_group_ids           = { primary = [module.network_primary.security_group_ids.database], recovery = [module.network_recovery.security_group_ids.database] }
  quarantine_security_group_id = module.network_primary.security_group_ids.quarantine
  password                     = var.database_password
  lag_seconds_max              = local.lag_seconds_max
  alarm_topic_arns             = { primary = [module.pilotlight.signals_topic_arns.primary], recovery = [module.pilotlight.signals_topic_arns.recovery] }
  deletion_protection          = var.deletion_protection
  permissions_boundary_arn     = var.permissions_boundary_arn
}
