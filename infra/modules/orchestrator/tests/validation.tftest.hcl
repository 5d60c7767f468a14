# Every rule of variables.tf, broken on its own. `infra/tests/validation_messages_test.py` runs the same cases without
# `expect_failures`, and checks that each breaks one rule only and that no rule is left out.

mock_provider "aws" {
  alias = "primary"
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_region" {
    defaults = { id = "us-east-2" }
  }
}

mock_provider "aws" {
  alias = "recovery"
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

variables {
  name        = "shop"
  sides       = { primary = { region = "us-east-2" }, recovery = { region = "us-west-1" } }
  package_dir = "tests/packages"
  detection   = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } } }
  databases = [{
    name = "orders"
    sides = {
      primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }
      recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" }
    }
  }]
  routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
}

run "a_name_with_capitals_is_refused" {
  command = plan
  variables {
    name = "Shop"
  }
  expect_failures = [var.name]
}

run "a_region_that_is_none_is_refused" {
  command = plan
  variables {
    sides     = { primary = { region = "ohio" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:ohio:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.sides]
}

run "the_same_region_twice_is_refused" {
  command = plan
  variables {
    sides     = { primary = { region = "us-west-1" }, recovery = { region = "us-west-1" } }
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } } }]
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.sides]
}

run "a_recovery_in_an_opt_in_region_is_refused" {
  command = plan
  variables {
    sides     = { primary = { region = "us-east-2" }, recovery = { region = "af-south-1" } }
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:af-south-1:123456789012:db:shop-orders-replica" } } }]
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:af-south-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.sides]
}

run "guards_of_another_kind_are_refused" {
  command = plan
  variables {
    guards = "primary"
  }
  expect_failures = [var.guards]
}

run "an_unknown_mode_is_refused" {
  command = plan
  variables {
    mode = "auto"
  }
  expect_failures = [var.mode]
}

run "a_database_name_with_an_underscore_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders_1", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "an_unknown_kind_of_database_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", kind = "aurora", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "an_aurora_database_whose_primary_is_an_instance_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", kind = "aurora_global", global_cluster = "shop-orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "an_aurora_database_whose_replica_is_an_instance_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", kind = "aurora_global", global_cluster = "shop-orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "an_aurora_database_without_its_global_cluster_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", kind = "aurora_global", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "a_global_cluster_by_its_arn_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", kind = "aurora_global", global_cluster = "arn:aws:rds::123456789012:global-cluster:shop-orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "a_global_cluster_of_two_databases_is_refused" {
  command = plan
  variables {
    databases = [
      { name = "orders", kind = "aurora_global", global_cluster = "shop", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica" } } },
      { name = "stock", kind = "aurora_global", global_cluster = "shop", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-stock" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-stock-replica" } } },
    ]
  }
  expect_failures = [var.databases]
}

run "a_global_cluster_of_an_rds_replica_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", global_cluster = "shop-orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "a_primary_in_another_region_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-1:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "a_replica_outside_the_recovery_region_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "a_promoted_instance_without_backups_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", backup_retention_days = 0 } } }]
  }
  expect_failures = [var.databases]
}

run "a_quarantine_group_that_is_no_security_group_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders", quarantine_security_group = "quarantine" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "a_database_after_something_unknown_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } }, after = ["customers"] }]
  }
  expect_failures = [var.databases]
}

