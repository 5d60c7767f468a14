# What the rest of the stack builds on.

output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Subnets of the load balancer and the web servers."
  value       = aws_subnet.public[*].id
}

output "database_subnet_ids" {
  description = "Subnets of the database."
  value       = aws_subnet.database[*].id
}

output "web_security_group_id" {
  description = "Security group of the web servers."
  value       = aws_security_group.web.id
}

output "launch_template_id" {
  description = "How a web server is made."
  value       = aws_launch_template.web.id
}

output "load_balancer_arn" {
  description = "The load balancer."
  value       = aws_lb.this.arn
}

output "load_balancer_arn_suffix" {
  description = "The load balancer, as its metrics name it."
  value       = aws_lb.this.arn_suffix
}

output "load_balancer_dns_name" {
  description = "The load balancer's name."
  value       = aws_lb.this.dns_name
}

output "target_group_arn" {
  description = "The target group; known only once its listener is there, because targets without one are never healthy."
  value       = aws_lb_target_group.web.arn
  depends_on  = [aws_lb_listener.http]
}

output "target_group_arn_suffix" {
  description = "The target group, as its metrics name it."
  value       = aws_lb_target_group.web.arn_suffix
}
