# Who may publish to the topics of a region, and who hears notices, read off `terraform plan` with a mocked provider: nothing is called.

mock_provider "aws" {}

variables {
  name            = "shop"
  region          = "us-east-2"
  partition       = "aws"
  account         = "123456789012"
  alarm_account   = "123456789012"
  publisher_arns  = []
  notice_emails   = ["oncall@example.com"]
  dead_letter_arn = "arn:aws:sqs:us-east-2:123456789012:shop-signals-dead-letters"
  kms_key_arn     = null
  tags            = { "pilotlight:plan" = "shop" }
}

run "only_alarms_of_this_region_and_account_publish_signals" {
  command = plan

  assert {
    condition = alltrue([for p in [aws_sns_topic_policy.signals, aws_sns_topic_policy.notices] :
    contains([for s in jsondecode(p.policy).Statement : "${s.Effect} ${try(s.Condition.Bool["aws:SecureTransport"], "")}"], "Deny false")])
    error_message = "A topic accepts messages without TLS."
  }
  assert {
    condition = [for s in jsondecode(aws_sns_topic_policy.signals.policy).Statement : s if s.Effect == "Allow"] == [{
      Sid       = "AlarmsOfThisRegionAndAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = "arn:aws:sns:us-east-2:123456789012:shop-signals"
      Condition = { ArnLike = { "aws:SourceArn" = "arn:aws:cloudwatch:us-east-2:123456789012:alarm:*" }, StringEquals = { "aws:SourceAccount" = "123456789012" } }
    }]
    error_message = "Others than this account's alarms may publish signals."
  }
  assert {
    condition = alltrue([for p in [aws_sns_topic_policy.signals, aws_sns_topic_policy.notices] :
    [for s in jsondecode(p.policy).Statement : s.Condition if s.Sid == "NobodyElsePublishes" && s.Effect == "Deny" && s.Principal == "*" && s.Action == "sns:Publish"] == [{ Bool = { "aws:PrincipalIsAWSService" = "false" } }]])
    error_message = "Who may publish by an identity policy may forge a signal, or a notice where no function speaks."
  }
}

run "functions_alone_publish_notices_by_an_identity_of_their_own" {
  command = plan
  variables {
    publisher_arns = ["arn:aws:iam::123456789012:role/shop-alarm-handler", "arn:aws:iam::123456789012:role/shop-promote-replica"]
  }

  assert {
    condition = [for s in jsondecode(aws_sns_topic_policy.notices.policy).Statement : s.Condition if s.Sid == "NobodyElsePublishes" && s.Effect == "Deny" && s.Principal == "*" && s.Action == "sns:Publish"] == [{
      Bool         = { "aws:PrincipalIsAWSService" = "false" }
      ArnNotEquals = { "aws:PrincipalArn" = ["arn:aws:iam::123456789012:role/shop-alarm-handler", "arn:aws:iam::123456789012:role/shop-promote-replica"] }
    }]
    error_message = "Others than the functions and this module's alarms may send a notice."
  }
  assert {
    condition     = [for s in jsondecode(aws_sns_topic_policy.signals.policy).Statement : s.Sid if s.Effect == "Allow"] == ["AlarmsOfThisRegionAndAccount"]
    error_message = "Others than this account's alarms may publish signals."
  }
}

run "people_hear_notices_and_what_reaches_nobody_is_kept" {
  command = plan

  assert {
    condition     = [for s in aws_sns_topic_subscription.notices : [s.endpoint, s.protocol, jsondecode(s.redrive_policy).deadLetterTargetArn]] == [["oncall@example.com", "email", "arn:aws:sqs:us-east-2:123456789012:shop-signals-dead-letters"]]
    error_message = "People are not subscribed, or a notice can be lost."
  }
}

run "customer_keys_encrypt_both_topics" {
  command = plan
  variables {
    kms_key_arn = "arn:aws:kms:us-east-2:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = alltrue([for t in [aws_sns_topic.signals, aws_sns_topic.notices] : t.kms_master_key_id == var.kms_key_arn])
    error_message = "A topic isn't encrypted with the customer's key."
  }
}

run "the_alarms_of_another_account_publish_signals_and_one_tells_people" {
  command = plan
  variables {
    alarm_account = "210987654321"
  }

  assert {
    condition     = [for s in jsondecode(aws_sns_topic_policy.signals.policy).Statement : s.Condition if s.Sid == "AlarmsOfThisRegionAndAccount"] == [{ ArnLike = { "aws:SourceArn" = "arn:aws:cloudwatch:us-east-2:210987654321:alarm:*" }, StringEquals = { "aws:SourceAccount" = "210987654321" } }]
    error_message = "The signals are not those of the workload's account alone."
  }
  assert {
    condition     = [for s in jsondecode(aws_sns_topic_policy.notices.policy).Statement : s.Condition.ArnLike["aws:SourceArn"] if s.Effect == "Allow"] == ["arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-*", "arn:aws:cloudwatch:us-east-2:210987654321:alarm:shop-*"]
    error_message = "The other account's alarm about its queue tells nobody, or may speak where it has nothing to say."
  }
}
