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
  source_instance_id = "i-0123456789abcdef0"
  database_password  = "correct-horse-battery"
  administrator_arns = ["arn:aws:iam::123456789012:role/platform"]
  package_dir        = "../../modules/orchestrator/tests/packages"
}

run "both_regions_run_three_servers" {
  command = plan
  assert {
    condition     = module.web.plan_item.sides.recovery.serving == { min = 3, desired = 3, max = 9 } && module.web.plan_item.sides.recovery.healthy_targets_min == 3
    error_message = "A failover would open to fewer servers than serve today."
  }
  assert {
    condition     = module.database.plan_item.sides.recovery.backup_retention_days == 5
    error_message = "Not five days of backups."
  }
}

run "each_cluster_is_set_up_by_itself" {
  command = plan
  variables {
    notice_emails = ["night@example.com"]
  }
  assert {
    condition     = module.cluster_primary.name == "shop-monitoring" && module.cluster_recovery.name == "shop-monitoring"
    error_message = "A region has no monitoring of its own."
  }
  assert {
    condition     = [for k in ["messages_primary", "messages_recovery"] : true if length(jsondecode(local.messages_key_policy[trimprefix(k, "messages_")]).Statement) == 3] == [true, true]
    error_message = "A key of messages admits others than the README says."
  }
  # The orchestrator's notices topics refuse Alertmanager's role.
  assert {
    condition     = [for s in concat(values(aws_sns_topic_subscription.alerts_primary), values(aws_sns_topic_subscription.alerts_recovery)) : [s.protocol, s.endpoint]] == [["email", "night@example.com"], ["email", "night@example.com"]]
    error_message = "A cluster's alerts reach nobody."
  }
}

run "with_certificates_users_and_probes_take_https_by_names_of_ones_own" {
  command = plan
  variables {
    https = {
      certificate_arns = { primary = "arn:aws:acm:eu-south-1:123456789012:certificate/a", recovery = "arn:aws:acm:eu-central-1:123456789012:certificate/b" }
      probe_urls       = { primary = "https://eu-south-1.shop.example.com/health", recovery = "https://eu-central-1.shop.example.com/health" }
    }
  }
  assert {
    condition     = local.probe_urls == { primary = "https://eu-south-1.shop.example.com/health", recovery = "https://eu-central-1.shop.example.com/health" }
    error_message = "A probe asks a name that no certificate covers: every one would fail."
  }
}

run "half_of_https_and_names_that_no_certificate_covers_are_refused" {
  command = plan
  variables {
    https = {
      certificate_arns = { primary = "arn:aws:acm:eu-south-1:123456789012:certificate/a", recovery = "arn:aws:acm:eu-central-1:123456789012:certificate/b" }
      probe_urls       = { primary = "https://shop-1.eu-south-1.elb.amazonaws.com/health", recovery = "https://eu-central-1.shop.example.com/health" }
    }
  }
  expect_failures = [var.https]
}

run "one_probe_for_both_regions_is_refused" {
  command = plan
  variables {
    https = {
      certificate_arns = { primary = "arn:aws:acm:eu-south-1:123456789012:certificate/a", recovery = "arn:aws:acm:eu-central-1:123456789012:certificate/b" }
      probe_urls       = { primary = "https://shop.example.com/health", recovery = "https://shop.example.com/health" }
    }
  }
  expect_failures = [var.https]
}

run "a_certificate_of_another_region_is_refused" {
  command = plan
  variables {
    https = {
      certificate_arns = { primary = "arn:aws:acm:us-east-1:123456789012:certificate/a", recovery = "arn:aws:acm:eu-central-1:123456789012:certificate/b" }
      probe_urls       = { primary = "https://eu-south-1.shop.example.com/health", recovery = "https://eu-central-1.shop.example.com/health" }
    }
  }
  expect_failures = [var.https]
}

run "clusters_without_an_administrator_and_a_boundary_that_is_none_are_refused" {
  command = plan
  variables {
    administrator_arns       = []
    permissions_boundary_arn = "Boundary"
  }
  expect_failures = [var.administrator_arns, var.permissions_boundary_arn]
}
