# One key in each region for what Pilotlight says: its topics, queues and logs, and the journal. Who may use it besides the account's own
# roles stands in the orchestrator's README, "Customer keys".

data "aws_caller_identity" "here" {
  provider = aws.recovery
}

data "aws_partition" "here" {
  provider = aws.recovery
}

locals {
  messages_key_policy = { for side, region in local.regions : side => jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountByItsOwnPolicies"
        Effect    = "Allow"
        Principal = { AWS = "arn:${data.aws_partition.here.partition}:iam::${data.aws_caller_identity.here.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      # Alarms publish to the topics, and what SNS and EventBridge can't deliver goes to the queues. No condition on a source:
      # EventBridge sends none here. Whose messages are taken the policies of topics and queues say.
      {
        Sid       = "Messages"
        Effect    = "Allow"
        Principal = { Service = ["cloudwatch.amazonaws.com", "events.amazonaws.com", "sns.amazonaws.com"] }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
      },
      {
        Sid       = "Logs"
        Effect    = "Allow"
        Principal = { Service = "logs.${region}.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:Describe*", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = { ArnLike = { "kms:EncryptionContext:aws:logs:arn" = "arn:${data.aws_partition.here.partition}:logs:${region}:${data.aws_caller_identity.here.account_id}:log-group:/aws/lambda/${local.name}-*" } }
      },
    ]
  }) }

  # Through format(), so that Terraform knows before the first apply that there will be a key.
  messages_key_arns = { primary = format("%s", aws_kms_key.messages_primary.arn), recovery = format("%s", aws_kms_key.messages_recovery.arn) }
}

resource "aws_kms_key" "messages_primary" {
  provider = aws.primary

  description             = "Encrypts the messages of the plan ${local.name} in ${local.regions.primary}."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.messages_key_policy.primary
}

resource "aws_kms_key" "messages_recovery" {
  provider = aws.recovery

  description             = "Encrypts the messages of the plan ${local.name} in ${local.regions.recovery}, and the journal."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.messages_key_policy.recovery
}
