# The topics and queues of one region, who may use them, and an alarm for each dead-letter queue.

locals {
  # Composed from names, so that every policy can be read in the plan.
  topic_arns = { for t in var.topics : t => "arn:${var.place.partition}:sns:${var.place.region}:${var.place.account}:${var.name}-${t}" }
  queue_arns = { for q in keys(var.queues) : q => "arn:${var.place.partition}:sqs:${var.place.region}:${var.place.account}:${var.name}-${q}" }
  arns       = { for q, arn in local.queue_arns : q => { queue = arn, dead_letters = "${arn}-dead-letters" } }

  topic_policies = { for t, arn in local.topic_arns : t => {
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
        Principal = { AWS = "arn:${var.place.partition}:iam::${var.place.account}:root" }
        Action    = ["sns:GetTopicAttributes", "sns:Publish"]
        Resource  = arn
      },
    ]
  } }

  # A queue and its dead letters admit the same. SQS moves messages by the queues' own right; SNS needs an admission.
  queue_policies = { for q, queue in var.queues : q => { for kind, arn in local.arns[q] : kind => {
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
        Condition = { ArnEquals = { "aws:SourceArn" = local.topic_arns[queue.topic] } }
      },
    ]
  } } }
}

resource "aws_sns_topic" "this" {
  for_each = var.topics

  name              = "${var.name}-${each.key}"
  kms_master_key_id = var.kms_key_arn != null ? var.kms_key_arn : "alias/aws/sns"
  tags              = var.tags
}

resource "aws_sns_topic_policy" "this" {
  for_each = var.topics

  arn    = aws_sns_topic.this[each.key].arn
  policy = jsonencode(local.topic_policies[each.key])
}

resource "aws_sqs_queue" "this" {
  for_each = var.queues

  name                       = "${var.name}-${each.key}"
  visibility_timeout_seconds = each.value.visibility_seconds
  message_retention_seconds  = each.value.retention_seconds
  receive_wait_time_seconds  = 20
  sqs_managed_sse_enabled    = true
  redrive_policy             = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn, maxReceiveCount = each.value.receives_max })
  tags                       = var.tags
}

resource "aws_sqs_queue" "dead_letters" {
  for_each = var.queues

  name                      = "${var.name}-${each.key}-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the longest there is
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

resource "aws_sqs_queue_policy" "this" {
  for_each = var.queues

  queue_url = aws_sqs_queue.this[each.key].url
  policy    = jsonencode(local.queue_policies[each.key].queue)
}

resource "aws_sqs_queue_policy" "dead_letters" {
  for_each = var.queues

  queue_url = aws_sqs_queue.dead_letters[each.key].url
  policy    = jsonencode(local.queue_policies[each.key].dead_letters)
}

resource "aws_sns_topic_subscription" "this" {
  for_each = var.queues

  topic_arn            = aws_sns_topic.this[each.value.topic].arn
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.this[each.key].arn
  raw_message_delivery = true
  redrive_policy       = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn })

  depends_on = [aws_sqs_queue_policy.this, aws_sqs_queue_policy.dead_letters]
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = var.queues

  alarm_name          = aws_sqs_queue.dead_letters[each.key].name
  alarm_description   = "Messages for ${each.key} of ${var.name} could not be delivered or handled. The queue of the same name holds them."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters[each.key].name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching" # a queue without traffic sends no data
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
  tags                = var.tags
}
