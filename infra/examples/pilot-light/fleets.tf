# The fleets: one serves in the primary region, the other waits at zero in the recovery region.

resource "aws_autoscaling_group" "web_primary" {
  provider = aws.primary

  name                      = "${var.name}-web-primary"
  min_size                  = var.web_capacity.min
  desired_capacity          = var.web_capacity.desired
  max_size                  = var.web_capacity.max
  vpc_zone_identifier       = module.primary.public_subnet_ids
  target_group_arns         = [module.primary.target_group_arn]
  health_check_type         = "ELB"
  health_check_grace_period = 120
  wait_for_capacity_timeout = "0" # the alarms say whether it serves; an apply need not wait for it

  launch_template {
    id      = module.primary.launch_template_id
    version = "$Latest"
  }

  lifecycle {
    # Scaling policies and people move it.
    ignore_changes = [desired_capacity]
  }
}

resource "aws_autoscaling_group" "web_recovery" {
  provider = aws.recovery

  name                      = "${var.name}-web-recovery"
  min_size                  = 0
  desired_capacity          = 0
  max_size                  = var.web_capacity.max
  vpc_zone_identifier       = module.recovery.public_subnet_ids
  target_group_arns         = [module.recovery.target_group_arn]
  health_check_type         = "ELB"
  health_check_grace_period = 120
  wait_for_capacity_timeout = "0"

  launch_template {
    id      = module.recovery.launch_template_id
    version = "$Latest"
  }

  lifecycle {
    # A failover sets all three. Terraform must not scale the fleet that serves back to zero.
    ignore_changes = [min_size, desired_capacity, max_size]
  }
}
