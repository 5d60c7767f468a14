# The orchestrator alone, pointed at what exists. It changes none of it before a run.

module "pilotlight" {
  source        = "../../modules/orchestrator"
  providers     = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name          = "shop"
  notice_emails = var.notice_emails
  package_dir   = coalesce(var.package_dir, "${path.module}/../../../target/lambda")

  sides = {
    primary  = { region = var.regions.primary, account = one(var.primary_account[*].id), external_id = one(var.primary_account[*].external_id) }
    recovery = { region = var.regions.recovery }
  }
  databases = [for database in var.database[*] : { name = "orders", sides = {
    primary  = { arn = database.primary, quarantine_security_group = database.quarantine_security_group }
    recovery = { arn = database.replica }
  } }]
  fleets = [{ name = "web", sides = { recovery = {
    group               = var.fleet.group
    target_groups       = [var.fleet.target_group]
    serving             = var.fleet.capacity
    healthy_targets_min = var.fleet.capacity.desired
  } } }]
  routes = [{ name = "front", sides = var.route, after = concat(var.database == null ? [] : ["orders"], ["web"]) }]
  detection = { sides = { primary = {
    alarms = var.alarm_arns
    probes = [{ kind = "http", name = "front-primary", url = var.health_url }]
  } } }
  parameters = var.parameters

  deletion_protection = var.deletion_protection

  permissions_boundary_arn = var.permissions_boundary_arn
}

# What the other account grants, where there is another and parameters are copied from and to it.
module "primary_account" {
  source       = "../../modules/primary-account"
  count        = var.primary_account != null && var.parameters != null ? 1 : 0
  providers    = { aws = aws.primary_account }
  orchestrator = module.pilotlight.primary_account

  permissions_boundary_arn = var.primary_account.permissions_boundary_arn
}
