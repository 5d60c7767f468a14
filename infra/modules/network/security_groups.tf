# Who reaches whom: users the balancer, the balancer the application, the application the database. And the group that
# cuts a database off.

resource "aws_security_group" "balancer" {
  name        = "${var.name}-balancer"
  description = "Users reach the load balancer."
  vpc_id      = aws_vpc.this.id
  tags        = merge(local.tags, { Name = "${var.name}-balancer" })
}

resource "aws_vpc_security_group_ingress_rule" "balancer" {
  for_each = { for pair in setproduct(var.balancer_ports, var.user_cidr_blocks) : "${pair[0]}-${pair[1]}" => { port = pair[0], cidr = pair[1] } }

  security_group_id = aws_security_group.balancer.id
  description       = "Users and probes"
  cidr_ipv4         = each.value.cidr
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "To the application"
  referenced_security_group_id = aws_security_group.application.id
  ip_protocol                  = "tcp"
  from_port                    = var.application_port
  to_port                      = var.application_port
  tags                         = local.tags
}

resource "aws_security_group" "application" {
  name        = "${var.name}-application"
  description = "The load balancer reaches the application."
  vpc_id      = aws_vpc.this.id
  tags        = merge(local.tags, { Name = "${var.name}-application" })
}

resource "aws_vpc_security_group_ingress_rule" "application" {
  security_group_id            = aws_security_group.application.id
  description                  = "From the load balancer"
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = var.application_port
  to_port                      = var.application_port
  tags                         = local.tags
}

# HTTPS to AWS, by endpoints or by NAT, and the database. Nothing else: DNS goes through the VPC's resolver, which no
# security group sees.
resource "aws_vpc_security_group_egress_rule" "application_https" {
  security_group_id = aws_security_group.application.id
  description       = "HTTPS to AWS and, through a NAT gateway, to others"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

resource "aws_vpc_security_group_egress_rule" "application_database" {
  security_group_id            = aws_security_group.application.id
  description                  = "To the database"
  referenced_security_group_id = aws_security_group.database.id
  ip_protocol                  = "tcp"
  from_port                    = var.database_port
  to_port                      = var.database_port
  tags                         = local.tags
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "The application reaches the database."
  vpc_id      = aws_vpc.this.id
  tags        = merge(local.tags, { Name = "${var.name}-database" })
}

resource "aws_vpc_security_group_ingress_rule" "database" {
  security_group_id            = aws_security_group.database.id
  description                  = "From the application"
  referenced_security_group_id = aws_security_group.application.id
  ip_protocol                  = "tcp"
  from_port                    = var.database_port
  to_port                      = var.database_port
  tags                         = local.tags
}

# Nothing in, nothing out. An old primary that returns gets this group, and only this one, until the failback.
resource "aws_security_group" "quarantine" {
  name        = "${var.name}-quarantine"
  description = "No rules: cuts off the database it is given to."
  vpc_id      = aws_vpc.this.id
  ingress     = []
  egress      = []
  tags        = merge(local.tags, { Name = "${var.name}-quarantine" })
}

resource "aws_security_group" "endpoints" {
  name        = "${var.name}-endpoints"
  description = "The VPC reaches AWS through interface endpoints."
  vpc_id      = aws_vpc.this.id
  tags        = merge(local.tags, { Name = "${var.name}-endpoints" })
}

resource "aws_vpc_security_group_ingress_rule" "endpoints" {
  security_group_id = aws_security_group.endpoints.id
  description       = "HTTPS from the VPC"
  cidr_ipv4         = var.cidr_block
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}
