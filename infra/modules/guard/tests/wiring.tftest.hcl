# What a guard builds from an ordinary plan, read off `terraform plan` with a mocked provider: nothing is called.

mock_provider "aws" {
  alias           = "own"
  override_during = plan
}

mock_provider "aws" {
  alias           = "other"
  override_during = plan
}

override_resource {
  target          = aws_sns_topic.commands
  override_during = plan
  values          = { arn = "arn:aws:sns:us-west-1:123456789012:shop-commands" }
}
override_resource {
  target          = aws_sqs_queue.signals_other
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-east-2:123456789012:shop-signals-dead-letters", url = "https://sqs.us-east-2.amazonaws.com/123456789012/shop-signals-dead-letters" }
}
override_resource {
  target          = aws_sqs_queue.dead_letters["alarm-handler"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-alarm-handler-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-alarm-handler-dead-letters" }
}
override_resource {
  target          = aws_sqs_queue.dead_letters["promote-replica"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-promote-replica-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-promote-replica-dead-letters" }
}
override_resource {
  target          = aws_sqs_queue.dead_letters["scale-asg"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-scale-asg-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-scale-asg-dead-letters" }
}
override_resource {
  target          = aws_sqs_queue.dead_letters["shift-traffic"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-shift-traffic-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-shift-traffic-dead-letters" }
}
override_resource {
  target          = aws_iam_role.this["alarm-handler"]
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-alarm-handler" }
}
override_resource {
  target          = aws_iam_role.this["promote-replica"]
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-promote-replica" }
}
override_resource {
  target          = aws_iam_role.this["scale-asg"]
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-scale-asg" }
}
override_resource {
  target          = aws_iam_role.this["shift-traffic"]
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-shift-traffic" }
}
override_resource {
  target          = aws_lambda_function.this["alarm-handler"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-alarm-handler" }
}
override_resource {
  target          = aws_lambda_function.this["promote-replica"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-promote-replica" }
}
override_resource {
  target          = aws_lambda_function.this["scale-asg"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-scale-asg" }
}
override_resource {
  target          = aws_lambda_function.this["shift-traffic"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-shift-traffic" }
}
override_resource {
  target          = aws_sqs_queue.dead_letters["readiness-checker"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-readiness-checker-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-readiness-checker-dead-letters" }
}
override_resource {
  target          = aws_iam_role.this["readiness-checker"]
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-readiness-checker" }
}
override_resource {
  target          = aws_lambda_function.this["readiness-checker"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-readiness-checker" }
}
override_resource {
  target          = aws_iam_role.scheduler
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-scheduler" }
}

variables {
  seat      = "recovery"
  account   = "123456789012"
  partition = "aws"
  topics = {
    primary  = { signals = "arn:aws:sns:us-east-2:123456789012:shop-signals", notices = "arn:aws:sns:us-east-2:123456789012:shop-notices" }
    recovery = { signals = "arn:aws:sns:us-west-1:123456789012:shop-signals", notices = "arn:aws:sns:us-west-1:123456789012:shop-notices" }
  }
  tags = { "pilotlight:plan" = "shop" }

  plan_json  = "{\"schema\":2}"
  plan_parts = 4

  signal_age_seconds_max   = 300
  step_seconds_max         = { scale = 1200, fence = 180, promote = 1800, open = 240, verify = 240, quarantine = 900 }
  function_timeout_seconds = { alarm_handler = 170, promote_replica = 840, scale_asg = 840, shift_traffic = 120 }
  function_memory_mb       = { alarm_handler = 256, promote_replica = 256, scale_asg = 256, shift_traffic = 256, readiness_checker = 256, snapshot_scheduler = 256, ssm_replicator = 256 }
  architecture             = "x86_64"
  reserved_concurrency     = null
  log_level                = "INFO"
  log_retention_days       = 90
  snapshots                = null
  parameters               = null
  image_parameters         = []
  witness_function_arn     = null
  silence_minutes          = 5
  unready_minutes          = 60
  error_alarm_functions    = ["alarm-handler"]
  direct_alarm_arns        = []
  alarm_events             = true
  deletion_protection      = true
  permissions_boundary_arn = null
  kms_key_arns             = {}

  name        = "shop"
  sides       = { primary = { region = "us-east-2" }, recovery = { region = "us-west-1" } }
  package_dir = "../orchestrator/tests/packages"
  databases = [{
    name = "orders"
    sides = {
      primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders", quarantine_security_group = "sg-0abc" }
      recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" }
    }
  }]
  fleets = [{
    name = "web"
    sides = { recovery = {
      group               = "shop-web-recovery"
      target_groups       = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"]
      serving             = { min = 2, desired = 2, max = 4 }
      healthy_targets_min = 2
    } }
  }]
  routes = [{
    name = "front"
    sides = {
      primary = {
        endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/p1"
        endpoint       = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/0123456789abcdef"
      }
      recovery = {
        endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/r1"
        endpoint       = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/fedcba9876543210"
      }
    }
    after = ["orders", "web"]
  }]
  detection = {
    sides = { primary = {
      alarms = ["arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-web-unhealthy"]
      probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health", expect_status = 200 }]
    } }
  }
}

run "the_plan_document_says_what_the_variables_say" {
  command = plan
  assert {
    condition     = aws_ssm_parameter.plan_checksum.name == "/pilotlight/shop/plan/checksum" && aws_ssm_parameter.plan_checksum.insecure_value == sha256(join("", aws_ssm_parameter.plan[*].insecure_value))
    error_message = "The checksum is not that of the parts joined."
  }
  assert {
    condition     = alltrue([for p in aws_ssm_parameter.plan : length(p.insecure_value) >= 1 && length(p.insecure_value) <= 4000])
    error_message = "A part is empty or longer than 4000 characters."
  }
  assert {
    condition     = aws_ssm_parameter.plan[*].name == [for i in range(length(aws_ssm_parameter.plan)) : "/pilotlight/shop/plan/${i}"]
    error_message = "The parts are not numbered from 0 under /pilotlight/shop/plan."
  }
  assert {
    condition     = join("", aws_ssm_parameter.plan[*].insecure_value) == var.plan_json
    error_message = "The parts joined are not the plan."
  }
}

run "a_plan_of_both_ways_is_written_whole" {
  command = plan
  variables {
    databases = [{
      name = "orders"
      sides = {
        primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders", backup_retention_days = 14, quarantine_security_group = "sg-0abc" }
        recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", backup_retention_days = 7, quarantine_security_group = "sg-0def" }
      }
    }]
    fleets = [{
      name = "web"
      sides = {
        primary  = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/shop-web/1"], serving = { min = 2, desired = 3, max = 6 }, resting = { min = 0, desired = 0, max = 6 }, healthy_targets_min = 2 }
        recovery = { group = "shop-web-recovery", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/2"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 }
      }
    }]
    routes = [{
      name = "front"
      sides = {
        primary  = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/p1", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1", probe = { name = "front-primary-served", url = "http://primary.shop.example.com/health" } }
        recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/r1", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" }
      }
    }]
    detection = { sides = {
      primary  = { alarms = ["arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-web-unhealthy"], probes = [{ kind = "http", name = "front-primary", url = "http://primary.shop.example.com/health" }] }
      recovery = { alarms = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-recovery-down"], probes = [{ kind = "tcp", name = "front-recovery", host = "recovery.shop.example.com", port = 443 }] }
    } }
  }
  assert {
    condition     = alltrue([for p in aws_iam_role_policy.steps : !strcontains(p.policy, "shop-web\"") && !strcontains(p.policy, "sg-0def")]) && alltrue([for r in concat(values(aws_cloudwatch_event_rule.alarms), values(aws_cloudwatch_event_rule.alarms_other)) : !strcontains(r.event_pattern, "shop-recovery-down")])
    error_message = "The recovery region's guard may do what the way back needs."
  }
}

run "one_of_two_guards_hears_the_other_by_one_item_of_its_table" {
  command = plan
  variables {
    peer_table_arn = "arn:aws:dynamodb:us-east-2:123456789012:table/shop-journal"
    kms_key_arns   = { primary = "arn:aws:kms:us-east-2:123456789012:key/primary", recovery = "arn:aws:kms:us-west-1:123456789012:key/recovery" }
  }
  assert {
    condition     = { for f, l in aws_lambda_function.this : f => lookup(one(l.environment).variables, "PILOTLIGHT_PEER_TABLE", null) if contains(keys(one(l.environment).variables), "PILOTLIGHT_PEER_TABLE") } == { "alarm-handler" = "arn:aws:dynamodb:us-east-2:123456789012:table/shop-journal" }
    error_message = "alarm-handler, and no other function, is told where the other guard keeps its journal."
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.steps["alarm-handler"].policy).Statement : s if contains(["KnowOwnTable", "HearTheOtherGuard", "ReadTheOthersKey"], s.Sid)] == [
      { Sid = "KnowOwnTable", Effect = "Allow", Action = ["dynamodb:DescribeTable"], Resource = ["arn:aws:dynamodb:us-west-1:123456789012:table/shop-journal"] },
      {
        Sid       = "HearTheOtherGuard", Effect = "Allow", Action = ["dynamodb:GetItem"], Resource = ["arn:aws:dynamodb:us-east-2:123456789012:table/shop-journal"]
        Condition = { "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["shop#word"] }, Null = { "dynamodb:LeadingKeys" = "false" } }
      },
      { Sid = "ReadTheOthersKey", Effect = "Allow", Action = ["kms:Decrypt"], Resource = ["arn:aws:kms:us-east-2:123456789012:key/primary"] },
    ]
    error_message = "What alarm-handler may do to hear the other guard differs."
  }
  assert {
    condition     = alltrue([for f, p in aws_iam_role_policy.steps : f == "alarm-handler" || !strcontains(p.policy, "us-east-2:123456789012:table")]) && alltrue([for p in aws_iam_role_policy.common : !strcontains(p.policy, "us-east-2:123456789012:table")])
    error_message = "Another function than alarm-handler reaches the other guard's table."
  }
}

run "a_guard_that_is_alone_hears_nobody" {
  command = plan
  assert {
    condition     = !strcontains(aws_iam_role_policy.steps["alarm-handler"].policy, "DescribeTable") && !strcontains(aws_iam_role_policy.steps["alarm-handler"].policy, "#word") && alltrue([for l in aws_lambda_function.this : !contains(keys(one(l.environment).variables), "PILOTLIGHT_PEER_TABLE")])
    error_message = "A guard that is alone is told of another, or may ask one."
  }
}

run "the_guard_of_the_primary_region_has_names_of_its_own_where_both_would_meet" {
  command = plan
  variables {
    seat           = "primary"
    peer_table_arn = "arn:aws:dynamodb:us-west-1:123456789012:table/shop-journal"
    databases = [{
      name = "orders"
      sides = {
        primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders", quarantine_security_group = "sg-0abc" }
        recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", quarantine_security_group = "sg-0def" }
      }
    }]
    fleets = [{
      name = "web"
      sides = {
        primary  = { group = "shop-web", target_groups = [], serving = { min = 2, desired = 3, max = 6 }, healthy_targets_min = 2 }
        recovery = { group = "shop-web-recovery", target_groups = [], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 }
      }
    }]
    detection = { sides = {
      primary  = { alarms = ["arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-web-unhealthy"] }
      recovery = { alarms = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-recovery-down"] }
    } }
  }
  # IAM's names are the account's, and in either region both guards have rules.
  assert {
    condition     = alltrue([for f, r in aws_iam_role.this : r.name == "shop-primary-${f}"]) && aws_iam_role.scheduler.name == "shop-primary-scheduler" && aws_iam_role.signal_events[0].name == "shop-primary-signal-events"
    error_message = "A role has a name that the other guard's has too."
  }
  assert {
    condition     = alltrue([for r in concat([aws_cloudwatch_event_rule.tick], values(aws_cloudwatch_event_rule.wakeup), values(aws_cloudwatch_event_rule.alarms), values(aws_cloudwatch_event_rule.alarms_other), values(aws_cloudwatch_event_rule.zone_failovers), values(aws_cloudwatch_event_rule.zone_failovers_other)) : startswith(r.name, "shop-primary-")])
    error_message = "A rule has a name that the other guard's has too."
  }
  # A person asks either of them by the same name, in its region.
  assert {
    condition     = alltrue([for f, l in aws_lambda_function.this : l.function_name == "shop-${f}"]) && aws_dynamodb_table.journal.name == "shop-journal" && aws_sns_topic.commands.name == "shop-commands"
    error_message = "A function, the journal or the commands topic is not called as in the other region."
  }
  # It acts on its own side and cuts off what lies across.
  assert {
    condition     = strcontains(aws_iam_role_policy.steps["promote-replica"].policy, "us-east-2:123456789012:db:shop-orders\"") && strcontains(aws_iam_role_policy.steps["promote-replica"].policy, "us-west-1:123456789012:db:shop-orders-replica") && strcontains(aws_iam_role_policy.steps["scale-asg"].policy, "autoScalingGroupName/shop-web\"")
    error_message = "The guard of the primary region acts on something else than its own side."
  }
  assert {
    condition     = alltrue([for r in concat(values(aws_cloudwatch_event_rule.alarms), values(aws_cloudwatch_event_rule.alarms_other)) : strcontains(r.event_pattern, "shop-recovery-down") && !strcontains(r.event_pattern, "shop-web-unhealthy")])
    error_message = "The guard of the primary region hears of another side's loss than the recovery region's."
  }
}

run "what_is_left_out_is_absent_from_the_plan" {
  command = plan
  variables {
    databases = [{
      name = "orders"
      sides = {
        primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }
        recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" }
      }
    }]
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.steps["promote-replica"].policy, "rds:ModifyDBInstance")
    error_message = "promote-replica may modify an instance although no quarantine group is given."
  }
}

run "the_defaults_are_those_of_the_documents" {
  command = plan
  assert {
    condition = alltrue([for l in aws_lambda_function.this :
      l.runtime == "provided.al2023" && l.architectures == tolist(["x86_64"]) && l.memory_size == 256 && l.reserved_concurrent_executions == -1
    && one(l.logging_config).log_format == "JSON" && one(l.logging_config).log_group == "/aws/lambda/${l.function_name}"])
    error_message = "A function's runtime, architecture, memory, concurrency or logging is not the default."
  }
  assert {
    condition     = jsonencode({ for f, l in aws_lambda_function.this : f => l.timeout }) == jsonencode({ "alarm-handler" = 170, "promote-replica" = 840, "readiness-checker" = 60, "scale-asg" = 840, "shift-traffic" = 120 })
    error_message = "The functions' timeouts differ."
  }
  assert {
    condition     = toset([for l in aws_lambda_function.this : l.function_name]) == toset(["shop-alarm-handler", "shop-promote-replica", "shop-readiness-checker", "shop-scale-asg", "shop-shift-traffic"])
    error_message = "The functions' names differ."
  }
  assert {
    condition = alltrue([for f, l in aws_lambda_function.this : one(l.environment).variables == tomap(merge(f != "readiness-checker" ? {} : { PILOTLIGHT_RELEASE_PARAMETER = "/pilotlight/shop/release" }, {
      PILOTLIGHT_PLAN_PARAMETER   = "/pilotlight/shop/plan"
      PILOTLIGHT_PLAN_PARTS       = tostring(length(aws_ssm_parameter.plan))
      PILOTLIGHT_JOURNAL_TABLE    = "shop-journal"
      PILOTLIGHT_COMMANDS_TOPIC   = "arn:aws:sns:us-west-1:123456789012:shop-commands"
      PILOTLIGHT_NOTICES_TOPIC    = "arn:aws:sns:us-west-1:123456789012:shop-notices"
      PILOTLIGHT_FUNCTION_SECONDS = tostring(l.timeout)
    }))])
    error_message = "A function's environment differs."
  }
  assert {
    condition     = alltrue([for g in aws_cloudwatch_log_group.this : g.retention_in_days == 90])
    error_message = "Logs are not kept for 90 days."
  }
  assert {
    condition = (aws_dynamodb_table.journal.deletion_protection_enabled && one(aws_dynamodb_table.journal.point_in_time_recovery).enabled
    && aws_dynamodb_table.journal.hash_key == "plan" && aws_dynamodb_table.journal.range_key == "seq" && aws_dynamodb_table.journal.billing_mode == "PAY_PER_REQUEST")
    error_message = "The journal lacks protection, recovery, its key or its billing mode."
  }
  assert {
    condition     = alltrue([for q in aws_sqs_queue.dead_letters : q.sqs_managed_sse_enabled]) && aws_sqs_queue.signals_other.sqs_managed_sse_enabled
    error_message = "A queue is not encrypted."
  }
}

run "the_tick_comes_every_minute_with_a_constant_input" {
  command = plan
  assert {
    condition     = aws_cloudwatch_event_rule.tick.schedule_expression == "rate(1 minute)" && aws_cloudwatch_event_target.tick.input == "{\"command\":\"tick\"}"
    error_message = "The tick's rate or input differs."
  }
  assert {
    condition     = one(aws_cloudwatch_event_target.tick.retry_policy).maximum_event_age_in_seconds == 60
    error_message = "A tick older than a minute is kept."
  }
}

run "each_subscription_hears_its_own_steps_and_has_a_dead_letter_queue_in_its_topics_region" {
  command = plan
  assert {
    condition = { for f, s in aws_sns_topic_subscription.commands : f => jsondecode(s.filter_policy).step } == {
      "alarm-handler"   = ["confirm", "verify"]
      "promote-replica" = ["promote", "quarantine"]
      "scale-asg"       = ["scale", "restore"]
      "shift-traffic"   = ["fence", "unfence", "open"]
    }
    error_message = "A subscription's filter differs."
  }
  assert {
    condition     = alltrue([for s in aws_sns_topic_subscription.commands : s.filter_policy_scope == "MessageAttributes"])
    error_message = "A filter looks at the body instead of the attribute `step`."
  }
  assert {
    condition     = length(distinct(flatten([for s in aws_sns_topic_subscription.commands : jsondecode(s.filter_policy).step]))) == 9
    error_message = "A step is heard twice or by nobody."
  }
  assert {
    condition     = alltrue([for f, s in aws_sns_topic_subscription.commands : jsondecode(s.redrive_policy).deadLetterTargetArn == "arn:aws:sqs:us-west-1:123456789012:shop-${f}-dead-letters"])
    error_message = "A command's subscription lacks its dead-letter queue."
  }
  assert {
    condition     = jsondecode(aws_sns_topic_subscription.signals_other.redrive_policy).deadLetterTargetArn == "arn:aws:sqs:us-east-2:123456789012:shop-signals-dead-letters"
    error_message = "The subscription in the primary region lacks a dead-letter queue of that region."
  }
  assert {
    condition     = jsondecode(aws_sns_topic_subscription.signals_own.redrive_policy).deadLetterTargetArn == "arn:aws:sqs:us-west-1:123456789012:shop-alarm-handler-dead-letters"
    error_message = "The subscription in the recovery region lacks its dead-letter queue."
  }
  assert {
    condition     = alltrue([for s in [aws_sns_topic_subscription.signals_other, aws_sns_topic_subscription.signals_own] : s.endpoint == "arn:aws:lambda:us-west-1:123456789012:function:shop-alarm-handler" && s.filter_policy == null])
    error_message = "Signals don't all reach alarm-handler."
  }
  assert {
    condition     = alltrue([for f, c in aws_lambda_function_event_invoke_config.this : one(one(c.destination_config).on_failure).destination == "arn:aws:sqs:us-west-1:123456789012:shop-${f}-dead-letters"])
    error_message = "A function's failed invocations don't reach its queue."
  }
  assert {
    condition     = aws_lambda_function_event_invoke_config.this["alarm-handler"].maximum_event_age_in_seconds == 300
    error_message = "Lambda keeps signals longer than they are worth something."
  }
}

run "each_permission_names_exactly_one_source_of_this_account" {
  command = plan
  assert {
    condition = {
      for p in concat(values(aws_lambda_permission.commands), aws_lambda_permission.signals_other, [aws_lambda_permission.signals_own, aws_lambda_permission.tick], values(aws_lambda_permission.wakeup)) :
      "${p.function_name} ${p.statement_id}" => "${p.principal} ${p.source_arn}"
      } == {
      "shop-alarm-handler commands"          = "sns.amazonaws.com arn:aws:sns:us-west-1:123456789012:shop-commands"
      "shop-alarm-handler fleets-0"          = "events.amazonaws.com arn:aws:events:us-west-1:123456789012:rule/shop-fleets-0"
      "shop-alarm-handler replicas-0"        = "events.amazonaws.com arn:aws:events:us-west-1:123456789012:rule/shop-replicas-0"
      "shop-alarm-handler signals-primary-0" = "sns.amazonaws.com arn:aws:sns:us-east-2:123456789012:shop-signals"
      "shop-alarm-handler signals-recovery"  = "sns.amazonaws.com arn:aws:sns:us-west-1:123456789012:shop-signals"
      "shop-alarm-handler tick"              = "events.amazonaws.com arn:aws:events:us-west-1:123456789012:rule/shop-tick"
      "shop-promote-replica commands"        = "sns.amazonaws.com arn:aws:sns:us-west-1:123456789012:shop-commands"
      "shop-scale-asg commands"              = "sns.amazonaws.com arn:aws:sns:us-west-1:123456789012:shop-commands"
      "shop-shift-traffic commands"          = "sns.amazonaws.com arn:aws:sns:us-west-1:123456789012:shop-commands"
    }
    error_message = "The permissions to invoke differ."
  }
}

run "an_alarm_that_invokes_directly_is_admitted_by_arn_and_account" {
  command = plan
  variables {
    direct_alarm_arns = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-replica-lag"]
    detection         = { sides = { primary = { alarms = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-replica-lag"], probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } } }
  }
  assert {
    condition = (aws_lambda_permission.direct_alarm[0].principal == "lambda.alarms.cloudwatch.amazonaws.com"
      && aws_lambda_permission.direct_alarm[0].source_arn == "arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-replica-lag"
    && aws_lambda_permission.direct_alarm[0].source_account == "123456789012")
    error_message = "The alarm's permission lacks its ARN or account."
  }
}

run "a_primary_in_an_opt_in_region_delivers_under_its_own_principal" {
  command = plan
  variables {
    topics = {
      primary  = { signals = "arn:aws:sns:eu-south-1:123456789012:shop-signals", notices = "arn:aws:sns:eu-south-1:123456789012:shop-notices" }
      recovery = { signals = "arn:aws:sns:us-west-1:123456789012:shop-signals", notices = "arn:aws:sns:us-west-1:123456789012:shop-notices" }
    }
    sides = { primary = { region = "eu-south-1" }, recovery = { region = "us-west-1" } }
    databases = [{
      name = "orders"
      sides = {
        primary  = { arn = "arn:aws:rds:eu-south-1:123456789012:db:shop-orders" }
        recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" }
      }
    }]
    fleets    = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
    detection = { sides = { primary = { probes = [{ kind = "tcp", name = "db", host = "db.example.com", port = 5432 }] } } }
  }
  override_resource {
    target          = aws_sqs_queue.signals_other
    override_during = plan
    values          = { arn = "arn:aws:sqs:eu-south-1:123456789012:shop-signals-dead-letters", url = "https://sqs.eu-south-1.amazonaws.com/123456789012/shop-signals-dead-letters" }
  }
  assert {
    condition     = aws_lambda_permission.signals_other[*].principal == ["sns.amazonaws.com", "sns.eu-south-1.amazonaws.com"]
    error_message = "The opt-in region's own principal is not admitted."
  }
  assert {
    condition     = keys(aws_cloudwatch_event_rule.wakeup) == ["replicas-0"]
    error_message = "Without fleets there must be no wake-up for them."
  }
  assert {
    condition     = keys(aws_iam_role_policy.steps) == ["alarm-handler", "promote-replica", "readiness-checker", "shift-traffic"] && !strcontains(aws_iam_role_policy.steps["shift-traffic"].policy, "autoscaling") && !strcontains(aws_iam_role_policy.steps["alarm-handler"].policy, "autoscaling") && !strcontains(aws_iam_role_policy.steps["readiness-checker"].policy, "autoscaling") && !strcontains(aws_iam_role_policy.steps["readiness-checker"].policy, "ec2:")
    error_message = "Without fleets nobody needs a permission for them."
  }
}

run "wakeups_match_the_plans_own_replicas_and_groups_only" {
  command = plan
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.wakeup["replicas-0"].event_pattern) == { source = ["aws.rds"], detail-type = ["RDS DB Instance Event"], resources = ["arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica"] }
    error_message = "The replicas' wake-up differs: ${aws_cloudwatch_event_rule.wakeup["replicas-0"].event_pattern}"
  }
  assert {
    condition = jsondecode(aws_cloudwatch_event_rule.wakeup["fleets-0"].event_pattern) == {
      source      = ["aws.autoscaling"]
      detail-type = ["EC2 Instance Launch Successful", "EC2 Instance Launch Unsuccessful", "EC2 Instance Terminate Successful"]
      detail      = { AutoScalingGroupName = ["shop-web-recovery"] }
    }
    error_message = "The fleets' wake-up differs: ${aws_cloudwatch_event_rule.wakeup["fleets-0"].event_pattern}"
  }
}

run "rds_tells_of_its_own_failovers_by_the_recovery_regions_bus" {
  command = plan
  assert {
    condition = { for k, r in aws_cloudwatch_event_rule.zone_failovers_other : r.name => jsondecode(r.event_pattern) } == { "shop-zone-failovers-0" = {
      source      = ["aws.rds"]
      detail-type = ["RDS DB Instance Event"]
      resources   = ["arn:aws:rds:us-east-2:123456789012:db:shop-orders"]
      detail      = { EventID = ["RDS-EVENT-0013", "RDS-EVENT-0015", "RDS-EVENT-0049"] }
    } }
    error_message = "The rule matches something else than the failovers of the plan's primaries."
  }
  assert {
    condition     = [for t in aws_cloudwatch_event_target.zone_failovers_other : [t.arn, t.dead_letter_config[0].arn]] == [["arn:aws:events:us-west-1:123456789012:event-bus/default", "arn:aws:sqs:us-east-2:123456789012:shop-signals-dead-letters"]]
    error_message = "The rule's target is not the recovery region's bus, or has no dead-letter queue."
  }
  assert {
    condition = ([for t in aws_cloudwatch_event_target.zone_failovers : [t.rule, t.arn, t.dead_letter_config[0].arn]] == [["shop-zone-failovers-0", "arn:aws:lambda:us-west-1:123456789012:function:shop-alarm-handler", "arn:aws:sqs:us-west-1:123456789012:shop-alarm-handler-dead-letters"]]
      && [for p in aws_lambda_permission.zone_failovers : p.source_arn] == ["arn:aws:events:us-west-1:123456789012:rule/shop-zone-failovers-0"]
    && aws_cloudwatch_event_rule.zone_failovers["0"].event_pattern == aws_cloudwatch_event_rule.zone_failovers_other["0"].event_pattern)
    error_message = "What the primary region sent does not reach alarm-handler."
  }
}

run "each_change_of_an_alarm_is_told_by_eventbridge_too" {
  command = plan
  variables {
    detection = {
      sides = { primary = {
        alarms = concat([for i in range(6) : "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-${i}"], ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-replica"])
        probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }]
      } }
    }
  }
  assert {
    condition = [for r in [aws_cloudwatch_event_rule.alarms, aws_cloudwatch_event_rule.alarms_other] : { for k, r in r : r.name => jsondecode(r.event_pattern) }] == [for r in range(2) : {
      "shop-alarms-0" = { source = ["aws.cloudwatch"], detail-type = ["CloudWatch Alarm State Change"], resources = [for i in range(5) : "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-${i}"] }
      "shop-alarms-1" = { source = ["aws.cloudwatch"], detail-type = ["CloudWatch Alarm State Change"], resources = ["arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-5", "arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-replica"] }
    }]
    error_message = "A listed alarm has no rule in one of the regions, or another alarm has one."
  }
  assert {
    condition = ([for t in aws_cloudwatch_event_target.alarms_other : [t.arn, t.dead_letter_config[0].arn]] == [for i in range(2) : ["arn:aws:events:us-west-1:123456789012:event-bus/default", "arn:aws:sqs:us-east-2:123456789012:shop-signals-dead-letters"]]
      && [for t in aws_cloudwatch_event_target.alarms : [t.arn, t.dead_letter_config[0].arn]] == [for i in range(2) : ["arn:aws:lambda:us-west-1:123456789012:function:shop-alarm-handler", "arn:aws:sqs:us-west-1:123456789012:shop-alarm-handler-dead-letters"]]
    && [for p in aws_lambda_permission.alarms : p.source_arn] == [for i in range(2) : "arn:aws:events:us-west-1:123456789012:rule/shop-alarms-${i}"])
    error_message = "A change of an alarm does not reach alarm-handler by the recovery region's bus, or is lost unseen."
  }
  assert {
    condition     = jsondecode(aws_iam_role.signal_events[0].assume_role_policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == [for rule in ["zone-failovers-0", "alarms-0", "alarms-1"] : "arn:aws:events:us-east-2:123456789012:rule/shop-${rule}"]
    error_message = "The role that sends is taken for another rule than the three of the primary region."
  }
}

run "without_alarm_events_the_topics_speak_alone" {
  command = plan
  variables {
    alarm_events = false
    databases    = []
    routes = [{
      name = "front"
      sides = {
        primary  = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/p1", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/0123456789abcdef" }
        recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/r1", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/fedcba9876543210" }
      }
      after = ["web"]
    }]
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.alarms) == 0 && length(aws_cloudwatch_event_rule.alarms_other) == 0 && length(aws_lambda_permission.alarms) == 0 && length(aws_iam_role.signal_events) == 0
    error_message = "A rule or a role is left over."
  }
}

run "many_items_are_spread_over_parts_and_rules_within_awss_limits" {
  command = plan
  variables {
    plan_parts = 6
    plan_json  = jsonencode({ probes = [for i in range(1000) : i] })
    databases  = [for i in range(20) : { name = "orders-${i}", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders-with-a-long-identifier-of-sixty-three-characters-${format("%02d", i)}" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-with-a-long-identifier-of-sixty-three-characters-${format("%02d", i)}" } } }]
    fleets     = [for i in range(13) : { name = "web-${i}", sides = { recovery = { group = "${join("", [for j in range(25) : "shop-web-1"])}-${i}", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web-of-thirty-two-characters/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
    routes     = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  assert {
    condition     = alltrue([for r in aws_cloudwatch_event_rule.wakeup : length(r.event_pattern) <= 2048]) && length(aws_cloudwatch_event_rule.wakeup) == 5
    error_message = "A pattern exceeds 2048 characters."
  }
  assert {
    condition     = alltrue([for p in aws_ssm_parameter.plan : length(p.insecure_value) >= 1 && length(p.insecure_value) <= 4000]) && join("", aws_ssm_parameter.plan[*].insecure_value) == var.plan_json
    error_message = "A part is empty or too long, or the parts joined are not the plan."
  }
}

run "alarms_tell_people_in_their_own_region" {
  command = plan
  assert {
    condition = (aws_cloudwatch_metric_alarm.detector_silent.treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.detector_silent.evaluation_periods == 5
      && aws_cloudwatch_metric_alarm.detector_silent.metric_name == "Invocations" && aws_cloudwatch_metric_alarm.detector_silent.comparison_operator == "LessThanThreshold"
    && aws_cloudwatch_metric_alarm.detector_silent.threshold == 1 && aws_cloudwatch_metric_alarm.detector_silent.dimensions == tomap({ FunctionName = "shop-alarm-handler" }))
    error_message = "The dead-man's alarm would not notice silence."
  }
  assert {
    condition = (aws_cloudwatch_metric_alarm.unready.treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.unready.evaluation_periods == 2
      && aws_cloudwatch_metric_alarm.unready.period == 1800 && aws_cloudwatch_metric_alarm.unready.statistic == "Minimum"
      && aws_cloudwatch_metric_alarm.unready.namespace == "Pilotlight" && aws_cloudwatch_metric_alarm.unready.metric_name == "UnreadyChecks"
      && aws_cloudwatch_metric_alarm.unready.comparison_operator == "GreaterThanThreshold" && aws_cloudwatch_metric_alarm.unready.threshold == 0
    && aws_cloudwatch_metric_alarm.unready.dimensions == tomap({ Plan = "shop" }))
    error_message = "The readiness alarm would not notice what isn't ready, or that nobody looks."
  }
  assert {
    condition = (aws_cloudwatch_metric_alarm.attention.namespace == "Pilotlight" && aws_cloudwatch_metric_alarm.attention.metric_name == "Attention"
      && aws_cloudwatch_metric_alarm.attention.dimensions == tomap({ Plan = "shop" }) && aws_cloudwatch_metric_alarm.attention.statistic == "Maximum"
      && aws_cloudwatch_metric_alarm.attention.comparison_operator == "GreaterThanOrEqualToThreshold" && aws_cloudwatch_metric_alarm.attention.threshold == 1
    && aws_cloudwatch_metric_alarm.attention.evaluation_periods == 1 && aws_cloudwatch_metric_alarm.attention.treat_missing_data == "ignore")
    error_message = "The alarm on attention would not notice who is needed, or would forget it when no data come."
  }
  assert {
    condition     = toset([for a in aws_cloudwatch_metric_alarm.dead_letters : a.dimensions.QueueName]) == toset([for q in aws_sqs_queue.dead_letters : q.name])
    error_message = "A dead-letter queue has no alarm."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.signals_dead_letters.dimensions.QueueName == "shop-signals-dead-letters" && aws_cloudwatch_metric_alarm.signals_dead_letters.alarm_actions == toset(["arn:aws:sns:us-east-2:123456789012:shop-notices"])
    error_message = "The primary region's dead-letter queue has no alarm, or it speaks to another region's topic."
  }
  assert {
    condition     = alltrue([for a in concat([aws_cloudwatch_metric_alarm.detector_silent, aws_cloudwatch_metric_alarm.unready, aws_cloudwatch_metric_alarm.attention], values(aws_cloudwatch_metric_alarm.errors), values(aws_cloudwatch_metric_alarm.dead_letters)) : a.alarm_actions == toset(["arn:aws:sns:us-west-1:123456789012:shop-notices"])])
    error_message = "An alarm of the recovery region tells nobody."
  }
  assert {
    condition     = 4 + length(aws_cloudwatch_metric_alarm.dead_letters) + length(aws_cloudwatch_metric_alarm.errors) == 10
    error_message = "The number of alarms has changed, and with it the cost at rest: adapt the README's table."
  }
}

run "only_functions_publish_commands" {
  command = plan
  assert {
    condition = [for s in jsondecode(aws_sns_topic_policy.commands.policy).Statement : s.Condition.ArnNotEquals["aws:PrincipalArn"] if s.Sid == "NobodyElsePublishes" && s.Effect == "Deny" && s.Principal == "*"] == [[
      "arn:aws:iam::123456789012:role/shop-alarm-handler", "arn:aws:iam::123456789012:role/shop-promote-replica",
    "arn:aws:iam::123456789012:role/shop-scale-asg", "arn:aws:iam::123456789012:role/shop-shift-traffic"]]
    error_message = "Others than the four functions may publish commands."
  }
  assert {
    condition     = contains([for s in jsondecode(aws_sns_topic_policy.commands.policy).Statement : "${s.Effect} ${try(s.Condition.Bool["aws:SecureTransport"], "")}"], "Deny false")
    error_message = "A topic accepts messages without TLS."
  }
}

run "each_role_may_do_what_its_steps_need_and_no_more" {
  command = plan
  assert {
    condition = jsonencode({ for f, p in aws_iam_role_policy.common : f => sort(distinct(flatten([for s in concat(jsondecode(p.policy).Statement, jsondecode(aws_iam_role_policy.steps[f].policy).Statement) : s.Action]))) }) == jsonencode({
      "alarm-handler" = ["autoscaling:DescribeAutoScalingGroups", "cloudwatch:DescribeAlarms", "cloudwatch:GetMetricStatistics", "cloudwatch:PutMetricData", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "elasticloadbalancing:DescribeTargetHealth", "globalaccelerator:DescribeEndpointGroup",
      "lambda:InvokeFunction", "logs:CreateLogStream", "logs:PutLogEvents", "rds:DescribeDBInstances", "sns:Publish", "sqs:SendMessage", "ssm:GetParameters"]
      "promote-replica" = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "globalaccelerator:DescribeEndpointGroup", "logs:CreateLogStream", "logs:PutLogEvents",
      "rds:DescribeDBInstances", "rds:ModifyDBInstance", "rds:PromoteReadReplica", "sns:Publish", "sqs:SendMessage", "ssm:GetParameters"]
      "readiness-checker" = ["acm:DescribeCertificate", "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScheduledActions", "cloudwatch:GetMetricStatistics", "cloudwatch:PutMetricData", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query",
        "ec2:DescribeImages", "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions", "ec2:DescribeSnapshots", "ec2:DescribeSubnets", "ec2:GetEbsDefaultKmsKeyId",
        "ec2:GetEbsEncryptionByDefault", "elasticloadbalancing:DescribeListenerCertificates", "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
        "globalaccelerator:DescribeEndpointGroup", "globalaccelerator:ListEndpointGroups", "iam:SimulatePrincipalPolicy", "kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants", "lambda:GetFunctionConcurrency", "lambda:GetFunctionConfiguration", "logs:CreateLogStream",
      "logs:PutLogEvents", "rds:DescribeDBInstances", "rds:DescribeDBParameters", "servicequotas:GetAWSDefaultServiceQuota", "servicequotas:GetServiceQuota", "sns:GetTopicAttributes", "sns:Publish", "sqs:GetQueueAttributes", "sqs:SendMessage", "ssm:GetParameters"]
      "scale-asg" = ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeScalingActivities", "autoscaling:UpdateAutoScalingGroup", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query",
      "elasticloadbalancing:DescribeTargetHealth", "logs:CreateLogStream", "logs:PutLogEvents", "sns:Publish", "sqs:SendMessage", "ssm:GetParameters"]
      "shift-traffic" = ["autoscaling:DescribeAutoScalingGroups", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "ec2:DescribeAddresses", "ec2:DescribeInstances",
        "ec2:DescribeInternetGateways", "ec2:DescribeSubnets", "elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeTargetHealth",
        "globalaccelerator:DescribeEndpointGroup", "globalaccelerator:UpdateEndpointGroup", "logs:CreateLogStream", "logs:PutLogEvents", "rds:DescribeDBInstances",
      "sns:Publish", "sqs:SendMessage", "ssm:GetParameters"]
    })
    error_message = "A role's actions differ."
  }
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.steps["promote-replica"].policy).Statement : s.Sid => s.Resource if contains(["Promote", "Quarantine"], s.Sid) } == {
      Promote    = ["arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica"]
      Quarantine = ["arn:aws:rds:us-east-2:123456789012:db:shop-orders"]
    }
    error_message = "The promotion or the quarantine reaches other instances."
  }
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.steps["readiness-checker"].policy).Statement : s.Sid => jsonencode(try(s.Condition.StringEquals["cloudwatch:namespace"], s.Resource)) if contains(["LookAtTopics", "PutFigures"], s.Sid) } == {
      LookAtTopics = jsonencode(["arn:aws:sns:us-west-1:123456789012:shop-commands", "arn:aws:sns:us-west-1:123456789012:shop-notices", "arn:aws:sns:us-west-1:123456789012:shop-signals"])
      PutFigures   = jsonencode("Pilotlight")
    }
    error_message = "The readiness pass sees other topics, or may write other metrics."
  }
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.steps["readiness-checker"].policy).Statement : s.Sid => s.Resource if contains(["AskWhatIsAllowed", "LookAtDeadLetters", "LookAtFunctions", "LookAtKeys", "LookAtCertificates", "ReadRelease"], s.Sid) } == {
      AskWhatIsAllowed = ["arn:aws:iam::123456789012:role/shop-promote-replica", "arn:aws:iam::123456789012:role/shop-scale-asg", "arn:aws:iam::123456789012:role/shop-shift-traffic"]
      LookAtDeadLetters = ["arn:aws:sqs:us-west-1:123456789012:shop-alarm-handler-dead-letters", "arn:aws:sqs:us-west-1:123456789012:shop-promote-replica-dead-letters",
      "arn:aws:sqs:us-west-1:123456789012:shop-readiness-checker-dead-letters", "arn:aws:sqs:us-west-1:123456789012:shop-scale-asg-dead-letters", "arn:aws:sqs:us-west-1:123456789012:shop-shift-traffic-dead-letters"]
      LookAtFunctions = ["arn:aws:lambda:us-west-1:123456789012:function:shop-alarm-handler", "arn:aws:lambda:us-west-1:123456789012:function:shop-promote-replica",
      "arn:aws:lambda:us-west-1:123456789012:function:shop-readiness-checker", "arn:aws:lambda:us-west-1:123456789012:function:shop-scale-asg", "arn:aws:lambda:us-west-1:123456789012:function:shop-shift-traffic"]
      LookAtKeys         = ["arn:aws:kms:us-west-1:123456789012:key/*"]
      LookAtCertificates = ["arn:aws:acm:us-west-1:123456789012:certificate/*"]
      ReadRelease        = ["arn:aws:ssm:us-west-1:123456789012:parameter/pilotlight/shop/release"]
    }
    error_message = "The readiness pass sees other functions, queues, keys or certificates, or asks of other roles."
  }
  assert {
    condition = (jsondecode(aws_ssm_parameter.release.insecure_value) == { for f, l in aws_lambda_function.this : l.function_name => l.source_code_hash }
    && { for f, l in aws_lambda_function.this : f => l.environment[0].variables.PILOTLIGHT_RELEASE_PARAMETER if can(l.environment[0].variables.PILOTLIGHT_RELEASE_PARAMETER) } == { "readiness-checker" = "/pilotlight/shop/release" })
    error_message = "The release does not hold the code of each function, or readiness-checker does not know of it."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.steps["scale-asg"].policy).Statement : s.Resource if s.Sid == "Scale"] == [["arn:aws:autoscaling:us-west-1:123456789012:autoScalingGroup:*:autoScalingGroupName/shop-web-recovery"]]
    error_message = "The scaling reaches other groups."
  }
  assert {
    condition     = alltrue(flatten([for p in aws_iam_role_policy.steps : [for s in jsondecode(p.policy).Statement : s.Condition.StringEquals["aws:RequestedRegion"] == "us-west-1" if s.Resource == "*" && !contains(["ReadForAccelerator", "LookAtAlarms"], s.Sid)]]))
    error_message = "A statement on all resources isn't bound to the recovery region."
  }
  assert {
    condition = { for f, p in aws_iam_role_policy.steps : f => [for s in jsondecode(p.policy).Statement : [s.Action, s.Resource, s.Condition] if s.Sid == "ReadForAccelerator"] } == {
      "alarm-handler"     = []
      "promote-replica"   = []
      "readiness-checker" = []
      "scale-asg"         = []
      "shift-traffic" = [[
        ["ec2:DescribeAddresses", "ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets", "elasticloadbalancing:DescribeLoadBalancers"], # accelerator_caller_permissions
        "*",
        { StringEquals = { "aws:RequestedRegion" = ["us-east-2", "us-west-1", "us-west-2"] } },
      ]]
    }
    error_message = "shift-traffic may not read what Global Accelerator asks of its caller, or another function may."
  }
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.steps["readiness-checker"].policy).Statement : s.Sid => s.Resource if contains(["CountEndpointGroups", "LookAtLaunchKeys", "LookAtPrimaries", "LookAtParameterGroups"], s.Sid) } == {
      CountEndpointGroups   = ["arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1"]
      LookAtLaunchKeys      = ["arn:aws:kms:us-west-1:123456789012:key/*"]
      LookAtPrimaries       = ["arn:aws:rds:us-east-2:123456789012:db:*"]
      LookAtParameterGroups = ["arn:aws:rds:us-west-1:123456789012:pg:*"]
    }
    error_message = "The readiness pass looks at other listeners, keys, primaries or parameter groups."
  }
  assert {
    # The listed alarms are asked for in both regions, and nowhere else.
    condition     = [for s in jsondecode(aws_iam_role_policy.steps["alarm-handler"].policy).Statement : [s.Action, s.Resource, s.Condition.StringEquals["aws:RequestedRegion"]] if s.Sid == "LookAtAlarms"] == [[["cloudwatch:DescribeAlarms"], "*", ["us-east-2", "us-west-1"]]]
    error_message = "The alarms are asked for elsewhere, or more is asked."
  }
}