run "a_fleet_name_beginning_with_a_digit_is_refused" {
  command = plan
  variables {
    fleets = [{ name = "1web", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [var.fleets]
}

run "an_unknown_kind_of_fleet_is_refused" {
  command = plan
  variables {
    fleets = [{ name = "web", kind = "ecs", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [var.fleets]
}

run "a_group_name_with_a_wildcard_is_refused" {
  command = plan
  variables {
    fleets = [{ name = "web", sides = { recovery = { group = "shop-*", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [var.fleets]
}

run "a_fleet_without_target_groups_is_refused" {
  command = plan
  variables {
    fleets = [{ name = "web", sides = { recovery = { group = "shop-web", target_groups = [], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [var.fleets]
}

run "a_desired_capacity_above_the_maximum_is_refused" {
  command = plan
  variables {
    fleets = [{ name = "web", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 5, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [var.fleets]
}

run "more_healthy_targets_than_instances_are_refused" {
  command = plan
  variables {
    fleets = [{ name = "web", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 3 } } }]
  }
  expect_failures = [var.fleets]
}

run "a_fleet_after_something_unknown_is_refused" {
  command = plan
  variables {
    fleets = [{ name = "web", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } }, after = ["front"] }]
  }
  expect_failures = [var.fleets]
}

run "a_route_name_that_is_empty_is_refused" {
  command = plan
  variables {
    routes = [{ name = "", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.routes]
}

run "an_unknown_kind_of_route_is_refused" {
  command = plan
  variables {
    routes = [{ name = "front", kind = "route53", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.routes]
}

run "global_accelerator_with_the_primary_in_us_west_2_is_refused" {
  command = plan
  variables {
    sides     = { primary = { region = "us-west-2" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-west-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.routes]
}

run "a_weight_of_zero_is_refused" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2", weight = 0 } } }]
  }
  expect_failures = [var.routes]
}

run "an_endpoint_group_that_is_none_is_refused" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "front", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.routes]
}

run "one_endpoint_group_for_both_sides_is_refused" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.routes]
}

run "an_endpoint_in_the_wrong_region_is_refused" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.routes]
}

run "a_probe_of_a_route_without_a_web_address_is_refused" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2", probe = { name = "front-recovery", url = "shop.example.com" } } } }]
  }
  expect_failures = [var.routes]
}

run "a_route_after_something_unknown_is_refused" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } }, after = ["web"] }]
  }
  expect_failures = [var.routes]
}

run "a_plan_without_a_route_is_refused" {
  command = plan
  variables {
    routes = []
  }
  expect_failures = [var.routes]
}

run "a_name_used_twice_is_refused" {
  command = plan
  variables {
    fleets = [{ name = "orders", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [var.routes]
}

run "a_plan_without_probes_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [] } } }
  }
  expect_failures = [var.detection]
}

run "more_probes_than_a_look_asks_are_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [for i in range(33) : { kind = "http", name = "front-${i}", url = "http://shop.example.com/health" }] } } }
  }
  expect_failures = [var.detection]
}

run "two_probes_of_one_name_are_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "tcp", name = "db", host = "a", port = 5432 }, { kind = "tcp", name = "db", host = "b", port = 5432 }] } } }
  }
  expect_failures = [var.detection]
}

run "a_probe_name_with_a_blank_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "tcp", name = "the db", host = "a", port = 5432 }] } } }
  }
  expect_failures = [var.detection]
}

run "a_probe_and_a_routes_probe_of_one_name_are_refused" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2", probe = { name = "front-primary", url = "http://recovery.example.com/health" } } } }]
  }
  expect_failures = [var.detection]
}

run "an_unknown_kind_of_probe_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "icmp", name = "front", host = "a" }] } } }
  }
  expect_failures = [var.detection]
}

run "an_http_probe_without_a_url_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front" }] } } }
  }
  expect_failures = [var.detection]
}

run "a_tcp_probe_without_a_port_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "tcp", name = "db", host = "a" }] } } }
  }
  expect_failures = [var.detection]
}

run "a_probe_that_waits_longer_than_ten_seconds_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "tcp", name = "db", host = "a", port = 5432, timeout_seconds = 11 }] } } }
  }
  expect_failures = [var.detection]
}

run "an_alarm_of_a_third_region_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { alarms = ["arn:aws:cloudwatch:eu-west-1:123456789012:alarm:shop"], probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } } }
  }
  expect_failures = [var.detection]
}

run "a_confirm_window_below_ten_seconds_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } }, confirm_seconds = 9 }
  }
  expect_failures = [var.detection]
}

run "signals_that_stay_valid_for_hours_are_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } }, signal_age_seconds_max = 21600 }
  }
  expect_failures = [var.detection]
}

run "a_watch_of_less_than_five_seconds_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } }, watch_seconds = 4 }
  }
  expect_failures = [var.detection]
}

