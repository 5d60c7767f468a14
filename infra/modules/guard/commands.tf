# The commands topic: it carries due steps to the functions that take them. Who may publish, and who receives which steps.

locals {
  commanding_role_arns = [for f in keys(local.steps) : local.role_arns[f]]

  # Identity policies would let any administrator's role publish a command. The denial leaves the four functions.
  commands_policy = {
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.commands_topic_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "FunctionsPublish"
        Effect    = "Allow"
        Principal = { AWS = "arn:${var.partition}:iam::${var.account}:root" }
        Action    = "sns:Publish"
        Resource  = local.commands_topic_arn
        Condition = { ArnEquals = { "aws:PrincipalArn" = local.commanding_role_arns } }
      },
      {
        Sid       = "NobodyElsePublishes"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.commands_topic_arn
        Condition = { ArnNotEquals = { "aws:PrincipalArn" = local.commanding_role_arns } }
      },
    ]
  }
}

resource "aws_sns_topic" "commands" {
  provider = aws.own

  name              = "${var.name}-commands"
  kms_master_key_id = local.own_key_arn
  tags              = var.tags
}

resource "aws_sns_topic_policy" "commands" {
  provider = aws.own

  arn    = aws_sns_topic.commands.arn
  policy = jsonencode(local.commands_policy)
}

resource "aws_lambda_permission" "commands" {
  for_each = local.steps
  provider = aws.own

  statement_id  = "commands"
  function_name = aws_lambda_function.this[each.key].function_name
  action        = "lambda:InvokeFunction"
  principal     = "sns.amazonaws.com"
  source_arn    = local.commands_topic_arn
}

resource "aws_sns_topic_subscription" "commands" {
  for_each = local.steps
  provider = aws.own

  topic_arn           = aws_sns_topic.commands.arn
  protocol            = "lambda"
  endpoint            = aws_lambda_function.this[each.key].arn
  filter_policy_scope = "MessageAttributes"
  filter_policy       = jsonencode({ step = each.value })
  redrive_policy      = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters[each.key].arn })

  depends_on = [aws_lambda_permission.commands, aws_sqs_queue_policy.dead_letters]
}
