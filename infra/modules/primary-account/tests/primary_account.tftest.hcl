# What the other account grants, read off `terraform plan` with a mocked provider: nothing is called.

mock_provider "aws" {
  override_during = plan
  mock_data "aws_caller_identity" {
    defaults = { account_id = "210987654321" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-2" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

override_resource {
  target          = aws_iam_role.sender
  override_during = plan
  values          = { arn = "arn:aws:iam::210987654321:role/shop-parameter-events" }
}
override_resource {
  target          = aws_sqs_queue.dead_letters
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-east-2:210987654321:shop-parameter-events-dead-letters", url = "https://sqs.us-east-2.amazonaws.com/210987654321/shop-parameter-events-dead-letters" }
}

variables {
  orchestrator = {
    name              = "shop"
    account           = "210987654321"
    regions           = { primary = "us-east-2", recovery = "us-west-1" }
    role_name         = "shop-primary-region"
    external_id       = "shop-7f3a"
    trusted_role_arns = ["arn:aws:iam::123456789012:role/shop-ssm-replicator"]
    parameter_heads   = ["/shop/", "/single"]
    key_arns          = ["arn:aws:kms:us-east-2:210987654321:key/99999999-2222-3333-4444-555555555555"]
    sender_role_name  = "shop-parameter-events"
    event_pattern     = "{\"source\":[\"aws.ssm\"]}"
    event_bus_arn     = "arn:aws:events:us-west-1:123456789012:event-bus/shop-primary-account"
    notices_topic_arn = "arn:aws:sns:us-east-2:123456789012:shop-notices"
  }
}

run "the_role_is_taken_by_one_function_with_its_external_id" {
  command = plan
  assert {
    condition     = aws_iam_role.primary_region.name == "shop-primary-region" && [for s in jsondecode(aws_iam_role.primary_region.assume_role_policy).Statement : [s.Effect, s.Principal, s.Action, s.Condition]] == [["Allow", { AWS = ["arn:aws:iam::123456789012:role/shop-ssm-replicator"] }, "sts:AssumeRole", { StringEquals = { "sts:ExternalId" = "shop-7f3a" } }]]
    error_message = "Another than the function can take the role, or without the external id."
  }
  assert {
    condition     = aws_iam_role.primary_region.max_session_duration == 3600
    error_message = "A session may last longer than the function needs it."
  }
}

run "the_role_may_copy_the_plans_parameters_and_nothing_else" {
  command = plan
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.primary_region.policy).Statement : s.Sid] == ["ListParameters", "CopyParameters", "DeleteCopies", "KeysOfSecureStrings"]
    error_message = "The role may do more, or less, than copy parameters."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.primary_region.policy).Statement : s.Resource] == ["*", ["arn:aws:ssm:us-east-2:210987654321:parameter/shop/*", "arn:aws:ssm:us-east-2:210987654321:parameter/single"], ["arn:aws:ssm:us-east-2:210987654321:parameter/shop/*", "arn:aws:ssm:us-east-2:210987654321:parameter/single"], ["arn:aws:kms:us-east-2:210987654321:key/99999999-2222-3333-4444-555555555555"]]
    error_message = "The role reaches beyond the plan's paths and keys."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.primary_region.policy).Statement : s.Condition if s.Sid != "CopyParameters"] == [{ StringEquals = { "aws:RequestedRegion" = ["us-east-2"] } }, { StringEquals = { "aws:ResourceTag/pilotlight:copied-by" = "shop" } }, { StringEquals = { "kms:ViaService" = ["ssm.us-east-2.amazonaws.com"] } }]
    error_message = "The role may list another region, delete what a person made, or use the key for something else."
  }
}

run "without_keys_the_role_uses_none" {
  command = plan
  variables {
    orchestrator = {
      name              = "shop"
      account           = "210987654321"
      regions           = { primary = "us-east-2", recovery = "us-west-1" }
      role_name         = "shop-primary-region"
      external_id       = "shop-7f3a"
      trusted_role_arns = ["arn:aws:iam::123456789012:role/shop-ssm-replicator"]
      parameter_heads   = ["/shop/"]
      key_arns          = []
      sender_role_name  = "shop-parameter-events"
      event_pattern     = "{\"source\":[\"aws.ssm\"]}"
      event_bus_arn     = "arn:aws:events:us-west-1:123456789012:event-bus/shop-primary-account"
      notices_topic_arn = "arn:aws:sns:us-east-2:123456789012:shop-notices"
    }
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.primary_region.policy, "kms")
    error_message = "The role may use a key although there is none."
  }
}

run "changes_are_sent_by_one_role_for_one_rule_and_none_is_lost_unseen" {
  command = plan
  assert {
    condition     = [for s in jsondecode(aws_iam_role.sender.assume_role_policy).Statement : [s.Principal, s.Condition.ArnEquals["aws:SourceArn"], s.Condition.StringEquals["aws:SourceAccount"]]] == [[{ Service = "events.amazonaws.com" }, "arn:aws:events:us-east-2:210987654321:rule/shop-parameters", "210987654321"]] && [for s in jsondecode(aws_iam_role_policy.sender.policy).Statement : [s.Action, s.Resource]] == [[["events:PutEvents"], ["arn:aws:events:us-west-1:123456789012:event-bus/shop-primary-account"]]]
    error_message = "Another than the rule may send, or elsewhere."
  }
  assert {
    condition     = aws_cloudwatch_event_target.parameters.arn == "arn:aws:events:us-west-1:123456789012:event-bus/shop-primary-account" && aws_cloudwatch_event_target.parameters.role_arn == "arn:aws:iam::210987654321:role/shop-parameter-events" && aws_cloudwatch_event_target.parameters.dead_letter_config[0].arn == "arn:aws:sqs:us-east-2:210987654321:shop-parameter-events-dead-letters" && aws_cloudwatch_event_rule.parameters.event_pattern == "{\"source\":[\"aws.ssm\"]}"
    error_message = "A change of a parameter does not reach the recovery region's bus, or is lost where it can't."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.dead_letters.alarm_name == "shop-parameter-events-dead-letters" && tolist(aws_cloudwatch_metric_alarm.dead_letters.alarm_actions) == tolist(["arn:aws:sns:us-east-2:123456789012:shop-notices"])
    error_message = "Nobody is told of what could not be sent."
  }
}

