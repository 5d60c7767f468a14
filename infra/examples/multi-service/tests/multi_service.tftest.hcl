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
  repository        = "your-org/shop"
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

run "each_service_has_a_workflow_of_its_own" {
  command = plan
  assert {
    condition     = toset(keys(output.workflows)) == toset([for s in ["catalog", "functions", "orders", "shipping", "site"] : ".github/workflows/deliver-${s}.yml"]) && yamldecode(output.workflows[".github/workflows/deliver-orders.yml"]).jobs.deliver.environment == "orders"
    error_message = "A push to one service's folder delivers nothing, or another one: ${join(", ", keys(output.workflows))}."
  }
}

run "without_certificates_the_load_balancers_are_asked_under_http" {
  command = plan
  override_module {
    target          = module.balancer_primary
    override_during = plan
    outputs = {
      arn                       = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:loadbalancer/app/shop/0123456789abcdef"
      arn_suffix                = "app/shop/0123456789abcdef"
      dns_name                  = "shop-1.eu-south-1.elb.amazonaws.com"
      health_url                = "http://shop-1.eu-south-1.elb.amazonaws.com/health"
      target_group_arns         = { web = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:targetgroup/shop-web/0123456789abcdef" }
      target_group_arn_suffixes = { web = "targetgroup/shop-web/0123456789abcdef" }
      alarm_arns                = ["arn:aws:cloudwatch:eu-south-1:123456789012:alarm:shop-web-unhealthy"]
    }
  }
  assert {
    condition     = alltrue([for s in ["catalog", "orders", "shipping"] : local.probe_urls[s].primary == "http://shop-1.eu-south-1.elb.amazonaws.com/health"])
    error_message = "Something else is asked than what serves."
  }
}

run "with_certificates_names_of_ones_own_are_asked_in_both_regions" {
  command = plan
  variables {
    https = {
      certificate_arns = {
        primary  = "arn:aws:acm:eu-south-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
        recovery = "arn:aws:acm:eu-central-1:123456789012:certificate/22222222-2222-2222-2222-222222222222"
      }
      probe_urls = { for s in ["catalog", "orders", "shipping"] : s => { primary = "https://${s}.eu-south-1.example.com/health", recovery = "https://${s}.eu-central-1.example.com/health" } }
    }
    site                     = { aliases = ["shop.example.com"], certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/33333333-3333-3333-3333-333333333333" }
    identity_provider        = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  }
  assert {
    condition     = alltrue([for s in ["catalog", "orders", "shipping"] : module.balancer_primary[s].health_url == null && module.balancer_recovery[s].health_url == null])
    error_message = "A load balancer's own name is offered for HTTPS, which no certificate covers."
  }
  assert {
    condition     = alltrue([for s in ["catalog", "orders", "shipping"] : local.probe_urls[s] == { primary = "https://${s}.eu-south-1.example.com/health", recovery = "https://${s}.eu-central-1.example.com/health" }])
    error_message = "The witness would ask something else than the region's own name."
  }
  assert {
    condition     = length(regexall("elb[.]amazonaws|awsglobalaccelerator", jsonencode(local.probe_urls))) == 0
    error_message = "A probe asks a name that no certificate covers."
  }
}

run "a_certificate_of_another_region_is_refused" {
  command = plan
  variables {
    https = {
      certificate_arns = {
        primary  = "arn:aws:acm:eu-south-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
        recovery = "arn:aws:acm:eu-south-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
      }
      probe_urls = { for s in ["catalog", "orders", "shipping"] : s => { primary = "https://${s}.eu-south-1.example.com/health", recovery = "https://${s}.eu-central-1.example.com/health" } }
    }
  }
  expect_failures = [var.https]
}

run "a_service_without_a_probe_is_refused" {
  command = plan
  variables {
    https = {
      certificate_arns = {
        primary  = "arn:aws:acm:eu-south-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
        recovery = "arn:aws:acm:eu-central-1:123456789012:certificate/22222222-2222-2222-2222-222222222222"
      }
      probe_urls = { for s in ["catalog", "orders"] : s => { primary = "https://${s}.eu-south-1.example.com/health", recovery = "https://${s}.eu-central-1.example.com/health" } }
    }
  }
  expect_failures = [var.https]
}

run "a_probe_of_a_load_balancers_own_name_is_refused" {
  command = plan
  variables {
    https = {
      certificate_arns = {
        primary  = "arn:aws:acm:eu-south-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
        recovery = "arn:aws:acm:eu-central-1:123456789012:certificate/22222222-2222-2222-2222-222222222222"
      }
      probe_urls = { for s in ["catalog", "orders", "shipping"] : s => { primary = "https://${s}-1.eu-south-1.elb.amazonaws.com/health", recovery = "https://${s}.eu-central-1.example.com/health" } }
    }
  }
  expect_failures = [var.https]
}

run "one_probe_for_both_regions_is_refused" {
  command = plan
  variables {
    https = {
      certificate_arns = {
        primary  = "arn:aws:acm:eu-south-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
        recovery = "arn:aws:acm:eu-central-1:123456789012:certificate/22222222-2222-2222-2222-222222222222"
      }
      probe_urls = { for s in ["catalog", "orders", "shipping"] : s => { primary = "https://${s}.example.com/health", recovery = "https://${s}.example.com/health" } }
    }
  }
  expect_failures = [var.https]
}

run "bad_values_are_refused" {
  command = plan
  variables {
    repository               = "shop"
    site                     = { aliases = [], certificate_arn = "arn:aws:acm:eu-south-1:123456789012:certificate/3" }
    permissions_boundary_arn = "boundary"
  }
  expect_failures = [var.repository, var.site, var.permissions_boundary_arn]
}

run "a_site_of_ones_own_name_without_https_for_the_services_is_refused" {
  command = plan
  variables {
    site = { aliases = ["shop.example.com"], certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/33333333-3333-3333-3333-333333333333" }
  }
  expect_failures = [var.site]
}

run "every_function_of_the_orchestrator_is_delivered_those_of_every_day_too" {
  command = plan
  assert {
    condition     = toset(split(" ", output.environments["functions"].FUNCTIONS)) == toset(values(output.function_names)) && contains(values(output.function_names), "shop-snapshot-scheduler")
    error_message = "A function isn't delivered: ${output.environments["functions"].FUNCTIONS}."
  }
}
