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
    condition     = toset(keys(aws_sqs_queue.primary)) == toset(["ordered-billing", "ordered-shipping"]) && toset(keys(aws_sqs_queue.recovery)) == toset(keys(aws_sqs_queue.primary))
    error_message = "A subscriber has no queue in a region."
  }
  assert {
    condition     = strcontains(aws_sns_topic_subscription.primary["ordered-billing"].endpoint, ":eu-south-1:") && strcontains(aws_sns_topic_subscription.recovery["ordered-billing"].endpoint, ":eu-central-1:") && strcontains(aws_sns_topic_subscription.recovery["ordered-billing"].topic_arn, ":eu-central-1:")
    error_message = "Messages cross regions: those of a lost one would be missing."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.primary["ordered-shipping"].redrive_policy).maxReceiveCount == 3 && aws_sns_topic_subscription.primary["ordered-billing"].redrive_policy != null
    error_message = "A message that can't be handled or delivered is lost, or blocks the others."
  }
}

run "policies_admit_its_topic_alone_and_tls_alone" {
  command = plan
  assert {
    condition     = jsondecode(aws_sqs_queue_policy.recovery["ordered-billing"].policy).Statement[1].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:sns:eu-central-1:123456789012:shop-ordered"
    error_message = "Another topic can fill the queue."
  }
  assert {
    condition     = alltrue([for p in [aws_sns_topic_policy.primary["ordered"], aws_sqs_queue_policy.primary["ordered-billing"], aws_sqs_queue_policy.primary_dead_letters["ordered-billing"]] : jsondecode(p.policy).Statement[0].Effect == "Deny" && jsondecode(p.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"])
    error_message = "Something is taken without TLS."
  }
  assert {
    condition     = jsondecode(output.publisher_policies["ordered"]).Statement[0].Resource == ["arn:aws:sns:eu-south-1:123456789012:shop-ordered", "arn:aws:sns:eu-central-1:123456789012:shop-ordered"] && jsondecode(output.subscriber_policies["ordered-billing"]).Statement[0].Resource == ["arn:aws:sqs:eu-south-1:123456789012:shop-ordered-billing", "arn:aws:sqs:eu-central-1:123456789012:shop-ordered-billing"]
    error_message = "A service may speak or listen elsewhere, or can't in one of the regions."
  }
}

run "dead_letters_are_told_to_people" {
  command = plan
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.recovery_dead_letters) == 2 && aws_cloudwatch_metric_alarm.recovery_dead_letters["ordered-billing"].alarm_actions == toset(["arn:aws:sns:eu-central-1:123456789012:people"])
    error_message = "Nobody is told."
  }
  assert {
    condition     = aws_sns_topic.primary["ordered"].kms_master_key_id == "alias/aws/sns" && aws_sqs_queue.primary["ordered-billing"].sqs_managed_sse_enabled
    error_message = "Messages are kept in the clear."
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
  expect_failures = [aws_sns_topic.primary]
}
