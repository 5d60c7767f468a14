# Does the whole stack fit together? Its first plan, with mocked providers, in which every ARN is unknown as on a new
# account: nothing is called.

mock_provider "aws" {
  alias = "primary"
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-south-1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-south-1a", "eu-south-1b", "eu-south-1c"] }
  }
}

mock_provider "aws" {
  alias = "recovery"
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1a", "eu-central-1b", "eu-central-1c"] }
  }
}

variables {
  image_ids         = { primary = "ami-0aaaaaaaaaaaaaaaa", recovery = "ami-0bbbbbbbbbbbbbbbb" }
  database_password = "correct-horse-battery"
  package_dir       = "../../modules/orchestrator/tests/packages"
}

run "each_service_has_a_fleet_a_balancer_and_an_accelerator_of_its_own" {
  command = plan
  assert {
    condition     = output.group_names == { for s in ["catalog", "orders", "shipping"] : s => { primary = "shop-${s}-primary", recovery = "shop-${s}-recovery" } }
    error_message = "A service has no fleet of its own."
  }
  assert {
    condition     = toset(keys(output.service_dns_names)) == toset(["catalog", "orders", "shipping"])
    error_message = "A service can't move alone."
  }
}

run "a_service_opens_after_what_it_needs" {
  command = plan
  assert {
    condition     = one(values(module.front["catalog"].plan_items)).after == tolist(["catalog"]) && one(values(module.front["orders"].plan_items)).after == tolist(["main", "orders"])
    error_message = "A service would open without its database, or wait for one it doesn't need."
  }
}

run "each_service_is_delivered_by_itself" {
  command = plan
  assert {
    condition     = toset(keys(output.environments)) == toset(["catalog", "functions", "orders", "shipping", "site"])
    error_message = "Something isn't delivered by a push, or two things by one role."
  }
}

run "every_function_of_the_orchestrator_is_delivered_those_of_every_day_too" {
  command = plan
  assert {
    condition     = toset(split(" ", output.environments["functions"].FUNCTIONS)) == toset(values(output.function_names)) && contains(values(output.function_names), "shop-snapshot-scheduler")
    error_message = "A function isn't delivered: ${output.environments["functions"].FUNCTIONS}."
  }
}

run "a_long_name_is_refused" {
  command = plan
  variables {
    name = "a-name-too-long"
  }
  expect_failures = [var.name]
}

run "a_service_with_a_name_that_is_taken_is_refused" {
  command = plan
  variables {
    services = { main = {} }
  }
  expect_failures = [var.services]
}
