# The database: two nodes in the primary region, one replica in the recovery region. Where it is and how to log in lies in
# Parameter Store of both regions, each with its own host.

module "database" {
  source    = "../../modules/database"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name                         = local.name
  database                     = "orders"
  regions                      = local.regions
  engine_version               = "16"
  instance_class               = "db.t4g.micro"
  multi_az                     = { primary = true, recovery = false }
  subnet_ids                   = { primary = module.network_primary.database_subnet_ids, recovery = module.network_recovery.database_subnet_ids }
  security_group_ids           = { primary = [module.network_primary.security_group_ids.database], recovery = [module.network_recovery.security_group_ids.database] }
  quarantine_security_group_id = module.network_primary.security_group_ids.quarantine
  password                     = var.database_password
  password_version             = 1 # raise it to have a new password written
  lag_seconds_max              = local.lag_seconds_max
  alarm_topic_arns             = { primary = [module.pilotlight.signals_topic_arns.primary], recovery = [module.pilotlight.signals_topic_arns.recovery] }
  permissions_boundary_arn     = var.permissions_boundary_arn
  deletion_protection          = var.deletion_protection
}