run "the_witness_of_the_own_side_is_asked_by_the_two_functions_that_look_at_databases" {
  command = plan
  variables {
    witness_function_arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness"
  }
  assert {
    condition = { for f, p in aws_iam_role_policy.steps : f => [for s in jsondecode(p.policy).Statement : s.Resource if contains(s.Action, "lambda:InvokeFunction")] } == {
      "alarm-handler"     = [["arn:aws:lambda:us-west-1:123456789012:function:shop-readiness-checker"], ["arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness"]]
      "promote-replica"   = []
      "readiness-checker" = [["arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness"]]
      "scale-asg"         = []
      "shift-traffic"     = []
    }
    error_message = "Another function may ask the witness, or one of the two may not, or another than it."
  }
}

run "an_aurora_global_database_is_planned_woken_for_and_failed_over_by_its_exact_arns" {
  command = plan
  variables {
    databases = [{
      name           = "orders"
      kind           = "aurora_global"
      global_cluster = "shop-orders"
      sides = {
        primary  = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders", quarantine_security_group = "sg-0abc" }
        recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica" }
      }
    }]
  }
  assert {
    condition = jsonencode({ for s in jsondecode(aws_iam_role_policy.steps["promote-replica"].policy).Statement : s.Sid => [s.Action, s.Resource] }) == jsonencode({
      FailOver           = [["rds:FailoverGlobalCluster"], ["arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica", "arn:aws:rds::123456789012:global-cluster:shop-orders"]]
      LookAtClusters     = [["rds:DescribeDBClusters", "rds:DescribeGlobalClusters"], ["arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica", "arn:aws:rds::123456789012:global-cluster:shop-orders"]]
      LookAtReplicas     = [["rds:DescribeDBInstances"], ["arn:aws:rds:us-west-1:123456789012:db:*"]]
      LookAtRoutes       = [["globalaccelerator:DescribeEndpointGroup"], ["arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/p1", "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/r1"]]
      QuarantineClusters = [["rds:DescribeDBClusters", "rds:ModifyDBCluster"], ["arn:aws:rds:us-east-2:123456789012:cluster:shop-orders"]]
    })
    error_message = "promote-replica may do something else: ${aws_iam_role_policy.steps["promote-replica"].policy}"
  }
  assert {
    condition     = alltrue([for f in ["alarm-handler", "shift-traffic"] : contains(jsondecode(aws_iam_role_policy.steps[f].policy).Statement[*].Sid, "LookAtClusters")])
    error_message = "A function that looks at databases may not look at clusters."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.wakeup["clusters-0"].event_pattern) == { source = ["aws.rds"], detail-type = ["RDS DB Cluster Event"], resources = ["arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica"] }
    error_message = "The clusters' wake-up differs: ${aws_cloudwatch_event_rule.wakeup["clusters-0"].event_pattern}"
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.zone_failovers_other) == 0 && !contains(keys(aws_cloudwatch_event_rule.wakeup), "replicas-0")
    error_message = "A rule waits for events of instances that the plan does not have."
  }
}

