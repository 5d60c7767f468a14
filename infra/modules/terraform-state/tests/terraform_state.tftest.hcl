# What the module puts out, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  alias           = "primary"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-south-1" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { id = "shop-tfstate-123456789012-eu-south-1", arn = "arn:aws:s3:::shop-tfstate-123456789012-eu-south-1" }
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
    defaults = { id = "shop-tfstate-123456789012-eu-central-1", arn = "arn:aws:s3:::shop-tfstate-123456789012-eu-central-1" }
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
  stack   = "shop/production"
}

run "the_state_lies_in_the_recovery_region_with_a_lock" {
  command = plan
  assert {
    condition     = alltrue([for words in ["shop-tfstate-123456789012-eu-central-1", "\"shop/production.tfstate\"", "\"eu-central-1\"", "use_lockfile = true", "encrypt      = true"] : strcontains(output.backend, words)])
    error_message = "The state would be lost with the primary region, or written by two at once: ${output.backend}"
  }
  assert {
    condition     = strcontains(output.backend_of_the_twin, "eu-south-1") && !strcontains(output.backend_of_the_twin, "eu-central-1")
    error_message = "The twin isn't in the other region."
  }
}

run "the_folder_of_the_buckets_has_a_state_of_its_own" {
  command = plan
  assert {
    condition     = strcontains(output.backend_of_this_folder, "\"shop/production.states.tfstate\"") && replace(output.backend_of_this_folder, ".states.tfstate", ".tfstate") == output.backend
    error_message = "The folder's state and the stack's would overwrite each other, or lie in different places: ${output.backend_of_this_folder}"
  }
}

run "a_writer_reaches_one_state_and_its_lock" {
  command = plan
  assert {
    condition     = alltrue(flatten([for s in jsondecode(output.writer_policy).Statement : [for r in s.Resource : !strcontains(r, "*")]]))
    error_message = "A writer reaches other stacks' states."
  }
  assert {
    condition     = [for s in jsondecode(output.writer_policy).Statement : s.Sid if contains(s.Action, "s3:DeleteObject")] == ["Lock"]
    error_message = "A writer could delete the state itself."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name            = "Shop"
    stack           = "../other"
    old_states_days = 1
  }
  expect_failures = [var.name, var.stack, var.old_states_days]
}
