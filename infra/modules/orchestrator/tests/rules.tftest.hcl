# What rules.tf refuses, with the line it says, and what is right although it looks odd. `infra/tests/validation_messages_test.py` runs the
# refused ones without `expect_failures`, and checks that each line alone is said.

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

run "after_twice" {
  # says: routes[0].after[1]: is `orders`, given twice; give each name once
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } }, after = ["orders", "orders"] }]
  }
  expect_failures = [terraform_data.plan]
}

run "cycle_databases" {
  # says: databases[0].after: closes a cycle: orders waits for
  command = plan
  variables {
    databases = [
      { name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } }, after = ["stock"] },
      { name = "stock", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-stock" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-stock-replica" } }, after = ["orders"] },
    ]
  }
  expect_failures = [terraform_data.plan]
}

run "cycle_routes_of_three" {
  # says: routes[0].after: closes a cycle: a waits for
  command = plan
  variables {
    routes = [
      { name = "a", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } }, after = ["b"] },
      { name = "b", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p2", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r2", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } }, after = ["c"] },
      { name = "c", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p3", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r3", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } }, after = ["a"] },
    ]
  }
  expect_failures = [terraform_data.plan]
}

run "database_other_account" {
  # says: databases[0].sides.primary.arn: belongs to 210987654321, and the plan's account is 123456789012; give the ARN of an RDS instance, like arn:aws:rds:us-east-2:123456789012:db:shop-orders
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:210987654321:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } } }]
  }
  expect_failures = [terraform_data.plan]
}

run "db_partition_mixed" {
  # says: databases[0].sides.recovery.arn: is of the partition aws-cn, and the plan's regions are of the partition aws; give the ARN of an RDS instance, like arn:aws:rds:us-east-2:123456789012:db:shop-orders
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws-cn:rds:us-west-1:123456789012:db:shop-orders-replica" } } }]
  }
  expect_failures = [terraform_data.plan]
}

run "primary_lb_other_account" {
  # says: routes[0].sides.primary.endpoint: belongs to 210987654321, and the plan's account is 123456789012; give the ARN of an application or network load balancer, like arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/0123456789abcdef, or name its account in sides.primary.account if the primary region lies in another one
  command = plan
  variables {
    routes = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [terraform_data.plan]
}

run "both_fleet_of_one_side" {
  # says: fleets[0].sides.primary: is missing; give its group, target_groups, serving and healthy_targets_min
  command = plan
  variables {
    guards    = "both"
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] }, recovery = { probes = [{ kind = "http", name = "front-recovery", url = "http://recovery.shop.example.com/health" }] } } }
    fleets    = [{ name = "web", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [terraform_data.plan]
}

run "both_blind_in_recovery" {
  # says: detection.sides.recovery.probes: is empty, so nothing would look at the recovery region from outside it; give at least one probe of the recovery region
  command = plan
  variables {
    guards = "both"
  }
  expect_failures = [terraform_data.plan]
}

run "both_with_snapshots" {
  # says: guards: is both, and snapshots is given: that job does not yet ask which of two guards serves; leave snapshots out, or guards at standby
  command = plan
  variables {
    guards    = "both"
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] }, recovery = { probes = [{ kind = "http", name = "front-recovery", url = "http://recovery.shop.example.com/health" }] } } }
    snapshots = { schedule = "cron(0 3 * * ? *)" }
  }
  expect_failures = [terraform_data.plan]
}

run "both_with_parameters" {
  # says: guards: is both, and parameters is given: that job does not yet ask which of two guards serves; leave parameters out, or guards at standby
  command = plan
  variables {
    guards     = "both"
    detection  = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] }, recovery = { probes = [{ kind = "http", name = "front-recovery", url = "http://recovery.shop.example.com/health" }] } } }
    parameters = { include = ["/shop/**"] }
  }
  expect_failures = [terraform_data.plan]
}

run "both_in_two_accounts" {
  # says: guards: is both, and sides.primary.account names another account, in which no guard can be installed; leave guards at standby
  command = plan
  variables {
    guards    = "both"
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] }, recovery = { probes = [{ kind = "http", name = "front-recovery", url = "http://recovery.shop.example.com/health" }] } } }
    sides     = { primary = { region = "us-east-2", account = "210987654321" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:210987654321:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  expect_failures = [terraform_data.plan]
}

run "both_in_an_opt_in_region" {
  # says: guards: is both, and sides.primary.region is eu-south-1, an opt-in region, to whose functions SNS doesn't deliver from another region; leave guards at standby
  command = plan
  variables {
    guards    = "both"
    sides     = { primary = { region = "eu-south-1" }, recovery = { region = "us-west-1" } }
    detection = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] }, recovery = { probes = [{ kind = "http", name = "front-recovery", url = "http://recovery.shop.example.com/health" }] } } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  override_data {
    target = data.aws_region.primary
    values = { id = "eu-south-1" }
  }
  expect_failures = [terraform_data.plan]
}

