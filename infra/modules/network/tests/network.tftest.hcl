# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  override_during = plan
  mock_data "aws_availability_zones" {
    defaults = { names = ["eu-central-1c", "eu-central-1a", "eu-central-1b"] }
  }
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/shop-flow-logs" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/aws/vpc/shop" }
  }
  mock_resource "aws_security_group" {
    defaults = { id = "sg-0123456789abcdef0" }
  }
}

variables {
  name       = "shop"
  cidr_block = "10.20.0.0/16"
}

run "by_default_two_zones_without_a_nat_gateway" {
  command = plan

  assert {
    condition     = aws_subnet.private[*].availability_zone == ["eu-central-1a", "eu-central-1b"]
    error_message = "Not the first two zones by name: ${join(", ", aws_subnet.private[*].availability_zone)}."
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_route.nat) == 0
    error_message = "A gateway that nobody asked for costs more than the rest at rest."
  }
  assert {
    condition     = concat(aws_subnet.public[*].cidr_block, aws_subnet.private[*].cidr_block, aws_subnet.database[*].cidr_block) == ["10.20.0.0/20", "10.20.16.0/20", "10.20.64.0/20", "10.20.80.0/20", "10.20.128.0/20", "10.20.144.0/20"]
    error_message = "The subnets' ranges moved; on a living stack that would replace them."
  }
  assert {
    condition     = alltrue([for s in aws_subnet.public : !s.map_public_ip_on_launch])
    error_message = "A subnet gives out public addresses by itself."
  }
  assert {
    condition     = toset(keys(aws_vpc_endpoint.gateway)) == toset(["s3", "dynamodb"]) && length(aws_vpc_endpoint.interface) == 0
    error_message = "Not exactly the endpoints that cost nothing."
  }
}

run "the_quarantine_group_has_no_rules" {
  command = plan

  assert {
    condition     = length(aws_security_group.quarantine.ingress) == 0 && length(aws_security_group.quarantine.egress) == 0
    error_message = "The quarantine group lets something through."
  }
  assert {
    condition     = length(aws_default_security_group.closed.ingress) == 0 && length(aws_default_security_group.closed.egress) == 0
    error_message = "The default group lets something through."
  }
}

run "flow_logs_are_written_by_a_role_of_their_own" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role_policy.flow[0].policy).Statement[0].Resource == ["arn:aws:logs:eu-central-1:123456789012:log-group:/aws/vpc/shop:*"]
    error_message = "The role reaches more than its own log group."
  }
  assert {
    condition     = jsondecode(aws_iam_role.flow[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "Another account's flow logs could use the role."
  }
}

run "three_zones_with_a_gateway_each" {
  command = plan
  variables {
    zone_count          = 3
    zone_names          = ["eu-central-1b", "eu-central-1c", "eu-central-1a"]
    nat                 = "per_zone"
    interface_endpoints = ["ssm", "ecr.api"]
    flow_log_days       = 0
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 3 && length(aws_route.nat) == 3 && aws_subnet.database[*].availability_zone == ["eu-central-1b", "eu-central-1c", "eu-central-1a"]
    error_message = "Not one gateway in each of the zones that were named."
  }
  assert {
    condition     = aws_vpc_endpoint.interface["ecr.api"].service_name == "com.amazonaws.eu-central-1.ecr.api" && aws_vpc_endpoint.interface["ssm"].private_dns_enabled
    error_message = "An interface endpoint isn't found under the service's own name."
  }
  assert {
    condition     = length(aws_flow_log.this) + length(aws_iam_role.flow) == 0
    error_message = "Flow logs though none are kept."
  }
}

run "one_gateway_serves_every_zone" {
  command = plan
  variables {
    nat = "one"
  }
  assert {
    condition     = length(aws_nat_gateway.this) == 1 && length(aws_route.nat) == 2
    error_message = "Not one gateway with a route from each zone."
  }
}

run "too_few_zones_are_refused" {
  command = plan
  variables {
    zone_count = 3
  }
  override_data {
    target          = data.aws_availability_zones.here
    override_during = plan
    values          = { names = ["us-west-1a", "us-west-1c"] }
  }
  expect_failures = [aws_vpc.this]
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name                     = "Shop"
    cidr_block               = "10.20.0.0/24"
    zone_count               = 2
    zone_names               = ["a"]
    nat                      = "two"
    interface_endpoints      = ["s3"]
    application_port         = 0
    database_port            = 65536
    balancer_ports           = []
    user_cidr_blocks         = ["everybody"]
    flow_log_days            = 2
    kms_key_arn              = "alias/shop"
    permissions_boundary_arn = "Boundary"
  }
  expect_failures = [
    var.name, var.cidr_block, var.zone_names, var.nat, var.interface_endpoints, var.application_port, var.database_port,
    var.balancer_ports, var.user_cidr_blocks, var.flow_log_days, var.kms_key_arn, var.permissions_boundary_arn,
  ]
}

run "one_zone_is_refused" {
  command = plan
  variables {
    zone_count = 1
  }
  expect_failures = [var.zone_count]
}
