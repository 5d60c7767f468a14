# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  alias           = "primary"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-south-1" }
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
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/22222222-2222-2222-2222-222222222222" }
  }
}

variables {
  path            = "/shop/web"
  regions         = { primary = "eu-south-1", recovery = "eu-central-1" }
  values          = { greeting = "hello" }
  region_values   = { bucket = { primary = "shop-files-1", recovery = "shop-files-2" } }
  secrets         = { "mail/token" = "very secret" }
  secret_versions = { "mail/token" = 1 }
}

run "both_regions_hold_the_same_names" {
  command = plan
  assert {
    condition     = output.names.primary == output.names.recovery && output.names.primary == tolist(["/shop/web/bucket", "/shop/web/greeting", "/shop/web/mail/token"])
    error_message = "An application that moves would miss a parameter."
  }
  assert {
    condition     = aws_ssm_parameter.primary["bucket"].insecure_value == "shop-files-1" && aws_ssm_parameter.recovery["bucket"].insecure_value == "shop-files-2"
    error_message = "A region is sent to the other one's bucket."
  }
  assert {
    condition     = aws_ssm_parameter.secret_primary["mail/token"].type == "SecureString" && strcontains(aws_ssm_parameter.secret_recovery["mail/token"].key_id, ":eu-central-1:")
    error_message = "A secret is in the clear, or encrypted with the other region's key."
  }
}

run "the_replicator_finds_the_recovery_region_free" {
  command = plan
  variables {
    copied_by = "replicator"
  }
  assert {
    condition     = output.names.recovery == tolist(["/shop/web/bucket"]) && length(aws_ssm_parameter.secret_recovery) == 0 && length(aws_kms_key.recovery) == 1
    error_message = "Terraform and the replicator would fight about a parameter, or the copies have no key."
  }
}

run "without_secrets_there_are_no_keys" {
  command = plan
  variables {
    secrets         = {}
    secret_versions = {}
  }
  assert {
    condition     = length(aws_kms_key.primary) + length(aws_kms_key.recovery) == 0
    error_message = "A key is paid for that nobody uses."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    path         = "/aws/web"
    copied_by    = "hand"
    values       = { greeting = "" }
    kms_key_arns = { primary = "arn:aws:kms:eu-central-1:123456789012:key/a", recovery = "arn:aws:kms:eu-central-1:123456789012:key/a" }
  }
  expect_failures = [var.path, var.copied_by, var.values, var.kms_key_arns]
}

run "an_empty_value_of_a_region_is_refused" {
  command = plan
  variables {
    region_values = { bucket = { primary = "", recovery = "a" } }
  }
  expect_failures = [var.region_values]
}

run "a_version_below_one_is_refused" {
  command = plan
  variables {
    secret_versions = { "mail/token" = 0 }
  }
  expect_failures = [var.secret_versions]
}

run "a_secret_that_is_a_plain_value_too_is_refused" {
  command = plan
  variables {
    values          = { token = "b" }
    secrets         = { token = "c" }
    secret_versions = { token = 1 }
  }
  expect_failures = [var.secret_versions]
}

run "a_name_that_is_given_twice_is_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "eu-south-1" }
    values  = { bucket = "a" }
  }
  expect_failures = [var.regions, var.region_values]
}

run "providers_of_other_regions_are_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "eu-west-1" }
  }
  expect_failures = [aws_ssm_parameter.primary]
}
