# The fleets: one serves in the primary region, the other waits in the recovery region, made in the very same way.

data "aws_region" "primary" {
  provider = aws.primary
}

data "aws_region" "recovery" {
  provider = aws.recovery
}

data "aws_caller_identity" "recovery" {
  provider = aws.recovery
}

data "aws_partition" "recovery" {
  provider = aws.recovery
}

locals {
  account   = data.aws_caller_identity.recovery.account_id
  partition = data.aws_partition.recovery.partition
  item      = var.item != null ? var.item : var.name

  # The role by which EC2 Auto Scaling starts instances; it may use AWS's own keys, and no others unless their policies say so.
  scaling_role_arn = "arn:${local.partition}:iam::${local.account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForAutoScaling"

  # What dashboards show of a group; they cost nothing.
  group_metrics = ["GroupDesiredCapacity", "GroupInServiceInstances", "GroupPendingInstances"]

  tags = merge({ "pilotlight:fleet" = var.name }, var.tags)
}

resource "aws_key_pair" "primary" {
  count    = var.public_key == null ? 0 : 1
  provider = aws.primary

  key_name   = var.name
  public_key = var.public_key
  tags       = local.tags
}

resource "aws_key_pair" "recovery" {
  count    = var.public_key == null ? 0 : 1
  provider = aws.recovery

  key_name   = var.name
  public_key = var.public_key
  tags       = local.tags
}

resource "aws_launch_template" "primary" {
  provider = aws.primary

  name                   = var.name
  description            = "How a server of ${var.name} is made."
  image_id               = local.image_ids.primary
  instance_type          = var.instance_types[0]
  key_name               = one(aws_key_pair.primary[*].key_name)
  vpc_security_group_ids = var.security_group_ids.primary
  update_default_version = true
  user_data              = local.user_data.primary

  iam_instance_profile {
    name = aws_iam_instance_profile.this.name
  }
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = var.containers_use_role ? 2 : 1
  }
  block_device_mappings {
    device_name = var.root_device_name
    ebs {
      volume_size           = var.root_volume_gb
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }
  monitoring {
    enabled = true
  }
  tag_specifications {
    resource_type = "instance"
    tags          = merge(local.tags, { Name = var.name })
  }
  tag_specifications {
    resource_type = "volume"
    tags          = merge(local.tags, { Name = var.name })
  }
  tags = local.tags

  lifecycle {
    precondition {
      condition     = data.aws_region.primary.id == var.regions.primary && data.aws_region.recovery.id == var.regions.recovery
      error_message = "The providers aws.primary and aws.recovery work in ${data.aws_region.primary.id} and ${data.aws_region.recovery.id}, but var.regions says ${var.regions.primary} and ${var.regions.recovery}."
    }
    precondition {
      condition     = alltrue([for script in values(local.user_data) : script == null || try(length(script) <= 21844, false)]) # 16,384 bytes in base64
      error_message = "The start-up script has more than the 16,384 bytes EC2 takes. Move settings to parameters."
    }
  }
}

resource "aws_launch_template" "recovery" {
  provider = aws.recovery

  name                   = var.name
  description            = "How a server of ${var.name} is made."
  image_id               = local.image_ids.recovery
  instance_type          = var.instance_types[0]
  key_name               = one(aws_key_pair.recovery[*].key_name)
  vpc_security_group_ids = var.security_group_ids.recovery
  update_default_version = true
  user_data              = local.user_data.recovery

  iam_instance_profile {
    name = aws_iam_instance_profile.this.name
  }
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = var.containers_use_role ? 2 : 1
  }
  block_device_mappings {
    device_name = var.root_device_name
    ebs {
      volume_size           = var.root_volume_gb
      volume_type           = "gp3"
      encrypted             = true
      delete_on_termination = true
    }
  }
  monitoring {
    enabled = true
  }
  tag_specifications {
    resource_type = "instance"
    tags          = merge(local.tags, { Name = var.name })
  }
  tag_specifications {
    resource_type = "volume"
    tags          = merge(local.tags, { Name = var.name })
  }
  tags = local.tags
}

resource "aws_autoscaling_group" "primary" {
  provider = aws.primary

  name                      = "${var.name}-primary"
  min_size                  = var.capacity.min
  desired_capacity          = var.capacity.desired
  max_size                  = var.capacity.max
  vpc_zone_identifier       = var.subnet_ids.primary
  target_group_arns         = var.target_group_arns.primary
  health_check_type         = var.health_check_types.primary
  health_check_grace_period = var.grace_seconds
  wait_for_capacity_timeout = "0" # the alarms say whether it serves; an apply need not wait for it
  enabled_metrics           = local.group_metrics

  mixed_instances_policy {
    instances_distribution {
      on_demand_percentage_above_base_capacity = 100
      on_demand_allocation_strategy            = "prioritized"
    }
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.primary.id
        version            = "$Latest"
      }
      dynamic "override" {
        for_each = var.instance_types
        content {
          instance_type = override.value
        }
      }
    }
  }

  dynamic "tag" {
    for_each = merge(local.tags, { Name = var.name })
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    # Scaling policies and people move it, and so does a failback.
    ignore_changes = [min_size, desired_capacity, max_size]
  }
}

resource "aws_autoscaling_group" "recovery" {
  provider = aws.recovery

  name                      = "${var.name}-recovery"
  min_size                  = var.standby
  desired_capacity          = var.standby
  max_size                  = var.capacity.max
  vpc_zone_identifier       = var.subnet_ids.recovery
  target_group_arns         = var.target_group_arns.recovery
  health_check_type         = var.health_check_types.recovery
  health_check_grace_period = var.grace_seconds
  wait_for_capacity_timeout = "0"
  enabled_metrics           = local.group_metrics

  mixed_instances_policy {
    instances_distribution {
      on_demand_percentage_above_base_capacity = 100
      on_demand_allocation_strategy            = "prioritized"
    }
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.recovery.id
        version            = "$Latest"
      }
      dynamic "override" {
        for_each = var.instance_types
        content {
          instance_type = override.value
        }
      }
    }
  }

  dynamic "tag" {
    for_each = merge(local.tags, { Name = var.name })
    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    # A failover sets all three. Terraform must not scale the fleet that serves back to what it was at rest.
    ignore_changes = [min_size, desired_capacity, max_size]
  }
}

resource "aws_autoscaling_policy" "primary" {
  count    = var.cpu_percent_target == null ? 0 : 1
  provider = aws.primary

  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.primary.name
  policy_type            = "TargetTrackingScaling"
  target_tracking_configuration {
    target_value = var.cpu_percent_target
    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}

# At zero it does nothing, because there is no processor to look at. After a failover it follows the load.
resource "aws_autoscaling_policy" "recovery" {
  count    = var.cpu_percent_target == null ? 0 : 1
  provider = aws.recovery

  name                   = "cpu"
  autoscaling_group_name = aws_autoscaling_group.recovery.name
  policy_type            = "TargetTrackingScaling"
  target_tracking_configuration {
    target_value = var.cpu_percent_target
    predefined_metric_specification {
      predefined_metric_type = "ASGAverageCPUUtilization"
    }
  }
}