run "a_watch_in_a_function_that_ends_within_the_minute_is_refused" {
  command = plan
  variables {
    detection                = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } }, watch_seconds = 5 }
    function_timeout_seconds = { alarm_handler = 89 }
  }
  expect_failures = [var.detection]
}

run "a_negative_cooldown_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } }, cooldown_seconds = -1 }
  }
  expect_failures = [var.detection]
}

run "a_negative_lag_is_refused" {
  command = plan
  variables {
    limits = { lag_seconds_max = -1 }
  }
  expect_failures = [var.limits]
}

run "an_approval_that_never_ends_is_refused" {
  command = plan
  variables {
    limits = { approval_seconds_max = 10000000 }
  }
  expect_failures = [var.limits]
}

run "a_step_deadline_beyond_the_objective_is_refused" {
  command = plan
  variables {
    limits = { rto_seconds = 1800 }
  }
  expect_failures = [var.limits]
}

run "a_verify_shorter_than_its_function_is_refused" {
  command = plan
  variables {
    limits = { step_seconds_max = { verify = 170 } }
  }
  expect_failures = [var.limits]
}

run "a_promotion_shorter_than_its_function_is_refused" {
  command = plan
  variables {
    limits = { step_seconds_max = { promote = 840 } }
  }
  expect_failures = [var.limits]
}

run "a_scaling_shorter_than_its_function_is_refused" {
  command = plan
  variables {
    limits = { step_seconds_max = { scale = 840 } }
  }
  expect_failures = [var.limits]
}

run "a_fence_shorter_than_its_function_is_refused" {
  command = plan
  variables {
    limits = { step_seconds_max = { fence = 120 } }
  }
  expect_failures = [var.limits]
}

run "a_folder_without_packages_is_refused" {
  command = plan
  variables {
    package_dir = "tests/nowhere"
  }
  expect_failures = [var.package_dir]
}

run "an_unknown_architecture_is_refused" {
  command = plan
  variables {
    architecture = "amd64"
  }
  expect_failures = [var.architecture]
}

run "a_timeout_beyond_lambdas_own_is_refused" {
  command = plan
  variables {
    function_timeout_seconds = { scale_asg = 901 }
    limits                   = { step_seconds_max = { scale = 1200 } }
  }
  expect_failures = [var.function_timeout_seconds]
}

run "too_little_memory_is_refused" {
  command = plan
  variables {
    function_memory_mb = { scale_asg = 64 }
  }
  expect_failures = [var.function_memory_mb]
}

run "a_reservation_of_one_is_refused" {
  command = plan
  variables {
    reserved_concurrency = 1
  }
  expect_failures = [var.reserved_concurrency]
}

run "a_log_level_that_the_packages_do_not_have_is_refused" {
  command = plan
  variables {
    log_level = "DEBUG"
  }
  expect_failures = [var.log_level]
}

run "a_retention_cloudwatch_does_not_offer_is_refused" {
  command = plan
  variables {
    log_retention_days = 10
  }
  expect_failures = [var.log_retention_days]
}

run "a_plan_in_no_parts_is_refused" {
  command = plan
  variables {
    plan_parts = 0
  }
  expect_failures = [var.plan_parts]
}

run "an_address_that_is_none_is_refused" {
  command = plan
  variables {
    notice_emails = ["oncall"]
  }
  expect_failures = [var.notice_emails]
}

run "an_address_given_twice_is_refused" {
  command = plan
  variables {
    notice_emails = ["oncall@example.com", "oncall@example.com"]
  }
  expect_failures = [var.notice_emails]
}

run "a_silence_of_one_minute_is_refused" {
  command = plan
  variables {
    silence_minutes = 1
  }
  expect_failures = [var.silence_minutes]
}

run "a_readiness_alarm_between_two_passes_is_refused" {
  command = plan
  variables {
    unready_minutes = 45
  }
  expect_failures = [var.unready_minutes]
}

run "an_error_alarm_for_an_unknown_function_is_refused" {
  command = plan
  variables {
    error_alarm_functions = ["snapshot-scheduler"]
  }
  expect_failures = [var.error_alarm_functions]
}

