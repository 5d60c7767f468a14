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

run "each_bucket_is_replicated_both_ways" {
  command = plan
  assert {
    condition     = output.arns.primary["files"] == "arn:aws:s3:::shop-files-123456789012-eu-south-1" && output.arns.recovery["files"] == "arn:aws:s3:::shop-files-123456789012-eu-central-1"
    error_message = "The buckets aren't called after account and region."
  }
  assert {
    condition     = module.primary.copies["files"].bucket_arn == "arn:aws:s3:::shop-files-123456789012-eu-central-1" && module.recovery.copies["files"].bucket_arn == "arn:aws:s3:::shop-files-123456789012-eu-south-1"
    error_message = "Replication goes one way: what is written during a failover would never come back."
  }
  assert {
    condition     = strcontains(module.primary.copies["files"].kms_key_arn, ":eu-central-1:") && strcontains(module.recovery.copies["files"].kms_key_arn, ":eu-south-1:")
    error_message = "Copies are encrypted with a key of the region they came from."
  }
}

run "nobody_is_admitted_and_nothing_is_in_the_clear" {
  command = plan
  assert {
    condition     = alltrue([for p in [module.primary.policies["files"], module.recovery.policies["files"]] : jsondecode(p).Statement[0].Effect == "Deny" && jsondecode(p).Statement[0].Condition.Bool["aws:SecureTransport"] == "false" && length(jsondecode(p).Statement) == 1])
    error_message = "A bucket answers without TLS, or admits somebody."
  }
  assert {
    condition     = strcontains(output.kms_key_arns.primary, ":eu-south-1:") && strcontains(output.kms_key_arns.recovery, ":eu-central-1:")
    error_message = "A region encrypts with the other one's key."
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
    condition     = alltrue([for p in [module.primary.policies["site"], module.recovery.policies["site"]] : jsondecode(p).Statement[1].Condition.StringEquals["aws:SourceArn"] == "arn:aws:cloudfront::123456789012:distribution/E1"])
    error_message = "Any distribution of anybody could read the site."
  }
  assert {
    condition     = output.kms_key_arns.primary == null && output.kms_key_arns.recovery == null
    error_message = "A key is paid for that nobody uses."
  }
}

run "given_keys_are_used_in_their_regions" {
  command = plan
  variables {
    kms_key_arns = { primary = "arn:aws:kms:eu-south-1:123456789012:key/given", recovery = "arn:aws:kms:eu-central-1:123456789012:key/given" }
  }
  assert {
    condition     = output.kms_key_arns == { primary = "arn:aws:kms:eu-south-1:123456789012:key/given", recovery = "arn:aws:kms:eu-central-1:123456789012:key/given" }
    error_message = "A key is created though one was given, or is the other region's."
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
