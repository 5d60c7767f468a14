# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  alias           = "primary"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-south-1" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::shop-site-123456789012-eu-south-1", bucket_regional_domain_name = "shop-site-123456789012-eu-south-1.s3.eu-south-1.amazonaws.com" }
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
    defaults = { arn = "arn:aws:s3:::shop-site-123456789012-eu-central-1", bucket_regional_domain_name = "shop-site-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/shop-replication" }
  }
  mock_resource "aws_cloudfront_distribution" {
    defaults = { arn = "arn:aws:cloudfront::123456789012:distribution/E1", domain_name = "d1.cloudfront.net" }
  }
}

variables {
  name    = "shop"
  regions = { primary = "eu-south-1", recovery = "eu-central-1" }
}

run "one_distribution_reads_both_buckets" {
  command = plan
  assert {
    condition     = { for o in aws_cloudfront_distribution.this[0].origin : o.origin_id => o.domain_name }["recovery"] == "shop-site-123456789012-eu-central-1.s3.eu-central-1.amazonaws.com"
    error_message = "The recovery region's bucket isn't behind the distribution."
  }
  assert {
    condition     = [for m in one(aws_cloudfront_distribution.this[0].origin_group).member : m.origin_id] == ["primary", "recovery"] && contains(one(one(aws_cloudfront_distribution.this[0].origin_group).failover_criteria).status_codes, 503)
    error_message = "The distribution doesn't turn to the other bucket."
  }
  assert {
    condition     = aws_cloudfront_distribution.this[0].default_cache_behavior[0].viewer_protocol_policy == "redirect-to-https" && aws_cloudfront_origin_access_control.this[0].signing_behavior == "always"
    error_message = "The site is served in the clear, or the buckets would have to be public."
  }
}

run "names_need_a_certificate" {
  command = plan
  variables {
    aliases         = ["shop.example.com"]
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
    single_page     = true
  }
  assert {
    condition     = aws_cloudfront_distribution.this[0].viewer_certificate[0].minimum_protocol_version == "TLSv1.2_2021" && length(aws_cloudfront_distribution.this[0].custom_error_response) == 2
    error_message = "Old protocols are spoken, or unknown paths aren't the application's."
  }
}

run "buckets_alone_admit_nobody" {
  command = plan
  variables {
    distribute = false
  }
  assert {
    condition     = output.domain_name == null && length(aws_cloudfront_distribution.this) == 0
    error_message = "A distribution that nobody asked for."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name            = "Shop"
    certificate_arn = "arn:aws:acm:eu-south-1:123456789012:certificate/1"
    price_class     = "Cheap"
  }
  expect_failures = [var.name, var.certificate_arn, var.price_class]
}

run "an_alias_without_a_certificate_is_refused" {
  command = plan
  variables {
    aliases = ["shop.example.com"]
  }
  expect_failures = [var.aliases]
}
