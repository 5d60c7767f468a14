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
    condition     = jsondecode(module.pilotlight.plan_json).databases[0].replica == "arn:aws:rds:us-west-1:123456789012:db:orders-replica" && jsondecode(module.pilotlight.plan_json).routes[0].after == ["orders", "web"] && jsondecode(module.pilotlight.plan_json).fleets[0].group == "web-recovery"
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