run "a_direct_alarm_with_a_wildcard_is_refused" {
  command = plan
  variables {
    direct_alarm_arns = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:*"]
    detection         = { sides = { primary = { alarms = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:*"], probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } } }
  }
  expect_failures = [var.direct_alarm_arns]
}

run "a_key_of_the_other_region_is_refused" {
  command = plan
  variables {
    kms_key_arns = { recovery = "arn:aws:kms:us-east-2:123456789012:key/1" }
  }
  expect_failures = [var.kms_key_arns]
}

run "a_schedule_of_snapshots_by_rate_is_refused" {
  command = plan
  variables {
    snapshots = { schedule = "rate(1 day)" }
  }
  expect_failures = [var.snapshots]
}

run "a_tier_below_zero_is_refused" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", keep = { daily = -1 } }
  }
  expect_failures = [var.snapshots]
}

run "keeping_no_snapshot_is_refused" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", keep_min = 0 }
  }
  expect_failures = [var.snapshots]
}

run "a_thousand_deletions_are_refused" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", deletions_max = 1000 }
  }
  expect_failures = [var.snapshots]
}

run "an_alias_for_copies_is_refused" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", kms_key_arns = { recovery = "alias/shop" } }
  }
  expect_failures = [var.snapshots]
}

run "an_exception_that_is_no_database_is_refused" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", except = ["stock"] }
  }
  expect_failures = [var.snapshots]
}

run "an_alias_of_a_sources_key_is_refused" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", source_key_arns = ["arn:aws:kms:us-east-2:123456789012:alias/orders"] }
  }
  expect_failures = [var.snapshots]
}

run "an_option_group_of_no_database_is_refused" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", option_groups = [{ database = "stock", recovery = "shop-oracle" }] }
  }
  expect_failures = [var.snapshots]
}

run "an_option_group_with_a_wrong_name_is_refused" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", option_groups = [{ database = "orders", recovery = "shop oracle" }] }
  }
  expect_failures = [var.snapshots]
}

run "an_image_parameter_with_a_wildcard_is_refused" {
  command = plan
  variables {
    image_parameters = ["/golden/*"]
  }
  expect_failures = [var.image_parameters]
}

run "no_pattern_of_parameters_is_refused" {
  command = plan
  variables {
    parameters = { include = [] }
  }
  expect_failures = [var.parameters]
}

run "a_pattern_of_everything_is_refused" {
  command = plan
  variables {
    parameters = { include = ["/**"] }
  }
  expect_failures = [var.parameters]
}

run "an_unknown_word_for_existing_parameters_is_refused" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], existing = "overwrite" }
  }
  expect_failures = [var.parameters]
}

run "a_key_for_secure_strings_of_the_other_region_is_refused" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], key_arns = { recovery = "arn:aws:kms:us-east-2:123456789012:key/1" } }
  }
  expect_failures = [var.parameters]
}

run "a_key_to_decrypt_with_of_a_third_region_is_refused" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], decrypt_key_arns = ["arn:aws:kms:eu-west-1:123456789012:key/1"] }
  }
  expect_failures = [var.parameters]
}

run "half_a_write_a_second_is_refused" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], puts_per_second = 0.5 }
  }
  expect_failures = [var.parameters]
}

run "more_deletes_than_a_hundred_percent_are_refused" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], deletes_percent_max = 101 }
  }
  expect_failures = [var.parameters]
}

run "a_pass_without_a_schedule_is_refused" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], pass = "daily" }
  }
  expect_failures = [var.parameters]
}

