# The orchestrator alone, pointed at what exists. It changes none of it before a run.

module "pilotlight" {
  source        = "../../modules/orchestrator"
  providers     = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name          = "shop"
  regions       = var.regions
  databases     = [merge(var.database, { name = "orders" })]
  fleets        = [{ name = "web", group = var.fleet.group, target_groups = [var.fleet.target_group], capacity = var.fleet.capacity, healthy_targets_min = var.fleet.capacity.desired }]
  routes        = [merge(var.route, { name = "front", after = ["orders", "web"] })]
  detection     = { alarms = var.alarm_arns, probes = [{ kind = "http", name = "front-primary", url = var.health_url }] }
  notice_emails = var.notice_emails
  package_dir   = coalesce(var.package_dir, "${path.module}/../../../target/lambda")

  deletion_protection = var.deletion_protection
}
