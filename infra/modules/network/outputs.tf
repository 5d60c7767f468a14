# What the rest of a region builds on.

output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "zones" {
  description = "The availability zones, in the order of the subnets."
  value       = local.zones
}

output "public_subnet_ids" {
  description = "Subnets of load balancers and NAT gateways."
  value       = aws_subnet.public[*].id
}

output "private_subnet_ids" {
  description = "Subnets of fleets and clusters; known once their routes to the internet exist."
  value       = aws_subnet.private[*].id
  depends_on  = [aws_route.nat, aws_route_table_association.private, aws_vpc_endpoint.gateway, aws_vpc_endpoint.interface]
}

output "database_subnet_ids" {
  description = "Subnets of databases, without a route to the internet."
  value       = aws_subnet.database[*].id
}

output "security_group_ids" {
  description = "Security groups: balancer, application, database, endpoints, and quarantine, which has no rules."
  value = {
    balancer    = aws_security_group.balancer.id
    application = aws_security_group.application.id
    database    = aws_security_group.database.id
    endpoints   = aws_security_group.endpoints.id
    quarantine  = aws_security_group.quarantine.id
  }
}

output "nat_public_ips" {
  description = "The public addresses of traffic from private subnets, for the allow lists of others. Those lists need the addresses of both regions before a failover."
  value       = aws_eip.nat[*].public_ip
}
