# Asynchronous messages between services: a topic for what happens, a queue for each that hears of it, all of it twice.
# A service speaks with its own region's only, so nothing here has to move in a failover.

data "aws_region" "primary" {
  provider = aws.primary
}

data "aws_region" "recovery" {
  provider = aws.recovery
}

data "aws_caller_identity" "recovery" {
  provider = aws.recovery
}

data "aws_partition" "recovery" {
  provider = aws.recovery
}

locals {
  account   = data.aws_caller_identity.recovery.account_id
  partition = data.aws_partition.recovery.partition

  queues = merge([for t, topic in var.topics : { for s, settings in topic.subscribers : "${t}-${s}" => merge(settings, { topic = t }) }]...)

  # Composed from names, so that every policy can be read in the plan.
  topic_arns       = { for side, region in var.regions : side => { for t in keys(var.topics) : t => "arn:${local.partition}:sns:${region}:${local.account}:${var.name}-${t}" } }
  queue_arns       = { for side, region in var.regions : side => { for q in keys(local.queues) : q => "arn:${local.partition}:sqs:${region}:${local.account}:${var.name}-${q}" } }
  dead_letter_arns = { for side, arns in local.queue_arns : side => { for q, arn in arns : q => "${arn}-dead-letters" } }

  topic_policies = { for side, arns in local.topic_arns : side => { for t, arn in arns : t => {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "AccountByItsOwnPolicies"
        Effect    = "Allow"
        Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
        Action    = ["sns:GetTopicAttributes", "sns:Publish"]
        Resource  = arn
      },
    ]
  } } }

  queue_policies = { for side, arns in local.queue_arns : side => { for q, arn in arns : q => {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "ItsTopic"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.topic_arns[side][local.queues[q].topic] } }
      },
    ]
  } } }

  # What SQS and SNS gave up on. SQS moves messages by the queues' own right; SNS needs an admission.
  dead_letter_policies = { for side, arns in local.dead_letter_arns : side => { for q, arn in arns : q => {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "ItsTopic"
        Effect    = "Allow"
        Principal = { Service = "sns.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.topic_arns[side][local.queues[q].topic] } }
      },
    ]
  } } }

  tags = merge({ "pilotlight:messaging" = var.name }, var.tags)
}

# --- The primary region ---------------------------------------------------------------------------------------------

resource "aws_sns_topic" "primary" {
  for_each = var.topics
  provider = aws.primary

  name              = "${var.name}-${each.key}"
  kms_master_key_id = var.kms_key_arns.primary != null ? var.kms_key_arns.primary : "alias/aws/sns"
  tags              = local.tags

  lifecycle {
    precondition {
      condition     = data.aws_region.primary.id == var.regions.primary && data.aws_region.recovery.id == var.regions.recovery
      error_message = "The providers aws.primary and aws.recovery work in ${data.aws_region.primary.id} and ${data.aws_region.recovery.id}, but var.regions says ${var.regions.primary} and ${var.regions.recovery}."
    }
  }
}

resource "aws_sns_topic_policy" "primary" {
  for_each = var.topics
  provider = aws.primary

  arn    = aws_sns_topic.primary[each.key].arn
  policy = jsonencode(local.topic_policies.primary[each.key])
}

resource "aws_sqs_queue" "primary" {
  for_each = local.queues
  provider = aws.primary

  name                       = "${var.name}-${each.key}"
  visibility_timeout_seconds = each.value.visibility_seconds
  message_retention_seconds  = each.value.retention_seconds
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.primary_dead_letters[each.key].arn, maxReceiveCount = each.value.receives_max })
  tags                       = local.tags
}

