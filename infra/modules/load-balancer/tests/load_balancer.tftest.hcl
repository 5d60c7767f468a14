# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  override_during = plan
  mock_resource "aws_lb" {
    defaults = {
      arn        = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:loadbalancer/app/shop/0123456789abcdef"
      arn_suffix = "app/shop/0123456789abcdef"
      dns_name   = "shop-1.eu-south-1.elb.amazonaws.com"
    }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:targetgroup/shop-web/0123456789abcdef", arn_suffix = "targetgroup/shop-web/0123456789abcdef" }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:listener/app/shop/0123456789abcdef/0123456789abcdef" }
  }
  mock_resource "aws_cloudwatch_metric_alarm" {
    defaults = { arn = "arn:aws:cloudwatch:eu-south-1:123456789012:alarm:shop-web-unhealthy" }
  }
}

variables {
  name               = "shop"
  vpc_id             = "vpc-1"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_ids = ["sg-1"]
  alarm_topic_arns   = ["arn:aws:sns:eu-south-1:123456789012:shop-signals"]
}

run "without_a_certificate_it_serves_plain_http" {
  command = plan

  assert {
    condition     = aws_lb_listener.serving.port == 80 && aws_lb_listener.serving.protocol == "HTTP" && length(aws_lb_listener.redirect) == 0
    error_message = "A listener is missing, or points to an HTTPS that isn't there."
  }
  assert {
    condition     = aws_lb.this.drop_invalid_header_fields && aws_lb.this.enable_deletion_protection && !aws_lb.this.internal
    error_message = "The load balancer takes broken headers, or can be deleted by a mistake."
  }
  assert {
    condition     = output.health_url == "http://shop-1.eu-south-1.elb.amazonaws.com/health"
    error_message = "A probe would ask elsewhere: ${output.health_url}."
  }
}

run "with_a_certificate_plain_http_only_points_to_https" {
  command = plan
  variables {
    certificate = { arn = "arn:aws:acm:eu-south-1:123456789012:certificate/11111111-1111-1111-1111-111111111111" }
  }
  assert {
    condition     = aws_lb_listener.serving.port == 443 && strcontains(aws_lb_listener.serving.ssl_policy, "TLS13") && aws_lb_listener.redirect[0].default_action[0].type == "redirect"
    error_message = "Something is served in the clear."
  }
  assert {
    condition     = output.health_url == null
    error_message = "A probe would ask the load balancer's own name, which no certificate covers: ${jsonencode(output.health_url)}."
  }
}

run "other_groups_are_found_by_path_or_host" {
  command = plan
  variables {
    target_groups = {
      web     = {}
      orders  = { paths = ["/orders/*"], port = 8081, slow_start_seconds = 60, priority = 10 }
      billing = { hosts = ["billing.shop.example.com"], health_path = "/ready", priority = 30 }
    }
  }
  assert {
    condition     = [for k, r in aws_lb_listener_rule.this : "${k} ${r.priority}"] == ["billing 30", "orders 10"]
    error_message = "Not one rule for each group but the default, each with the priority it was given."
  }
  assert {
    condition     = aws_lb_target_group.this["orders"].load_balancing_algorithm_type == "round_robin" && aws_lb_target_group.this["web"].load_balancing_algorithm_type == "least_outstanding_requests"
    error_message = "AWS refuses slow start with another algorithm than round robin."
  }
  assert {
    condition     = length(aws_cloudwatch_metric_alarm.unhealthy) == 3 && aws_lb_target_group.this["billing"].health_check[0].path == "/ready"
    error_message = "A group isn't watched, or is asked for something else."
  }
}

run "alarms_take_silence_for_trouble_where_they_must" {
  command = plan
  assert {
    condition     = aws_cloudwatch_metric_alarm.unhealthy["web"].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.errors["web"].treat_missing_data == "notBreaching"
    error_message = "Missing data is never healthy, and never an error."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.unhealthy["web"].alarm_actions == toset(["arn:aws:sns:eu-south-1:123456789012:shop-signals"]) && length(output.alarm_arns) == 2
    error_message = "An alarm tells nobody."
  }
}

run "a_region_that_waits_raises_no_alarms" {
  command = plan
  variables {
    watch             = false
    access_log_bucket = "shop-logs"
  }
  assert {
    condition     = length(output.alarm_arns) == 0 && aws_lb.this.access_logs[0].enabled
    error_message = "A region at zero would always be in alarm."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name               = "internal-shop"
    subnet_ids         = ["subnet-1"]
    security_group_ids = []
    certificate        = { arn = "shop.example.com" }
    target_groups      = { Web = {} }
    idle_seconds       = 0
    errors_per_minute  = 0
  }
  expect_failures = [var.name, var.subnet_ids, var.security_group_ids, var.certificate, var.target_groups, var.idle_seconds, var.errors_per_minute]
}

run "two_defaults_are_refused" {
  command = plan
  variables {
    target_groups = { web = {}, orders = {} }
  }
  expect_failures = [var.target_groups]
}

run "a_health_path_without_a_slash_is_refused" {
  command = plan
  variables {
    target_groups = { web = { health_path = "health" } }
  }
  expect_failures = [var.target_groups]
}

run "a_rule_without_a_priority_is_refused" {
  command = plan
  variables {
    target_groups = { web = {}, orders = { paths = ["/orders/*"] } }
  }
  expect_failures = [var.target_groups]
}

run "two_rules_of_one_priority_are_refused" {
  command = plan
  variables {
    target_groups = { web = {}, orders = { paths = ["/orders/*"], priority = 10 }, billing = { paths = ["/billing/*"], priority = 10 } }
  }
  expect_failures = [var.target_groups]
}

run "a_priority_of_the_default_is_refused" {
  command = plan
  variables {
    target_groups = { web = { priority = 10 } }
  }
  expect_failures = [var.target_groups]
}

run "a_new_group_moves_no_other_rule" {
  command = plan
  variables {
    target_groups = { web = {}, orders = { paths = ["/orders/*"], priority = 20 }, admin = { paths = ["/admin/*"], priority = 40 } }
  }
  assert {
    condition     = aws_lb_listener_rule.this["orders"].priority == 20 && aws_lb_listener_rule.this["admin"].priority == 40
    error_message = "A rule has a priority that nobody gave it; the next group would find it in use."
  }
}

run "groups_of_two_ports_can_stand_side_by_side" {
  command = plan
  variables {
    name          = "a-name-of-23-characters"
    target_groups = { web = {}, eightchr = { paths = ["/orders/*"], priority = 10 }, orders = { paths = ["/o/*"], priority = 20, port = 8081 } }
  }
  assert {
    condition     = alltrue([for g in aws_lb_target_group.this : length(g.name) <= 32 && can(regex("^[a-z0-9-]+-[0-9a-f]{6}$", g.name))])
    error_message = "A name is refused by AWS: ${join(", ", [for g in aws_lb_target_group.this : g.name])}."
  }
  assert {
    condition     = regex("[0-9a-f]{6}$", aws_lb_target_group.this["web"].name) != regex("[0-9a-f]{6}$", aws_lb_target_group.this["orders"].name)
    error_message = "A group whose port changes would have the name of the one it replaces, which stands until then."
  }
}
