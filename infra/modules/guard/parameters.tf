# What invokes ssm-replicator and what it may do. It exists where the plan has a section `parameters`.

locals {
  copies_parameters = contains(local.keepers, "ssm-replicator")

  # The part of each pattern before its first wildcard, to its last whole level: what IAM and EventBridge can compare.
  parameter_heads = var.parameters == null ? [] : distinct([for p in var.parameters.include : strcontains(p, "*") ? regex("^(?:/[^/*]+)*/", p) : p])
  # Where the function writes as itself: in the other account it does so as a role of that account (other_account.tf).
  parameter_regions = { for side, region in local.regions : side => region if local.accounts[side] == var.account }
  parameter_arns = { for side, region in local.parameter_regions : side => [
    for head in local.parameter_heads : "arn:${var.partition}:ssm:${region}:${var.account}:parameter${endswith(head, "/") ? "${head}*" : head}"
  ] }
  all_parameter_key_arns = var.parameters == null ? [] : distinct(concat(compact(values(var.parameters.key_arns)), var.parameters.decrypt_key_arns))
  parameter_key_arns     = [for arn in local.all_parameter_key_arns : arn if contains(values(local.parameter_regions), try(split(":", arn)[3], ""))]

  # Both regions, reading and writing: the direction follows the journal, and after a failover nobody is there to change a
  # policy.
  parameter_statements = flatten([for policy in var.parameters[*] : concat(
    [
      {
        Sid    = "ListParameters"
        Effect = "Allow"
        # "*": a listing is authorised against everything.
        Action    = ["ssm:DescribeParameters"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = values(local.parameter_regions) } }
      },
      {
        Sid      = "CopyParameters"
        Effect   = "Allow"
        Action   = ["ssm:AddTagsToResource", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:LabelParameterVersion", "ssm:ListTagsForResource", "ssm:PutParameter"]
        Resource = flatten(values(local.parameter_arns))
      },
      # What a person made is never deleted.
      {
        Sid       = "DeleteCopies"
        Effect    = "Allow"
        Action    = ["ssm:DeleteParameter"]
        Resource  = flatten(values(local.parameter_arns))
        Condition = { StringEquals = { "aws:ResourceTag/pilotlight:copied-by" = var.name } }
      },
    ],
    [for arns in [local.parameter_key_arns] : {
      Sid       = "KeysOfSecureStrings"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
      Resource  = arns
      Condition = { StringEquals = { "kms:ViaService" = [for region in values(local.parameter_regions) : "ssm.${region}.amazonaws.com"] } }
    } if length(arns) > 0],
    local.take_other_role,
  )])

  parameter_changes = { "$or" = [
    {
      source      = ["aws.ssm"]
      detail-type = ["Parameter Store Change"]
      detail = {
        operation = ["Create", "Update", "Delete", "LabelParameterVersion"]
        # A name without a wildcard is the prefix of itself; what else begins like it, the function leaves alone.
        name = [for head in local.parameter_heads : { prefix = head }]
      }
    },
    # Tags are another service's news, which names the parameter by its ARN. Of any parameter: tags change rarely, the
    # function leaves alone what isn't its own, and 50 ARNs wouldn't fit into a pattern's 2,048 characters.
    {
      source      = ["aws.tag"]
      detail-type = ["Tag Change on Resource"]
      detail      = { service = ["ssm"], resource-type = ["parameter"] }
    },
  ] }
  parameter_events_rule_arn = "${local.rule_arn_prefix}parameters"
  event_bus_arn             = "arn:${var.partition}:events:${local.own_region}:${var.account}:event-bus/default"
}

# Whoever copies nothing reports nothing.
resource "aws_cloudwatch_metric_alarm" "parameters_silent" {
  count    = local.copies_parameters ? 1 : 0
  provider = aws.own

  alarm_name          = "${var.name}-parameters-silent"
  alarm_description   = "${local.function_names["ssm-replicator"]} was not invoked for a day, so Pilotlight does not copy the parameters of the plan ${var.name}."
  namespace           = "AWS/Lambda"
  metric_name         = "Invocations"
  dimensions          = { FunctionName = local.function_names["ssm-replicator"] }
  statistic           = "Sum"
  period              = 86400
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching" # a function that isn't invoked sends no data at all
  alarm_actions       = [var.topics[var.seat].notices]
  ok_actions          = [var.topics[var.seat].notices]
  tags                = var.tags
}

# A change in the own region, and one of the other region that its rule has sent here.
resource "aws_cloudwatch_event_rule" "parameters" {
  count    = local.copies_parameters ? 1 : 0
  provider = aws.own

  name          = "${var.name}-parameters"
  description   = "Sends each change of a parameter of the plan ${var.name}, in either region, to ssm-replicator."
  event_pattern = jsonencode(local.parameter_changes)
  tags          = var.tags
}

resource "aws_lambda_permission" "parameters" {
  count    = local.copies_parameters ? 1 : 0
  provider = aws.own

  statement_id  = "parameters"
  function_name = aws_lambda_function.this["ssm-replicator"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = local.parameter_events_rule_arn
}

resource "aws_cloudwatch_event_target" "parameters" {
  count    = local.copies_parameters ? 1 : 0
  provider = aws.own

  rule      = aws_cloudwatch_event_rule.parameters[0].name
  target_id = "ssm-replicator"
  arn       = aws_lambda_function.this["ssm-replicator"].arn

  retry_policy {
    maximum_event_age_in_seconds = 900
    maximum_retry_attempts       = 5
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters["ssm-replicator"].arn
  }

  depends_on = [aws_lambda_permission.parameters, aws_sqs_queue_policy.dead_letters]
}

# A rule invokes functions of its own region only; so the other region's changes go by the own region's event bus.
resource "aws_cloudwatch_event_rule" "parameters_other" {
  count    = local.copies_parameters && !local.has_two_accounts ? 1 : 0
  provider = aws.other

  name          = "${var.name}-parameters"
  description   = "Sends each change of a parameter of the plan ${var.name} to ${local.own_region}."
  event_pattern = jsonencode(local.parameter_changes)
  tags          = var.tags
}

resource "aws_cloudwatch_event_target" "parameters_other" {
  count    = local.copies_parameters && !local.has_two_accounts ? 1 : 0
  provider = aws.other

  rule      = aws_cloudwatch_event_rule.parameters_other[0].name
  target_id = "${var.seat}-bus"
  arn       = local.event_bus_arn
  role_arn  = aws_iam_role.parameter_events[0].arn

  dead_letter_config {
    arn = aws_sqs_queue.signals_other.arn
  }

  depends_on = [aws_sqs_queue_policy.signals_other]
}

resource "aws_iam_role" "parameter_events" {
  count    = local.copies_parameters && !local.has_two_accounts ? 1 : 0
  provider = aws.own

  name                 = "${var.name}-parameter-events"
  description          = "Lets EventBridge of ${local.other_region} send the changes of parameters to ${local.own_region}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = var.account }
        ArnEquals    = { "aws:SourceArn" = "arn:${var.partition}:events:${local.other_region}:${var.account}:rule/${var.name}-parameters" }
      }
    }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "parameter_events" {
  count    = local.copies_parameters && !local.has_two_accounts ? 1 : 0
  provider = aws.own

  name = "send"
  role = aws_iam_role.parameter_events[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "Send"
      Effect   = "Allow"
      Action   = ["events:PutEvents"]
      Resource = [local.event_bus_arn]
    }]
  })
}
