# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  alias           = "primary"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-south-1" }
  }
  mock_resource "aws_ami_from_instance" {
    defaults = { id = "ami-0aaaaaaaaaaaaaaaa" }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0aaaaaaaaaaaaaaaa" }
  }
}

mock_provider "aws" {
  alias           = "recovery"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_ami_copy" {
    defaults = { id = "ami-0bbbbbbbbbbbbbbbb" }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0bbbbbbbbbbbbbbbb" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/shop-web-fleet" }
  }
}

variables {
  name               = "shop-web"
  item               = "web"
  regions            = { primary = "eu-south-1", recovery = "eu-central-1" }
  image              = { made_from = { instance_id = "i-0123456789abcdef0", version = 3 } }
  subnet_ids         = { primary = ["subnet-1", "subnet-2"], recovery = ["subnet-3", "subnet-4"] }
  security_group_ids = { primary = ["sg-1"], recovery = ["sg-2"] }
  target_group_arns = {
    primary  = ["arn:aws:elasticloadbalancing:eu-south-1:123456789012:targetgroup/shop-web/1"]
    recovery = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-web/2"]
  }
  containers = {
    web = {
      image         = { primary = "123456789012.dkr.ecr.eu-south-1.amazonaws.com/shop/web", recovery = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop/web" }
      tag_parameter = "/shop/tags/web"
      port          = 8080
      environment   = { GREETING = "costs $5" }
    }
  }
  parameters         = { "DATABASE_" = "/shop/database/orders", "" = "/shop/web" }
  parameter_key_arns = ["arn:aws:kms:eu-south-1:123456789012:key/a", "arn:aws:kms:eu-central-1:123456789012:key/b"]
  repository_arns    = ["arn:aws:ecr:eu-south-1:123456789012:repository/shop/web", "arn:aws:ecr:eu-central-1:123456789012:repository/shop/web"]
}

run "one_fleet_serves_and_its_twin_waits_at_zero" {
  command = plan

  assert {
    condition     = aws_autoscaling_group.primary.min_size == 2 && aws_autoscaling_group.recovery.min_size == 0 && aws_autoscaling_group.recovery.desired_capacity == 0 && aws_autoscaling_group.recovery.max_size == 4
    error_message = "The recovery fleet isn't at zero, or can't grow."
  }
  assert {
    condition     = alltrue([for g in [aws_autoscaling_group.primary, aws_autoscaling_group.recovery] : [for o in g.mixed_instances_policy[0].launch_template[0].override : o.instance_type] == ["t4g.small", "t4g.medium", "m6g.medium"]])
    error_message = "A fleet can't fall back on another type."
  }
  assert {
    condition     = output.plan_item == { name = "web", sides = { recovery = { group = "shop-web-recovery", target_groups = tolist(["arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/shop-web/2"]), serving = { min = 2, desired = 2, max = 4 }, healthy_targets_min = 2 } } }
    error_message = "The orchestrator is told something else than what is built."
  }
  assert {
    condition     = alltrue([for t in [aws_launch_template.primary, aws_launch_template.recovery] : t.metadata_options[0].http_tokens == "required" && t.metadata_options[0].http_put_response_hop_limit == 1 && t.block_device_mappings[0].ebs[0].encrypted == "true"])
    error_message = "An instance gives its role away, or keeps its disk in the clear."
  }
}

run "an_unhealthy_target_is_no_reason_to_end_an_instance" {
  command = plan
  assert {
    condition     = aws_autoscaling_group.primary.health_check_type == "EC2" && aws_autoscaling_group.recovery.health_check_type == "EC2"
    error_message = "While a database is away, or not promoted yet, a whole fleet would be ended and started again and again."
  }
}

run "whoever_wants_it_has_targets_decide" {
  command = plan
  variables {
    health_check_types = { primary = "ELB", recovery = "ELB" }
    grace_seconds      = 1800
  }
  assert {
    condition     = aws_autoscaling_group.primary.health_check_type == "ELB" && aws_autoscaling_group.recovery.health_check_type == "ELB" && aws_autoscaling_group.recovery.health_check_grace_period == 1800
    error_message = "The groups don't do as they were told."
  }
}

run "targets_that_decide_before_a_promotion_can_be_over_are_refused" {
  command = plan
  variables {
    health_check_types = { recovery = "ELB" }
    grace_seconds      = 1799
  }
  expect_failures = [var.health_check_types]
}

run "a_health_check_of_another_type_is_refused" {
  command = plan
  variables {
    health_check_types = { primary = "http" }
  }
  expect_failures = [var.health_check_types]
}

run "a_customer_key_is_told_whom_to_admit" {
  command = plan
  assert {
    condition     = alltrue([for s in jsondecode(output.key_policy_statements) : s.Principal.AWS == "arn:aws:iam::123456789012:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"]) && length(jsondecode(output.key_policy_statements)) == 2
    error_message = "The key would admit somebody else than the service that starts instances."
  }
  assert {
    condition     = jsondecode(output.key_policy_statements)[1].Action == ["kms:CreateGrant"] && jsondecode(output.key_policy_statements)[1].Condition.Bool["kms:GrantIsForAWSResource"] == "true"
    error_message = "The key could be lent to others than AWS's own resources."
  }
}

run "the_application_is_stopped_with_the_tags_it_was_started_with" {
  command = plan
  assert {
    condition = alltrue([for line in [
      "echo \"TAG_WEB=$TAG_WEB\" >> /run/shop-web/tags.new", "exec docker compose --env-file /run/shop-web/tags --file", "ExecStop=/usr/bin/docker compose --env-file /run/shop-web/tags --file",
    ] : strcontains(base64decode(aws_launch_template.recovery.user_data), line)])
    error_message = "Compose can't read its file when it stops: a tag is missing."
  }
}

run "the_image_is_made_of_the_instance_and_copied" {
  command = plan
  assert {
    condition     = aws_launch_template.primary.image_id == "ami-0aaaaaaaaaaaaaaaa" && aws_launch_template.recovery.image_id == "ami-0bbbbbbbbbbbbbbbb"
    error_message = "A region starts from an image of the other one."
  }
  assert {
    condition     = aws_ami_copy.recovery[0].source_ami_region == "eu-south-1" && aws_ami_copy.recovery[0].encrypted && aws_ami_from_instance.this[0].name == "shop-web-3"
    error_message = "The copy is taken from elsewhere, or isn't encrypted."
  }
  assert {
    condition     = aws_ami_from_instance.this[0].snapshot_without_reboot
    error_message = "An apply would restart the instance."
  }
}

run "an_instance_starts_the_application_from_its_own_region" {
  command = plan
  assert {
    condition = alltrue([for side, region in { primary = "eu-south-1", recovery = "eu-central-1" } : alltrue([for line in [
      "export AWS_DEFAULT_REGION=${region} AWS_PAGER=", "docker login --username AWS --password-stdin 123456789012.dkr.ecr.${region}.amazonaws.com",
      "\"image\": \"123456789012.dkr.ecr.${region}.amazonaws.com/shop/web:$${TAG_WEB}\"", "TAG_WEB=$(aws ssm get-parameter --name '/shop/tags/web'",
      "\"DATABASE_\":\"/shop/database/orders\"", "\"format\": \"raw\"", "\"GREETING\": \"costs $$5\"", "\"awslogs-region\": \"${region}\"",
    ] : strcontains(base64decode(side == "primary" ? aws_launch_template.primary.user_data : aws_launch_template.recovery.user_data), line)])])
    error_message = "The start-up script doesn't start the region's own images with the region's own parameters."
  }
  assert {
    condition     = !strcontains(base64decode(aws_launch_template.recovery.user_data), "eu-south-1")
    error_message = "The recovery region's script names the primary region, which may be lost when it runs."
  }
  assert {
    condition     = yamldecode(split("\nCOMPOSE\n", split("<<'COMPOSE'\n", base64decode(aws_launch_template.primary.user_data))[1])[0]).services.web.ports == ["8080:8080"]
    error_message = "The compose file isn't one, or opens no port."
  }
}

run "the_role_reads_exactly_what_it_must" {
  command = plan
  assert {
    condition = { for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid => s.Resource if s.Sid == "ReadParameters" } == { ReadParameters = [
      "arn:aws:ssm:eu-south-1:123456789012:parameter/shop/web", "arn:aws:ssm:eu-south-1:123456789012:parameter/shop/web/*",
      "arn:aws:ssm:eu-south-1:123456789012:parameter/shop/database/orders", "arn:aws:ssm:eu-south-1:123456789012:parameter/shop/database/orders/*",
      "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/web", "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/web/*",
      "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/database/orders", "arn:aws:ssm:eu-central-1:123456789012:parameter/shop/database/orders/*",
    ] }
    error_message = "The role reads other parameters than those of its paths in both regions."
  }
  assert {
    condition     = alltrue([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Resource != "*" || contains(["LogInToRegistry", "SessionManager"], s.Sid)])
    error_message = "The role has more on every resource than AWS demands."
  }
  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Condition.StringEquals["kms:ViaService"] if s.Sid == "DecryptParameters"]) == ["ssm.eu-south-1.amazonaws.com", "ssm.eu-central-1.amazonaws.com"]
    error_message = "The role could decrypt other things than parameters."
  }
}

