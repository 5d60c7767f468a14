# An application's settings and secrets under the same names in both regions, each secret encrypted with its region's key.

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

  by_us = var.copied_by == "terraform"
  plain = {
    primary  = merge(var.values, { for k, v in var.region_values : k => v.primary })
    recovery = merge(local.by_us ? var.values : {}, { for k, v in var.region_values : k => v.recovery })
  }

  # The replicator needs the recovery region's key too, so it is there in either case.
  keys_wanted = length(var.secret_versions) > 0
  kms_key_arns = {
    primary  = var.kms_key_arns != null ? var.kms_key_arns.primary : one(aws_kms_key.primary[*].arn)
    recovery = var.kms_key_arns != null ? var.kms_key_arns.recovery : one(aws_kms_key.recovery[*].arn)
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

  tags = merge({ "pilotlight:parameters" = var.path }, var.tags)
}

resource "aws_kms_key" "primary" {
  count    = local.keys_wanted && var.kms_key_arns == null ? 1 : 0
  provider = aws.primary

  description             = "Encrypts the secure parameters under ${var.path}."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy
  tags                    = local.tags
}

resource "aws_ssm_parameter" "primary" {
  for_each = local.plain.primary
  provider = aws.primary

  name           = "${var.path}/${each.key}"
  type           = "String"
  insecure_value = each.value # no secret; a reviewer wants to see it change
  tags           = local.tags

  lifecycle {
    precondition {
      condition     = data.aws_region.primary.id == var.regions.primary && data.aws_region.recovery.id == var.regions.recovery
      error_message = "The providers aws.primary and aws.recovery work in ${data.aws_region.primary.id} and ${data.aws_region.recovery.id}, but var.regions says ${var.regions.primary} and ${var.regions.recovery}."
    }
  }
}

resource "aws_ssm_parameter" "secret_primary" {
  for_each = var.secret_versions
  provider = aws.primary

  name             = "${var.path}/${each.key}"
  type             = "SecureString"
  key_id           = local.kms_key_arns.primary
  value_wo         = var.secrets[each.key]
  value_wo_version = each.value
  tags             = local.tags
}

resource "aws_kms_key" "recovery" {
  count    = local.keys_wanted && var.kms_key_arns == null ? 1 : 0
  provider = aws.recovery

  description             = "Encrypts the secure parameters under ${var.path}."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy
  tags                    = local.tags
}

resource "aws_ssm_parameter" "recovery" {
  for_each = local.plain.recovery
  provider = aws.recovery

  name           = "${var.path}/${each.key}"
  type           = "String"
  insecure_value = each.value # no secret; a reviewer wants to see it change
  tags           = local.tags
}

resource "aws_ssm_parameter" "secret_recovery" {
  for_each = local.by_us ? var.secret_versions : {}
  provider = aws.recovery

  name             = "${var.path}/${each.key}"
  type             = "SecureString"
  key_id           = local.kms_key_arns.recovery
  value_wo         = var.secrets[each.key]
  value_wo_version = each.value
  tags             = local.tags
}
