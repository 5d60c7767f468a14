# The way in: one accelerator, and for each route a listener with both regions' load balancers behind it. The recovery
# side has weight 0 until a failover opens it.

locals {
  tags = merge({ "pilotlight:accelerator" = var.name }, var.tags)
}

resource "aws_globalaccelerator_accelerator" "this" {
  name            = var.name
  ip_address_type = "IPV4"
  enabled         = true

  dynamic "attributes" {
    for_each = var.flow_log_bucket == null ? [] : [var.flow_log_bucket]
    content {
      flow_logs_enabled   = true
      flow_logs_s3_bucket = attributes.value
      flow_logs_s3_prefix = var.name
    }
  }

  tags = local.tags
}

resource "aws_globalaccelerator_listener" "this" {
  for_each = var.routes

  accelerator_arn = aws_globalaccelerator_accelerator.this.id
  protocol        = "TCP"
  client_affinity = each.value.sticky ? "SOURCE_IP" : "NONE"

  dynamic "port_range" {
    for_each = each.value.ports
    content {
      from_port = port_range.value
      to_port   = port_range.value
    }
  }
}

resource "aws_globalaccelerator_endpoint_group" "primary" {
  for_each = var.routes

  listener_arn                  = aws_globalaccelerator_listener.this[each.key].id
  endpoint_group_region         = var.regions.primary
  health_check_protocol         = each.value.health_protocol
  health_check_path             = each.value.health_protocol == "TCP" ? null : each.value.health_path
  health_check_port             = coalesce(each.value.health_port, min(each.value.ports...))
  health_check_interval_seconds = 10
  threshold_count               = 3

  endpoint_configuration {
    endpoint_id                    = each.value.endpoints.primary
    weight                         = each.value.weight
    client_ip_preservation_enabled = true
  }

  lifecycle {
    # Fencing sets the weight to 0. Terraform must not open a side that a failover has closed.
    ignore_changes = [endpoint_configuration]
    precondition {
      condition     = strcontains(each.value.endpoints.primary, ":${var.regions.primary}:") && strcontains(each.value.endpoints.recovery, ":${var.regions.recovery}:")
      error_message = "The endpoints of the route ${each.key} must be ARNs in their own regions (primary ${var.regions.primary}, recovery ${var.regions.recovery})."
    }
  }
}

resource "aws_globalaccelerator_endpoint_group" "recovery" {
  for_each = var.routes

  listener_arn                  = aws_globalaccelerator_listener.this[each.key].id
  endpoint_group_region         = var.regions.recovery
  health_check_protocol         = each.value.health_protocol
  health_check_path             = each.value.health_protocol == "TCP" ? null : each.value.health_path
  health_check_port             = coalesce(each.value.health_port, min(each.value.ports...))
  health_check_interval_seconds = 10
  threshold_count               = 3

  endpoint_configuration {
    endpoint_id = each.value.endpoints.recovery
    # 0, not a traffic dial of 0: with nothing healthy elsewhere the accelerator ignores dials.
    weight                         = 0
    client_ip_preservation_enabled = true
  }

  lifecycle {
    ignore_changes = [endpoint_configuration]
  }
}
