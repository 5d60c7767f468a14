# What the module says, and what it and its modules build together (the rules of infra/tests/policy_test.py read these plans), read off `terraform plan` with a mocked provider: nothing is called.

mock_provider "aws" {
  alias           = "primary"
  override_during = plan
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-2" }
  }
}

mock_provider "aws" {
  alias           = "recovery"
  override_during = plan
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-west-1" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

override_resource {
  target          = module.topics_primary.aws_sns_topic.signals
  override_during = plan
  values          = { arn = "arn:aws:sns:us-east-2:123456789012:shop-signals" }
}
override_resource {
  target          = module.topics_recovery.aws_sns_topic.signals
  override_during = plan
  values          = { arn = "arn:aws:sns:us-west-1:123456789012:shop-signals" }
}
override_resource {
  target          = module.guard_recovery.aws_sns_topic.commands
  override_during = plan
  values          = { arn = "arn:aws:sns:us-west-1:123456789012:shop-commands" }
}
override_resource {
  target          = module.topics_primary.aws_sns_topic.notices
  override_during = plan
  values          = { arn = "arn:aws:sns:us-east-2:123456789012:shop-notices" }
}
override_resource {
  target          = module.topics_recovery.aws_sns_topic.notices
  override_during = plan
  values          = { arn = "arn:aws:sns:us-west-1:123456789012:shop-notices" }
}
override_resource {
  target          = module.guard_recovery.aws_sqs_queue.signals_other
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-east-2:123456789012:shop-signals-dead-letters", url = "https://sqs.us-east-2.amazonaws.com/123456789012/shop-signals-dead-letters" }
}
override_resource {
  target          = module.guard_recovery.aws_sqs_queue.dead_letters["alarm-handler"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-alarm-handler-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-alarm-handler-dead-letters" }
}
override_resource {
  target          = module.guard_recovery.aws_sqs_queue.dead_letters["promote-replica"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-promote-replica-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-promote-replica-dead-letters" }
}
override_resource {
  target          = module.guard_recovery.aws_sqs_queue.dead_letters["scale-asg"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-scale-asg-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-scale-asg-dead-letters" }
}
override_resource {
  target          = module.guard_recovery.aws_sqs_queue.dead_letters["shift-traffic"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-shift-traffic-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-shift-traffic-dead-letters" }
}
override_resource {
  target          = module.guard_recovery.aws_iam_role.this["alarm-handler"]
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-alarm-handler" }
}
override_resource {
  target          = module.guard_recovery.aws_iam_role.this["promote-replica"]
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-promote-replica" }
}
override_resource {
  target          = module.guard_recovery.aws_iam_role.this["scale-asg"]
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-scale-asg" }
}
override_resource {
  target          = module.guard_recovery.aws_iam_role.this["shift-traffic"]
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-shift-traffic" }
}
override_resource {
  target          = module.guard_recovery.aws_lambda_function.this["alarm-handler"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-alarm-handler" }
}
override_resource {
  target          = module.guard_recovery.aws_lambda_function.this["promote-replica"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-promote-replica" }
}
override_resource {
  target          = module.guard_recovery.aws_lambda_function.this["scale-asg"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-scale-asg" }
}
override_resource {
  target          = module.guard_recovery.aws_lambda_function.this["shift-traffic"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-shift-traffic" }
}
override_resource {
  target          = module.guard_recovery.aws_sqs_queue.dead_letters["readiness-checker"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-readiness-checker-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-readiness-checker-dead-letters" }
}
override_resource {
  target          = module.guard_recovery.aws_iam_role.this["readiness-checker"]
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-readiness-checker" }
}
override_resource {
  target          = module.guard_recovery.aws_lambda_function.this["readiness-checker"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-readiness-checker" }
}
override_resource {
  target          = module.guard_recovery.aws_iam_role.scheduler
  override_during = plan
  values          = { arn = "arn:aws:iam::123456789012:role/shop-scheduler" }
}

variables {
  name        = "shop"
  sides       = { primary = { region = "us-east-2" }, recovery = { region = "us-west-1" } }
  package_dir = "tests/packages"
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
  notice_emails = ["oncall@example.com"]
}

run "the_plan_document_says_what_the_variables_say" {
  command = plan
  assert {
    condition = output.plan_json == jsonencode({
      schema = 2
      name   = "shop"
      mode   = "approve"
      sides  = { primary = { account = "123456789012", region = "us-east-2" }, recovery = { account = "123456789012", region = "us-west-1" } }
      databases = [{
        name = "orders"
        kind = "rds_replica"
        sides = {
          primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders", quarantine_security_group = "sg-0abc" }
          recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" }
        }
        after = []
      }]
      fleets = [{
        name = "web"
        kind = "auto_scaling_group"
        sides = { recovery = {
          group               = "shop-web-recovery"
          target_groups       = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"]
          serving             = { min = 2, desired = 2, max = 4 }
          healthy_targets_min = 2
        } }
        after = []
      }]
      routes = [{
        name = "front"
        kind = "global_accelerator"
        sides = {
          primary = {
            endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/p1"
            endpoint       = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/0123456789abcdef"
            weight         = 128
          }
          recovery = {
            endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/r1"
            endpoint       = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/fedcba9876543210"
            weight         = 128
          }
        }
        after = ["orders", "web"]
      }]
      detection = {
        sides = { primary = {
          alarms = ["arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-web-unhealthy"]
          probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health", expect_status = 200, timeout_seconds = 3 }]
        }, recovery = { alarms = [], probes = [] } }
        topics                 = ["arn:aws:sns:us-east-2:123456789012:shop-signals", "arn:aws:sns:us-west-1:123456789012:shop-signals"]
        confirm_seconds        = 60
        signal_age_seconds_max = 300
        cooldown_seconds       = 1800
      }
      limits = {
        lag_seconds_max          = 60
        rto_seconds              = 3600
        approval_seconds_max     = 3600
        function_timeout_seconds = { alarm_handler = 170, promote_replica = 840, scale_asg = 840, shift_traffic = 120 }
        step_seconds_max         = { scale = 1200, fence = 180, promote = 1800, open = 240, verify = 240, quarantine = 900 }
      }
      operator_function = "shop-alarm-handler"
    })
    error_message = "The plan document differs: ${output.plan_json}"
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
    condition = jsondecode(output.plan_json).databases[0].sides == {
      primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders", backup_retention_days = 14, quarantine_security_group = "sg-0abc" }
      recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", backup_retention_days = 7, quarantine_security_group = "sg-0def" }
    }
    error_message = "The database's sides differ: ${output.plan_json}"
  }
  assert {
    condition     = jsondecode(output.plan_json).fleets[0].sides.primary.resting == { min = 0, desired = 0, max = 6 } && jsondecode(output.plan_json).fleets[0].sides.primary.serving.desired == 3 && !contains(keys(jsondecode(output.plan_json).fleets[0].sides.recovery), "resting")
    error_message = "The fleet's sides differ: ${output.plan_json}"
  }
  assert {
    condition     = jsondecode(output.plan_json).routes[0].sides.primary.probe == { kind = "http", name = "front-primary-served", url = "http://primary.shop.example.com/health", expect_status = 200, timeout_seconds = 3 } && !contains(keys(jsondecode(output.plan_json).routes[0].sides.recovery), "probe")
    error_message = "The route's sides differ: ${output.plan_json}"
  }
  assert {
    condition     = jsondecode(output.plan_json).detection.sides.recovery == { alarms = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-recovery-down"], probes = [{ kind = "tcp", name = "front-recovery", host = "recovery.shop.example.com", port = 443, timeout_seconds = 3 }] }
    error_message = "What speaks of the recovery side differs: ${output.plan_json}"
  }
}

run "both_regions_have_a_guard" {
  command = plan
  override_resource {
    target          = module.guard_primary[0].aws_sns_topic.commands
    override_during = plan
    values          = { arn = "arn:aws:sns:us-east-2:123456789012:shop-commands" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_sqs_queue.signals_other
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-signals-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-signals-dead-letters" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_sqs_queue.dead_letters["alarm-handler"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-east-2:123456789012:shop-alarm-handler-dead-letters", url = "https://sqs.us-east-2.amazonaws.com/123456789012/shop-alarm-handler-dead-letters" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_sqs_queue.dead_letters["promote-replica"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-east-2:123456789012:shop-promote-replica-dead-letters", url = "https://sqs.us-east-2.amazonaws.com/123456789012/shop-promote-replica-dead-letters" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_sqs_queue.dead_letters["scale-asg"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-east-2:123456789012:shop-scale-asg-dead-letters", url = "https://sqs.us-east-2.amazonaws.com/123456789012/shop-scale-asg-dead-letters" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_sqs_queue.dead_letters["shift-traffic"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-east-2:123456789012:shop-shift-traffic-dead-letters", url = "https://sqs.us-east-2.amazonaws.com/123456789012/shop-shift-traffic-dead-letters" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_iam_role.this["alarm-handler"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-primary-alarm-handler" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_iam_role.this["promote-replica"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-primary-promote-replica" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_iam_role.this["scale-asg"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-primary-scale-asg" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_iam_role.this["shift-traffic"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-primary-shift-traffic" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_lambda_function.this["alarm-handler"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-east-2:123456789012:function:shop-alarm-handler" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_lambda_function.this["promote-replica"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-east-2:123456789012:function:shop-promote-replica" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_lambda_function.this["scale-asg"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-east-2:123456789012:function:shop-scale-asg" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_lambda_function.this["shift-traffic"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-east-2:123456789012:function:shop-shift-traffic" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_sqs_queue.dead_letters["readiness-checker"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-east-2:123456789012:shop-readiness-checker-dead-letters", url = "https://sqs.us-east-2.amazonaws.com/123456789012/shop-readiness-checker-dead-letters" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_iam_role.this["readiness-checker"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-primary-readiness-checker" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_lambda_function.this["readiness-checker"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-east-2:123456789012:function:shop-readiness-checker" }
  }
  override_resource {
    target          = module.guard_primary[0].aws_iam_role.scheduler
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-primary-scheduler" }
  }
  variables {
    guards = "both"
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
    condition     = output.primary_guard.function_names == output.function_names && output.primary_guard.journal_table == output.journal_table
    error_message = "The functions or the journal of the primary region's guard are called otherwise: ${jsonencode(output.primary_guard)}"
  }
  assert {
    condition     = output.primary_guard.role_arns["alarm-handler"] == "arn:aws:iam::123456789012:role/shop-primary-alarm-handler" && output.role_arns["alarm-handler"] == "arn:aws:iam::123456789012:role/shop-alarm-handler"
    error_message = "The guards' roles are not told apart: ${jsonencode(output.primary_guard.role_arns)}"
  }
  assert {
    condition     = strcontains(output.primary_guard.status_command, "--region us-east-2 --function-name shop-alarm-handler") && strcontains(output.status_command, "--region us-west-1 --function-name shop-alarm-handler")
    error_message = "A guard is asked in the wrong region."
  }
}

run "one_guard_is_the_default" {
  command = plan
  assert {
    condition     = output.primary_guard == null
    error_message = "The primary region has a guard although guards is not both."
  }
}

run "a_witness_is_written_into_the_plan_and_asked_on_its_own_side" {
  command = plan
  variables {
    databases = [{
      name = "orders"
      sides = {
        primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders", connection = { host = "shop-orders.abc123.us-east-2.rds.amazonaws.com", database = "shop" } }
        recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", connection = { host = "shop-orders-replica.abc123.us-west-1.rds.amazonaws.com", port = 5433, database = "shop" } }
      }
    }]
    witness = { sides = {
      primary  = { function = "arn:aws:lambda:us-east-2:123456789012:function:shop-database-witness" }
      recovery = { function = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" }
    } }
  }
  assert {
    condition = jsondecode(output.plan_json).databases[0].sides == {
      primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders", connection = { host = "shop-orders.abc123.us-east-2.rds.amazonaws.com", port = 5432, database = "shop" } }
      recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", connection = { host = "shop-orders-replica.abc123.us-west-1.rds.amazonaws.com", port = 5433, database = "shop" } }
    }
    error_message = "The database's connections differ: ${output.plan_json}"
  }
  assert {
    condition = jsondecode(output.plan_json).witness == {
      user              = "pilotlight_witness"
      heartbeat_seconds = 5
      sides = {
        primary  = { function = "arn:aws:lambda:us-east-2:123456789012:function:shop-database-witness" }
        recovery = { function = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" }
      }
    }
    error_message = "The witness differs: ${output.plan_json}"
  }
}

run "a_watch_is_in_the_plan_where_it_is_asked_for" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } }, watch_seconds = 5 }
  }
  assert {
    condition     = jsondecode(output.plan_json).detection.watch_seconds == 5
    error_message = "The watch is not in the plan: ${output.plan_json}"
  }
}

run "a_witness_of_the_recovery_side_alone_leaves_the_other_side_out" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", connection = { host = "shop-orders-replica.abc123.us-west-1.rds.amazonaws.com", port = 5432, database = "shop" } } } }]
    witness   = { user = "witness", heartbeat_seconds = 0, sides = { recovery = { function = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" } } }
  }
  assert {
    condition     = jsondecode(output.plan_json).witness == { user = "witness", heartbeat_seconds = 0, sides = { recovery = { function = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" } } } && !strcontains(output.plan_json, "null")
    error_message = "The plan mentions a witness that there is not: ${output.plan_json}"
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
    condition     = !strcontains(output.plan_json, "null") && !strcontains(output.plan_json, "quarantine_security_group") && !strcontains(output.plan_json, "connection") && !strcontains(output.plan_json, "witness")
    error_message = "The plan document mentions what was left out: ${output.plan_json}"
  }
}

run "the_defaults_are_those_of_the_documents" {
  command = plan
  assert {
    condition     = output.status_command == "echo '{\"command\":\"status\"}' | aws lambda invoke --region us-west-1 --function-name shop-alarm-handler --payload fileb:///dev/stdin /dev/stdout | cat"
    error_message = "The status command differs: ${output.status_command}"
  }
}

run "an_alarm_that_invokes_directly_is_admitted_by_arn_and_account" {
  command = plan
  variables {
    direct_alarm_arns = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-replica-lag"]
    detection         = { sides = { primary = { alarms = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-replica-lag"], probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } } }
  }

  assert {
    condition     = jsondecode(output.plan_json).detection.sides.primary.alarms == ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-replica-lag"]
    error_message = "The plan does not list the alarm."
  }
}

run "a_primary_in_an_opt_in_region_delivers_under_its_own_principal" {
  command = plan
  variables {
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
  override_data {
    target          = data.aws_region.primary
    override_during = plan
    values          = { id = "eu-south-1" }
  }
  override_resource {
    target          = module.topics_primary.aws_sns_topic.signals
    override_during = plan
    values          = { arn = "arn:aws:sns:eu-south-1:123456789012:shop-signals" }
  }
  override_resource {
    target          = module.topics_primary.aws_sns_topic.notices
    override_during = plan
    values          = { arn = "arn:aws:sns:eu-south-1:123456789012:shop-notices" }
  }
  override_resource {
    target          = module.guard_recovery.aws_sqs_queue.signals_other
    override_during = plan
    values          = { arn = "arn:aws:sqs:eu-south-1:123456789012:shop-signals-dead-letters", url = "https://sqs.eu-south-1.amazonaws.com/123456789012/shop-signals-dead-letters" }
  }

  assert {
    condition     = jsondecode(output.plan_json).sides.primary.region == "eu-south-1" && jsondecode(output.plan_json).detection.topics[0] == "arn:aws:sns:eu-south-1:123456789012:shop-signals"
    error_message = "The plan says another region of the primary side, or another topic."
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
    condition     = length(jsondecode(output.plan_json).detection.sides.primary.alarms) == 7
    error_message = "The plan does not list every alarm."
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
    condition     = jsondecode(output.plan_json).databases == [] && jsondecode(output.plan_json).routes[0].after == ["web"]
    error_message = "The plan says something else."
  }
}

run "many_items_are_spread_over_parts_and_rules_within_awss_limits" {
  command = plan
  variables {
    plan_parts = 6
    databases  = [for i in range(20) : { name = "orders-${i}", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders-with-a-long-identifier-of-sixty-three-characters-${format("%02d", i)}" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-with-a-long-identifier-of-sixty-three-characters-${format("%02d", i)}" } } }]
    fleets     = [for i in range(13) : { name = "web-${i}", sides = { recovery = { group = "${join("", [for j in range(25) : "shop-web-1"])}-${i}", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web-of-thirty-two-characters/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
    routes     = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }

  assert {
    condition     = length(jsondecode(output.plan_json).databases) == 20 && length(jsondecode(output.plan_json).fleets) == 13 && length(output.plan_parameter_names) == 6
    error_message = "The plan lacks items, or has other parts."
  }
}

run "an_aurora_global_database_is_planned_woken_for_and_failed_over_by_its_exact_arns" {
  command = plan
  variables {
    databases = [{
      name           = "orders"
      kind           = "aurora_global"
      global_cluster = "Shop-Orders"
      sides = {
        primary  = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders", quarantine_security_group = "sg-0abc" }
        recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica" }
      }
    }]
  }

  assert {
    condition = jsondecode(output.plan_json).databases == [{
      name = "orders", kind = "aurora_global", global_cluster = "shop-orders", after = []
      sides = {
        primary  = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders", quarantine_security_group = "sg-0abc" }
        recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica" }
      }
    }]
    error_message = "The plan says something else of the database."
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
    snapshots = { schedule = "cron(0 3 * * ? *)" }
  }
  override_resource {
    target          = module.guard_recovery.aws_sqs_queue.dead_letters["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-snapshot-scheduler-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-snapshot-scheduler-dead-letters" }
  }
  override_resource {
    target          = module.guard_recovery.aws_iam_role.this["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-snapshot-scheduler" }
  }
  override_resource {
    target          = module.guard_recovery.aws_lambda_function.this["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-snapshot-scheduler" }
  }

  assert {
    condition     = jsondecode(output.plan_json).snapshots.schedule == "cron(0 3 * * ? *)"
    error_message = "The plan has another schedule."
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
    condition     = !strcontains(output.plan_json, "11111111-2222")
    error_message = "The plan names a key that no function asks for."
  }
}

run "providers_of_other_regions_are_refused" {
  command = plan
  override_data {
    target          = data.aws_region.recovery
    override_during = plan
    values          = { id = "us-west-2" }
  }
  expect_failures = [terraform_data.plan]
}

run "providers_of_two_accounts_are_refused" {
  command = plan
  override_data {
    target          = data.aws_caller_identity.primary
    override_during = plan
    values          = { account_id = "210987654321" }
  }
  expect_failures = [terraform_data.plan]
}

run "a_plan_that_does_not_fit_into_its_parameters_is_refused" {
  command = plan
  variables {
    plan_parts = 1
    detection = {
      sides = { primary = {
        probes = [for i in range(30) : { kind = "http", name = "front-${i}", url = "http://${i}.shop.example.com/a-path-of-some-length/and-a-little-more/health", expect_status = 200 }]
      } }
    }
  }
  expect_failures = [terraform_data.plan]
}

run "without_their_sections_there_are_no_functions_of_every_day" {
  command = plan
  assert {
    condition     = !contains(keys(jsondecode(output.plan_json)), "snapshots") && !contains(keys(jsondecode(output.plan_json)), "parameters")
    error_message = "The plan has a section that nobody asked for."
  }
}

run "snapshots_and_parameters_have_their_functions_schedules_and_roles" {
  command = plan
  variables {
    snapshots = {
      schedule     = "cron(0 3 * * ? *)"
      kms_key_arns = { recovery = "arn:aws:kms:us-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
      # The database's own key, which is in no other setting.
      source_key_arns = ["arn:aws:kms:us-east-2:123456789012:key/77777777-2222-3333-4444-555555555555"]
      option_groups   = [{ database = "orders", recovery = "shop-oracle" }]
    }
    image_parameters = ["/golden/web"]
    parameters = {
      include   = ["/shop/**", "/common/*/url", "/solo/single"]
      overrides = ["/shop/database/endpoint"]
      key_arns  = { primary = "arn:aws:kms:us-east-2:123456789012:key/99999999-2222-3333-4444-555555555555" }
    }
  }
  override_resource {
    target          = module.guard_recovery.aws_sqs_queue.dead_letters["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-snapshot-scheduler-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-snapshot-scheduler-dead-letters" }
  }
  override_resource {
    target          = module.guard_recovery.aws_iam_role.this["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-snapshot-scheduler" }
  }
  override_resource {
    target          = module.guard_recovery.aws_lambda_function.this["snapshot-scheduler"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-snapshot-scheduler" }
  }
  override_resource {
    target          = module.guard_recovery.aws_sqs_queue.dead_letters["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-ssm-replicator-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-ssm-replicator-dead-letters" }
  }
  override_resource {
    target          = module.guard_recovery.aws_iam_role.this["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-ssm-replicator" }
  }
  override_resource {
    target          = module.guard_recovery.aws_lambda_function.this["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-ssm-replicator" }
  }
  override_resource {
    target          = module.guard_recovery.aws_iam_role.parameter_events
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-parameter-events" }
  }
  assert {
    condition = jsondecode(output.plan_json).snapshots == {
      schedule      = "cron(0 3 * * ? *)"
      keep          = { daily = 7, weekly = 4, monthly = 6 }
      keep_min      = 2
      deletions_max = 10
      kms_key_arns  = { recovery = "arn:aws:kms:us-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
      except        = []
      option_groups = [{ database = "orders", recovery = "shop-oracle" }]
    }
    error_message = "The plan's section snapshots is not what the variable says."
  }
  assert {
    condition = jsondecode(output.plan_json).parameters == {
      include             = ["/shop/**", "/common/*/url", "/solo/single"]
      exclude             = []
      overrides           = ["/shop/database/endpoint"]
      existing            = "keep"
      keys                = { primary = "arn:aws:kms:us-east-2:123456789012:key/99999999-2222-3333-4444-555555555555" }
      puts_per_second     = 2
      deletes_percent_max = 10
    }
    error_message = "The plan's section parameters is not what the variable says."
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
      include  = ["/shop/**", "/solo/single"]
      key_arns = { primary = "arn:aws:kms:us-east-2:210987654321:key/99999999-2222-3333-4444-555555555555", recovery = "arn:aws:kms:us-west-1:123456789012:key/11111111-2222-3333-4444-555555555555" }
    }
  }
  override_resource {
    target          = module.guard_recovery.aws_sqs_queue.dead_letters["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-ssm-replicator-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-ssm-replicator-dead-letters" }
  }
  override_resource {
    target          = module.guard_recovery.aws_iam_role.this["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:iam::123456789012:role/shop-ssm-replicator" }
  }
  override_resource {
    target          = module.guard_recovery.aws_lambda_function.this["ssm-replicator"]
    override_during = plan
    values          = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-ssm-replicator" }
  }
  assert {
    condition     = jsondecode(output.plan_json).sides.primary.account == "210987654321" && jsondecode(output.plan_json).sides.recovery.account == "123456789012" && jsondecode(output.plan_json).detection.topics == ["arn:aws:sns:us-east-2:123456789012:shop-signals", "arn:aws:sns:us-west-1:123456789012:shop-signals"]
    error_message = "The plan does not say which account each region is in."
  }
  assert {
    condition     = output.primary_account.trusted_role_arns == ["arn:aws:iam::123456789012:role/shop-ssm-replicator"] && tolist(output.primary_account.parameter_heads) == tolist(["/shop/", "/solo/single"]) && output.primary_account.key_arns == ["arn:aws:kms:us-east-2:210987654321:key/99999999-2222-3333-4444-555555555555"] && output.primary_account.event_bus_arn == "arn:aws:events:us-west-1:123456789012:event-bus/shop-primary-account" && output.primary_account.notices_topic_arn == "arn:aws:sns:us-east-2:123456789012:shop-notices"
    error_message = "What the other account is to build is not what this side names."
  }
}

