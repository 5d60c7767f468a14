# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  override_during = plan
  mock_resource "aws_globalaccelerator_accelerator" {
    defaults = { id = "arn:aws:globalaccelerator::123456789012:accelerator/a1", dns_name = "a1.awsglobalaccelerator.com" }
  }
  mock_resource "aws_globalaccelerator_listener" {
    defaults = { id = "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1" }
  }
  mock_resource "aws_globalaccelerator_endpoint_group" {
    defaults = { arn = "arn:aws:globalaccelerator::123456789012:accelerator/a1/listener/l1/endpoint-group/g1" }
  }
}

variables {
  name    = "shop-front"
  regions = { primary = "eu-south-1", recovery = "eu-central-1" }
  routes = {
    front = {
      ports     = [80, 443]
      after     = ["orders", "web"]
      endpoints = { primary = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:loadbalancer/app/shop/1", recovery = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/2" }
    }
  }
}

run "the_recovery_side_has_weight_zero" {
  command = plan
  assert {
    condition     = one(aws_globalaccelerator_endpoint_group.recovery["front"].endpoint_configuration).weight == 0 && one(aws_globalaccelerator_endpoint_group.primary["front"].endpoint_configuration).weight == 128
    error_message = "Users could be sent to the side that waits."
  }
  assert {
    condition     = aws_globalaccelerator_endpoint_group.recovery["front"].health_check_port == 80 && aws_globalaccelerator_endpoint_group.recovery["front"].health_check_interval_seconds == 10
    error_message = "An endpoint is looked at elsewhere, or too rarely."
  }
  assert {
    condition     = output.plan_items["front"].sides.recovery.weight == 128 && output.plan_items["front"].after == tolist(["orders", "web"])
    error_message = "The orchestrator would open with weight 0, or too early."
  }
}

run "each_route_has_a_listener_of_its_own" {
  command = plan
  variables {
    routes = {
      shop  = { ports = [443], health_protocol = "TCP", endpoints = { primary = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:loadbalancer/app/shop/1", recovery = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop/2" } }
      admin = { ports = [8443], sticky = true, endpoints = { primary = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:loadbalancer/app/admin/1", recovery = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/admin/2" } }
    }
    flow_log_bucket = "shop-logs"
  }
  assert {
    condition     = length(aws_globalaccelerator_listener.this) == 2 && aws_globalaccelerator_listener.this["admin"].client_affinity == "SOURCE_IP" && aws_globalaccelerator_endpoint_group.primary["shop"].health_check_port == 443
    error_message = "The routes can't move one by one."
  }
  assert {
    condition     = aws_globalaccelerator_accelerator.this.attributes[0].flow_logs_enabled
    error_message = "No flow logs though a bucket is named."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name    = "-shop"
    regions = { primary = "eu-south-1", recovery = "eu-south-1" }
    routes  = {}
  }
  expect_failures = [var.name, var.regions, var.routes]
}

run "a_primary_where_the_api_lives_is_refused" {
  command = plan
  variables {
    regions = { primary = "us-west-2", recovery = "eu-central-1" }
    routes  = { front = { weight = 0, endpoints = { primary = "arn:aws:elasticloadbalancing:us-west-2:1:x", recovery = "arn:aws:elasticloadbalancing:eu-central-1:1:x" } } }
  }
  expect_failures = [var.regions, var.routes]
}

run "two_routes_on_one_port_are_refused" {
  command = plan
  variables {
    routes = {
      a = { endpoints = { primary = "arn:aws:elasticloadbalancing:eu-south-1:1:x", recovery = "arn:aws:elasticloadbalancing:eu-central-1:1:x" } }
      b = { endpoints = { primary = "arn:aws:elasticloadbalancing:eu-south-1:1:y", recovery = "arn:aws:elasticloadbalancing:eu-central-1:1:y" } }
    }
  }
  expect_failures = [var.routes]
}

run "an_unknown_health_protocol_is_refused" {
  command = plan
  variables {
    routes = { front = { health_protocol = "UDP", endpoints = { primary = "arn:aws:elasticloadbalancing:eu-south-1:1:x", recovery = "arn:aws:elasticloadbalancing:eu-central-1:1:x" } } }
  }
  expect_failures = [var.routes]
}

run "endpoints_in_swapped_regions_are_refused" {
  command = plan
  variables {
    routes = { front = { endpoints = { primary = "arn:aws:elasticloadbalancing:eu-central-1:1:x", recovery = "arn:aws:elasticloadbalancing:eu-south-1:1:x" } } }
  }
  expect_failures = [aws_globalaccelerator_endpoint_group.primary]
}