run "a_primary_account_that_is_none_is_refused" {
  command = plan
  variables {
    sides     = { primary = { region = "us-east-2", account = "2109" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.sides]
}

run "an_external_id_of_other_letters_is_refused" {
  command = plan
  variables {
    sides     = { primary = { region = "us-east-2", account = "210987654321", external_id = "two words" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.sides]
}

run "parameters_of_two_accounts_without_an_external_id_are_refused" {
  command = plan
  variables {
    sides      = { primary = { region = "us-east-2", account = "210987654321" }, recovery = { region = "us-west-1" } }
    databases  = []
    routes     = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
    parameters = { include = ["/shop/**"] }
  }
  expect_failures = [var.parameters]
}

run "databases_in_two_accounts_are_refused" {
  command = plan
  variables {
    sides  = { primary = { region = "us-east-2", account = "210987654321" }, recovery = { region = "us-west-1" } }
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.databases]
}

run "snapshots_in_two_accounts_are_refused" {
  command = plan
  variables {
    sides     = { primary = { region = "us-east-2", account = "210987654321" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
    snapshots = { schedule = "cron(0 3 * * ? *)" }
  }
  expect_failures = [var.snapshots]
}

run "a_primary_endpoint_of_a_third_account_is_refused" {
  command = plan
  variables {
    sides     = { primary = { region = "us-east-2", account = "210987654321" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:333333333333:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.routes]
}

run "an_alarm_of_the_wrong_account_is_refused" {
  command = plan
  variables {
    sides     = { primary = { region = "us-east-2", account = "210987654321" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
    detection = {
      sides = { primary = {
        alarms = ["arn:aws:cloudwatch:us-east-2:123456789012:alarm:web-unhealthy"]
        probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }]
      } }
    }
  }
  expect_failures = [var.detection]
}

run "a_database_that_nothing_cuts_off_is_refused_in_automatic_mode" {
  command = plan
  variables {
    mode = "automatic"
    databases = [{
      name = "orders"
      sides = {
        primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }
        recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" }
      }
    }]
  }
  expect_failures = [var.databases]
}

# What others ran into, or might have.

run "alarm_cdk_slash" {
  command = plan
  variables {
    detection = { sides = { primary = { alarms = ["arn:aws:cloudwatch:us-east-2:123456789012:alarm/shop-down"], probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } } }
  }
  expect_failures = [var.detection]
}

run "alarm_twice" {
  command = plan
  variables {
    detection = { sides = { primary = { alarms = ["arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-down", "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-5xx", "arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-down"], probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } } }
  }
  expect_failures = [var.detection]
}

run "approval_fraction" {
  command = plan
  variables {
    limits = { approval_seconds_max = 1800.25 }
  }
  expect_failures = [var.limits]
}

run "kms_alias" {
  command = plan
  variables {
    kms_key_arns = { primary = "arn:aws:kms:us-east-2:123456789012:alias/aws/sns" }
  }
  expect_failures = [var.kms_key_arns]
}

run "lag_fraction" {
  command = plan
  variables {
    limits = { lag_seconds_max = 0.5 }
  }
  expect_failures = [var.limits]
}

run "step_fraction" {
  command = plan
  variables {
    limits = { step_seconds_max = { fence = 180.5 } }
  }
  expect_failures = [var.limits]
}

run "automatic_probes_only" {
  command = plan
  variables {
    mode      = "automatic"
    databases = []
  }
  expect_failures = [var.detection]
}

run "automatic_aurora_and_probes_only" {
  command = plan
  variables {
    mode      = "automatic"
    databases = [{ name = "orders", kind = "aurora_global", global_cluster = "shop", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders", quarantine_security_group = "sg-0abc" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica" } } }]
  }
  expect_failures = [var.detection]
}

run "confirm_fraction" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } }, confirm_seconds = 22.5 }
  }
  expect_failures = [var.detection]
}

run "direct_alarm_unlisted" {
  command = plan
  variables {
    direct_alarm_arns = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-replica-lag"]
  }
  expect_failures = [var.direct_alarm_arns]
}

run "endpoint_classic_lb" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/shop-classic" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.routes]
}

run "endpoint_ec2_arn" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:ec2:us-east-2:123456789012:instance/i-0abc" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.routes]
}

run "endpoint_target_group" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop/0123456789abcdef" } } }]
  }
  expect_failures = [var.routes]
}

