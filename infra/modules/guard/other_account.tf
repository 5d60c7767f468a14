# What a plan of two accounts takes: how ssm-replicator gets at the other region's parameters, and how changes of them reach
# it. What the other account holds, modules/primary-account builds there; the names are agreed on here.

locals {
  # Whether anything is done in the other account at all. Fleets and routes need nothing of it.
  reaches_over = local.copies_parameters && local.has_two_accounts

  other_role_name  = "${var.name}-${local.other}-region"
  other_role_arn   = "arn:${var.partition}:iam::${local.accounts[local.other]}:role/${local.other_role_name}"
  sender_role_name = "${var.name}-parameter-events"
  sender_role_arn  = "arn:${var.partition}:iam::${local.accounts[local.other]}:role/${local.sender_role_name}"

  take_other_role = [for account in compact([var.sides[local.other].account]) : {
    Sid      = "TakePrimaryRole"
    Effect   = "Allow"
    Action   = ["sts:AssumeRole"]
    Resource = [local.other_role_arn]
  }]

  other_bus_name = "${var.name}-${local.other}-account"
  other_bus_arn  = "arn:${var.partition}:events:${local.own_region}:${var.account}:event-bus/${local.other_bus_name}"
}

# A bus of its own: the account's default bus may have a policy already, and can have one only. Nothing else listens here, so
# whatever the other account sends reaches one function, which believes nothing of it but that it should look.
resource "aws_cloudwatch_event_bus" "other_account" {
  count    = local.reaches_over ? 1 : 0
  provider = aws.own

  name               = local.other_bus_name
  description        = "Parameter changes that the account ${local.accounts[local.other]} sends to the plan ${var.name}."
  kms_key_identifier = local.own_key_arn
  tags               = var.tags
}

# The one role that sends, which EventBridge alone may take there, for one rule. As a condition and not as the principal: the
# role may be built after this.
resource "aws_cloudwatch_event_bus_policy" "other_account" {
  count    = local.reaches_over ? 1 : 0
  provider = aws.own

  event_bus_name = aws_cloudwatch_event_bus.other_account[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OneRoleOfThePrimarysAccount"
      Effect    = "Allow"
      Principal = { AWS = "arn:${var.partition}:iam::${local.accounts[local.other]}:root" }
      Action    = "events:PutEvents"
      Resource  = local.other_bus_arn
      Condition = {
        ArnEquals    = { "aws:PrincipalArn" = local.sender_role_arn }
        StringEquals = { "aws:PrincipalAccount" = local.accounts[local.other] }
      }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "other_account" {
  count    = local.reaches_over ? 1 : 0
  provider = aws.own

  name           = "${var.name}-parameters"
  event_bus_name = aws_cloudwatch_event_bus.other_account[0].name
  description    = "Sends each parameter change of the plan ${var.name} in ${local.other_region} to ssm-replicator."
  event_pattern  = jsonencode(local.parameter_changes)
  tags           = var.tags
}

resource "aws_lambda_permission" "other_account" {
  count    = local.reaches_over ? 1 : 0
  provider = aws.own

  statement_id  = "${local.other}-account"
  function_name = aws_lambda_function.this["ssm-replicator"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = "arn:${var.partition}:events:${local.own_region}:${var.account}:rule/${local.other_bus_name}/${var.name}-parameters"
}

resource "aws_cloudwatch_event_target" "other_account" {
  count    = local.reaches_over ? 1 : 0
  provider = aws.own

  rule           = aws_cloudwatch_event_rule.other_account[0].name
  event_bus_name = aws_cloudwatch_event_bus.other_account[0].name
  target_id      = "ssm-replicator"
  arn            = aws_lambda_function.this["ssm-replicator"].arn

  retry_policy {
    maximum_event_age_in_seconds = 900
    maximum_retry_attempts       = 5
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters["ssm-replicator"].arn
  }

  depends_on = [aws_lambda_permission.other_account, aws_sqs_queue_policy.dead_letters]
}
