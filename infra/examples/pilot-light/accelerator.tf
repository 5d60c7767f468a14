# The way in: one accelerator, both load balancers behind it. The recovery side has weight 0 until a failover opens it.

resource "aws_globalaccelerator_accelerator" "front" {
  provider        = aws.recovery
  name            = "${var.name}-front"
  ip_address_type = "IPV4"
  enabled         = true
}

resource "aws_globalaccelerator_listener" "http" {
  provider        = aws.recovery
  accelerator_arn = aws_globalaccelerator_accelerator.front.id
  protocol        = "TCP"
  port_range {
    from_port = 80
    to_port   = 80
  }
}

resource "aws_globalaccelerator_endpoint_group" "primary" {
  provider                      = aws.recovery
  listener_arn                  = aws_globalaccelerator_listener.http.id
  endpoint_group_region         = var.regions.primary
  health_check_protocol         = "HTTP"
  health_check_path             = "/health"
  health_check_port             = 80
  health_check_interval_seconds = 10
  threshold_count               = 3

  endpoint_configuration {
    endpoint_id                    = module.primary.load_balancer_arn
    weight                         = 128
    client_ip_preservation_enabled = true
  }

  lifecycle {
    # Fencing sets the weight to 0. Terraform must not open a side that a failover has closed.
    ignore_changes = [endpoint_configuration]
  }
}

resource "aws_globalaccelerator_endpoint_group" "recovery" {
  provider                      = aws.recovery
  listener_arn                  = aws_globalaccelerator_listener.http.id
  endpoint_group_region         = var.regions.recovery
  health_check_protocol         = "HTTP"
  health_check_path             = "/health"
  health_check_port             = 80
  health_check_interval_seconds = 10
  threshold_count               = 3

  endpoint_configuration {
    endpoint_id = module.recovery.load_balancer_arn
    # 0, not a traffic dial of 0: with nothing healthy elsewhere the accelerator ignores dials.
    weight                         = 0
    client_ip_preservation_enabled = true
  }

  lifecycle {
    ignore_changes = [endpoint_configuration]
  }
}
