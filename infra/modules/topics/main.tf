# The topics of one region: signals, to which alarms publish, and notices, which people receive. Both exist once in each region, however
# many guards subscribe.

locals {
  signals_arn = "arn:${var.partition}:sns:${var.region}:${var.account}:${var.name}-signals"
  notices_arn = "arn:${var.partition}:sns:${var.region}:${var.account}:${var.name}-notices"
  alarms      = "arn:${var.partition}:cloudwatch:${var.region}"

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
  signals_policy = {
    Version = "2012-10-17"
    Statement = [
      merge(local.tls_only, { Resource = local.signals_arn }),
      {
        Sid       = "AlarmsOfThisRegionAndAccount"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.signals_arn
        Condition = {
          ArnLike      = { "aws:SourceArn" = "${local.alarms}:${var.alarm_account}:alarm:*" }
          StringEquals = { "aws:SourceAccount" = var.alarm_account }
        }
      },
      # An identity policy would let any administrator's role forge an alarm, or the OK that takes one back.
      merge(local.services_alone, { Resource = local.signals_arn }),
    ]
  }

  # The functions publish notices by their own identity policies; this admits the alarms about the orchestrator itself. A notice
  # carries lines to paste at night, so nobody else may send one.
  notices_policy = {
    Version = "2012-10-17"
    Statement = concat(
      [
        merge(local.tls_only, { Resource = local.notices_arn }),
        {
          Sid       = "AlarmsOfThisModule"
          Effect    = "Allow"
          Principal = { Service = "cloudwatch.amazonaws.com" }
          Action    = "sns:Publish"
          Resource  = local.notices_arn
          Condition = {
            ArnLike      = { "aws:SourceArn" = "${local.alarms}:${var.account}:alarm:${var.name}-*" }
            StringEquals = { "aws:SourceAccount" = var.account }
          }
        },
      ],
      # What modules/primary-account builds tells the same people.
      [for account in var.alarm_account == var.account ? [] : [var.alarm_account] : {
        Sid       = "AlarmOfThePrimarysAccount"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.notices_arn
        Condition = {
          ArnLike      = { "aws:SourceArn" = "${local.alarms}:${account}:alarm:${var.name}-*" }
          StringEquals = { "aws:SourceAccount" = account }
        }
      }],
      [merge(local.services_alone, { Resource = local.notices_arn }, length(var.publisher_arns) == 0 ? {} : {
        Condition                             = merge(local.services_alone.Condition, { ArnNotEquals = { "aws:PrincipalArn" = var.publisher_arns } })
      })],
    )
  }
}

resource "aws_sns_topic" "signals" {
  name              = "${var.name}-signals"
  kms_master_key_id = var.kms_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_policy" "signals" {
  arn    = aws_sns_topic.signals.arn
  policy = jsonencode(local.signals_policy)
}

resource "aws_sns_topic" "notices" {
  name              = "${var.name}-notices"
  kms_master_key_id = var.kms_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_policy" "notices" {
  arn    = aws_sns_topic.notices.arn
  policy = jsonencode(local.notices_policy)
}

resource "aws_sns_topic_subscription" "notices" {
  for_each = toset(var.notice_emails)

  topic_arn      = aws_sns_topic.notices.arn
  protocol       = "email"
  endpoint       = each.value
  redrive_policy = jsonencode({ deadLetterTargetArn = var.dead_letter_arn }) # after 50 tries in six hours
}
