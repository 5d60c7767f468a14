# The topics, who may publish to them, and who hears them: signals (one in each region), commands and notices.

locals {
  tls_only = {
    Sid       = "TlsOnly"
    Effect    = "Deny"
    Principal = "*"
    Action    = "sns:Publish"
    Condition = { Bool = { "aws:SecureTransport" = "false" } }
  }

  # Whoever calls SNS with an identity of their own is denied: a role, a user, the account's root. The services that the other
  # statements admit call as themselves. EventBridge can't be one of them: AWS refuses its deliveries to a topic whose policy
  # has a condition, and without a condition nobody is kept out. Its events go by a bus instead (signal_events.tf).
  services_alone = {
    Sid       = "NobodyElsePublishes"
    Effect    = "Deny"
    Principal = "*"
    Action    = "sns:Publish"
    Condition = { Bool = { "aws:PrincipalIsAWSService" = "false" } }
  }

  # Alarms by pattern, not one by one: an alarm refers to the topic, and a topic's policy is limited in size. What an
  # alarm may do is decided by the plan's list, which the function checks.
  signals_policy = { for side, arn in { primary = local.topic_arns.signals_primary, recovery = local.topic_arns.signals_recovery } : side => {
    Version = "2012-10-17"
    Statement = [
      merge(local.tls_only, { Resource = arn }),
      {
        Sid       = "AlarmsOfThisRegionAndAccount"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = arn
        Condition = {
          ArnLike      = { "aws:SourceArn" = "${local.alarm_arn_prefix[side]}*" }
          StringEquals = { "aws:SourceAccount" = local.accounts[side] }
        }
      },
      # An identity policy would let any administrator's role forge an alarm, or the OK that takes one back.
      merge(local.services_alone, { Resource = arn }),
    ]
  } }

  commanding_role_arns = [for f in keys(local.steps) : local.role_arns[f]]

  # Identity policies would let any administrator's role publish a command. The denial leaves the four functions.
  commands_policy = {
    Version = "2012-10-17"
    Statement = [
      merge(local.tls_only, { Resource = local.topic_arns.commands }),
      {
        Sid       = "FunctionsPublish"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = "sns:Publish"
        Resource  = local.topic_arns.commands
        Condition = { ArnEquals = { "aws:PrincipalArn" = local.commanding_role_arns } }
      },
      {
        Sid       = "NobodyElsePublishes"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.topic_arns.commands
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.commanding_role_arns } }
      },
    ]
  }

  # The functions publish notices by their own identity policies; this admits the alarms about the orchestrator itself. A notice
  # carries lines to paste at night, so nobody else may send one.
  notices_policy = { for side, arn in { primary = local.topic_arns.notices_primary, recovery = local.topic_arns.notices_recovery } : side => {
    Version = "2012-10-17"
    Statement = concat([
      merge(local.tls_only, { Resource = arn }),
      {
        Sid       = "AlarmsOfThisModule"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = arn
        Condition = {
          ArnLike      = { "aws:SourceArn" = "${local.own_alarm_arn_prefix[side]}*" }
          StringEquals = { "aws:SourceAccount" = local.account }
        }
      },
      ],
      # What modules/primary-account builds tells the same people.
      [for account in compact([var.sides.primary.account]) : {
        Sid       = "AlarmOfThePrimarysAccount"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = arn
        Condition = {
          ArnLike      = { "aws:SourceArn" = "${local.alarm_arn_prefix.primary}${var.name}-*" }
          StringEquals = { "aws:SourceAccount" = account }
        }
      } if side == "primary"],
      [merge(local.services_alone, { Resource = arn }, side != "recovery" ? {} : {
        Condition                             = merge(local.services_alone.Condition, { ArnNotEquals = { "aws:PrincipalArn" = values(local.role_arns) } })
    })])
  } }

  # A topic of an opt-in region invokes functions of other regions under a principal of its own. Opt-in is every region but the 17
  # from before 2019; SNS's documentation counts Osaka among them too, and a principal too many harms nothing.
  speaks_for_itself = !contains([
    "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1",
    "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
  ], local.regions.primary)
  signals_principals = concat(["sns.amazonaws.com"], local.speaks_for_itself ? ["sns.${local.regions.primary}.amazonaws.com"] : [])
}

# --- Signals --------------------------------------------------------------------------------------------------

resource "aws_sns_topic" "signals_primary" {
  provider = aws.primary

  name              = "${var.name}-signals"
  kms_master_key_id = var.kms_key_arns.primary
  tags              = local.tags
}

resource "aws_sns_topic_policy" "signals_primary" {
  provider = aws.primary

  arn    = aws_sns_topic.signals_primary.arn
  policy = jsonencode(local.signals_policy.primary)
}