run "a_warm_fleet_of_given_images_without_containers" {
  command = plan
  variables {
    image               = { given = { primary = "ami-0cccccccccccccccc", recovery = "ami-0dddddddddddddddd" } }
    containers          = {}
    parameters          = {}
    standby             = 3
    capacity            = { min = 3, desired = 3, max = 9 }
    healthy_targets_min = 2
    cpu_percent_target  = null
    session_manager     = false
    repository_arns     = []
    parameter_key_arns  = []
    public_key          = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExampleExampleExampleExampleExampleExample"
    containers_use_role = true
  }
  assert {
    condition     = aws_autoscaling_group.recovery.desired_capacity == 3 && output.plan_item.sides.recovery.healthy_targets_min == 2 && length(aws_autoscaling_policy.recovery) == 0
    error_message = "The warm fleet isn't warm."
  }
  assert {
    condition     = length(aws_ami_copy.recovery) == 0 && aws_launch_template.recovery.image_id == "ami-0dddddddddddddddd" && aws_launch_template.recovery.user_data == null
    error_message = "An image is made, or a script run, that nobody asked for."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid] == ["WriteLogs"] && aws_launch_template.primary.metadata_options[0].http_put_response_hop_limit == 2
    error_message = "The role may do more than write logs."
  }
  assert {
    condition     = aws_launch_template.primary.key_name == "shop-web" && aws_launch_template.recovery.key_name == "shop-web"
    error_message = "A region's instances lack the key."
  }
}

