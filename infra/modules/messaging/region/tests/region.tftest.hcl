# What stands in one region, read off plans with a mocked provider.

mock_provider "aws" {
  override_during = plan
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:eu-central-1:123456789012:shop-ordered" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:eu-central-1:123456789012:shop-ordered-billing", url = "https://sqs.eu-central-1.amazonaws.com/123456789012/shop-ordered-billing" }
  }
}

variables {
  name   = "shop"
  place  = { partition = "aws", account = "123456789012", region = "eu-central-1" }
  topics = ["ordered"]
  queues = {
    ordered-billing  = { topic = "ordered", visibility_seconds = 60, receives_max = 5, retention_seconds = 1209600 }
    ordered-shipping = { topic = "ordered", visibility_seconds = 60, receives_max = 3, retention_seconds = 1209600 }
  }
  kms_key_arn      = null
  alarm_topic_arns = ["arn:aws:sns:eu-central-1:123456789012:people"]
  tags             = { a = "b" }
}

run "each_subscriber_has_its_queue_and_no_message_is_lost" {
  command = plan
  assert {
    condition     = toset(keys(aws_sqs_queue.this)) == toset(["ordered-billing", "ordered-shipping"])
    error_message = "A subscriber has no queue."
  }
  assert {
    condition     = aws_sns_topic_subscription.this["ordered-billing"].endpoint == aws_sqs_queue.this["ordered-billing"].arn && aws_sns_topic_subscription.this["ordered-billing"].topic_arn == aws_sns_topic.this["ordered"].arn
    error_message = "Messages don't reach the queue of their region."
  }
  assert {
    condition     = jsondecode(aws_sqs_queue.this["ordered-shipping"].redrive_policy).maxReceiveCount == 3 && aws_sns_topic_subscription.this["ordered-billing"].redrive_policy != null
    error_message = "A message that can't be handled or delivered is lost, or blocks the others."
  }
}

run "policies_admit_its_topic_alone_and_tls_alone" {
  command = plan
  assert {
    condition     = alltrue([for p in [aws_sqs_queue_policy.this["ordered-billing"], aws_sqs_queue_policy.dead_letters["ordered-billing"]] : jsondecode(p.policy).Statement[1].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:sns:eu-central-1:123456789012:shop-ordered"])
    error_message = "Another topic can fill the queue."
  }
  assert {
    condition     = alltrue([for arn, p in { "shop-ordered-billing" = aws_sqs_queue_policy.this["ordered-billing"], "shop-ordered-billing-dead-letters" = aws_sqs_queue_policy.dead_letters["ordered-billing"] } : alltrue([for s in jsondecode(p.policy).Statement : s.Resource == "arn:aws:sqs:eu-central-1:123456789012:${arn}"])])
    error_message = "A queue's policy is another queue's."
  }
  assert {
    condition     = alltrue([for p in [aws_sns_topic_policy.this["ordered"], aws_sqs_queue_policy.this["ordered-billing"], aws_sqs_queue_policy.dead_letters["ordered-billing"]] : jsondecode(p.policy).Statement[0].Effect == "Deny" && jsondecode(p.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"])
    error_message = "Something is taken without TLS."
  }
}

run "dead_letters_notify_people" {
  command = plan
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.dead_letters) == 2 && aws_cloudwatch_metric_alarm.dead_letters["ordered-billing"].alarm_actions == toset(["arn:aws:sns:eu-central-1:123456789012:people"])
    error_message = "Nobody is notified."
  }
  assert {
    condition     = aws_sns_topic.this["ordered"].kms_master_key_id == "alias/aws/sns" && aws_sqs_queue.this["ordered-billing"].sqs_managed_sse_enabled
    error_message = "Messages are kept in the clear."
  }
}

run "a_given_key_encrypts_the_topics" {
  command = plan
  variables {
    kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/given"
  }
  assert {
    condition     = aws_sns_topic.this["ordered"].kms_master_key_id == "arn:aws:kms:eu-central-1:123456789012:key/given"
    error_message = "The topics are encrypted with another key."
  }
}
