# Whom the function reaches: the databases, and nobody else. The VPC's resolver, which no security group sees, gives it their addresses;
# it signs its own logins, so that it needs no way to AWS.

locals {
  # One rule for each group and port: databases share groups, and EC2 takes no rule twice.
  doors = merge([for name, group in var.security_groups : { for port in group.ports : "${name}-${port}" => { group = group.id, port = port } }]...)
}

resource "aws_security_group" "this" {
  name        = local.function_name
  description = "The witness reaches the databases."
  vpc_id      = var.vpc_id
  tags        = merge(local.tags, { Name = local.function_name })
}

resource "aws_vpc_security_group_egress_rule" "databases" {
  for_each = local.doors

  security_group_id            = aws_security_group.this.id
  description                  = "To the databases"
  referenced_security_group_id = each.value.group
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  tags                         = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "databases" {
  for_each = { for name, door in local.doors : name => door if var.admit }

  security_group_id            = each.value.group
  description                  = "From the witness"
  referenced_security_group_id = aws_security_group.this.id
  ip_protocol                  = "tcp"
  from_port                    = each.value.port
  to_port                      = each.value.port
  tags                         = local.tags
}