resource "aws_sqs_queue" "primary_dead_letters" {
  for_each = local.queues
  provider = aws.primary

  name                      = "${var.name}-${each.key}-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the longest there is
  sqs_managed_sse_enabled   = true
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "primary" {
  for_each = local.queues
  provider = aws.primary

  queue_url = aws_sqs_queue.primary[each.key].url
  policy    = jsonencode(local.queue_policies.primary[each.key])
}

resource "aws_sqs_queue_policy" "primary_dead_letters" {
  for_each = local.queues
  provider = aws.primary

  queue_url = aws_sqs_queue.primary_dead_letters[each.key].url
  policy    = jsonencode(local.dead_letter_policies.primary[each.key])
}

resource "aws_sns_topic_subscription" "primary" {
  for_each = local.queues
  provider = aws.primary

  topic_arn            = aws_sns_topic.primary[each.value.topic].arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.primary[each.key].arn
  raw_message_delivery = true
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.primary_dead_letters[each.key].arn })

  depends_on = [aws_sqs_queue_policy.primary, aws_sqs_queue_policy.primary_dead_letters]
}

resource "aws_cloudwatch_metric_alarm" "primary_dead_letters" {
  for_each = local.queues
  provider = aws.primary

  alarm_name          = aws_sqs_queue.primary_dead_letters[each.key].name
  alarm_description   = "Messages for ${each.key} of ${var.name} could not be delivered or handled. The queue of the same name holds them."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.primary_dead_letters[each.key].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching" # a queue without traffic sends no data
  alarm_actions       = var.alarm_topic_arns.primary
  ok_actions          = var.alarm_topic_arns.primary
  tags                = local.tags
}

# --- The recovery region --------------------------------------------------------------------------------------------

resource "aws_sns_topic" "recovery" {
  for_each = var.topics
  provider = aws.recovery

  name              = "${var.name}-${each.key}"
  kms_master_key_id = var.kms_key_arns.recovery != null ? var.kms_key_arns.recovery : "alias/aws/sns"
  tags              = local.tags
}

resource "aws_sns_topic_policy" "recovery" {
  for_each = var.topics
  provider = aws.recovery

  arn    = aws_sns_topic.recovery[each.key].arn
  policy = jsonencode(local.topic_policies.recovery[each.key])
}

resource "aws_sqs_queue" "recovery" {
  for_each = local.queues
  provider = aws.recovery

  name                       = "${var.name}-${each.key}"
  visibility_timeout_seconds = each.value.visibility_seconds
  message_retention_seconds  = each.value.retention_seconds
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.recovery_dead_letters[each.key].arn, maxReceiveCount = each.value.receives_max })
  tags                       = local.tags
}

resource "aws_sqs_queue" "recovery_dead_letters" {
  for_each = local.queues
  provider = aws.recovery

  name                      = "${var.name}-${each.key}-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the longest there is
  sqs_managed_sse_enabled   = true
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "recovery" {
  for_each = local.queues
  provider = aws.recovery

  queue_url = aws_sqs_queue.recovery[each.key].url
  policy    = jsonencode(local.queue_policies.recovery[each.key])
}

resource "aws_sqs_queue_policy" "recovery_dead_letters" {
  for_each = local.queues
  provider = aws.recovery

  queue_url = aws_sqs_queue.recovery_dead_letters[each.key].url
  policy    = jsonencode(local.dead_letter_policies.recovery[each.key])
}

resource "aws_sns_topic_subscription" "recovery" {
  for_each = local.queues
  provider = aws.recovery

  topic_arn            = aws_sns_topic.recovery[each.value.topic].arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.recovery[each.key].arn
  raw_message_delivery = true
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.recovery_dead_letters[each.key].arn })

  depends_on = [aws_sqs_queue_policy.recovery, aws_sqs_queue_policy.recovery_dead_letters]
}

resource "aws_cloudwatch_metric_alarm" "recovery_dead_letters" {
  for_each = local.queues
  provider = aws.recovery

  alarm_name          = aws_sqs_queue.recovery_dead_letters[each.key].name
  alarm_description   = "Messages for ${each.key} of ${var.name} could not be delivered or handled. The queue of the same name holds them."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.recovery_dead_letters[each.key].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching" # a queue without traffic sends no data
  alarm_actions       = var.alarm_topic_arns.recovery
  ok_actions          = var.alarm_topic_arns.recovery
  tags                = local.tags
}
