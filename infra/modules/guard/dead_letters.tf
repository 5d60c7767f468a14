# Where messages end that could not be delivered or handled. One queue per function takes what SNS, EventBridge and
# Lambda's own retries gave up on; the queue's alarm (alarms.tf) tells people. A subscription's queue must lie in the
# topic's region, so the other region's signals have one there.

locals {
  # Who may put a message into a function's queue, besides the function's own role (its identity policy says so).
  dead_letter_topics = { for f in local.functions : f => concat(contains(local.scheduled, f) ? [] : [local.commands_topic_arn], f == "alarm-handler" ? [local.topic_arns[var.seat].signals, local.topic_arns[var.seat].notices] : []) }

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
        Condition = { ArnEquals = { "aws:SourceArn" = [local.topic_arns[local.other].signals, local.topic_arns[local.other].notices] } }
      },
      {
        Sid       = "Rules"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.signals_dead_letter_arn
        Condition = { ArnLike = { "aws:SourceArn" = "arn:${var.partition}:events:${local.other_region}:${var.account}:rule/${var.name}-*" } }
      },
    ]
  }
}

resource "aws_sqs_queue" "dead_letters" {
  for_each = local.functions
  provider = aws.own

  name                      = "${local.function_names[each.key]}-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the longest there is
  kms_master_key_id         = local.own_key_arn
  sqs_managed_sse_enabled   = local.own_key_arn == null ? true : null
  tags                      = var.tags
}

resource "aws_sqs_queue_policy" "dead_letters" {
  for_each = local.functions
  provider = aws.own

  queue_url = aws_sqs_queue.dead_letters[each.key].url
  policy    = jsonencode(local.dead_letter_policy[each.key])
}

resource "aws_sqs_queue" "signals_other" {
  provider = aws.other

  name                      = "${var.name}-signals-dead-letters"
  message_retention_seconds = 1209600
  kms_master_key_id         = local.other_key_arn
  sqs_managed_sse_enabled   = local.other_key_arn == null ? true : null
  tags                      = var.tags
}

resource "aws_sqs_queue_policy" "signals_other" {
  provider = aws.other

  queue_url = aws_sqs_queue.signals_other.url
  policy    = jsonencode(local.signals_dead_letter_policy)
}
