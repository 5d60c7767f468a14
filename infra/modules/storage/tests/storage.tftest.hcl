# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  alias           = "primary"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-south-1" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::shop-files-123456789012-eu-south-1" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-south-1:123456789012:key/11111111-1111-1111-1111-111111111111" }
  }
}

mock_provider "aws" {
  alias           = "recovery"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::shop-files-123456789012-eu-central-1" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/22222222-2222-2222-2222-222222222222" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/shop-replication" }
  }
}

variables {
  name    = "shop"
  regions = { primary = "eu-south-1", recovery = "eu-central-1" }
  buckets = { files = {} }
}

run "each_bucket_is_replicated_both_ways_with_its_deletions" {
  command = plan
  assert {
    condition     = aws_s3_bucket.primary["files"].bucket == "shop-files-123456789012-eu-south-1" && aws_s3_bucket.recovery["files"].bucket == "shop-files-123456789012-eu-central-1"
    error_message = "The buckets aren't called after account and region."
  }
  assert {
    condition     = aws_s3_bucket_replication_configuration.primary["files"].rule[0].destination[0].bucket == "arn:aws:s3:::shop-files-123456789012-eu-central-1" && aws_s3_bucket_replication_configuration.recovery["files"].rule[0].destination[0].bucket == "arn:aws:s3:::shop-files-123456789012-eu-south-1"
    error_message = "Replication goes one way: what is written during a failover would never come back."
  }
  assert {
    condition     = alltrue([for r in [aws_s3_bucket_replication_configuration.primary["files"].rule[0], aws_s3_bucket_replication_configuration.recovery["files"].rule[0]] : r.delete_marker_replication[0].status == "Enabled" && r.source_selection_criteria[0].replica_modifications[0].status == "Enabled" && r.destination[0].replication_time[0].status == "Enabled"])
    error_message = "Deletions or changes of copies aren't followed, or without a promised time."
  }
  assert {
    condition     = strcontains(aws_s3_bucket_replication_configuration.primary["files"].rule[0].destination[0].encryption_configuration[0].replica_kms_key_id, ":eu-central-1:")
    error_message = "Copies are encrypted with a key of the region they came from."
  }
}

run "nothing_is_public_and_nothing_is_in_the_clear" {
  command = plan
  assert {
    condition     = alltrue([for b in [aws_s3_bucket_public_access_block.primary["files"], aws_s3_bucket_public_access_block.recovery["files"]] : b.block_public_acls && b.block_public_policy && b.ignore_public_acls && b.restrict_public_buckets])
    error_message = "A bucket could be made public."
  }
  assert {
    condition     = alltrue([for p in [aws_s3_bucket_policy.primary["files"], aws_s3_bucket_policy.recovery["files"]] : jsondecode(p.policy).Statement[0].Effect == "Deny" && jsondecode(p.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false" && length(jsondecode(p.policy).Statement) == 1])
    error_message = "A bucket answers without TLS, or admits somebody."
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.recovery["files"].rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms" && aws_s3_bucket_versioning.primary["files"].versioning_configuration[0].status == "Enabled"
    error_message = "Objects aren't encrypted with a customer key, or are overwritten for good."
  }
}

run "the_role_is_for_these_buckets_alone" {
  command = plan
  assert {
    condition     = alltrue(flatten([for s in jsondecode(aws_iam_role_policy.replication.policy).Statement : [for r in s.Resource : startswith(r, "arn:aws:s3:::shop-files-123456789012-") || startswith(r, "arn:aws:kms:")]]))
    error_message = "The role reaches other buckets."
  }
}

run "a_site_is_read_by_one_distribution" {
  command = plan
  variables {
    buckets = { site = { customer_key = false, in_15_minutes = false, infrequent_days = 30, expire_days = 400 } }
    readers = { site = "arn:aws:cloudfront::123456789012:distribution/E1" }
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.recovery["site"].policy).Statement[1].Condition.StringEquals["aws:SourceArn"] == "arn:aws:cloudfront::123456789012:distribution/E1"
    error_message = "Any distribution of anybody could read the site."
  }
  assert {
    condition     = length(aws_kms_key.primary) + length(aws_kms_key.recovery) == 0 && length(aws_s3_bucket_replication_configuration.primary["site"].rule[0].destination[0].replication_time) == 0
    error_message = "A key or a promise is paid for that nobody uses."
  }
  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.primary["site"].rule) == 2
    error_message = "Objects don't age."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name                     = "Shop"
    buckets                  = {}
    kms_key_arns             = { primary = "arn:aws:kms:eu-south-1:123456789012:key/a", recovery = "arn:aws:kms:us-east-1:123456789012:key/a" }
    permissions_boundary_arn = "Boundary"
  }
  expect_failures = [var.name, var.buckets, var.kms_key_arns, var.permissions_boundary_arn]
}

run "impossible_ages_are_refused" {
  command = plan
  variables {
    buckets = { files = { infrequent_days = 40, expire_days = 40 } }
  }
  expect_failures = [var.buckets]
}

run "one_region_and_a_reader_that_could_not_decrypt_are_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "eu-south-1" }
    readers = { files = "arn:aws:cloudfront::123456789012:distribution/E1" }
  }
  expect_failures = [var.regions, var.readers]
}

run "providers_of_other_regions_are_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "eu-west-1" }
  }
  expect_failures = [aws_iam_role.replication]
}