run "same_group_twice" {
  # says: fleets[1].sides.recovery.group: is used by fleets[0].sides.recovery.group already; give every fleet a group of its own
  command = plan
  variables {
    fleets = [
      { name = "web", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } },
      { name = "api", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } },
    ]
  }
  expect_failures = [terraform_data.plan]
}

run "same_replica_twice" {
  # says: databases[1].sides.recovery.arn: is used by databases[0].sides.recovery.arn already; give every database instances of its own
  command = plan
  variables {
    databases = [
      { name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica" } } },
      { name = "stock", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-stock" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:Shop-Orders-Replica" } } },
    ]
  }
  expect_failures = [terraform_data.plan]
}

run "same_route_twice" {
  # says: routes[1].sides.primary.endpoint: is used by routes[0].sides.primary.endpoint already; give every route endpoints of its own in an endpoint group
  command = plan
  variables {
    routes = [
      { name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } },
      { name = "back", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r2", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } },
    ]
  }
  expect_failures = [terraform_data.plan]
}

run "snap_hour_25" {
  # says: snapshots.schedule: is wrong: hour 25 lies outside 0 to 23; give a schedule of EventBridge in UTC, at most once an hour, like cron(0 3 * * ? *): minute, hour, day of month, month, day of week, year
  command = plan
  variables {
    snapshots = { schedule = "cron(0 25 * * ? *)" }
  }
  expect_failures = [terraform_data.plan]
}

run "snap_weekday_0" {
  # says: snapshots.schedule: is wrong: day of week 0 lies outside 1 to 7; give a schedule of EventBridge in UTC, at most once an hour, like cron(0 3 * * ? *): minute, hour, day of month, month, day of week, year
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 ? * 0 *)" }
  }
  expect_failures = [terraform_data.plan]
}

run "snap_never" {
  # says: snapshots.schedule: names a time that never comes; give a schedule of EventBridge in UTC, at most once an hour, like cron(0 3 * * ? *): minute, hour, day of month, month, day of week, year
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 30 2 ? *)" }
  }
  expect_failures = [terraform_data.plan]
}

run "target_group_other_account" {
  # says: fleets[0].sides.recovery.target_groups[0]: belongs to 210987654321, and the plan's account is 123456789012; give the ARN of a target group, like arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef
  command = plan
  variables {
    fleets = [{ name = "web", sides = { recovery = { group = "shop-web", target_groups = ["arn:aws:elasticloadbalancing:us-west-1:210987654321:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [terraform_data.plan]
}

run "target_group_twice" {
  # says: fleets[0].sides.recovery.target_groups[1]: is used by fleets[0].sides.recovery.target_groups[0] already; give each target group once
  command = plan
  variables {
    fleets = [{ name = "web", sides = { recovery = { group = "shop-web", target_groups = [for i in range(2) : "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"], serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }]
  }
  expect_failures = [terraform_data.plan]
}

run "db_uppercase" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:Shop-Orders", quarantine_security_group = "sg-0abc" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:Shop-Orders-Replica" } } }]
  }
  assert {
    condition     = !strcontains(output.plan_json, "Shop-Orders") && !strcontains(jsonencode(local.databases), "Shop-") && strcontains(jsonencode(local.databases), "db:shop-orders-replica")
    error_message = "RDS keeps identifiers in lower case: a policy or a pattern with a capital matches nothing."
  }
}

run "probe_tcp_ipv6" {
  command = plan
  variables {
    detection = { sides = { primary = { probes = [{ kind = "tcp", name = "db", host = "2001:db8::1", port = 5432 }] } } }
  }
  assert {
    condition     = jsondecode(output.plan_json).detection.sides.primary.probes[0].host == "2001:db8::1"
    error_message = "An address of IPv6 is a host too."
  }
}

run "snap_weekly_alarm" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 ? * MON *)" }
  }
  assert {
    condition     = local.snapshot_age_hours_max == 7 * 24 + 2
    error_message = "The alarm does not follow the schedule: it stands six days of seven, or notices nothing."
  }
}

