# What a plan of two accounts takes: how ssm-replicator gets at the primary region's parameters, and how changes of them reach
# it. What the other account holds, modules/primary-account builds there; the names are agreed on here.

locals {
  # Whether anything is done in the other account at all. Fleets and routes need nothing of it.
  reaches_over = local.copies_parameters && local.has_two_accounts

  primary_role_name = "${var.name}-primary-region"
  primary_role_arn  = "arn:${local.partition}:iam::${local.accounts.primary}:role/${local.primary_role_name}"
  sender_role_name  = "${var.name}-parameter-events"
  sender_role_arn   = "arn:${local.partition}:iam::${local.accounts.primary}:role/${local.sender_role_name}"

  take_primary_role = [for account in compact([var.sides.primary.account]) : {
    Sid      = "TakePrimaryRole"
    Effect   = "Allow"
    Action   = ["sts:AssumeRole"]
    Resource = [local.primary_role_arn]
  }]

  primary_bus_name = "${var.name}-primary-account"
  primary_bus_arn  = "arn:${local.partition}:events:${local.regions.recovery}:${local.account}:event-bus/${local.primary_bus_name}"
}

# A bus of its own: the account's default bus may have a policy already, and can have one only. Nothing else listens here, so
# whatever the other account sends reaches one function, which believes nothing of it but that it should look.
resource "aws_cloudwatch_event_bus" "primary_account" {
  count    = local.reaches_over ? 1 : 0
  provider = aws.recovery

  name               = local.primary_bus_name
  description        = "Parameter changes that the account ${local.accounts.primary} sends to the plan ${var.name}."
  kms_key_identifier = var.kms_key_arns.recovery
  tags               = local.tags
}

# The one role that sends, which EventBridge alone may take there, for one rule. As a condition and not as the principal: the
# role may be built after this.
resource "aws_cloudwatch_event_bus_policy" "primary_account" {
  count    = local.reaches_over ? 1 : 0
  provider = aws.recovery

  event_bus_name = aws_cloudwatch_event_bus.primary_account[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "OneRoleOfThePrimarysAccount"
      Effect    = "Allow"
      Principal = { AWS = "arn:${local.partition}:iam::${local.accounts.primary}:root" }
      Action    = "events:PutEvents"
      Resource  = local.primary_bus_arn
      Condition = {
        ArnEquals    = { "aws:PrincipalArn" = local.sender_role_arn }
        StringEquals = { "aws:PrincipalAccount" = local.accounts.primary }
      }
    }]
  })
}

resource "aws_cloudwatch_event_rule" "primary_account" {
  count    = local.reaches_over ? 1 : 0
  provider = aws.recovery

  name           = "${var.name}-parameters"
  event_bus_name = aws_cloudwatch_event_bus.primary_account[0].name
  description    = "Sends each parameter change of the plan ${var.name} in ${local.regions.primary} to ssm-replicator."
  event_pattern  = jsonencode(local.parameter_changes)
  tags           = local.tags
}

resource "aws_lambda_permission" "primary_account" {
  count    = local.reaches_over ? 1 : 0
  provider = aws.recovery

  statement_id  = "primary-account"
  function_name = aws_lambda_function.this["ssm-replicator"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = "arn:${local.partition}:events:${local.regions.recovery}:${local.account}:rule/${local.primary_bus_name}/${var.name}-parameters"
}

resource "aws_cloudwatch_event_target" "primary_account" {
  count    = local.reaches_over ? 1 : 0
  provider = aws.recovery

  rule           = aws_cloudwatch_event_rule.primary_account[0].name
  event_bus_name = aws_cloudwatch_event_bus.primary_account[0].name
  target_id      = "ssm-replicator"
  arn            = aws_lambda_function.this["ssm-replicator"].arn

  retry_policy {
    maximum_event_age_in_seconds = 900
    maximum_retry_attempts       = 5
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters["ssm-replicator"].arn
  }

  depends_on = [aws_lambda_permission.primary_account, aws_sqs_queue_policy.dead_letters]
}