run "snapshots_of_an_aurora_cluster_are_cluster_snapshots" {
  command = plan
  variables {
    databases = [{
      name           = "orders"
      kind           = "aurora_global"
      global_cluster = "shop-orders"
      sides = {
        primary  = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders" }
        recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica" }
      }
    }]
    snapshots = { age_hours_max = 26 }
  }
  override_resource {
    target          = aws_sqs_queue.dead_letters["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-snapshot-scheduler-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-snapshot-scheduler-dead-letters" }
  }
  override_resource {
    target          = aws_iam_role.this["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-snapshot-scheduler" }
  }
  override_resource {
    target          = aws_lambda_function.this["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-snapshot-scheduler" }
  }
  assert {
    condition = jsonencode([for s in jsondecode(aws_iam_role_policy.steps["snapshot-scheduler"].policy).Statement : [s.Action, try(s.Resource, s.NotResource)] if contains(["TakeOf", "DeleteOwn"], s.Sid)]) == jsonencode([
      [["rds:CreateDBClusterSnapshot"], ["arn:aws:rds:us-east-2:123456789012:cluster:shop-orders", "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica",
      "arn:aws:rds:us-east-2:123456789012:cluster-snapshot:pilotlight-shop-*", "arn:aws:rds:us-west-1:123456789012:cluster-snapshot:pilotlight-shop-*"]],
      [["rds:DeleteDBClusterSnapshot"], ["arn:aws:rds:us-east-2:123456789012:cluster-snapshot:pilotlight-shop-*", "arn:aws:rds:us-west-1:123456789012:cluster-snapshot:pilotlight-shop-*"]],
    ])
    error_message = "The snapshots' role differs: ${aws_iam_role_policy.steps["snapshot-scheduler"].policy}"
  }
}

