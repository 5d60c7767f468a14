# The guard of the recovery region: one complete installation of the functions. It moves items to its own side.

module "guard_recovery" {
  source    = "../guard"
  providers = { aws.own = aws.recovery, aws.other = aws.primary }

  seat      = "recovery"
  name      = var.name
  account   = local.account
  partition = local.partition
  sides     = var.sides
  topics    = local.topics
  tags      = local.tags

  # From the resource, which refuses what is wrong with the plan as a whole.
  plan_json  = terraform_data.plan.input
  plan_parts = var.plan_parts

  databases              = local.databases
  fleets                 = var.fleets
  routes                 = var.routes
  detection              = var.detection
  signal_age_seconds_max = var.detection.signal_age_seconds_max
  step_seconds_max       = var.limits.step_seconds_max
  snapshots              = var.snapshots == null ? null : merge(var.snapshots, { age_hours_max = local.snapshot_age_hours_max })
  parameters             = var.parameters
  image_parameters       = var.image_parameters
  witness_function_arn   = try(var.witness.sides.recovery.function, null)
  peer_table_arn         = local.peer_arns.recovery

  package_dir              = var.package_dir
  architecture             = var.architecture
  function_timeout_seconds = var.function_timeout_seconds
  function_memory_mb       = var.function_memory_mb
  reserved_concurrency     = var.reserved_concurrency
  log_level                = var.log_level
  log_retention_days       = var.log_retention_days
  silence_minutes          = var.silence_minutes
  unready_minutes          = var.unready_minutes
  error_alarm_functions    = var.error_alarm_functions
  direct_alarm_arns        = var.direct_alarm_arns
  alarm_events             = var.alarm_events
  deletion_protection      = var.deletion_protection
  permissions_boundary_arn = var.permissions_boundary_arn
  kms_key_arns             = var.kms_key_arns
}

# The guard of the primary region. It takes over what the recovery region serves, once that follows here again.
module "guard_primary" {
  count     = var.guards == "both" ? 1 : 0
  source    = "../guard"
  providers = { aws.own = aws.primary, aws.other = aws.recovery }

  seat      = "primary"
  name      = var.name
  account   = local.account
  partition = local.partition
  sides     = var.sides
  topics    = local.topics
  tags      = local.tags

  plan_json  = terraform_data.plan.input
  plan_parts = var.plan_parts

  databases              = local.databases
  fleets                 = [for f in var.fleets : f if f.sides.primary != null]
  routes                 = var.routes
  detection              = var.detection
  signal_age_seconds_max = var.detection.signal_age_seconds_max
  step_seconds_max       = var.limits.step_seconds_max
  # rules.tf refuses both sections where there are two guards.
  snapshots            = null
  parameters           = null
  image_parameters     = []
  witness_function_arn = try(var.witness.sides.primary.function, null)
  peer_table_arn       = local.peer_arns.primary

  package_dir              = var.package_dir
  architecture             = var.architecture
  function_timeout_seconds = var.function_timeout_seconds
  function_memory_mb       = var.function_memory_mb
  reserved_concurrency     = var.reserved_concurrency
  log_level                = var.log_level
  log_retention_days       = var.log_retention_days
  silence_minutes          = var.silence_minutes
  unready_minutes          = var.unready_minutes
  error_alarm_functions    = var.error_alarm_functions
  direct_alarm_arns        = []
  alarm_events             = var.alarm_events
  deletion_protection      = var.deletion_protection
  permissions_boundary_arn = var.permissions_boundary_arn
  kms_key_arns             = var.kms_key_arns
}
