# What everything is called. ARNs of this module's own resources are composed from names instead of read back, so that
# `terraform plan` shows every policy in full before anything exists, and so that a policy may name what depends on it.

data "aws_caller_identity" "primary" {
  provider = aws.primary
}

data "aws_caller_identity" "recovery" {
  provider = aws.recovery
}

data "aws_region" "primary" {
  provider = aws.primary
}

data "aws_region" "recovery" {
  provider = aws.recovery
}

data "aws_partition" "recovery" {
  provider = aws.recovery
}

locals {
  account   = data.aws_caller_identity.recovery.account_id
  partition = data.aws_partition.recovery.partition

  # Whose the workload's resources are, by region. Pilotlight's own are the recovery region's account's, in either region.
  accounts = { primary = coalesce(var.sides.primary.account, local.account), recovery = local.account }
  regions  = { for side, place in var.sides : side => place.region }

  # The primary side's account is named only where it is another one.
  has_two_accounts = var.sides.primary.account != null

  # The four functions that a run needs, and the steps each takes: the filter of its subscription. What is sized by other variables stands
  # apart, so that names, queues and roles needn't wait for the workload's own resources on a first apply.
  steps = {
    "alarm-handler"   = ["confirm", "verify"]
    "promote-replica" = ["promote", "quarantine"]
    "scale-asg"       = ["scale", "restore"]
    "shift-traffic"   = ["fence", "unfence", "open"]
  }

  # The functions of every day: they take no step, and exist where the plan has their section.
  keepers   = concat(var.snapshots != null ? ["snapshot-scheduler"] : [], var.parameters != null ? ["ssm-replicator"] : [])
  functions = toset(concat(keys(local.steps), local.keepers))

  # Which code was released together. Readiness compares what runs with it.
  release_parameter     = "/pilotlight/${var.name}/release"
  release_parameter_arn = "arn:${local.partition}:ssm:${local.regions.recovery}:${local.account}:parameter${local.release_parameter}"

  function_names   = { for f in local.functions : f => "${var.name}-${f}" }
  role_arns        = { for f, name in local.function_names : f => "arn:${local.partition}:iam::${local.account}:role/${name}" }
  function_arns    = { for f, name in local.function_names : f => "arn:${local.partition}:lambda:${local.regions.recovery}:${local.account}:function:${name}" }
  log_group_names  = { for f, name in local.function_names : f => "/aws/lambda/${name}" }
  log_group_arns   = { for f, name in local.log_group_names : f => "arn:${local.partition}:logs:${local.regions.recovery}:${local.account}:log-group:${name}" }
  dead_letter_arns = { for f, name in local.function_names : f => "arn:${local.partition}:sqs:${local.regions.recovery}:${local.account}:${name}-dead-letters" }

  signals_dead_letter_arn = "arn:${local.partition}:sqs:${local.regions.primary}:${local.account}:${var.name}-signals-dead-letters"

  topic_arns = {
    signals_primary  = "arn:${local.partition}:sns:${local.regions.primary}:${local.account}:${var.name}-signals"
    signals_recovery = "arn:${local.partition}:sns:${local.regions.recovery}:${local.account}:${var.name}-signals"
    commands         = "arn:${local.partition}:sns:${local.regions.recovery}:${local.account}:${var.name}-commands"
    notices_primary  = "arn:${local.partition}:sns:${local.regions.primary}:${local.account}:${var.name}-notices"
    notices_recovery = "arn:${local.partition}:sns:${local.regions.recovery}:${local.account}:${var.name}-notices"
  }

  metrics_namespace = "Pilotlight"

  journal_name = "${var.name}-journal"
  journal_arn  = "arn:${local.partition}:dynamodb:${local.regions.recovery}:${local.account}:table/${local.journal_name}"

  rule_arn_prefix         = "arn:${local.partition}:events:${local.regions.recovery}:${local.account}:rule/${var.name}-"
  primary_rule_arn_prefix = "arn:${local.partition}:events:${local.regions.primary}:${local.account}:rule/${var.name}-"
  # The workload's alarms, and those about Pilotlight itself.
  alarm_arn_prefix     = { for side, region in local.regions : side => "arn:${local.partition}:cloudwatch:${region}:${local.accounts[side]}:alarm:" }
  own_alarm_arn_prefix = { for side, region in local.regions : side => "arn:${local.partition}:cloudwatch:${region}:${local.account}:alarm:${var.name}-" }

  tags = merge({ "pilotlight:plan" = var.name }, var.tags)
}