resource "aws_lambda_permission" "signals_primary" {
  count    = length(local.signals_principals)
  provider = aws.recovery

  statement_id  = "signals-primary-${count.index}"
  function_name = aws_lambda_function.this["alarm-handler"].function_name
  action        = "lambda:InvokeFunction"
  principal     = local.signals_principals[count.index]
  source_arn    = local.topic_arns.signals_primary
}

resource "aws_sns_topic_subscription" "signals_primary" {
  provider = aws.primary

  topic_arn      = aws_sns_topic.signals_primary.arn
  protocol       = "lambda"
  endpoint       = aws_lambda_function.this["alarm-handler"].arn
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.signals_primary.arn })

  # A signal must find the plan.
  depends_on = [aws_lambda_permission.signals_primary, aws_sqs_queue_policy.signals_primary, aws_ssm_parameter.plan]
}

resource "aws_sns_topic" "signals_recovery" {
  provider = aws.recovery

  name              = "${var.name}-signals"
  kms_master_key_id = var.kms_key_arns.recovery
  tags              = local.tags
}

resource "aws_sns_topic_policy" "signals_recovery" {
  provider = aws.recovery

  arn    = aws_sns_topic.signals_recovery.arn
  policy = jsonencode(local.signals_policy.recovery)
}

resource "aws_lambda_permission" "signals_recovery" {
  provider = aws.recovery

  statement_id  = "signals-recovery"
  function_name = aws_lambda_function.this["alarm-handler"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "sns.amazonaws.com"
  source_arn    = local.topic_arns.signals_recovery
}

resource "aws_sns_topic_subscription" "signals_recovery" {
  provider = aws.recovery

  topic_arn      = aws_sns_topic.signals_recovery.arn
  protocol       = "lambda"
  endpoint       = aws_lambda_function.this["alarm-handler"].arn
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters["alarm-handler"].arn })

  depends_on = [aws_lambda_permission.signals_recovery, aws_sqs_queue_policy.dead_letters, aws_ssm_parameter.plan]
}

# --- Commands -------------------------------------------------------------------------------------------------

resource "aws_sns_topic" "commands" {
  provider = aws.recovery

  name              = "${var.name}-commands"
  kms_master_key_id = var.kms_key_arns.recovery
  tags              = local.tags
}

resource "aws_sns_topic_policy" "commands" {
  provider = aws.recovery

  arn    = aws_sns_topic.commands.arn
  policy = jsonencode(local.commands_policy)
}

resource "aws_lambda_permission" "commands" {
  for_each = local.steps
  provider = aws.recovery

  statement_id  = "commands"
  function_name = aws_lambda_function.this[each.key].function_name
  action        = "lambda:InvokeFunction"
  principal     = "sns.amazonaws.com"
  source_arn    = local.topic_arns.commands
}

resource "aws_sns_topic_subscription" "commands" {
  for_each = local.steps
  provider = aws.recovery

  topic_arn           = aws_sns_topic.commands.arn
  protocol            = "lambda"
  endpoint            = aws_lambda_function.this[each.key].arn
  filter_policy_scope = "MessageAttributes"
  filter_policy       = jsonencode({ step = each.value })
  redrive_policy      = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn })

  depends_on = [aws_lambda_permission.commands, aws_sqs_queue_policy.dead_letters]
}

# --- Notices --------------------------------------------------------------------------------------------------

resource "aws_sns_topic" "notices_recovery" {
  provider = aws.recovery

  name              = "${var.name}-notices"
  kms_master_key_id = var.kms_key_arns.recovery
  tags              = local.tags
}

resource "aws_sns_topic_policy" "notices_recovery" {
  provider = aws.recovery

  arn    = aws_sns_topic.notices_recovery.arn
  policy = jsonencode(local.notices_policy.recovery)
}

resource "aws_sns_topic_subscription" "notices_recovery" {
  for_each = toset(var.notice_emails)
  provider = aws.recovery

  topic_arn      = aws_sns_topic.notices_recovery.arn
  protocol       = "email"
  endpoint       = each.value
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters["alarm-handler"].arn }) # after 50 tries in six hours

  depends_on = [aws_sqs_queue_policy.dead_letters]
}

# An alarm can only publish to a topic of its own region, so the primary's one alarm about this module needs one there.
resource "aws_sns_topic" "notices_primary" {
  provider = aws.primary

  name              = "${var.name}-notices"
  kms_master_key_id = var.kms_key_arns.primary
  tags              = local.tags
}

resource "aws_sns_topic_policy" "notices_primary" {
  provider = aws.primary

  arn    = aws_sns_topic.notices_primary.arn
  policy = jsonencode(local.notices_policy.primary)
}

resource "aws_sns_topic_subscription" "notices_primary" {
  for_each = toset(var.notice_emails)
  provider = aws.primary

  topic_arn      = aws_sns_topic.notices_primary.arn
  protocol       = "email"
  endpoint       = each.value
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.signals_primary.arn }) # after 50 tries in six hours

  depends_on = [aws_sqs_queue_policy.signals_primary]
}
