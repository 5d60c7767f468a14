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

  # The regions that an account need not enable: those from before 2019. AWS adds none to them, so that whatever comes is opt-in.
  is_opt_in = { for side, region in local.regions : side => !contains([
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1",
    "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
  ], region) }

  # Where each of two guards keeps its journal, and its word to the other.
  journal_arns = { for side, region in local.regions : side => "arn:${local.partition}:dynamodb:${region}:${local.account}:table/${var.name}-journal" }
  peer_arns    = { primary = var.guards == "both" ? local.journal_arns.recovery : null, recovery = var.guards == "both" ? local.journal_arns.primary : null }

  tags = merge({ "pilotlight:plan" = var.name }, var.tags)
}
