# Who may deliver what, read off plans with a mocked provider; what the workflows say; and every variable's rule, broken.

mock_provider "aws" {
  override_during = plan
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/shop-deliver" }
  }
}

variables {
  name       = "shop"
  regions    = { primary = "eu-south-1", recovery = "eu-central-1" }
  repository = "example/shop"
  services = {
    orders = {
      repository_arns = ["arn:aws:ecr:eu-south-1:123456789012:repository/shop/orders", "arn:aws:ecr:eu-central-1:123456789012:repository/shop/orders"]
      group_names     = { primary = "shop-orders-primary", recovery = "shop-orders-recovery" }
      tag_parameter   = "/shop/tags/orders"
    }
    functions = { function_names = ["shop-alarm-handler", "shop-scale-asg"], tag_parameter = "/pilotlight/shop/release" }
    site      = { site = { bucket_arns = ["arn:aws:s3:::shop-site-1", "arn:aws:s3:::shop-site-2"], distribution_arn = "arn:aws:cloudfront::123456789012:distribution/E1" } }
  }
}

run "a_role_is_taken_by_its_own_environment_alone" {
  command = plan
  assert {
    condition = alltrue([for k in ["orders", "functions", "site"] : jsondecode(aws_iam_role.this[k].assume_role_policy).Statement[0].Condition.StringEquals == {
      "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
      "token.actions.githubusercontent.com:sub" = "repo:example/shop:environment:${k}"
    }])
    error_message = "Another service's workflow, or another repository, could take the role."
  }
  assert {
    condition     = jsondecode(aws_iam_role.this["orders"].assume_role_policy).Statement[0].Principal.Federated == "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
    error_message = "Another issuer's tokens are taken."
  }
}

run "a_service_delivers_itself_and_nothing_else" {
  command = plan
  assert {
    condition     = alltrue(flatten([for s in jsondecode(aws_iam_role_policy.this["orders"].policy).Statement : [for r in flatten([s.Resource]) : endswith(r, "/shop/orders") || endswith(r, "/shop/tags/orders") || can(regex("autoScalingGroupName/shop-orders-(primary|recovery)$", r)) || (r == "*" && contains(["LogInToRegistry", "WatchServers"], s.Sid))]]))
    error_message = "The role for orders reaches other services."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this["functions"].policy).Statement : s.Sid] == ["NameTag", "ReplaceCode"] && jsondecode(aws_iam_role_policy.this["functions"].policy).Statement[1].Resource == ["arn:aws:lambda:eu-central-1:123456789012:function:shop-alarm-handler", "arn:aws:lambda:eu-central-1:123456789012:function:shop-scale-asg"]
    error_message = "Other functions' code could be replaced."
  }
  assert {
    condition     = alltrue([for p in aws_iam_role_policy.this : !can(regex("(Delete(DB|Auto)|iam:|Create(Role|Access))", p.policy))])
    error_message = "A delivery could take down what it delivers to, or give itself more."
  }
}

run "the_workflows_find_what_they_need_in_their_environment" {
  command = plan
  assert {
    condition     = alltrue([for pair in [["service", "orders"], ["functions", "functions"], ["site", "site"]] : length(setsubtract(toset(flatten(regexall("vars[.]([A-Z_]+)", file("workflows/${pair[0]}.yml")))), toset(keys(output.environments[pair[1]])))) == 0])
    error_message = "A workflow asks for a variable that its environment doesn't have."
  }
  assert {
    condition     = alltrue([for f in ["service", "functions", "site"] : yamldecode(file("workflows/${f}.yml")).permissions == { contents = "read", "id-token" = "write" } && output.role_arns != null])
    error_message = "A workflow may do more in the repository than read it."
  }
  assert {
    condition     = !can(regex("secrets[.]|AKIA|aws-secret-access-key", join("", [for f in ["service", "functions", "site"] : file("workflows/${f}.yml")]))) && output.role_arns != null
    error_message = "A workflow takes a key that lives long."
  }
  assert {
    condition     = output.environments["orders"].REPOSITORY == "shop/orders" && output.environments["site"].DISTRIBUTION == "E1"
    error_message = "A workflow is sent elsewhere."
  }
}

run "each_service_has_a_workflow_of_its_own" {
  command = plan
  assert {
    condition     = toset(keys(output.workflows)) == toset([for k in ["orders", "functions", "site"] : ".github/workflows/deliver-${k}.yml"])
    error_message = "A service has no workflow: ${join(", ", keys(output.workflows))}."
  }
  assert {
    condition = alltrue([for k in ["orders", "functions", "site"] : (
      yamldecode(output.workflows[".github/workflows/deliver-${k}.yml"]).jobs.deliver.environment == k &&
      yamldecode(output.workflows[".github/workflows/deliver-${k}.yml"]).concurrency == "deliver-${k}" &&
      !strcontains(output.workflows[".github/workflows/deliver-${k}.yml"], "__")
    )])
    error_message = "A workflow runs as another service."
  }
  assert {
    condition     = strcontains(output.workflows[".github/workflows/deliver-orders.yml"], "services/orders/**") && strcontains(output.workflows[".github/workflows/deliver-functions.yml"], "FUNCTIONS") && strcontains(output.workflows[".github/workflows/deliver-site.yml"], "create-invalidation")
    error_message = "A workflow delivers something else."
  }
}

run "a_refresh_can_be_watched_and_ended" {
  command = plan
  assert {
    condition     = { for s in jsondecode(aws_iam_role_policy.this["orders"].policy).Statement : s.Sid => s.Action if contains(["RenewServers", "WatchServers"], s.Sid) } == { RenewServers = ["autoscaling:CancelInstanceRefresh", "autoscaling:StartInstanceRefresh"], WatchServers = ["autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeInstanceRefreshes", "elasticloadbalancing:DescribeTargetHealth"] }
    error_message = "The workflow can't see how its refresh goes, or can't end it."
  }
}

run "a_service_that_delivers_two_things_is_refused" {
  command = plan
  variables {
    services = { orders = { repository_arns = ["arn:aws:ecr:eu-south-1:123456789012:repository/shop/orders"], function_names = ["shop-alarm-handler"] } }
  }
  expect_failures = [var.services]
}

run "an_identity_provider_that_is_there_is_taken" {
  command = plan
  variables {
    identity_provider = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }
  assert {
    condition     = length(aws_iam_openid_connect_provider.github) == 0
    error_message = "An account can have one such provider only; the apply would fail."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name                     = "Shop"
    regions                  = { primary = "eu-south-1", recovery = "eu-south-1" }
    repository               = "example/*"
    identity_provider        = { arn = "github" }
    services                 = {}
    session_seconds          = 60
    permissions_boundary_arn = "Boundary"
  }
  expect_failures = [var.name, var.regions, var.repository, var.identity_provider, var.services, var.session_seconds, var.permissions_boundary_arn]
}

run "a_service_that_delivers_nothing_is_refused" {
  command = plan
  variables {
    services = { orders = {} }
  }
  expect_failures = [var.services]
}

run "a_function_by_pattern_is_refused" {
  command = plan
  variables {
    services = { functions = { function_names = ["shop-*"] } }
  }
  expect_failures = [var.services]
}
