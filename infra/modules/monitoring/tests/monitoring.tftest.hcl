# What the dashboards show, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  alias           = "primary"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-south-1" }
  }
}

mock_provider "aws" {
  alias           = "recovery"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
}

variables {
  name      = "shop"
  regions   = { primary = "eu-south-1", recovery = "eu-central-1" }
  databases = { orders = { primary = "shop-orders", recovery = "shop-orders-replica" } }
  fleets = { web = {
    groups    = { primary = "shop-web-primary", recovery = "shop-web-recovery" }
    balancers = { primary = "app/shop/1", recovery = "app/shop/2" }
    targets   = { primary = "targetgroup/shop-web/1", recovery = "targetgroup/shop-web/2" }
  } }
  keepers = ["snapshot-scheduler", "ssm-replicator"]
  buckets = { files = { primary = "shop-files-1", recovery = "shop-files-2" } }
}

run "either_regions_dashboard_shows_both" {
  command = plan
  assert {
    condition     = aws_cloudwatch_dashboard.primary.dashboard_body == aws_cloudwatch_dashboard.recovery.dashboard_body && aws_cloudwatch_dashboard.primary.dashboard_name != aws_cloudwatch_dashboard.recovery.dashboard_name
    error_message = "The dashboards show different things, or one overwrites the other."
  }
  assert {
    condition     = length(jsondecode(output.dashboard_body).widgets) == 1 + 4 + 3 + 4 + 4 + 1
    error_message = "Not a widget for each figure: ${length(jsondecode(output.dashboard_body).widgets)}."
  }
  assert {
    condition     = alltrue([for w in jsondecode(output.dashboard_body).widgets : alltrue([for m in w.properties.metrics : contains(["eu-south-1", "eu-central-1"], m[length(m) - 1].region)]) if w.type == "metric"])
    error_message = "A figure is asked for in no region, or in another one."
  }
}

run "lag_is_seen_from_the_recovery_region_with_its_limit" {
  command = plan
  assert {
    condition     = one([for w in jsondecode(output.dashboard_body).widgets : w.properties if try(w.properties.title == "orders: seconds behind", false)]).metrics[0][3] == "shop-orders-replica" && one([for w in jsondecode(output.dashboard_body).widgets : w.properties if try(w.properties.title == "orders: seconds behind", false)]).annotations.horizontal[0].value == 60
    error_message = "The lag is another instance's, or has no line to compare it with."
  }
}

run "an_aurora_global_database_is_asked_for_by_its_clusters" {
  command = plan
  variables {
    databases = { orders = { primary = "shop-orders", recovery = "shop-orders-replica", kind = "aurora_global" } }
  }
  assert {
    condition     = [for w in jsondecode(output.dashboard_body).widgets : [slice(w.properties.metrics[0], 1, 6), w.properties.annotations.horizontal[0].value] if try(w.properties.title == "orders: milliseconds behind", false)] == [[["AuroraGlobalDBReplicationLag", "DBClusterIdentifier", "shop-orders-replica", "SourceRegion", "eu-south-1"], 60000]]
    error_message = "The lag is asked for as of an instance, or compared with seconds."
  }
  assert {
    condition     = !strcontains(output.dashboard_body, "DBInstanceIdentifier") && !strcontains(output.dashboard_body, "FreeStorageSpace") && strcontains(output.dashboard_body, "VolumeBytesUsed")
    error_message = "A widget asks for a metric that Aurora's clusters don't have: it would be empty for ever."
  }
}

run "an_unknown_kind_of_database_is_refused" {
  command = plan
  variables {
    databases = { orders = { primary = "shop-orders", recovery = "shop-orders-replica", kind = "aurora" } }
  }
  expect_failures = [var.databases]
}

run "each_function_that_the_plan_has_is_watched_for_errors_and_dead_letters" {
  command = plan
  assert {
    condition = alltrue([for title in ["Orchestrator: errors", "Orchestrator: dead letters"] : alltrue([for f in ["alarm-handler", "promote-replica", "readiness-checker", "scale-asg", "shift-traffic", "snapshot-scheduler", "ssm-replicator"] :
      contains([for m in one([for w in jsondecode(output.dashboard_body).widgets : w.properties.metrics if try(w.properties.title == title, false)]) : m[length(m) - 1].label], f)
    ])])
    error_message = "A function's errors or dead letters are not shown."
  }
  assert {
    condition     = toset([for m in one([for w in jsondecode(output.dashboard_body).widgets : w.properties.metrics if try(w.properties.title == "Snapshots: seconds since the newest good one", false)]) : "${m[5]} ${m[7]}"]) == toset(["orders eu-south-1", "orders eu-central-1"])
    error_message = "The age of a database's snapshots isn't shown for either region."
  }
}

run "a_plan_without_functions_of_every_day_shows_none" {
  command = plan
  variables {
    keepers = []
  }
  assert {
    condition     = length(jsondecode(output.dashboard_body).widgets) == 1 + 4 + 1 + 4 + 4 + 1 && !strcontains(output.dashboard_body, "ssm-replicator")
    error_message = "A function that isn't there is shown."
  }
}

run "an_unknown_function_of_every_day_is_refused" {
  command = plan
  variables {
    keepers = ["snapshot-sheduler"]
  }
  expect_failures = [var.keepers]
}

run "widgets_do_not_cover_each_other" {
  command = plan
  assert {
    condition     = length(distinct([for w in jsondecode(output.dashboard_body).widgets : "${w.x} ${w.y}"])) == length(jsondecode(output.dashboard_body).widgets) && alltrue([for w in jsondecode(output.dashboard_body).widgets : w.x + w.width <= 24])
    error_message = "Two widgets lie in one place, or beyond the edge."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name            = "Shop"
    regions         = { primary = "eu-south-1", recovery = "eu-south-1" }
    databases       = {}
    fleets          = {}
    lag_seconds_max = 0
  }
  expect_failures = [var.name, var.regions, var.databases, var.lag_seconds_max]
}

run "providers_of_other_regions_are_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "eu-west-1" }
  }
  expect_failures = [aws_cloudwatch_dashboard.primary]
}
