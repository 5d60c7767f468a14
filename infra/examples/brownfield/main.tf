# The orchestrator alone, pointed at what exists. It changes none of it before a run.

module "pilotlight" {
  source        = "../../modules/orchestrator"
  providers     = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name          = "shop"
  regions       = var.regions
  databases     = [for database in var.database[*] : merge(database, { name = "orders" })]
  fleets        = [{ name = "web", group = var.fleet.group, target_groups = [var.fleet.target_group], capacity = var.fleet.capacity, healthy_targets_min = var.fleet.capacity.desired }]
  routes        = [merge(var.route, { name = "front", after = concat(var.database == null ? [] : ["orders"], ["web"]) })]
  detection     = { alarms = var.alarm_arns, probes = [{ kind = "http", name = "front-primary", url = var.health_url }] }
  notice_emails = var.notice_emails
  package_dir   = coalesce(var.package_dir, "${path.module}/../../../target/lambda")

  # Of a plan whose regions lie in two accounts. Both null: one account, and no parameters are copied.
  primary_account = var.primary_account
  parameters      = var.parameters

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
