# Does the orchestrator take what exists, given by ARN? Planned with mocked providers: nothing is called.

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

mock_provider "aws" {
  alias           = "primary_account"
  override_during = plan
  mock_data "aws_caller_identity" {
    defaults = { account_id = "210987654321" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-2" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  package_dir = "../../modules/orchestrator/tests/packages"
  regions     = { primary = "us-east-2", recovery = "us-west-1" }
  database = {
    primary                   = "arn:aws:rds:us-east-2:123456789012:db:orders"
    replica                   = "arn:aws:rds:us-west-1:123456789012:db:orders-replica"
    quarantine_security_group = "sg-0123456789abcdef0"
  }
  fleet = {
    group        = "web-recovery"
    target_group = "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/web/0123456789abcdef"
    capacity     = { min = 2, desired = 2, max = 8 }
  }
  route = {
    primary = {
      endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p"
      endpoint       = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/web/0123456789abcdef"
    }
    recovery = {
      endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r"
      endpoint       = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/web/fedcba9876543210"
    }
  }
  health_url = "https://primary.shop.example.com/health"
  alarm_arns = ["arn:aws:cloudwatch:us-east-2:123456789012:alarm:web-unhealthy"]
}

run "the_plan_says_what_exists" {
  command = plan
  assert {
    condition     = jsondecode(module.pilotlight.plan_json).databases[0].sides.recovery.arn == "arn:aws:rds:us-west-1:123456789012:db:orders-replica" && jsondecode(module.pilotlight.plan_json).routes[0].after == ["orders", "web"] && jsondecode(module.pilotlight.plan_json).fleets[0].sides.recovery.group == "web-recovery"
    error_message = "The plan document says something else."
  }
  assert {
    condition     = jsondecode(module.pilotlight.plan_json).mode == "approve"
    error_message = "Something would move without a person."
  }
}

run "roles_to_assume_in_one_account_are_taken" {
  command = plan
  variables {
    roles_to_assume = { primary = "arn:aws:iam::123456789012:role/pilotlight-primary", recovery = "arn:aws:iam::123456789012:role/pilotlight-recovery" }
  }
  assert {
    condition     = length(module.pilotlight.plan_parameter_names) > 0
    error_message = "No plan is written."
  }
}

run "one_account_has_nothing_of_a_second" {
  command = plan
  assert {
    condition     = length(module.primary_account) == 0 && module.pilotlight.primary_account == null && jsondecode(module.pilotlight.plan_json).sides.primary.account == "123456789012"
    error_message = "Something is built in an account that nobody named."
  }
}

run "two_regions_in_two_accounts_are_taken" {
  command = plan
  variables {
    roles_to_assume = { primary = "arn:aws:iam::210987654321:role/pilotlight-primary", recovery = "arn:aws:iam::123456789012:role/pilotlight-recovery" }
    primary_account = { id = "210987654321", external_id = "shop-7f3a" }
    database        = null
    parameters      = { include = ["/shop/**"] }
    alarm_arns      = ["arn:aws:cloudwatch:us-east-2:210987654321:alarm:web-unhealthy"]
    route = {
      primary = {
        endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p"
        endpoint       = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/web/0123456789abcdef"
      }
      recovery = {
        endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r"
        endpoint       = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/web/fedcba9876543210"
      }
    }
  }
  assert {
    condition     = jsondecode(module.pilotlight.plan_json).sides.recovery.account == "123456789012" && jsondecode(module.pilotlight.plan_json).sides.primary.account == "210987654321" && jsondecode(module.pilotlight.plan_json).databases == [] && jsondecode(module.pilotlight.plan_json).routes[0].after == ["web"]
    error_message = "The plan document does not say which account each region is in."
  }
  assert {
    condition     = length(module.primary_account) == 1 && module.pilotlight.primary_account.trusted_role_arns == ["arn:aws:iam::123456789012:role/shop-ssm-replicator"]
    error_message = "The other account grants nothing, or to somebody else."
  }
}

run "two_accounts_without_parameters_need_nothing_there" {
  command = plan
  variables {
    primary_account = { id = "210987654321" }
    database        = null
    alarm_arns      = []
    route = {
      primary = {
        endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p"
        endpoint       = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/web/0123456789abcdef"
      }
      recovery = {
        endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r"
        endpoint       = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/web/fedcba9876543210"
      }
    }
  }
  assert {
    condition     = length(module.primary_account) == 0 && jsondecode(module.pilotlight.plan_json).sides.primary.account == "210987654321"
    error_message = "Something is built there that nobody needs."
  }
}
