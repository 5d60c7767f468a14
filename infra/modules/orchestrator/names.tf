# Where everything is, and whose. ARNs of topics are composed from names instead of read back, so that `terraform plan` shows the plan and
# every policy in full before anything exists.

data "aws_caller_identity" "primary" {
  provider = aws.primary
}

data "aws_caller_identity" "recovery" {
  provider = aws.recovery
}

data "aws_region" "primary" {
  provider = aws.primary
}

data "aws_region" "recovery" {
  provider = aws.recovery
}

data "aws_partition" "recovery" {
  provider = aws.recovery
}

locals {
  account   = data.aws_caller_identity.recovery.account_id
  partition = data.aws_partition.recovery.partition

  # Whose the workload's resources are, by region. Pilotlight's own are the recovery region's account's, in either region.
  accounts = { primary = var.sides.primary.account == null ? local.account : var.sides.primary.account, recovery = local.account }
  regions  = { for side, place in var.sides : side => place.region }

  # The primary side's account is named only where it is another one.
  has_two_accounts = var.sides.primary.account != null

  topic_arns = { for side, region in local.regions : side => {
    signals = "arn:${local.partition}:sns:${region}:${local.account}:${var.name}-signals"
    notices = "arn:${local.partition}:sns:${region}:${local.account}:${var.name}-notices"
  } }

  tags = merge({ "pilotlight:plan" = var.name }, var.tags)
}
