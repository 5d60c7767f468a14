# The functions, their logs, and what becomes of an invocation that fails.

locals {
  settings = {
    "alarm-handler" = {
      description = "Weighs evidence, decides, and watches the workload every minute."
      timeout     = var.function_timeout_seconds.alarm_handler
      memory      = var.function_memory_mb.alarm_handler
    }
    "promote-replica" = {
      description = "Promotes read replicas and isolates the old primary."
      timeout     = var.function_timeout_seconds.promote_replica
      memory      = var.function_memory_mb.promote_replica
    }
    "scale-asg" = {
      description = "Scales the fleets of its region."
      timeout     = var.function_timeout_seconds.scale_asg
      memory      = var.function_memory_mb.scale_asg
    }
    "shift-traffic" = {
      description = "Closes and opens Global Accelerator endpoints by their weight."
      timeout     = var.function_timeout_seconds.shift_traffic
      memory      = var.function_memory_mb.shift_traffic
    }
    "readiness-checker" = {
      description = "Checks whether a failover would work. It changes nothing."
      timeout     = local.checker_timeout_seconds
      memory      = var.function_memory_mb.readiness_checker
    }
    "snapshot-scheduler" = {
      description = "Takes snapshots, copies them to the other region, and deletes those that no tier keeps."
      timeout     = local.keeper_timeout_seconds.snapshot_scheduler
      memory      = var.function_memory_mb.snapshot_scheduler
    }
    "ssm-replicator" = {
      description = "Keeps the parameters of Parameter Store equal in both regions."
      timeout     = local.keeper_timeout_seconds.ssm_replicator
      memory      = var.function_memory_mb.ssm_replicator
    }
  }

  # A keeper is invoked again and goes on where it ended. It takes no step, so no deadline of the plan speaks of it.
  keeper_timeout_seconds = { snapshot_scheduler = 300, ssm_replicator = 840 }

  # It looks for 25 seconds at most; the rest is for what it reads and writes. alarm-handler, which waits for it, waits a little longer.
  checker_timeout_seconds = 60

  environment = {
    PILOTLIGHT_PLAN_PARAMETER = local.plan_prefix
    PILOTLIGHT_PLAN_PARTS     = tostring(var.plan_parts)
    PILOTLIGHT_JOURNAL_TABLE  = local.journal_name
    PILOTLIGHT_COMMANDS_TOPIC = local.commands_topic_arn
    PILOTLIGHT_NOTICES_TOPIC  = local.topic_arns[var.seat].notices
  }

  # How long Lambda may keep an event that it can't hand over. An older alarm starts nothing, and an older command was
  # given again by the tick long since.
  event_age_seconds_max = {
    "alarm-handler"   = var.signal_age_seconds_max
    "promote-replica" = max(var.step_seconds_max.promote, var.step_seconds_max.quarantine)
    "scale-asg"       = var.step_seconds_max.scale
    "shift-traffic"   = max(var.step_seconds_max.fence, var.step_seconds_max.open)
    # The next invocation of the schedule does what an older one would have done.
    "readiness-checker"  = 300
    "snapshot-scheduler" = 900
    "ssm-replicator"     = 900
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each = local.functions
  provider = aws.own

  name              = local.log_group_names[each.key]
  retention_in_days = var.log_retention_days
  kms_key_id        = local.own_key_arn
  tags              = var.tags
}

resource "aws_lambda_function" "this" {
  for_each = local.functions
  provider = aws.own

  function_name    = local.function_names[each.key]
  description      = "${local.settings[each.key].description} Plan ${var.name}."
  filename         = "${var.package_dir}/${each.key}.zip"
  source_code_hash = filebase64sha256("${var.package_dir}/${each.key}.zip")
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = local.settings[each.key].memory
  timeout          = local.settings[each.key].timeout
  role             = aws_iam_role.this[each.key].arn

  # One keeper of a kind at a time: the rate of its writes is the account's. Two at once would do the same work twice as fast, and
  # nothing wrong, so an account without room for a reservation can go without. A readiness pass that is put
  # off is followed by the next.
  reserved_concurrent_executions = var.reserved_concurrency == -1 || each.key == "readiness-checker" ? -1 : contains(local.keepers, each.key) ? 1 : coalesce(var.reserved_concurrency, -1)

  environment {
    variables = merge(local.environment, {
      PILOTLIGHT_FUNCTION_SECONDS = tostring(local.settings[each.key].timeout)
      }, each.key != "readiness-checker" ? {} : {
      PILOTLIGHT_RELEASE_PARAMETER = local.release_parameter
      }, each.key != "alarm-handler" || var.peer_table_arn == null ? {} : {
      PILOTLIGHT_PEER_TABLE = var.peer_table_arn
      }, each.key != "ssm-replicator" || !local.has_two_accounts ? {} : {
      PILOTLIGHT_PRIMARY_ROLE        = local.other_role_arn
      PILOTLIGHT_PRIMARY_EXTERNAL_ID = var.sides[local.other].external_id
    })
  }

  logging_config {
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.this[each.key].name
    application_log_level = var.log_level
    system_log_level      = "INFO"
  }

  tags = var.tags

  # The role must be able to log and to fail properly before the first event arrives.
  depends_on = [aws_iam_role_policy.common]
}

# Written when every function has its code: where one was not replaced, what runs differs from it. A delivery without
# Terraform writes it too.
resource "aws_ssm_parameter" "release" {
  provider = aws.own

  name           = local.release_parameter
  description    = "The checksum of each function's code in the current release of the plan ${var.name}."
  type           = "String"
  tier           = "Standard"
  insecure_value = jsonencode({ for f, name in local.function_names : name => filebase64sha256("${var.package_dir}/${f}.zip") })
  tags           = var.tags

  depends_on = [aws_lambda_function.this]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  for_each = local.functions
  provider = aws.own

  function_name                = aws_lambda_function.this[each.key].function_name
  maximum_event_age_in_seconds = min(21600, max(60, local.event_age_seconds_max[each.key])) # Lambda's bounds
  maximum_retry_attempts       = 2

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters[each.key].arn
    }
  }
}