run "a_plugin_is_checked_before_it_is_installed" {
  command = plan
  variables {
    compose_plugin = {
      primary  = { url = "https://tools-a.s3.eu-south-1.amazonaws.com/docker-compose", sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
      recovery = { url = "https://tools-b.s3.eu-central-1.amazonaws.com/docker-compose", sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" }
    }
  }
  assert {
    condition     = strcontains(base64decode(aws_launch_template.recovery.user_data), "echo '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef  /run/docker-compose' | sha256sum --check") && strcontains(base64decode(aws_launch_template.recovery.user_data), "tools-b.s3")
    error_message = "The plugin is installed unseen, or taken from the other region."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name                     = "Shop"
    image                    = {}
    instance_types           = []
    root_volume_gb           = 1
    root_device_name         = "xvda"
    public_key               = "-----BEGIN OPENSSH PRIVATE KEY-----"
    subnet_ids               = { primary = ["subnet-1"], recovery = ["subnet-3", "subnet-4"] }
    security_group_ids       = { primary = [], recovery = ["sg-2"] }
    target_group_arns        = { primary = [], recovery = [] }
    standby                  = 5
    healthy_targets_min      = 3
    cpu_percent_target       = 99
    grace_seconds            = -1
    containers               = { Web = { image = { primary = "a/b", recovery = "a/b" }, tag = "1" } }
    parameters               = { "" = "shop" }
    compose_plugin           = { primary = { url = "http://a", sha256 = "x" }, recovery = { url = "http://a", sha256 = "x" } }
    log_retention_days       = 2
    repository_arns          = ["arn:aws:ecr:eu-south-1:123456789012:repository/*"]
    parameter_key_arns       = ["alias/shop"]
    policies                 = { queue = "none" }
    permissions_boundary_arn = "Boundary"
  }
  expect_failures = [
    var.name, var.image, var.instance_types, var.root_volume_gb, var.root_device_name, var.public_key, var.subnet_ids, var.security_group_ids,
    var.target_group_arns, var.standby, var.healthy_targets_min, var.cpu_percent_target, var.grace_seconds, var.containers, var.parameters,
    var.compose_plugin, var.log_retention_days, var.repository_arns, var.parameter_key_arns, var.policies, var.permissions_boundary_arn,
  ]
}

run "a_container_without_a_tag_is_refused" {
  command = plan
  variables {
    containers = { web = { image = { primary = "a/b", recovery = "a/b" } } }
    capacity   = { min = 0, desired = 2, max = 4 }
    regions    = { primary = "eu-south-1", recovery = "eu-south-1" }
  }
  expect_failures = [var.containers, var.capacity, var.regions]
}

run "an_image_with_a_tag_is_refused" {
  command = plan
  variables {
    containers = { web = { image = { primary = "a/b:1", recovery = "a/b" }, tag = "1" } }
  }
  expect_failures = [var.containers]
}

run "a_tag_parameter_that_is_no_path_is_refused" {
  command = plan
  variables {
    containers = { web = { image = { primary = "a/b", recovery = "a/b" }, tag_parameter = "tags'; reboot" } }
  }
  expect_failures = [var.containers]
}

run "a_host_port_without_a_port_is_refused" {
  command = plan
  variables {
    containers = { web = { image = { primary = "a/b", recovery = "a/b" }, tag = "1", host_port = 80 } }
  }
  expect_failures = [var.containers]
}

run "providers_of_other_regions_are_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "eu-west-1" }
  }
  expect_failures = [aws_launch_template.primary]
}
