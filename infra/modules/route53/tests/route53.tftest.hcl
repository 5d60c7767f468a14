# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_resource "aws_route53_health_check" {
    defaults = { id = "11111111-1111-1111-1111-111111111111" }
  }
}

variables {
  name            = "shop-front"
  recovery_region = "eu-central-1"
  zone_id         = "Z0123456789ABCDEFGHIJ"
  records = {
    "shop.example.com" = {
      primary  = { dns_name = "shop-1.eu-south-1.elb.amazonaws.com", zone_id = "Z3ULH7SSC9OV64" }
      recovery = { dns_name = "shop-2.eu-central-1.elb.amazonaws.com", zone_id = "Z215JYRZR1TBD5" }
    }
    "api.shop.example.com" = {
      primary  = { dns_name = "api-1.example.net" }
      recovery = { dns_name = "api-2.example.net" }
    }
  }
}

run "the_gate_lies_in_the_recovery_region_and_keeps_its_state" {
  command = plan
  assert {
    condition     = aws_route53_health_check.gate.cloudwatch_alarm_region == "eu-central-1" && aws_route53_health_check.gate.insufficient_data_health_status == "LastKnownStatus"
    error_message = "The gate depends on the region that is lost, or opens by itself."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.closed.treat_missing_data == "ignore" && aws_cloudwatch_metric_alarm.closed.evaluation_periods == 1
    error_message = "The gate moves without having been moved, or late."
  }
}

run "only_the_gate_decides_where_users_go" {
  command = plan
  assert {
    condition     = alltrue([for k in ["shop.example.com", "api.shop.example.com"] : aws_route53_record.this["${k} primary"].health_check_id == "11111111-1111-1111-1111-111111111111" && aws_route53_record.this["${k} recovery"].health_check_id == null])
    error_message = "A primary record isn't behind the gate, or a recovery record is."
  }
  assert {
    condition     = alltrue([for r in values(aws_route53_record.this) : alltrue([for a in r.alias : !a.evaluate_target_health])])
    error_message = "A load balancer's health would move users before the recovery side can serve."
  }
  assert {
    condition     = aws_route53_record.this["api.shop.example.com primary"].ttl == 30 && aws_route53_record.this["shop.example.com primary"].type == "A"
    error_message = "A record is kept for too long, or is of the wrong type."
  }
}

run "the_commands_and_the_policy_reach_this_region_only" {
  command = plan
  assert {
    condition     = alltrue([for c in [output.close_command, output.open_command] : strcontains(c, "--region eu-central-1") && strcontains(c, "Gate=shop-front")]) && endswith(output.close_command, "--value 1")
    error_message = "A command moves another gate."
  }
  assert {
    condition     = jsondecode(output.mover_policy).Statement[0].Condition.StringEquals == { "aws:RequestedRegion" = "eu-central-1", "cloudwatch:namespace" = "Pilotlight/Gates" }
    error_message = "The policy lets its holder write other metrics."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name        = "Gate"
    zone_id     = "example.com"
    records     = {}
    ttl_seconds = 300
  }
  expect_failures = [var.name, var.zone_id, var.records, var.ttl_seconds]
}

run "an_alias_beside_a_cname_is_refused" {
  command = plan
  variables {
    records = { "shop.example.com" = { primary = { dns_name = "a", zone_id = "Z3ULH7SSC9OV64" }, recovery = { dns_name = "b" } } }
  }
  expect_failures = [var.records]
}

run "a_gate_in_another_region_is_refused" {
  command = plan
  variables {
    recovery_region = "eu-south-1"
  }
  expect_failures = [aws_cloudwatch_metric_alarm.closed]
}
