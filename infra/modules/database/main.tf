# What both kinds of database have in common: names, keys, subnet groups, and the role for enhanced monitoring.

data "aws_region" "primary" {
  provider = aws.primary
}

data "aws_region" "recovery" {
  provider = aws.recovery
}

data "aws_caller_identity" "recovery" {
  provider = aws.recovery
}

data "aws_partition" "recovery" {
  provider = aws.recovery
}

locals {
  account   = data.aws_caller_identity.recovery.account_id
  partition = data.aws_partition.recovery.partition

  identifier = "${var.name}-${var.database}"
  aurora     = var.kind == "aurora_global"
  port       = { postgres = 5432, mysql = 3306 }[var.engine]
  major      = var.engine == "postgres" ? split(".", var.engine_version)[0] : join(".", slice(concat(split(".", var.engine_version), ["0"]), 0, 2))
  family     = "${local.aurora ? "aurora-" : ""}${var.engine == "postgres" && local.aurora ? "postgresql" : var.engine}${local.major}"

  # Passwords and rows never cross the network in the clear.
  tls_setting = { postgres = { "rds.force_ssl" = "1" }, mysql = { "require_secure_transport" = local.aurora ? "ON" : "1" } }[var.engine]
  settings    = merge(var.settings, local.tls_setting)

  log_exports = { postgres = local.aurora ? ["postgresql"] : ["postgresql", "upgrade"], mysql = ["error", "slowquery"] }[var.engine]

  kms_key_arns = {
    primary  = var.kms_key_arns != null ? var.kms_key_arns.primary : aws_kms_key.primary[0].arn
    recovery = var.kms_key_arns != null ? var.kms_key_arns.recovery : aws_kms_key.recovery[0].arn
  }

  # The account's administrators, by their own policies; AWS's default, written down.
  key_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountByItsOwnPolicies"
      Effect    = "Allow"
      Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })

  tags = merge({ "pilotlight:database" = local.identifier }, var.tags)
}

resource "aws_kms_key" "primary" {
  count    = var.kms_key_arns == null ? 1 : 0
  provider = aws.primary

  description             = "Encrypts the database ${local.identifier}."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy
  tags                    = local.tags
}

resource "aws_kms_key" "recovery" {
  count    = var.kms_key_arns == null ? 1 : 0
  provider = aws.recovery

  description             = "Encrypts the database ${local.identifier} in its recovery region."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy
  tags                    = local.tags
}

resource "aws_db_subnet_group" "primary" {
  provider   = aws.primary
  name       = local.identifier
  subnet_ids = var.subnet_ids.primary
  tags       = local.tags

  lifecycle {
    precondition {
      condition     = data.aws_region.primary.id == var.regions.primary && data.aws_region.recovery.id == var.regions.recovery
      error_message = "The providers aws.primary and aws.recovery work in ${data.aws_region.primary.id} and ${data.aws_region.recovery.id}, but var.regions says ${var.regions.primary} and ${var.regions.recovery}."
    }
  }
}

resource "aws_db_subnet_group" "recovery" {
  provider   = aws.recovery
  name       = local.identifier
  subnet_ids = var.subnet_ids.recovery
  tags       = local.tags
}

# IAM is global, so one role serves both regions; it only writes figures to CloudWatch Logs.
resource "aws_iam_role" "monitoring" {
  count    = var.monitoring_seconds > 0 ? 1 : 0
  provider = aws.recovery

  name                 = "${local.identifier}-monitoring"
  description          = "Lets RDS write the operating system's figures of ${local.identifier}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnLike      = { "aws:SourceArn" = [for region in values(var.regions) : "arn:${local.partition}:rds:${region}:${local.account}:db:${local.identifier}*"] }
      }
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy" "monitoring" {
  count    = var.monitoring_seconds > 0 ? 1 : 0
  provider = aws.recovery

  name = "write"
  role = aws_iam_role.monitoring[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "WriteFigures"
      Effect   = "Allow"
      Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams", "logs:GetLogEvents", "logs:PutLogEvents", "logs:PutRetentionPolicy"]
      Resource = flatten([for region in values(var.regions) : ["arn:${local.partition}:logs:${region}:${local.account}:log-group:RDSOSMetrics", "arn:${local.partition}:logs:${region}:${local.account}:log-group:RDSOSMetrics:log-stream:*"]])
    }]
  })
}
