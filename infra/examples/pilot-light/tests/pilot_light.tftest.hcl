# Does the whole stack fit together? Its first plan, with mocked providers, in which every ARN is unknown as on a new
# account: nothing is called. And does each rule on its variables refuse?

mock_provider "aws" {
  alias = "primary"
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-2" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_availability_zones" {
    defaults = { names = ["us-east-2a", "us-east-2b", "us-east-2c"] }
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
  mail_token         = "correct-horse-battery"
  package_dir        = "../../modules/orchestrator/tests/packages"
}

run "the_recovery_region_waits_at_zero" {
  command = plan
  assert {
    condition     = module.web.plan_item.sides.recovery.serving == { min = 2, desired = 2, max = 4 } && module.web.plan_item.sides.recovery.healthy_targets_min == 2
    error_message = "A failover would open to fewer servers than serve today."
  }
  assert {
    condition     = output.groups == { primary = "shop-web-primary", recovery = "shop-web-recovery" }
    error_message = "The fleets are not where the orchestrator looks: ${output.groups.recovery}."
  }
  assert {
    condition     = output.databases == { primary = "shop-orders", replica = "shop-orders-replica" }
    error_message = "The database is not where the orchestrator looks."
  }
}

run "all_six_functions_are_there" {
  command = plan
  assert {
    condition     = sort(keys(output.function_names)) == tolist(["alarm-handler", "promote-replica", "readiness-checker", "scale-asg", "shift-traffic", "snapshot-scheduler", "ssm-replicator"])
    error_message = "Functions: ${join(", ", keys(output.function_names))}."
  }
}

run "settings_are_copied_and_what_differs_by_region_is_written_in_both" {
  command = plan
  assert {
    condition     = module.settings.names.primary == tolist(["/shop/web/currency", "/shop/web/files_bucket", "/shop/web/mail_token"]) && module.settings.names.recovery == tolist(["/shop/web/files_bucket"])
    error_message = "Terraform and ssm-replicator would both write the same parameters."
  }
}

run "a_certificate_of_the_wrong_region_is_refused" {
  command = plan
  variables {
    https = {
      certificate_arns = { primary = "arn:aws:acm:us-east-2:123456789012:certificate/a", recovery = "arn:aws:acm:us-east-2:123456789012:certificate/a" }
      hosts            = { primary = "us-east-2.shop.example.com", recovery = "us-west-1.shop.example.com" }
    }
  }
  expect_failures = [var.https]
}

run "a_host_that_is_an_address_of_a_page_is_refused" {
  command = plan
  variables {
    https = {
      certificate_arns = { primary = "arn:aws:acm:us-east-2:123456789012:certificate/a", recovery = "arn:aws:acm:us-west-1:123456789012:certificate/b" }
      hosts            = { primary = "https://shop.example.com/", recovery = "us-west-1.shop.example.com" }
    }
  }
  expect_failures = [var.https]
}

run "probes_look_at_the_names_of_the_certificates" {
  command = plan
  variables {
    https = {
      certificate_arns = { primary = "arn:aws:acm:us-east-2:123456789012:certificate/a", recovery = "arn:aws:acm:us-west-1:123456789012:certificate/b" }
      hosts            = { primary = "us-east-2.shop.example.com", recovery = "us-west-1.shop.example.com" }
    }
  }
  assert {
    condition     = local.health_urls == { primary = "https://us-east-2.shop.example.com/health", recovery = "https://us-west-1.shop.example.com/health" }
    error_message = "A probe would ask a name that its certificate doesn't know."
  }
}

run "bad_values_are_refused" {
  command = plan
  variables {
    source_instance_id       = "ami-0123456789abcdef0"
    database_password        = "short"
    mail_token               = ""
    notice_emails            = ["nobody"]
    package_dir              = ""
    permissions_boundary_arn = "boundary"
  }
  expect_failures = [var.source_instance_id, var.database_password, var.mail_token, var.notice_emails, var.package_dir, var.permissions_boundary_arn]
}

# The rules on what is planned (module_policy_test.py) look that then each role has the boundary.
run "every_role_is_bounded" {
  command = plan
  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  }
}
