# What everything is called. ARNs of this guard's own resources are composed from names instead of read back, so that
# `terraform plan` shows every policy in full before anything exists, and so that a policy may name what depends on it.

locals {
  # The guard moves items to its own side, and watches the other one.
  other        = var.seat == "primary" ? "recovery" : "primary"
  regions      = { for side, place in var.sides : side => place.region }
  own_region   = local.regions[var.seat]
  other_region = local.regions[local.other]

  # Whose the workload's resources are, by side. Pilotlight's own are in one account, in either region.
  accounts         = { for side, place in var.sides : side => coalesce(place.account, var.account) }
  has_two_accounts = var.sides[local.other].account != null

  # IAM's names are the account's, and both guards have rules in either region: what the second one has of these says whose it is.
  prefix = var.seat == "recovery" ? var.name : "${var.name}-${var.seat}"

  own_key_arn    = var.kms_key_arns[var.seat]
  other_key_arn  = var.kms_key_arns[local.other]
  watched_alarms = var.detection.sides[local.other].alarms

  # The four functions that a run needs, and the steps each takes: the filter of its subscription. What is sized by other variables stands
  # apart, so that names, queues and roles needn't wait for the workload's own resources on a first apply.
  steps = {
    "alarm-handler"   = ["confirm", "verify"]
    "promote-replica" = ["promote", "quarantine"]
    "scale-asg"       = ["scale", "restore"]
    "shift-traffic"   = ["fence", "unfence", "open"]
  }

  # The scheduled jobs: they take no step, and exist where the plan has their section.
  keepers = concat(var.snapshots != null ? ["snapshot-scheduler"] : [], var.parameters != null ? ["ssm-replicator"] : [])

  # They, and the one that looks whether a failover would work, come by a schedule. None of them is needed by a run.
  scheduled = concat(["readiness-checker"], local.keepers)
  functions = toset(concat(keys(local.steps), local.scheduled))

  # Which code was released together. Readiness compares what runs with it.
  release_parameter     = "/pilotlight/${var.name}/release"
  release_parameter_arn = "arn:${var.partition}:ssm:${local.own_region}:${var.account}:parameter${local.release_parameter}"

  function_names   = { for f in local.functions : f => "${var.name}-${f}" }
  role_names       = { for f in local.functions : f => "${local.prefix}-${f}" }
  role_arns        = { for f, name in local.role_names : f => "arn:${var.partition}:iam::${var.account}:role/${name}" }
  function_arns    = { for f, name in local.function_names : f => "arn:${var.partition}:lambda:${local.own_region}:${var.account}:function:${name}" }
  log_group_names  = { for f, name in local.function_names : f => "/aws/lambda/${name}" }
  log_group_arns   = { for f, name in local.log_group_names : f => "arn:${var.partition}:logs:${local.own_region}:${var.account}:log-group:${name}" }
  dead_letter_arns = { for f, name in local.function_names : f => "arn:${var.partition}:sqs:${local.own_region}:${var.account}:${name}-dead-letters" }

  signals_dead_letter_arn = "arn:${var.partition}:sqs:${local.other_region}:${var.account}:${var.name}-signals-dead-letters"

  topic_arns = { for side, region in local.regions : side => {
    signals = "arn:${var.partition}:sns:${region}:${var.account}:${var.name}-signals"
    notices = "arn:${var.partition}:sns:${region}:${var.account}:${var.name}-notices"
  } }
  commands_topic_arn = "arn:${var.partition}:sns:${local.own_region}:${var.account}:${var.name}-commands"

  metrics_namespace = "Pilotlight"

  journal_name = "${var.name}-journal"
  journal_arn  = "arn:${var.partition}:dynamodb:${local.own_region}:${var.account}:table/${local.journal_name}"

  rule_arn_prefix       = "arn:${var.partition}:events:${local.own_region}:${var.account}:rule/${local.prefix}-"
  other_rule_arn_prefix = "arn:${var.partition}:events:${local.other_region}:${var.account}:rule/${local.prefix}-"

  endpoint_groups = distinct(flatten([for r in var.routes : values(r.sides)[*].endpoint_group]))
}
