# One region's load balancer, its listeners, and its target groups with their health checks.

locals {
  default_group = one([for k, g in var.target_groups : k if length(g.paths) + length(g.hosts) == 0])
  ruled_groups  = { for k, g in var.target_groups : k => g if k != local.default_group }

  # A group whose port or VPC changes is made anew, and the listener can let go of the old one only once the new one is there:
  # for that moment there are two, so the name holds what sets them apart. It has 32 characters at most.
  group_names = { for k, g in var.target_groups : k => join("-", [
    trimsuffix(substr(var.name, 0, 24 - length(k)), "-"), k, substr(sha256("${var.name} ${var.vpc_id} ${g.port}"), 0, 6),
  ]) }

  tags = merge({ "pilotlight:balancer" = var.name }, var.tags)
}

resource "aws_lb" "this" {
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = var.internal
  subnets                    = var.subnet_ids
  security_groups            = var.security_group_ids
  idle_timeout               = var.idle_seconds
  drop_invalid_header_fields = true
  desync_mitigation_mode     = "defensive"
  enable_deletion_protection = var.deletion_protection

  dynamic "access_logs" {
    for_each = var.access_log_bucket == null ? [] : [var.access_log_bucket]
    content {
      bucket  = access_logs.value
      prefix  = var.name
      enabled = true
    }
  }

  tags = local.tags
}

resource "aws_lb_target_group" "this" {
  for_each = var.target_groups

  name                          = local.group_names[each.key]
  vpc_id                        = var.vpc_id
  protocol                      = "HTTP"
  port                          = each.value.port
  target_type                   = "instance"
  deregistration_delay          = each.value.drain_seconds
  slow_start                    = each.value.slow_start_seconds
  load_balancing_algorithm_type = each.value.slow_start_seconds == 0 ? "least_outstanding_requests" : "round_robin" # slow start goes with round robin only

  # Two good answers, ten seconds apart: a failover waits for them.
  health_check {
    path                = each.value.health_path
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
    matcher             = "200"
  }

  tags = local.tags

  lifecycle {
    # A group in use by a listener or a rule can't be deleted (ResourceInUse).
    create_before_destroy = true
  }
}

# The one listener that serves: HTTPS, or HTTP where there is no certificate.
resource "aws_lb_listener" "serving" {
  load_balancer_arn = aws_lb.this.arn
  port              = var.certificate == null ? 80 : 443
  protocol          = var.certificate == null ? "HTTP" : "HTTPS"
  certificate_arn   = try(var.certificate.arn, null)
  ssl_policy        = var.certificate == null ? null : "ELBSecurityPolicy-TLS13-1-2-2021-06"

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[local.default_group].arn
  }

  tags = local.tags
}

resource "aws_lb_listener" "redirect" {
  count = var.certificate == null ? 0 : 1

  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  default_action {
    type = "redirect"
    redirect {
      port        = "443"
      protocol    = "HTTPS"
      status_code = "HTTP_301"
    }
  }

  tags = local.tags
}

resource "aws_lb_listener_rule" "this" {
  for_each = local.ruled_groups

  listener_arn = aws_lb_listener.serving.arn
  priority     = each.value.priority

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this[each.key].arn
  }

  dynamic "condition" {
    for_each = length(each.value.paths) > 0 ? [each.value.paths] : []
    content {
      path_pattern {
        values = condition.value
      }
    }
  }
  dynamic "condition" {
    for_each = length(each.value.hosts) > 0 ? [each.value.hosts] : []
    content {
      host_header {
        values = condition.value
      }
    }
  }

  tags = local.tags
}
