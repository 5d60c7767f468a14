# Where messages end that could not be delivered or handled. One queue per function takes what SNS, EventBridge and
# Lambda's own retries gave up on; the queue's alarm (alarms.tf) tells people. A subscription's queue must lie in the
# topic's region, so the primary's signals have one of their own.

locals {
  # Who may put a message into a function's queue, besides the function's own role (its identity policy says so).
  dead_letter_topics = { for f in local.functions : f => concat(contains(local.keepers, f) ? [] : [local.topic_arns.commands], f == "alarm-handler" ? [local.topic_arns.signals_recovery, local.topic_arns.notices_recovery] : []) }

  dead_letter_policy = { for f, arn in local.dead_letter_arns : f => {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:SendMessage"
        Resource  = arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      [for topics in [local.dead_letter_topics[f]] : {
        Sid       = "Subscriptions"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = arn
        Condition = { ArnEquals = { "aws:SourceArn" = topics } }
      } if length(topics) > 0],
      !contains(["alarm-handler", "ssm-replicator"], f) ? [] : [{
        Sid       = "Rules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = arn
        Condition = { ArnLike = { "aws:SourceArn" = "${local.rule_arn_prefix}*" } }
      }]
    )
  } }

  signals_dead_letter_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:SendMessage"
        Resource  = local.signals_dead_letter_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "Subscriptions"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.signals_dead_letter_arn
        Condition = { ArnEquals = { "aws:SourceArn" = [local.topic_arns.signals_primary, local.topic_arns.notices_primary] } }
      },
      {
        Sid       = "Rules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.signals_dead_letter_arn
        Condition = { ArnLike = { "aws:SourceArn" = "arn:${local.partition}:events:${local.regions.primary}:${local.account}:rule/${var.name}-*" } }
      },
    ]
  }
}

resource "aws_sqs_queue" "dead_letters" {
  for_each = local.functions
  provider = aws.recovery

  name                      = "${local.function_names[each.key]}-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the longest there is
  kms_master_key_id         = var.kms_key_arns.recovery
  sqs_managed_sse_enabled   = var.kms_key_arns.recovery == null ? true : null
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "dead_letters" {
  for_each = local.functions
  provider = aws.recovery

  queue_url = aws_sqs_queue.dead_letters[each.key].url
  policy    = jsonencode(local.dead_letter_policy[each.key])
}

resource "aws_sqs_queue" "signals_primary" {
  provider = aws.primary

  name                      = "${var.name}-signals-dead-letters"
  message_retention_seconds = 1209600
  kms_master_key_id         = var.kms_key_arns.primary
  sqs_managed_sse_enabled   = var.kms_key_arns.primary == null ? true : null
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "signals_primary" {
  provider = aws.primary

  queue_url = aws_sqs_queue.signals_primary.url
  policy    = jsonencode(local.signals_dead_letter_policy)
}