run "customer_keys_reach_everything_that_is_stored" {
  command = plan
  variables {
    kms_key_arns = {
      primary  = "arn:aws:kms:us-east-2:123456789012:key/11111111-2222-3333-4444-555555555555"
      recovery = "arn:aws:kms:us-west-1:123456789012:key/66666666-7777-8888-9999-000000000000"
    }
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  }
  assert {
    condition = (aws_sqs_queue.signals_other.kms_master_key_id == var.kms_key_arns.primary
      && alltrue([for k in concat([aws_sns_topic.commands.kms_master_key_id], [for q in aws_sqs_queue.dead_letters : q.kms_master_key_id], [for g in aws_cloudwatch_log_group.this : g.kms_key_id]) : k == var.kms_key_arns.recovery])
    && one(aws_dynamodb_table.journal.server_side_encryption).kms_key_arn == var.kms_key_arns.recovery)
    error_message = "Something isn't encrypted with the customer's key of its region."
  }
  assert {
    condition     = alltrue([for p in aws_iam_role_policy.common : contains([for s in jsondecode(p.policy).Statement : s.Resource], ["arn:aws:kms:us-west-1:123456789012:key/66666666-7777-8888-9999-000000000000"])])
    error_message = "A function may not use the key."
  }
  assert {
    condition     = alltrue([for r in aws_iam_role.this : r.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"])
    error_message = "A role lacks the boundary."
  }
}

run "a_plan_too_large_for_exact_permissions_is_refused" {
  command = plan
  variables {
    plan_parts = 20
    plan_json  = jsonencode({ probes = [for i in range(1000) : i] })
    databases  = [for i in range(90) : { name = "orders-${i}", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders-with-a-long-identifier-of-sixty-three-characters-${format("%02d", i)}" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-with-a-long-identifier-of-sixty-three-characters-${format("%02d", i)}" } } }]
    routes     = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [aws_iam_role_policy.steps]
}

run "readiness_passes_come_by_a_schedule_and_a_person_is_answered_by_the_same_function" {
  command = plan
  assert {
    condition     = [for s in [aws_scheduler_schedule.keepers["readiness-checker"]] : [s.name, s.group_name, s.schedule_expression, s.target[0].arn, s.target[0].input, s.target[0].role_arn, s.target[0].dead_letter_config[0].arn]] == [["shop-readiness", "shop", "rate(5 minutes)", "arn:aws:lambda:us-west-1:123456789012:function:shop-readiness-checker", "{\"command\":\"pass\"}", "arn:aws:iam::123456789012:role/shop-scheduler", "arn:aws:sqs:us-west-1:123456789012:shop-readiness-checker-dead-letters"]]
    error_message = "The schedule does not invoke readiness-checker with its command, or has no dead-letter queue."
  }
  assert {
    condition     = { for f, p in aws_iam_role_policy.steps : f => [for s in jsondecode(p.policy).Statement : s.Resource if contains(s.Action, "lambda:InvokeFunction")] if strcontains(p.policy, "lambda:InvokeFunction") } == { "alarm-handler" = [["arn:aws:lambda:us-west-1:123456789012:function:shop-readiness-checker"]] }
    error_message = "alarm-handler can't ask for readiness, or a function may invoke another one."
  }
  assert {
    # It looks for 25 seconds, and needs 20 to read and write.
    condition     = aws_lambda_function.this["readiness-checker"].timeout >= 45 && aws_lambda_function.this["readiness-checker"].timeout <= 60
    error_message = "A pass is cut off, or outlasts the 65 seconds that alarm-handler waits for it."
  }
}

run "the_readiness_checker_reserves_nothing" {
  command = plan
  variables {
    reserved_concurrency = 3
  }
  assert {
    condition     = { for f, l in aws_lambda_function.this : f => l.reserved_concurrent_executions } == { "alarm-handler" = 3, "promote-replica" = 3, "readiness-checker" = -1, "scale-asg" = 3, "shift-traffic" = 3 }
    error_message = "The reserved concurrency differs."
  }
}

run "without_their_sections_there_are_no_functions_of_every_day" {
  command = plan
  assert {
    condition     = keys(aws_lambda_function.this) == ["alarm-handler", "promote-replica", "readiness-checker", "scale-asg", "shift-traffic"] && keys(aws_scheduler_schedule.keepers) == ["readiness-checker"] && length(aws_cloudwatch_metric_alarm.snapshot_age) == 0
    error_message = "Something of the functions of every day exists although the plan has no section for it."
  }
}

run "snapshots_and_parameters_have_their_functions_schedules_and_roles" {
  command = plan
  variables {
    snapshots = {
      age_hours_max = 26
      kms_key_arns  = { recovery = "arn:aws:kms:us-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
      # The database's own key, which is in no other setting.
      source_key_arns = ["arn:aws:kms:us-east-2:123456789012:key/77777777-2222-3333-4444-555555555555"]
      option_groups   = [{ database = "orders", recovery = "shop-oracle" }]
    }
    image_parameters = ["/golden/web"]
    parameters = {
      pass      = "rate(15 minutes)"
      include   = ["/shop/**", "/common/*/url", "/solo/single"]
      overrides = ["/shop/database/endpoint"]
      key_arns  = { primary = "arn:aws:kms:us-east-2:123456789012:key/99999999-2222-3333-4444-555555555555" }
    }
  }
  override_resource {
    target          = aws_sqs_queue.dead_letters["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-snapshot-scheduler-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-snapshot-scheduler-dead-letters" }
  }
  override_resource {
    target          = aws_iam_role.this["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-snapshot-scheduler" }
  }
  override_resource {
    target          = aws_lambda_function.this["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-snapshot-scheduler" }
  }
  override_resource {
    target          = aws_sqs_queue.dead_letters["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-ssm-replicator-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-ssm-replicator-dead-letters" }
  }
  override_resource {
    target          = aws_iam_role.this["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-ssm-replicator" }
  }
  override_resource {
    target          = aws_lambda_function.this["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-ssm-replicator" }
  }
  override_resource {
    target          = aws_iam_role.parameter_events
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-parameter-events" }
  }
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.steps["snapshot-scheduler"].policy).Statement : s.Sid => [s.Action, s.Resource, try(s.Condition, null)] if contains(["KeysOfCopies", "GrantKeysToRds"], s.Sid) } == {
      KeysOfCopies = [["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
      ["arn:aws:kms:us-west-1:123456789012:key/11111111-2222-3333-4444-555555555555", "arn:aws:kms:us-east-2:123456789012:key/77777777-2222-3333-4444-555555555555"], null]
      GrantKeysToRds = [["kms:CreateGrant"],
      ["arn:aws:kms:us-west-1:123456789012:key/11111111-2222-3333-4444-555555555555", "arn:aws:kms:us-east-2:123456789012:key/77777777-2222-3333-4444-555555555555"], { Bool = { "kms:GrantIsForAWSResource" = "true" } }]
    }
    error_message = "The role may not use the key that the database is encrypted with: ${aws_iam_role_policy.steps["snapshot-scheduler"].policy}"
  }
  assert {
    condition     = contains([for s in jsondecode(aws_iam_role_policy.steps["readiness-checker"].policy).Statement : s.Resource if s.Sid == "AskWhatIsAllowed"][0], "arn:aws:iam::123456789012:role/shop-snapshot-scheduler")
    error_message = "The readiness may not ask what the role of the copies is allowed."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.steps["readiness-checker"].policy).Statement : s.Resource if s.Sid == "ResolveImages"][0] == ["arn:aws:ssm:us-west-1::parameter/aws/service/*", "arn:aws:ssm:us-west-1:123456789012:parameter/golden/web"]
    error_message = "The readiness may not read the parameter that names an image."
  }
  assert {
    condition     = [for t in [aws_scheduler_schedule.keepers["snapshot-scheduler"].target[0], aws_scheduler_schedule.keepers["ssm-replicator"].target[0]] : [t.arn, t.input, t.role_arn, t.dead_letter_config[0].arn]] == [["arn:aws:lambda:us-west-1:123456789012:function:shop-snapshot-scheduler", "{\"command\":\"keep\"}", "arn:aws:iam::123456789012:role/shop-scheduler", "arn:aws:sqs:us-west-1:123456789012:shop-snapshot-scheduler-dead-letters"], ["arn:aws:lambda:us-west-1:123456789012:function:shop-ssm-replicator", "{\"command\":\"pass\"}", "arn:aws:iam::123456789012:role/shop-scheduler", "arn:aws:sqs:us-west-1:123456789012:shop-ssm-replicator-dead-letters"]]
    error_message = "A schedule does not invoke its function with its request, or has no dead-letter queue."
  }
  assert {
    condition = alltrue([for s in aws_scheduler_schedule.keepers : s.group_name == "shop"]) && aws_scheduler_schedule_group.keepers.name == "shop" && jsondecode(aws_iam_role.scheduler.assume_role_policy).Statement[0].Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      ArnEquals    = { "aws:SourceArn" = "arn:aws:scheduler:us-west-1:123456789012:schedule-group/shop" }
    }
    error_message = "The scheduler's role does not trust the schedules' own group, and it alone."
  }
  assert {
    condition     = alltrue([for a in aws_cloudwatch_metric_alarm.snapshot_age : a.treat_missing_data == "breaching" && a.threshold == 93600]) && toset([for a in aws_cloudwatch_metric_alarm.snapshot_age : "${a.dimensions.Database} ${a.dimensions.Region}"]) == toset(["orders us-east-2", "orders us-west-1"])
    error_message = "A database has a region without an alarm on the age of its newest snapshot, or one that missing data does not raise."
  }
  assert {
    condition = [for s in jsondecode(aws_iam_role_policy.steps["snapshot-scheduler"].policy).Statement : [s.Effect, s.Action, try(s.Resource, s.NotResource), try(s.Condition.StringEquals["aws:ResourceTag/pilotlight:plan"], null)] if contains(["DeleteOwn", "TagNoOther", "ShareNone"], s.Sid)] == [
      ["Allow", ["rds:DeleteDBSnapshot"], ["arn:aws:rds:us-east-2:123456789012:snapshot:pilotlight-shop-*", "arn:aws:rds:us-west-1:123456789012:snapshot:pilotlight-shop-*"], "shop"],
      ["Deny", ["rds:AddTagsToResource"], ["arn:aws:rds:us-east-2:123456789012:snapshot:pilotlight-shop-*", "arn:aws:rds:us-west-1:123456789012:snapshot:pilotlight-shop-*"], null],
      ["Deny", ["rds:ModifyDBClusterSnapshotAttribute", "rds:ModifyDBSnapshotAttribute"], "*", null],
    ]
    error_message = "The role may delete, tag or share a snapshot that is not the plan's own."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.steps["ssm-replicator"].policy).Statement : [s.Resource, s.Condition.StringEquals["aws:ResourceTag/pilotlight:copied-by"]] if contains(s.Action, "ssm:DeleteParameter")] == [[["arn:aws:ssm:us-east-2:123456789012:parameter/shop/*", "arn:aws:ssm:us-east-2:123456789012:parameter/common/*", "arn:aws:ssm:us-east-2:123456789012:parameter/solo/single", "arn:aws:ssm:us-west-1:123456789012:parameter/shop/*", "arn:aws:ssm:us-west-1:123456789012:parameter/common/*", "arn:aws:ssm:us-west-1:123456789012:parameter/solo/single"], "shop"]]
    error_message = "The replicator may delete what it did not make, or outside its paths."
  }
  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.parameters_other[0].event_pattern) == { "$or" = [{ source = ["aws.ssm"], detail-type = ["Parameter Store Change"], detail = { operation = ["Create", "Update", "Delete", "LabelParameterVersion"], name = [{ prefix = "/shop/" }, { prefix = "/common/" }, { prefix = "/solo/single" }] } }, { source = ["aws.tag"], detail-type = ["Tag Change on Resource"], detail = { service = ["ssm"], resource-type = ["parameter"] } }] } && aws_cloudwatch_event_rule.parameters[0].event_pattern == aws_cloudwatch_event_rule.parameters_other[0].event_pattern && aws_cloudwatch_event_target.parameters_other[0].arn == "arn:aws:events:us-west-1:123456789012:event-bus/default"
    error_message = "A change of a parameter, or of its tags, in one of the regions does not reach the replicator."
  }
  assert {
    condition     = aws_lambda_function.this["ssm-replicator"].reserved_concurrent_executions == 1
    error_message = "Two replicators at once would write twice as fast as the account allows."
  }
  assert {
    condition     = alltrue([for f in ["readiness-checker", "snapshot-scheduler", "ssm-replicator"] : !strcontains(aws_iam_role_policy.common[f].policy, "shop-commands") && !strcontains(aws_sns_topic_policy.commands.policy, f)])
    error_message = "A scheduled function may command steps."
  }
  assert {
    condition = { for f, p in aws_iam_role_policy.common : f => [for s in jsondecode(p.policy).Statement : try(s.Condition, null) if contains(s.Action, "dynamodb:PutItem")] } == {
      "alarm-handler"      = [null]
      "promote-replica"    = [{ "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["shop"] }, Null = { "dynamodb:LeadingKeys" = "false" } }]
      "readiness-checker"  = [{ "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["shop#vitals"] }, Null = { "dynamodb:LeadingKeys" = "false" } }]
      "scale-asg"          = [{ "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["shop"] }, Null = { "dynamodb:LeadingKeys" = "false" } }]
      "shift-traffic"      = [{ "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["shop"] }, Null = { "dynamodb:LeadingKeys" = "false" } }]
      "snapshot-scheduler" = [{ "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["shop#vitals"] }, Null = { "dynamodb:LeadingKeys" = "false" } }]
      "ssm-replicator"     = [{ "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["shop#vitals", "shop#parameters"] }, Null = { "dynamodb:LeadingKeys" = "false" } }]
    }
    error_message = "A function may write into the journal what is not its own: a keeper the log, or a function of the steps what lies beside it."
  }
}

run "a_plan_of_two_accounts_reaches_over_by_one_role_of_one_function" {
  command = plan
  variables {
    sides     = { primary = { region = "us-east-2", account = "210987654321", external_id = "shop-7f3a" }, recovery = { region = "us-west-1" } }
    databases = []
    fleets = [{
      name = "web"
      sides = { recovery = {
        group               = "shop-web-recovery"
        target_groups       = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"]
        serving             = { min = 2, desired = 2, max = 4 }
        healthy_targets_min = 2
      } }
    }]
    routes = [{
      name = "front"
      sides = {
        primary  = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop-primary/1" }
        recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop-recovery/2" }
      }
      after = ["web"]
    }]
    detection = {
      sides = { primary = {
        alarms = ["arn:aws:cloudwatch:us-east-2:210987654321:alarm:web-unhealthy"]
        probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }]
      } }
    }
    parameters = {
      pass     = "rate(15 minutes)"
      include  = ["/shop/**", "/solo/single"]
      key_arns = { primary = "arn:aws:kms:us-east-2:210987654321:key/99999999-2222-3333-4444-555555555555", recovery = "arn:aws:kms:us-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
    }
  }
  override_resource {
    target          = aws_sqs_queue.dead_letters["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-ssm-replicator-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-ssm-replicator-dead-letters" }
  }
  override_resource {
    target          = aws_iam_role.this["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-ssm-replicator" }
  }
  override_resource {
    target          = aws_lambda_function.this["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-ssm-replicator" }
  }
  assert {
    condition     = [for f, p in aws_iam_role_policy.steps : f if strcontains(p.policy, "sts:AssumeRole")] == ["ssm-replicator"] && [for s in jsondecode(aws_iam_role_policy.steps["ssm-replicator"].policy).Statement : s.Resource if contains(s.Action, "sts:AssumeRole")] == [["arn:aws:iam::210987654321:role/shop-primary-region"]]
    error_message = "Another function, or another role than the one, can be taken."
  }
  assert {
    condition     = { for f, l in aws_lambda_function.this : f => [for k, v in l.environment[0].variables : v if strcontains(k, "PRIMARY")] if length([for k in keys(l.environment[0].variables) : k if strcontains(k, "PRIMARY")]) > 0 } == { "ssm-replicator" = ["shop-7f3a", "arn:aws:iam::210987654321:role/shop-primary-region"] }
    error_message = "A function is not told of its role, or one is told that needs none."
  }
  assert {
    condition     = !strcontains(aws_iam_role_policy.steps["ssm-replicator"].policy, "us-east-2")
    error_message = "As itself the function may act in the primary region of its own account."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.steps["shift-traffic"].policy).Statement : [s.Sid, s.Condition.StringEquals["aws:RequestedRegion"]] if contains(s.Action, "globalaccelerator:ListCrossAccountResources")] == [["KeepAttachments", "us-west-2"]]
    error_message = "The fence can't keep the attachment of the other account's load balancer."
  }
  assert {
    condition     = [for s in jsondecode(aws_cloudwatch_event_bus_policy.other_account[0].policy).Statement : [s.Effect, s.Principal.AWS, s.Action, s.Condition.ArnEquals["aws:PrincipalArn"], s.Condition.StringEquals["aws:PrincipalAccount"]]] == [["Allow", "arn:aws:iam::210987654321:root", "events:PutEvents", "arn:aws:iam::210987654321:role/shop-parameter-events", "210987654321"]]
    error_message = "Another than the one role of the other account may send events."
  }
  assert {
    condition     = aws_lambda_permission.other_account[0].source_arn == "arn:aws:events:us-west-1:123456789012:rule/shop-primary-account/shop-parameters" && aws_cloudwatch_event_rule.other_account[0].event_bus_name == "shop-primary-account" && aws_cloudwatch_event_target.other_account[0].event_bus_name == "shop-primary-account" && length(aws_cloudwatch_event_rule.parameters_other) == 0 && length(aws_cloudwatch_event_rule.parameters) == 1
    error_message = "A change of a parameter of either region does not reach the replicator by the bus of its account."
  }
}

run "reserving_nothing_is_taken" {
  command = plan
  variables {
    reserved_concurrency = -1
    parameters           = { include = ["/shop/**"], pass = "rate(15 minutes)" }
  }
  assert {
    condition     = alltrue([for f in aws_lambda_function.this : f.reserved_concurrent_executions == -1])
    error_message = "A function reserves what a new account doesn't have."
  }
}

run "opt_in_osaka" {
  command = plan
  variables {
    sides     = { primary = { region = "ap-northeast-3" }, recovery = { region = "us-west-1" } }
    databases = []
  }
  assert {
    condition     = join(" ", aws_lambda_permission.signals_other[*].principal) == "sns.amazonaws.com sns.ap-northeast-3.amazonaws.com"
    error_message = "SNS of the primary region speaks under another principal: ${join(", ", aws_lambda_permission.signals_other[*].principal)}"
  }
}

run "opt_in_osaka_recovery" {
  command = plan
  variables {
    sides     = { primary = { region = "ap-northeast-1" }, recovery = { region = "ap-northeast-3" } }
    databases = []
  }
  assert {
    condition     = join(" ", aws_lambda_permission.signals_other[*].principal) == "sns.amazonaws.com"
    error_message = "SNS of the primary region speaks under another principal: ${join(", ", aws_lambda_permission.signals_other[*].principal)}"
  }
}

run "opt_in_primary" {
  command = plan
  variables {
    sides     = { primary = { region = "eu-south-1" }, recovery = { region = "us-west-1" } }
    databases = []
  }
  assert {
    condition     = join(" ", aws_lambda_permission.signals_other[*].principal) == "sns.amazonaws.com sns.eu-south-1.amazonaws.com"
    error_message = "SNS of the primary region speaks under another principal: ${join(", ", aws_lambda_permission.signals_other[*].principal)}"
  }
}

run "opt_in_of_the_future" {
  command = plan
  variables {
    sides     = { primary = { region = "me-west-1" }, recovery = { region = "us-west-1" } }
    databases = []
  }
  assert {
    condition     = join(" ", aws_lambda_permission.signals_other[*].principal) == "sns.amazonaws.com sns.me-west-1.amazonaws.com"
    error_message = "SNS of the primary region speaks under another principal: ${join(", ", aws_lambda_permission.signals_other[*].principal)}"
  }
}

run "leading_zero_account" {
  command = plan
  variables {
    account   = "012345678901"
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:012345678901:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:012345678901:db:shop-orders-replica" } } }]
  }
  assert {
    condition     = strcontains(aws_iam_role_policy.steps["promote-replica"].policy, "arn:aws:rds:us-west-1:012345678901:db:shop-orders-replica") && strcontains(aws_iam_role_policy.common["promote-replica"].policy, "arn:aws:dynamodb:us-west-1:012345678901:table/shop-journal")
    error_message = "An account that begins with 0 has lost a digit."
  }
}

# --- Two accounts ---------------------------------------------------------------------------------------------

run "a_plan_of_one_account_reaches_into_no_other" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], pass = "rate(15 minutes)" }
  }
  assert {
    condition     = output.other_account == null && length(aws_cloudwatch_event_bus.other_account) == 0 && length(aws_cloudwatch_event_rule.other_account) == 0 && length(aws_lambda_permission.other_account) == 0
    error_message = "Something is built for an account that the plan does not name."
  }
  assert {
    condition     = alltrue([for p in aws_iam_role_policy.steps : !strcontains(p.policy, "sts:AssumeRole") && !strcontains(p.policy, "ListCrossAccountResources")]) && alltrue([for f in aws_lambda_function.this : !contains(keys(f.environment[0].variables), "PILOTLIGHT_PRIMARY_ROLE")])
    error_message = "A function may take a role, or is told of one, where there is one account."
  }
}

run "without_parameters_the_other_account_needs_nothing" {
  command = plan
  variables {
    sides     = { primary = { region = "us-east-2", account = "210987654321" }, recovery = { region = "us-west-1" } }
    databases = []
  }
  assert {
    condition     = output.other_account == null && length(aws_cloudwatch_event_bus.other_account) == 0 && alltrue([for p in aws_iam_role_policy.steps : !strcontains(p.policy, "sts:AssumeRole")])
    error_message = "A role can be taken that nobody needs."
  }
}

run "the_age_of_snapshots_follows_what_the_schedule_says" {
  command = plan
  variables {
    snapshots = { age_hours_max = 170 }
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.snapshot_age) == 2 && alltrue([for a in aws_cloudwatch_metric_alarm.snapshot_age : a.threshold == 170 * 3600])
    error_message = "The alarm does not follow the schedule."
  }
}