run "snap_twice_a_day_alarm" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3,11 * * ? *)" }
  }
  assert {
    condition     = local.snapshot_age_hours_max == 18
    error_message = "The threshold is not the longest time between two snapshots and two hours."
  }
}

run "snap_weekdays_alarm" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 ? * MON-FRI *)" }
  }
  assert {
    condition     = local.snapshot_age_hours_max == 74
    error_message = "The threshold is not the longest time between two snapshots and two hours."
  }
}

run "snap_monthly_alarm" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 1 * ? *)" }
  }
  assert {
    condition     = local.snapshot_age_hours_max == 746
    error_message = "The threshold is not the longest time between two snapshots and two hours."
  }
}

run "snap_last_day_alarm" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 L * ? *)" }
  }
  assert {
    condition     = local.snapshot_age_hours_max == 746
    error_message = "The threshold is not the longest time between two snapshots and two hours."
  }
}

run "snap_leap_day_alarm" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 29 2 ? *)" }
  }
  assert {
    condition     = local.snapshot_age_hours_max == 35066
    error_message = "The threshold is not the longest time between two snapshots and two hours."
  }
}

run "snap_week_hash" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 ? * 2#1 *)" }
  }
  assert {
    condition     = local.snapshot_age_hours_max == 842
    error_message = "The threshold is not the longest time between two snapshots and two hours."
  }
}

run "snap_once_alarm" {
  command = plan
  variables {
    snapshots = { schedule = "cron(0 3 1 1 ? 2030)" }
  }
  assert {
    condition     = local.snapshot_age_hours_max == 8786
    error_message = "The threshold is not the longest time between two snapshots and two hours."
  }
}

run "params_key_mrk" {
  command = plan
  variables {
    parameters = { include = ["/shop/**"], key_arns = { recovery = "arn:aws:kms:us-west-1:123456789012:key/mrk-0a1b2c3d" } }
  }
  assert {
    condition     = jsondecode(output.plan_json).parameters.keys.recovery == "arn:aws:kms:us-west-1:123456789012:key/mrk-0a1b2c3d"
    error_message = "A multi-region key is a key."
  }
}

run "two_listeners_one_lb" {
  command = plan
  variables {
    routes = [
      { name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l1/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l1/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } },
      { name = "back", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l2/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l2/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } },
    ]
  }
  assert {
    condition     = jsondecode(output.plan_json).routes[*].name == ["front", "back"] && alltrue([for r in jsondecode(output.plan_json).routes : r.sides.primary.endpoint == "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1"])
    error_message = "Two listeners may lead to the same load balancers: their endpoint groups differ."
  }
}

run "leading_zero_account" {
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:012345678901:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:012345678901:db:shop-orders-replica" } } }]
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::012345678901:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:us-east-2:012345678901:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::012345678901:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:012345678901:loadbalancer/app/shop/2" } } }]
  }
  override_data {
    target          = data.aws_caller_identity.primary
    override_during = plan
    values          = { account_id = "012345678901" }
  }
  override_data {
    target          = data.aws_caller_identity.recovery
    override_during = plan
    values          = { account_id = "012345678901" }
  }
  assert {
    condition     = jsondecode(output.plan_json).sides.recovery.account == "012345678901"
    error_message = "An account that begins with 0 has lost a digit."
  }
}

run "plan_parts_too_few" {
  # says: The plan has ${so many} characters and doesn't fit into 1 parameters: set plan_parts to 2 or more.
  command = plan
  variables {
    plan_parts = 1
    detection  = { sides = { primary = { probes = [for i in range(30) : { kind = "http", name = "front-${i}", url = "http://${i}.shop.example.com/health" }] } } }
  }
  expect_failures = [terraform_data.plan]
}

