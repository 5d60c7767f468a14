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
  package_dir        = "../../modules/orchestrator/tests/packages"
}

run "both_regions_run_three_servers" {
  command = plan
  assert {
    condition     = module.web.plan_item.capacity == { min = 3, desired = 3, max = 9 } && module.web.plan_item.healthy_targets_min == 3
    error_message = "A failover would open to fewer servers than serve today."
  }
  assert {
    condition     = module.database.plan_item.backup_retention_days == 5
    error_message = "Not five days of backups."
  }
}

run "each_cluster_is_set_up_by_itself" {
  command = plan
  assert {
    condition     = endswith(output.install_commands.primary, "install.sh shop-monitoring eu-south-1") && endswith(output.install_commands.recovery, "install.sh shop-monitoring eu-central-1")
    error_message = "A region has no monitoring of its own: ${output.install_commands.recovery}."
  }
}

run "one_server_is_refused" {
  command = plan
  variables {
    server_count = 1
    name         = "Shop"
  }
  expect_failures = [var.server_count, var.name]
}
