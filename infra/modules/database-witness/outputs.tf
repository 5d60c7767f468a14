# What the orchestrator, the databases' owner and their security groups need to know.

output "function_arn" {
  description = "ARN of the function. Its name goes into the orchestrator's variable `witness`."
  value       = aws_lambda_function.this.arn
}

output "security_group_id" {
  description = "Security group of the function. The databases' groups must admit it; with `admit` the module lets them."
  value       = aws_security_group.this.id
}

output "grants" {
  description = "SQL that prepares a database for the witness: the role, its schema and its rights. Run it once in each database where it serves; replicas receive it."
  value       = templatefile("${path.module}/grants.sql.tftpl", { user = var.user })
}