run "group_odd" {
  command = plan
  variables {
    fleets = [{ name = "web", sides = { recovery = { group = "autoScalingGroupName:shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [var.fleets]
}

run "target_group_short" {
  command = plan
  variables {
    fleets = [{ name = "web", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [var.fleets]
}

run "partition_aws_us_gov" {
  command = plan
  variables {
    sides     = { primary = { region = "us-gov-east-1" }, recovery = { region = "us-gov-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-gov-east-1:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-gov-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.sides]
}

run "partition_aws_cn" {
  command = plan
  variables {
    sides     = { primary = { region = "cn-north-1" }, recovery = { region = "cn-northwest-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:cn-north-1:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:cn-northwest-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.sides]
}

run "partition_aws_eusc" {
  command = plan
  variables {
    sides     = { primary = { region = "eusc-de-east-1" }, recovery = { region = "eusc-de-east-2" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:eusc-de-east-1:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:eusc-de-east-2:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.sides]
}

run "opt_in_recovery" {
  command = plan
  variables {
    sides     = { primary = { region = "us-east-2" }, recovery = { region = "me-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:me-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [var.sides]
}

run "params_deep" {
  command = plan
  variables {
    parameters = { include = ["/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/**"] }
  }
  expect_failures = [var.parameters]
}

run "params_one_level" {
  command = plan
  variables {
    parameters = { include = ["/shop"] }
  }
  expect_failures = [var.parameters]
}

run "params_reserved" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], exclude = ["/pilotlight/**"] }
  }
  expect_failures = [var.parameters]
}

run "params_twice" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], overrides = ["/shop/**"] }
  }
  expect_failures = [var.parameters]
}

run "params_too_many_exceptions" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], exclude = [for i in range(501) : "/shop/${i}"] }
  }
  expect_failures = [var.parameters]
}

run "probe_status_0" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health", expect_status = 0 }] } } }
  }
  expect_failures = [var.detection]
}

run "probe_tcp_odd_host" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "tcp", name = "db", host = "db!.example.com", port = 5432 }] } } }
  }
  expect_failures = [var.detection]
}

run "probe_timeout_fraction" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "tcp", name = "db", host = "a", port = 5432, timeout_seconds = 2.5 }] } } }
  }
  expect_failures = [var.detection]
}

run "probe_url_credentials" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "https://user:word@shop.example.com/health" }] } } }
  }
  expect_failures = [var.detection]
}

run "probe_url_idn" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "https://läden.example.com/health" }] } } }
  }
  expect_failures = [var.detection]
}

run "probe_url_no_host" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "https:///health" }] } } }
  }
  expect_failures = [var.detection]
}

run "probe_url_port_big" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "https://shop.example.com:84430/health" }] } } }
  }
  expect_failures = [var.detection]
}

run "probe_url_trailing_dot" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "https://shop.example.com./health" }] } } }
  }
  expect_failures = [var.detection]
}

run "route_probe_name_capital" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2", probe = { name = "Front Recovery", url = "https://shop.example.com/health" } } } }]
  }
  expect_failures = [var.routes]
}

run "route_probe_url_credentials" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2", probe = { name = "front-recovery", url = "https://user:word@shop.example.com/health" } } } }]
  }
  expect_failures = [var.routes]
}

run "route_probe_by_tcp" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2", probe = { kind = "tcp", name = "front-recovery", url = "https://shop.example.com/health" } } } }]
  }
  expect_failures = [var.routes]
}

run "route_probe_timeout_fraction" {
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2", probe = { name = "front-recovery", url = "https://shop.example.com/health", timeout_seconds = 2.5 } } } }]
  }
  expect_failures = [var.routes]
}

run "snap_both_days" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 1 * MON *)" }
  }
  expect_failures = [var.snapshots]
}

run "snap_except_twice" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", except = ["orders", "orders"] }
  }
  expect_failures = [var.snapshots]
}

run "snap_floor_above_the_tiers" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", keep = { daily = 1, weekly = 0, monthly = 0 } }
  }
  expect_failures = [var.snapshots]
}

run "snap_name_with_two_hyphens" {
  command = plan
  variables {
    name      = "sh--op"
    snapshots = { schedule = "cron(0 3 * * ? *)" }
  }
  expect_failures = [var.snapshots]
}

# It is part of the plan's document where it is given, and the functions refuse it there.
run "an_option_group_without_a_name_is_refused" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 * * ? *)", option_groups = [{ database = "orders", primary = "", recovery = "shop-oracle" }] }
  }
  expect_failures = [var.snapshots]
}

run "a_group_of_five_digits_in_an_address_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "tcp", name = "db", host = "00001::1", port = 5432 }] } } }
  }
  expect_failures = [var.detection]
}

