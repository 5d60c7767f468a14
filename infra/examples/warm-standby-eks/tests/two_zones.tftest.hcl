# A region that gives an account two zones only: the network lies in both, and nothing asks for a third.

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
    defaults = { id = "us-west-1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-west-1a", "us-west-1c"] }
  }
}

variables {
  source_instance_id = "i-0123456789abcdef0"
  database_password  = "correct-horse-battery"
  administrator_arns = ["arn:aws:iam::123456789012:role/platform"]
  package_dir        = "../../modules/orchestrator/tests/packages"
}

run "a_region_of_two_zones_takes_two" {
  command = plan
  variables {
    regions     = { primary = "eu-south-1", recovery = "us-west-1" }
    zone_counts = { recovery = 2 }
  }
  assert {
    condition     = length(module.network_primary.private_subnet_ids) == 3 && length(module.network_recovery.private_subnet_ids) == 2
    error_message = "Each region's subnets lie not in as many zones as it has."
  }
}

run "three_zones_in_us_west_1_are_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "us-west-1" }
  }
  expect_failures = [var.zone_counts]
}