run "opt_in_osaka" {
  command = plan
  variables {
    sides     = { primary = { region = "ap-northeast-3" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:ap-northeast-3:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  override_data {
    target          = data.aws_region.primary
    override_during = plan
    values          = { id = "ap-northeast-3" }
  }
  override_data {
    target          = data.aws_region.recovery
    override_during = plan
    values          = { id = "us-west-1" }
  }
  assert {
    condition     = jsondecode(output.plan_json).sides.primary.region == "ap-northeast-3" && jsondecode(output.plan_json).sides.recovery.region == "us-west-1"
    error_message = "The plan says other regions."
  }
}

run "opt_in_osaka_recovery" {
  command = plan
  variables {
    sides     = { primary = { region = "ap-northeast-1" }, recovery = { region = "ap-northeast-3" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:ap-northeast-3:123456789012:loadbalancer/app/shop/2" } } }]
  }
  override_data {
    target          = data.aws_region.primary
    override_during = plan
    values          = { id = "ap-northeast-1" }
  }
  override_data {
    target          = data.aws_region.recovery
    override_during = plan
    values          = { id = "ap-northeast-3" }
  }
  assert {
    condition     = jsondecode(output.plan_json).sides.primary.region == "ap-northeast-1" && jsondecode(output.plan_json).sides.recovery.region == "ap-northeast-3"
    error_message = "The plan says other regions."
  }
}

run "opt_in_primary" {
  command = plan
  variables {
    sides     = { primary = { region = "eu-south-1" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:eu-south-1:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  override_data {
    target          = data.aws_region.primary
    override_during = plan
    values          = { id = "eu-south-1" }
  }
  override_data {
    target          = data.aws_region.recovery
    override_during = plan
    values          = { id = "us-west-1" }
  }
  assert {
    condition     = jsondecode(output.plan_json).sides.primary.region == "eu-south-1" && jsondecode(output.plan_json).sides.recovery.region == "us-west-1"
    error_message = "The plan says other regions."
  }
}

run "opt_in_of_the_future" {
  command = plan
  variables {
    sides     = { primary = { region = "me-west-1" }, recovery = { region = "us-west-1" } }
    databases = []
    routes    = [{ name = "front", sides = { primary = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", endpoint = "arn:aws:elasticloadbalancing:me-west-1:123456789012:loadbalancer/app/shop/1" }, recovery = { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/r", endpoint = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" } } }]
  }
  override_data {
    target          = data.aws_region.primary
    override_during = plan
    values          = { id = "me-west-1" }
  }
  override_data {
    target          = data.aws_region.recovery
    override_during = plan
    values          = { id = "us-west-1" }
  }
  assert {
    condition     = jsondecode(output.plan_json).sides.primary.region == "me-west-1" && jsondecode(output.plan_json).sides.recovery.region == "us-west-1"
    error_message = "The plan says other regions."
  }
}

run "alarm_of_two_thousand_and_more_bytes" {
  # says: detection.sides.primary.alarms[0]: is not an ARN; give the ARN of a CloudWatch alarm
  command = plan
  variables {
    plan_parts = 10
    detection = {
      sides = { primary = {
        alarms = [format("arn:aws:cloudwatch:us-east-2:123456789012:alarm:%s", join("", [for i in range(1020) : "ä"]))]
        probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }]
      } }
    }
  }
  expect_failures = [terraform_data.plan]
}

run "key_of_another_partition" {
  # says: parameters.keys.recovery: is of the partition aws-cn, and the plan's regions are of the partition aws; give a key of us-west-1
  command = plan
  variables {
    parameters = { include = ["/shop/**"], key_arns = { recovery = "arn:aws-cn:kms:us-west-1:123456789012:key/1" } }
  }
  expect_failures = [terraform_data.plan]
}

run "connection_without_witness" {
  # says: databases[0].sides.recovery.connection: is given, and witness.sides.recovery is not; give the function that asks the database there, or leave the connection out
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", connection = { host = "shop-orders-replica.abc123.us-west-1.rds.amazonaws.com", port = 5432, database = "shop" } } } }]
  }
  expect_failures = [terraform_data.plan]
}

run "witness_without_connection" {
  # says: witness.sides.recovery.function: is given, and no database has a connection on the recovery side; give the connection of at least one RDS instance there, or leave the function out
  command = plan
  variables {
    witness = { sides = { recovery = { function = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" } } }
  }
  expect_failures = [terraform_data.plan]
}

run "witness_other_account" {
  # says: witness.sides.recovery.function: belongs to 210987654321, and the plan's account is 123456789012; give the ARN of a Lambda function, without a version or an alias, like arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness
  command = plan
  variables {
    databases = [{ name = "orders", sides = { primary = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }, recovery = { arn = "arn:aws:rds:us-west-1:123456789012:db:shop-orders-replica", connection = { host = "shop-orders-replica.abc123.us-west-1.rds.amazonaws.com", port = 5432, database = "shop" } } } }]
    witness   = { sides = { recovery = { function = "arn:aws:lambda:us-west-1:210987654321:function:shop-database-witness" } } }
  }
  expect_failures = [terraform_data.plan]
}
