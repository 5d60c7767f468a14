# The orchestrator, pointed at everything above.

module "pilotlight" {
  source    = "../../modules/orchestrator"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name    = var.name
  regions = var.regions
  mode    = var.mode

  databases = [{
    name                      = "orders"
    primary                   = aws_db_instance.orders.arn
    replica                   = aws_db_instance.orders_replica.arn
    quarantine_security_group = aws_security_group.quarantine.id
  }]

  fleets = [{
    name                = "web"
    group               = aws_autoscaling_group.web_recovery.name
    target_groups       = [module.recovery.target_group_arn]
    capacity            = var.web_capacity
    healthy_targets_min = var.web_capacity.desired
  }]

  routes = [{
    name = "front"
    primary = {
      endpoint_group = aws_globalaccelerator_endpoint_group.primary.arn
      endpoint       = module.primary.load_balancer_arn
    }
    recovery = {
      endpoint_group = aws_globalaccelerator_endpoint_group.recovery.arn
      endpoint       = module.recovery.load_balancer_arn
    }
    probe = {
      name = "front-recovery"
      url  = "http://${module.recovery.load_balancer_dns_name}/health"
    }
    after = ["orders", "web"]
  }]

  detection = {
    alarms = [
      aws_cloudwatch_metric_alarm.web_unhealthy.arn,
      aws_cloudwatch_metric_alarm.web_errors.arn,
      aws_cloudwatch_metric_alarm.orders_connections.arn,
      aws_cloudwatch_metric_alarm.orders_replica_lag.arn,
    ]
    probes = [{
      kind          = "http"
      name          = "front-primary"
      url           = "http://${module.primary.load_balancer_dns_name}/health"
      expect_status = 200
    }]
    confirm_seconds = var.confirm_seconds
  }

  snapshots = var.snapshot_schedule == null ? null : {
    schedule     = var.snapshot_schedule
    kms_key_arns = { primary = aws_kms_key.snapshots[0].arn, recovery = aws_kms_key.replica.arn }
  }

  parameters = length(local.parameter_paths) == 0 ? null : {
    include   = local.parameter_paths
    overrides = ["/${var.name}/database/endpoint"]
  }

  limits = { lag_seconds_max = var.lag_seconds_max }

  notice_emails       = var.notice_emails
  package_dir         = local.package_dir
  architecture        = var.architecture
  deletion_protection = var.deletion_protection
}
