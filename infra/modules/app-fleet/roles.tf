# What an instance may do. IAM is global, so one role serves both regions, with the exact resources of each.

locals {
  parameter_arns = flatten([for region in values(var.regions) : [
    for path in distinct(values(var.parameters)) : ["arn:${local.partition}:ssm:${region}:${local.account}:parameter${path}", "arn:${local.partition}:ssm:${region}:${local.account}:parameter${path}/*"]
  ]])
  tag_parameter_arns = flatten([for region in values(var.regions) : [
    for path in distinct([for c in values(var.containers) : c.tag_parameter if c.tag_parameter != null]) : "arn:${local.partition}:ssm:${region}:${local.account}:parameter${path}"
  ]])
  in_both_regions = { StringEquals = { "aws:RequestedRegion" = values(var.regions) } }

  statements = concat(
    [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
      Resource = [for region in values(var.regions) : "arn:${local.partition}:logs:${region}:${local.account}:log-group:${local.log_group_name}:*"]
    }],
    [for arns in [local.parameter_arns] : {
      Sid      = "ReadParameters"
      Effect   = "Allow"
      Action   = ["ssm:GetParametersByPath"]
      Resource = arns
    } if length(arns) > 0],
    [for arns in [local.tag_parameter_arns] : {
      Sid      = "ReadTags"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter"]
      Resource = arns
    } if length(arns) > 0],
    [for arns in [var.parameter_key_arns] : {
      Sid       = "DecryptParameters"
      Effect    = "Allow"
      Action    = ["kms:Decrypt"]
      Resource  = arns
      Condition = { StringEquals = { "kms:ViaService" = [for region in values(var.regions) : "ssm.${region}.amazonaws.com"] } }
    } if length(arns) > 0],
    [for arns in [var.repository_arns] : {
      Sid      = "PullImages"
      Effect   = "Allow"
      Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
      Resource = arns
    } if length(arns) > 0],
    [for arns in [var.repository_arns] : {
      Sid    = "LogInToRegistry"
      Effect = "Allow"
      # "*": the action has no resource types.
      Action    = ["ecr:GetAuthorizationToken"]
      Resource  = "*"
      Condition = local.in_both_regions
    } if length(arns) > 0],
    [for wanted in [var.session_manager] : {
      Sid    = "SessionManager"
      Effect = "Allow"
      # "*": the message channels have no resource types, and an agent registers before its instance is known.
      Action = [
        "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
        "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
      ]
      Resource  = "*"
      Condition = local.in_both_regions
    } if wanted],
  )
}

resource "aws_iam_role" "this" {
  provider = aws.recovery

  name                 = "${var.name}-fleet"
  description          = "What the servers of ${var.name} may do."
  permissions_boundary = var.permissions_boundary_arn
  # No source condition: IAM passes a role to a service of its own account only (iam:PassRole), so nobody else's instance can have it.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "this" {
  provider = aws.recovery

  name   = "serve"
  role   = aws_iam_role.this.name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements })
}

resource "aws_iam_role_policy" "own" {
  for_each = var.policies
  provider = aws.recovery

  name   = each.key
  role   = aws_iam_role.this.name
  policy = each.value
}

resource "aws_iam_instance_profile" "this" {
  provider = aws.recovery

  name = "${var.name}-fleet"
  role = aws_iam_role.this.name
  tags = local.tags

  # An instance must be able to read its parameters from its first minute.
  depends_on = [aws_iam_role_policy.this, aws_iam_role_policy.own]
}
