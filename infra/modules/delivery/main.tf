# How a push becomes what runs: a role for each service that only its own workflow can take, for an hour, without a key
# that anybody could keep.

data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}

locals {
  account      = data.aws_caller_identity.here.account_id
  partition    = data.aws_partition.here.partition
  issuer       = "token.actions.githubusercontent.com"
  provider_arn = var.identity_provider != null ? var.identity_provider.arn : "arn:${local.partition}:iam::${local.account}:oidc-provider/${local.issuer}"
  both         = values(var.regions)

  in_both_regions = { StringEquals = { "aws:RequestedRegion" = local.both } }

  statements = { for k, s in var.services : k => concat(
    [for arns in [s.repository_arns] : {
      Sid    = "PushImages"
      Effect = "Allow"
      Action = [
        "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
        "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
      ]
      Resource = arns
    } if length(arns) > 0],
    [for arns in [s.repository_arns] : {
      Sid    = "LogInToRegistry"
      Effect = "Allow"
      # "*": the action has no resource types.
      Action    = ["ecr:GetAuthorizationToken"]
      Resource  = "*"
      Condition = local.in_both_regions
    } if length(arns) > 0],
    [for name in compact([s.tag_parameter]) : {
      Sid      = "NameTag"
      Effect   = "Allow"
      Action   = ["ssm:GetParameter", "ssm:PutParameter"]
      Resource = [for region in local.both : "arn:${local.partition}:ssm:${region}:${local.account}:parameter${name}"]
    }],
    # The id in the middle of a group's ARN is made up by AWS at creation; the name is unique.
    [for groups in [s.group_names] : {
      Sid    = "RenewServers"
      Effect = "Allow"
      Action = ["autoscaling:CancelInstanceRefresh", "autoscaling:StartInstanceRefresh"]
      Resource = [
        "arn:${local.partition}:autoscaling:${var.regions.primary}:${local.account}:autoScalingGroup:*:autoScalingGroupName/${groups.primary}",
        "arn:${local.partition}:autoscaling:${var.regions.recovery}:${local.account}:autoScalingGroup:*:autoScalingGroupName/${groups.recovery}",
      ]
    } if groups != null],
    [for groups in [s.group_names] : {
      Sid    = "WatchServers"
      Effect = "Allow"
      # "*": none of these describing actions has resource types.
      Action    = ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeInstanceRefreshes", "elasticloadbalancing:DescribeTargetHealth"]
      Resource  = "*"
      Condition = local.in_both_regions
    } if groups != null],
    [for names in [s.function_names] : {
      Sid      = "ReplaceCode"
      Effect   = "Allow"
      Action   = ["lambda:GetFunctionConfiguration", "lambda:UpdateFunctionCode"]
      Resource = [for name in names : "arn:${local.partition}:lambda:${var.regions.recovery}:${local.account}:function:${name}"]
    } if length(names) > 0],
    [for site in [s.site] : {
      Sid      = "ListSite"
      Effect   = "Allow"
      Action   = ["s3:ListBucket"]
      Resource = site.bucket_arns
    } if site != null],
    [for site in [s.site] : {
      Sid      = "WriteSite"
      Effect   = "Allow"
      Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
      Resource = [for arn in site.bucket_arns : "${arn}/*"]
    } if site != null],
    [for site in [s.site] : {
      Sid      = "RenewCopies"
      Effect   = "Allow"
      Action   = ["cloudfront:CreateInvalidation"]
      Resource = [site.distribution_arn]
    } if site != null],
  ) }

  # What a push runs: a workflow for each, by its path in the repository.
  templates = { for k, s in var.services : k => length(s.repository_arns) > 0 ? "service" : length(s.function_names) > 0 ? "functions" : "site" }

  tags = merge({ "pilotlight:delivery" = var.name }, var.tags)
}

resource "aws_iam_openid_connect_provider" "github" {
  count = var.identity_provider == null ? 1 : 0

  url            = "https://${local.issuer}"
  client_id_list = ["sts.amazonaws.com"]
  tags           = local.tags
}

resource "aws_iam_role" "this" {
  for_each = var.services

  name                 = "${var.name}-deliver-${each.key}"
  description          = "Delivers ${each.key} of ${var.name} from ${var.repository}."
  max_session_duration = max(3600, var.session_seconds)
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Federated = local.provider_arn }
      Action    = "sts:AssumeRoleWithWebIdentity"
      Condition = { StringEquals = {
        "${local.issuer}:aud" = "sts.amazonaws.com"
        # An environment of the repository: its rules say which branches and which people may deliver.
        "${local.issuer}:sub" = "repo:${var.repository}:environment:${each.key}"
      } }
    }]
  })
  tags = local.tags

  depends_on = [aws_iam_openid_connect_provider.github]
}

resource "aws_iam_role_policy" "this" {
  for_each = var.services

  name   = "deliver"
  role   = aws_iam_role.this[each.key].name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.statements[each.key] })
}
