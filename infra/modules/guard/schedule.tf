# What comes by the clock: the tick of alarm-handler, the readiness passes, and the scheduled jobs.

# Once a minute alarm-handler probes, samples the lag and resumes what is unfinished.
resource "aws_cloudwatch_event_rule" "tick" {
  provider = aws.own

  name                = "${local.prefix}-tick"
  description         = "Wakes alarm-handler of the plan ${var.name} every minute."
  schedule_expression = "rate(1 minute)"
  tags                = var.tags
}

resource "aws_lambda_permission" "tick" {
  provider = aws.own

  statement_id  = "tick"
  function_name = aws_lambda_function.this["alarm-handler"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = "${local.rule_arn_prefix}tick"
}

resource "aws_cloudwatch_event_target" "tick" {
  provider = aws.own

  rule      = aws_cloudwatch_event_rule.tick.name
  target_id = "alarm-handler"
  arn       = aws_lambda_function.this["alarm-handler"].arn
  input     = jsonencode({ command = "tick" })

  # A late tick is worth nothing: the next one is a minute away.
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 1
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters["alarm-handler"].arn
  }

  # The first tick must find the plan, and the permissions to look at what is in it.
  depends_on = [aws_lambda_permission.tick, aws_sqs_queue_policy.dead_letters, aws_ssm_parameter.plan, aws_iam_role_policy.steps]
}

# --- The scheduled functions, by EventBridge Scheduler --------------------------------------------------------

locals {
  schedules = merge(
    # A pass is due every half hour. It is asked for more often: one that fails is made up for, and the first one after a run comes soon.
    { "readiness-checker" = {
      name        = "readiness"
      description = "Invokes readiness-checker to check whether a failover of the plan ${var.name} would work."
      expression  = "rate(5 minutes)"
      input       = jsonencode({ command = "pass" })
    } },
    # It looks every few minutes and begins what is due, by the plan's own schedule: a snapshot may take hours, and a copy
    # is begun when it is there.
    { for policy in var.snapshots[*] : "snapshot-scheduler" => {
      name        = "snapshots"
      description = "Invokes snapshot-scheduler to take, copy and prune the snapshots of the plan ${var.name}."
      expression  = "rate(15 minutes)"
      input       = jsonencode({ command = "keep" })
    } },
    # Repairs whatever an event missed.
    { for policy in var.parameters[*] : "ssm-replicator" => {
      name        = "parameters"
      description = "Invokes ssm-replicator to compare and copy the parameters of the plan ${var.name}."
      expression  = policy.pass
      input       = jsonencode({ command = "pass" })
    } },
  )
}

# A group of its own: the scheduler's role is for this group alone, and AWS knows no narrower source.
resource "aws_scheduler_schedule_group" "keepers" {
  provider = aws.own

  name = var.name
  tags = var.tags
}

resource "aws_scheduler_schedule" "keepers" {
  for_each = local.schedules
  provider = aws.own

  name                = "${var.name}-${each.value.name}"
  group_name          = aws_scheduler_schedule_group.keepers.name
  description         = each.value.description
  schedule_expression = each.value.expression
  kms_key_arn         = local.own_key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = aws_lambda_function.this[each.key].arn
    role_arn = aws_iam_role.scheduler.arn
    input    = each.value.input

    retry_policy {
      maximum_event_age_in_seconds = 600
      maximum_retry_attempts       = 2
    }
    dead_letter_config {
      arn = aws_sqs_queue.dead_letters[each.key].arn
    }
  }

  depends_on = [aws_iam_role_policy.scheduler, aws_iam_role_policy.steps, aws_ssm_parameter.plan]
}

resource "aws_iam_role" "scheduler" {
  provider = aws.own

  name                 = "${local.prefix}-scheduler"
  description          = "Lets EventBridge Scheduler invoke the scheduled functions of the plan ${var.name}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # The group's ARN: EventBridge Scheduler sends that as the source, never a schedule's.
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account }
        ArnEquals    = { "aws:SourceArn" = "arn:${var.partition}:scheduler:${local.own_region}:${var.account}:schedule-group/${var.name}" }
      }
    }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "scheduler" {
  provider = aws.own

  name = "invoke"
  role = aws_iam_role.scheduler.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid      = "Invoke"
        Effect   = "Allow"
        Action   = ["lambda:InvokeFunction"]
        Resource = [for f in local.scheduled : "arn:${var.partition}:lambda:${local.own_region}:${var.account}:function:${local.function_names[f]}"]
      },
      {
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [for f in local.scheduled : local.dead_letter_arns[f]]
      },
      ],
      # It reads the encrypted schedule, and writes to an encrypted queue.
      [for arn in compact([local.own_key_arn]) : {
        Sid      = "Keys"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [arn]
    }])
  })
}
