# What passed through the network, for finding out afterwards.

locals {
  log_group_name = "/aws/vpc/${var.name}"
  log_group_arn  = "arn:${data.aws_partition.here.partition}:logs:${data.aws_region.here.id}:${data.aws_caller_identity.here.account_id}:log-group:${local.log_group_name}"
}

resource "aws_cloudwatch_log_group" "flow" {
  count = var.flow_log_days > 0 ? 1 : 0

  name              = local.log_group_name
  retention_in_days = var.flow_log_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

# IAM is global: the name holds the region, so that both regions can have their own.
resource "aws_iam_role" "flow" {
  count = var.flow_log_days > 0 ? 1 : 0

  name                 = "${var.name}-flow-logs-${data.aws_region.here.id}"
  description          = "Writes the flow logs of the VPC ${var.name} in ${data.aws_region.here.id}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.here.account_id }
        ArnLike      = { "aws:SourceArn" = "arn:${data.aws_partition.here.partition}:ec2:${data.aws_region.here.id}:${data.aws_caller_identity.here.account_id}:vpc-flow-log/*" }
      }
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "flow" {
  count = var.flow_log_days > 0 ? 1 : 0

  name = "write"
  role = aws_iam_role.flow[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteLogs"
      Effect   = "Allow"
      Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
      Resource = ["${local.log_group_arn}:*"]
    }]
  })
}

resource "aws_flow_log" "this" {
  count = var.flow_log_days > 0 ? 1 : 0

  vpc_id                   = aws_vpc.this.id
  traffic_type             = "ALL"
  iam_role_arn             = aws_iam_role.flow[0].arn
  log_destination          = aws_cloudwatch_log_group.flow[0].arn
  max_aggregation_interval = 600
  tags                     = merge(local.tags, { Name = var.name })

  depends_on = [aws_iam_role_policy.flow]
}
