# Buckets in both regions, each the twin of the other: versioned, encrypted, private, and replicated both ways before
# anything fails. Replication isn't retroactive, so set up on the day it would come too late.

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
  places = { for side, region in var.regions : side => {
    partition = data.aws_partition.recovery.partition
    account   = data.aws_caller_identity.recovery.account_id
    region    = region
  } }

  keys_wanted      = anytrue(values(var.buckets)[*].customer_key)
  creates_keys     = local.keys_wanted && var.kms_key_arns == null
  replication_role = { arn = aws_iam_role.replication.arn, policy_id = aws_iam_role_policy.replication.id }

  tags = merge({ "pilotlight:storage" = var.name }, var.tags)
}

module "primary" {
  source    = "./region"
  providers = { aws = aws.primary }

  name             = var.name
  place            = local.places.primary
  buckets          = var.buckets
  readers          = var.readers
  creates_key      = local.creates_keys
  kms_key_arn      = try(var.kms_key_arns.primary, null)
  log_bucket       = var.log_buckets == null ? null : { name = var.log_buckets.primary }
  replica          = { bucket_arns = module.recovery.arns, kms_key_arn = module.recovery.kms_key_arn }
  replication_role = local.replication_role
  tags             = local.tags
}

module "recovery" {
  source    = "./region"
  providers = { aws = aws.recovery }

  name             = var.name
  place            = local.places.recovery
  buckets          = var.buckets
  readers          = var.readers
  creates_key      = local.creates_keys
  kms_key_arn      = try(var.kms_key_arns.recovery, null)
  log_bucket       = var.log_buckets == null ? null : { name = var.log_buckets.recovery }
  replica          = { bucket_arns = module.primary.arns, kms_key_arn = module.primary.kms_key_arn }
  replication_role = local.replication_role
  tags             = local.tags
}
