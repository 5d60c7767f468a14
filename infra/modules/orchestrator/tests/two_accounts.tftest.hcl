# What a second account changes, and what it doesn't, read off `terraform plan` with a mocked provider. The plan of two accounts
# itself is in wiring.tftest.hcl, whose plans the rules of infra/tests/policy_test.py read.

mock_provider "aws" {
  alias = "primary"
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-2" }
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
}

variables {
  name        = "shop"
  sides       = { primary = { region = "us-east-2" }, recovery = { region = "us-west-1" } }
  package_dir = "tests/packages"
  detection   = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } } }
  routes = [{
    name = "front"
    sides = {
      primary  = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop-primary/1" }
      recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop-recovery/2" }
    }
  }]
}

run "a_plan_of_one_account_reaches_into_no_other" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"] }
  }
  assert {
    condition     = output.primary_account == null
    error_message = "Something is built for an account that the plan does not name."
  }
  assert {
    condition     = jsondecode(output.plan_json).sides.primary.account == jsondecode(output.plan_json).sides.recovery.account
    error_message = "A function may take a role, or is told of one, where there is one account."
  }
}

run "without_parameters_the_other_account_needs_nothing" {
  command = plan
  variables {
    sides = { primary = { region = "us-east-2", account = "210987654321" }, recovery = { region = "us-west-1" } }
    routes = [{
      name = "front"
      sides = {
        primary  = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop-primary/1" }
        recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop-recovery/2" }
      }
    }]
  }
  assert {
    condition     = output.primary_account == null
    error_message = "A role can be taken that nobody needs."
  }
}

run "an_accelerator_of_the_other_account_is_refused" {
  command = plan
  variables {
    sides = { primary = { region = "us-east-2", account = "210987654321" }, recovery = { region = "us-west-1" } }
    routes = [{
      name = "front"
      sides = {
        primary  = { endpoint_group = "arn:aws:globalaccelerator::210987654321:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop-primary/1" }
        recovery = { endpoint_group = "arn:aws:globalaccelerator::210987654321:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop-recovery/2" }
      }
    }]
  }
  expect_failures = [terraform_data.plan]
}

run "an_account_that_is_the_providers_own_is_refused" {
  command = plan
  variables {
    sides = { primary = { region = "us-east-2", account = "123456789012" }, recovery = { region = "us-west-1" } }
    routes = [{
      name = "front"
      sides = {
        primary  = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop-primary/1" }
        recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop-recovery/2" }
      }
    }]
  }
  expect_failures = [terraform_data.plan]
}

run "a_name_may_hold_what_looks_like_another_region_or_account" {
  command = plan
  variables {
    sides  = { primary = { region = "us-east-2", account = "210987654321" }, recovery = { region = "us-west-1" } }
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
    detection = {
      sides = { primary = {
        alarms = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:lag:us-east-2:orders", "arn:aws:cloudwatch:us-west-1:123456789012:alarm:of:210987654321:orders"]
        probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }]
      } }
    }
  }
  assert {
    condition     = length(jsondecode(output.plan_json).detection.sides.primary.alarms) == 2
    error_message = "An alarm's region and account stand in its ARN's fields, not anywhere in it."
  }
}

run "leading_zero_account" {
  command = plan
  variables {
    sides  = { primary = { region = "us-east-2", account = "012345678901" }, recovery = { region = "us-west-1" } }
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:012345678901:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  assert {
    condition     = jsondecode(output.plan_json).sides.primary.account == "012345678901"
    error_message = "An account has twelve digits, a zero at its beginning too."
  }
}

run "a_recovery_account_that_is_not_the_providers_is_refused" {
  command = plan
  variables {
    sides = { primary = { region = "us-east-2" }, recovery = { region = "us-west-1", account = "210987654321" } }
  }
  expect_failures = [terraform_data.plan]
}
