# What the primary region's account grants: a role for the function ssm-replicator, and the news of changed parameters.

data "aws_caller_identity" "this" {}
data "aws_region" "this" {}
data "aws_partition" "this" {}

locals {
  account   = data.aws_caller_identity.this.account_id
  partition = data.aws_partition.this.partition
  region    = var.orchestrator.regions.primary
  name      = var.orchestrator.name
  tags      = merge({ "pilotlight:plan" = local.name }, var.tags)

  parameter_arns = [for head in var.orchestrator.parameter_heads : "arn:${local.partition}:ssm:${local.region}:${local.account}:parameter${endswith(head, "/") ? "${head}*" : head}"]
  rule_name      = "${local.name}-parameters"
  rule_arn       = "arn:${local.partition}:events:${local.region}:${local.account}:rule/${local.rule_name}"
  queue_arn      = "arn:${local.partition}:sqs:${local.region}:${local.account}:${local.name}-parameter-events-dead-letters"

  # What the function may do in the recovery region as itself, and nothing beside it.
  statements = concat(
    [
      {
        Sid    = "ListParameters"
        Effect = "Allow"
        # "*": a listing is authorised against everything.
        Action    = ["ssm:DescribeParameters"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = [local.region] } }
      },
      {
        Sid      = "CopyParameters"
        Effect   = "Allow"
        Action   = ["ssm:AddTagsToResource", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:LabelParameterVersion", "ssm:ListTagsForResource", "ssm:PutParameter"]
        Resource = local.parameter_arns
      },
      # What a person made is never deleted.
      {
        Sid       = "DeleteCopies"
        Effect    = "Allow"
        Action    = ["ssm:DeleteParameter"]
        Resource  = local.parameter_arns
        Condition = { StringEquals = { "aws:ResourceTag/pilotlight:copied-by" = local.name } }
      },
    ],
    [for arns in [var.orchestrator.key_arns] : {
      Sid       = "KeysOfSecureStrings"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
      Resource  = arns
      Condition = { StringEquals = { "kms:ViaService" = ["ssm.${local.region}.amazonaws.com"] } }
    } if length(arns) > 0],
  )
}

# --- The role that the function takes -------------------------------------------------------------------------

# It names the function's role itself, and not that account: whoever else works there can't take it. IAM keeps the
# role's inner id: where that role is made anew, this one must be applied again.
resource "aws_iam_role" "primary_region" {
  name                 = var.orchestrator.role_name
  description          = "ssm-replicator of the plan ${local.name} assumes this role to copy parameters from and to ${local.region}."
  permissions_boundary = var.permissions_boundary_arn
  max_session_duration = 3600 # the shortest there is; the function asks for 15 minutes
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { AWS = var.orchestrator.trusted_role_arns }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "sts:ExternalId" = var.orchestrator.external_id } }
    }]
  })
  tags = local.tags

  lifecycle {
    precondition {
      condition     = local.account == var.orchestrator.account && data.aws_region.this.id == local.region
      error_message = "The provider works in ${data.aws_region.this.id} of the account ${local.account}, and the orchestrator says that the primary region is ${local.region} of ${var.orchestrator.account}."
    }
  }
}

resource "aws_iam_role_policy" "primary_region" {
  name   = "parameters"
  role   = aws_iam_role.primary_region.name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

# --- Changes of parameters ------------------------------------------------------------------------------------

resource "aws_cloudwatch_event_rule" "parameters" {
  name          = local.rule_name
  description   = "Sends each change of a parameter of the plan ${local.name} to ${var.orchestrator.regions.recovery}."
  event_pattern = var.orchestrator.event_pattern
  tags          = local.tags
}

resource "aws_cloudwatch_event_target" "parameters" {
  rule      = aws_cloudwatch_event_rule.parameters.name
  target_id = "recovery-bus"
  arn       = var.orchestrator.event_bus_arn
  role_arn  = aws_iam_role.sender.arn

  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }

  depends_on = [aws_sqs_queue_policy.dead_letters, aws_iam_role_policy.sender]
}

resource "aws_iam_role" "sender" {
  name                 = var.orchestrator.sender_role_name
  description          = "Lets EventBridge of ${local.region} send the changes of parameters to ${var.orchestrator.regions.recovery}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnEquals    = { "aws:SourceArn" = local.rule_arn }
      }
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "sender" {
  name = "send"
  role = aws_iam_role.sender.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Send"
      Effect   = "Allow"
      Action   = ["events:PutEvents"]
      Resource = [var.orchestrator.event_bus_arn]
    }]
  })
}

# --- What could not be sent -----------------------------------------------------------------------------------

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${local.name}-parameter-events-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the longest there is
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:SendMessage"
        Resource  = local.queue_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "Rule"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.queue_arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arn } }
      },
    ]
  })
}

# The next pass finds what an event missed; the queue says that the way over is broken. The topic is the other account's and
# admits this alarm by its name.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = aws_sqs_queue.dead_letters.name
  alarm_description   = "Parameter changes of ${local.region} could not be sent to ${var.orchestrator.regions.recovery}. The queue of the same name holds them."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching" # a queue without traffic sends no data
  alarm_actions       = [var.orchestrator.notices_topic_arn]
  ok_actions          = [var.orchestrator.notices_topic_arn]
  tags                = local.tags
}
