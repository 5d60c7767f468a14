# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  alias           = "primary"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-south-1" }
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
}

variables {
  name         = "shop"
  regions      = { primary = "eu-south-1", recovery = "eu-central-1" }
  repositories = ["web", "orders"]
}

run "images_go_both_ways" {
  command = plan
  assert {
    condition     = one(one(aws_ecr_replication_configuration.primary[0].replication_configuration).rule[0].destination).region == "eu-central-1" && one(one(aws_ecr_replication_configuration.recovery[0].replication_configuration).rule[0].destination).region == "eu-south-1"
    error_message = "An image that is pushed during a failover would be missing after the failback."
  }
  assert {
    condition     = alltrue([for c in [aws_ecr_replication_configuration.primary[0], aws_ecr_replication_configuration.recovery[0]] : one(one(c.replication_configuration).rule[0].repository_filter).filter == "shop/"])
    error_message = "Other workloads' images are copied as well."
  }
}

run "both_regions_have_the_same_repositories" {
  command = plan
  assert {
    condition     = [for r in aws_ecr_repository.primary : r.name] == ["shop/orders", "shop/web"] && [for r in aws_ecr_repository.recovery : r.name] == ["shop/orders", "shop/web"]
    error_message = "A region lacks a repository."
  }
  assert {
    condition     = alltrue([for r in concat(values(aws_ecr_repository.primary), values(aws_ecr_repository.recovery)) : r.image_tag_mutability == "IMMUTABLE" && r.image_scanning_configuration[0].scan_on_push && r.encryption_configuration[0].encryption_type == "KMS"])
    error_message = "A tag could come to mean another image, or an image isn't looked at."
  }
  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.recovery["web"].policy).rules[1].selection.countNumber == 50
    error_message = "Images are kept for ever, or for too short a time."
  }
}

run "a_replication_that_is_set_elsewhere_is_left_alone" {
  command = plan
  variables {
    replicate = false
  }
  assert {
    condition     = length(aws_ecr_replication_configuration.primary) + length(aws_ecr_replication_configuration.recovery) == 0
    error_message = "A region has one replication only; this would overwrite it."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name         = "Shop"
    regions      = { primary = "eu-south-1", recovery = "eu-south-1" }
    repositories = []
    kept_images  = 1
  }
  expect_failures = [var.name, var.regions, var.repositories, var.kept_images]
}

run "providers_of_other_regions_are_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "eu-west-1" }
  }
  expect_failures = [aws_ecr_replication_configuration.primary]
}