run "a_zero_before_a_number_in_an_address_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://[::ffff:01.2.3.4]/health" }] } } }
  }
  expect_failures = [var.detection]
}

run "what_only_begins_like_a_partition_is_refused" {
  command = plan
  variables {
    detection = { sides = { primary = { alarms = ["arn:awsx:cloudwatch:us-east-2:123456789012:alarm:shop"], probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } } }
  }
  expect_failures = [var.detection]
}

run "a_recovery_account_that_is_none_is_refused" {
  command = plan
  variables {
    sides = { primary = { region = "us-east-2" }, recovery = { region = "us-west-1", account = "1234" } }
  }
  expect_failures = [var.sides]
}

run "backups_of_an_aurora_cluster_are_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", kind = "aurora_global", global_cluster = "shop-orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica", backup_retention_days = 7 } } }]
  }
  expect_failures = [var.databases]
}

run "a_primary_side_without_backups_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders", backup_retention_days = 0 }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } } }]
  }
  expect_failures = [var.databases]
}

run "a_quarantine_group_of_the_recovery_side_that_is_none_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", quarantine_security_group = "quarantine" } } }]
  }
  expect_failures = [var.databases]
}

run "a_fleet_of_the_primary_side_with_target_groups_of_the_other_region_is_refused" {
  command = plan
  variables {
    fleets = [{ name = "web", sides = {
      primary  = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 }
      recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 }
    } }]
  }
  expect_failures = [var.fleets]
}

run "a_resting_size_above_its_maximum_is_refused" {
  command = plan
  variables {
    fleets = [{ name = "web", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, resting = { min = 0, desired = 1, max = 0 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [var.fleets]
}

run "probes_of_both_sides_of_one_name_are_refused" {
  command = plan
  variables {
    detection = { sides = {
      primary  = { probes = [{ kind = "tcp", name = "db", host = "a", port = 5432 }] }
      recovery = { probes = [{ kind = "tcp", name = "db", host = "b", port = 5432 }] }
    } }
  }
  expect_failures = [var.detection]
}

run "a_connection_of_an_aurora_cluster_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", kind = "aurora_global", global_cluster = "shop-orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:cluster:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:cluster:shop-orders-replica", connection = { host = "shop-orders-replica.abc123.us-west-1.rds.amazonaws.com", port = 5432, database = "shop" } } } }]
  }
  expect_failures = [var.databases]
}

run "a_connection_whose_host_has_a_port_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", connection = { host = "orders.example.com:5432", port = 5432, database = "shop" } } } }]
  }
  expect_failures = [var.databases]
}

run "a_connection_to_port_0_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", connection = { host = "shop-orders-replica.abc123.us-west-1.rds.amazonaws.com", port = 0, database = "shop" } } } }]
  }
  expect_failures = [var.databases]
}

run "a_connection_to_a_database_of_other_letters_is_refused" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", connection = { host = "shop-orders-replica.abc123.us-west-1.rds.amazonaws.com", port = 5432, database = "1 shop" } } } }]
  }
  expect_failures = [var.databases]
}

run "a_witness_that_logs_in_as_no_role_is_refused" {
  command = plan
  variables {
    witness = { user = "Witness", sides = { recovery = { function = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" } } }
  }
  expect_failures = [var.witness]
}

run "a_witness_that_beats_every_two_minutes_is_refused" {
  command = plan
  variables {
    limits  = { lag_seconds_max = 300 }
    witness = { heartbeat_seconds = 120, sides = { recovery = { function = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" } } }
  }
  expect_failures = [var.witness]
}

run "heartbeats_as_far_apart_as_the_lag_that_is_let_through_are_refused" {
  command = plan
  variables {
    limits  = { lag_seconds_max = 10 }
    witness = { heartbeat_seconds = 10, sides = { recovery = { function = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" } } }
  }
  expect_failures = [var.witness]
}

run "a_witness_on_neither_side_is_refused" {
  command = plan
  variables {
    witness = { sides = {} }
  }
  expect_failures = [var.witness]
}

run "a_version_of_a_witness_is_refused" {
  command = plan
  variables {
    witness = { sides = { recovery = { function = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness:7" } } }
  }
  expect_failures = [var.witness]
}