run "a_provider_of_another_account_is_refused" {
  command = plan
  override_data {
    target          = data.aws_caller_identity.this
    override_during = plan
    values          = { account_id = "123456789012" }
  }
  expect_failures = [aws_iam_role.primary_region]
}

run "trust_in_a_whole_account_is_refused" {
  command = plan
  variables {
    orchestrator = {
      name              = "shop"
      account           = "210987654321"
      regions           = { primary = "us-east-2", recovery = "us-west-1" }
      role_name         = "shop-primary-region"
      external_id       = "shop-7f3a"
      trusted_role_arns = ["arn:aws:iam::123456789012:root"]
      parameter_heads   = ["/shop/"]
      key_arns          = []
      sender_role_name  = "shop-parameter-events"
      event_pattern     = "{}"
      event_bus_arn     = "arn:aws:events:us-west-1:123456789012:event-bus/shop-primary-account"
      notices_topic_arn = "arn:aws:sns:us-east-2:123456789012:shop-notices"
    }
  }
  expect_failures = [var.orchestrator]
}

run "a_role_of_the_same_account_is_refused" {
  command = plan
  variables {
    orchestrator = {
      name              = "shop"
      account           = "210987654321"
      regions           = { primary = "us-east-2", recovery = "us-west-1" }
      role_name         = "shop-primary-region"
      external_id       = "shop-7f3a"
      trusted_role_arns = ["arn:aws:iam::210987654321:role/shop-ssm-replicator"]
      parameter_heads   = ["/shop/"]
      key_arns          = []
      sender_role_name  = "shop-parameter-events"
      event_pattern     = "{}"
      event_bus_arn     = "arn:aws:events:us-west-1:123456789012:event-bus/shop-primary-account"
      notices_topic_arn = "arn:aws:sns:us-east-2:123456789012:shop-notices"
    }
  }
  expect_failures = [var.orchestrator]
}

run "an_external_id_of_other_letters_is_refused" {
  command = plan
  variables {
    orchestrator = {
      name              = "shop"
      account           = "210987654321"
      regions           = { primary = "us-east-2", recovery = "us-west-1" }
      role_name         = "shop-primary-region"
      external_id       = "two words"
      trusted_role_arns = ["arn:aws:iam::123456789012:role/shop-ssm-replicator"]
      parameter_heads   = ["/shop/"]
      key_arns          = []
      sender_role_name  = "shop-parameter-events"
      event_pattern     = "{}"
      event_bus_arn     = "arn:aws:events:us-west-1:123456789012:event-bus/shop-primary-account"
      notices_topic_arn = "arn:aws:sns:us-east-2:123456789012:shop-notices"
    }
  }
  expect_failures = [var.orchestrator]
}

run "a_path_with_a_wildcard_is_refused" {
  command = plan
  variables {
    orchestrator = {
      name              = "shop"
      account           = "210987654321"
      regions           = { primary = "us-east-2", recovery = "us-west-1" }
      role_name         = "shop-primary-region"
      external_id       = "shop-7f3a"
      trusted_role_arns = ["arn:aws:iam::123456789012:role/shop-ssm-replicator"]
      parameter_heads   = ["/shop/*"]
      key_arns          = []
      sender_role_name  = "shop-parameter-events"
      event_pattern     = "{}"
      event_bus_arn     = "arn:aws:events:us-west-1:123456789012:event-bus/shop-primary-account"
      notices_topic_arn = "arn:aws:sns:us-east-2:123456789012:shop-notices"
    }
  }
  expect_failures = [var.orchestrator]
}

run "a_key_of_another_region_is_refused" {
  command = plan
  variables {
    orchestrator = {
      name              = "shop"
      account           = "210987654321"
      regions           = { primary = "us-east-2", recovery = "us-west-1" }
      role_name         = "shop-primary-region"
      external_id       = "shop-7f3a"
      trusted_role_arns = ["arn:aws:iam::123456789012:role/shop-ssm-replicator"]
      parameter_heads   = ["/shop/"]
      key_arns          = ["arn:aws:kms:us-west-1:210987654321:key/99999999-2222-3333-4444-555555555555"]
      sender_role_name  = "shop-parameter-events"
      event_pattern     = "{}"
      event_bus_arn     = "arn:aws:events:us-west-1:123456789012:event-bus/shop-primary-account"
      notices_topic_arn = "arn:aws:sns:us-east-2:123456789012:shop-notices"
    }
  }
  expect_failures = [var.orchestrator]
}

run "an_alias_for_the_queues_key_is_refused" {
  command = plan
  variables {
    kms_key_arn = "arn:aws:kms:us-east-2:210987654321:alias/shop"
  }
  expect_failures = [var.kms_key_arn]
}
