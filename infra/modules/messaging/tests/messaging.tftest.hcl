# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  alias           = "primary"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-south-1" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-south-1:123456789012:shop-ordered" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-south-1:123456789012:shop-ordered-billing", url = "https://sqs.eu-south-1.amazonaws.com/123456789012/shop-ordered-billing" }
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
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:123456789012:shop-ordered" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:123456789012:shop-ordered-billing", url = "https://sqs.eu-central-1.amazonaws.com/123456789012/shop-ordered-billing" }
  }
}

variables {
  name             = "shop"
  regions          = { primary = "eu-south-1", recovery = "eu-central-1" }
  topics           = { ordered = { subscribers = { billing = {}, shipping = { receives_max = 3 } } } }
  alarm_topic_arns = { primary = ["arn:aws:sns:eu-south-1:123456789012:people"], recovery = ["arn:aws:sns:eu-central-1:123456789012:people"] }
}

run "each_region_has_its_own_topic_and_queues" {
  command = plan
  assert {
    condition     = toset(keys(output.queue_urls.primary)) == toset(["ordered-billing", "ordered-shipping"]) && toset(keys(output.queue_urls.recovery)) == toset(keys(output.queue_urls.primary))
    error_message = "A subscriber has no queue in a region."
  }
  assert {
    condition     = alltrue([for side, region in var.regions : strcontains(output.queue_urls[side]["ordered-billing"], region) && strcontains(output.dead_letter_queue_urls[side]["ordered-billing"], region) && strcontains(output.topic_arns[side]["ordered"], ":${region}:")])
    error_message = "Messages cross regions: those of a lost one would be missing."
  }
}

run "services_publish_and_listen_in_both_regions_and_nowhere_else" {
  command = plan
  assert {
    condition     = jsondecode(output.publisher_policies["ordered"]).Statement[0].Resource == ["arn:aws:sns:eu-south-1:123456789012:shop-ordered", "arn:aws:sns:eu-central-1:123456789012:shop-ordered"] && jsondecode(output.subscriber_policies["ordered-billing"]).Statement[0].Resource == ["arn:aws:sqs:eu-south-1:123456789012:shop-ordered-billing", "arn:aws:sqs:eu-central-1:123456789012:shop-ordered-billing"]
    error_message = "A service may speak or listen elsewhere, or can't in one of the regions."
  }
}

run "dead_letters_notify_people_of_their_region" {
  command = plan
  assert {
    condition     = length(module.recovery.alarm_actions) == 2 && alltrue([for side, alarms in { primary = module.primary.alarm_actions, recovery = module.recovery.alarm_actions } : alarms["ordered-billing"] == toset(var.alarm_topic_arns[side])])
    error_message = "Nobody is notified, or by way of the other region."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name    = "Shop"
    regions = { primary = "eu-south-1", recovery = "eu-south-1" }
    topics  = {}
  }
  expect_failures = [var.name, var.regions, var.topics]
}

run "settings_that_sqs_does_not_take_are_refused" {
  command = plan
  variables {
    topics = { ordered = { subscribers = { billing = { receives_max = 0 } } } }
  }
  expect_failures = [var.topics]
}

run "providers_of_other_regions_are_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "eu-west-1" }
  }
  expect_failures = [var.regions]
}
