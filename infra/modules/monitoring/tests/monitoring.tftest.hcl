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
  buckets = { files = { primary = "shop-files-1", recovery = "shop-files-2" } }
}

run "either_regions_dashboard_shows_both" {
  command = plan
  assert {
    condition     = aws_cloudwatch_dashboard.primary.dashboard_body == aws_cloudwatch_dashboard.recovery.dashboard_body && aws_cloudwatch_dashboard.primary.dashboard_name != aws_cloudwatch_dashboard.recovery.dashboard_name
    error_message = "The dashboards show different things, or one overwrites the other."
  }
  assert {
    condition     = length(jsondecode(output.dashboard_body).widgets) == 1 + 4 + 4 + 4 + 1
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
