# Where the alerts of the clusters' own pods and nodes go: topics of their own, told to the same people. The orchestrator's notices
# carry lines to paste at night, so their topics admit its functions and alarms alone: what a pod published there would be refused.

locals {
  alerts_topic_policy = { for side, topic in { primary = aws_sns_topic.alerts_primary, recovery = aws_sns_topic.alerts_recovery } : side => {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = topic.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "AccountByItsOwnPolicies"
        Effect    = "Allow"
        Principal = { AWS = "arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.here.account_id}:root" }
        Action    = ["sns:GetTopicAttributes", "sns:Publish"]
        Resource  = topic.arn
      },
    ]
  } }
}

resource "aws_sns_topic" "alerts_primary" {
  provider = aws.primary

  name              = "${local.name}-alerts"
  kms_master_key_id = local.messages_key_arns.primary
}

resource "aws_sns_topic_policy" "alerts_primary" {
  provider = aws.primary

  arn    = aws_sns_topic.alerts_primary.arn
  policy = jsonencode(local.alerts_topic_policy.primary)
}

resource "aws_sns_topic_subscription" "alerts_primary" {
  for_each = toset(var.notice_emails)
  provider = aws.primary

  topic_arn = aws_sns_topic.alerts_primary.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_sns_topic" "alerts_recovery" {
  provider = aws.recovery

  name              = "${local.name}-alerts"
  kms_master_key_id = local.messages_key_arns.recovery
}

resource "aws_sns_topic_policy" "alerts_recovery" {
  provider = aws.recovery

  arn    = aws_sns_topic.alerts_recovery.arn
  policy = jsonencode(local.alerts_topic_policy.recovery)
}

resource "aws_sns_topic_subscription" "alerts_recovery" {
  for_each = toset(var.notice_emails)
  provider = aws.recovery

  topic_arn = aws_sns_topic.alerts_recovery.arn
  protocol  = "email"
  endpoint  = each.value
}
