# What the orchestrator, the databases' owner and their security groups need to know.

output "function_arn" {
  description = "ARN of the function, for the orchestrator's variable `witness`. Composed from names: the orchestrator's policies show it before the function exists."
  value       = local.function_arn
}

output "connections" {
  description = "Where the function logs in to each database, in the format of `connection` in the orchestrator's variable `databases`."
  value       = { for name, d in var.databases : name => { host = d.host, port = d.port, database = d.database } }
}

output "security_group_id" {
  description = "Security group of the function. The databases' groups must admit it; with `admit` the module lets them."
  value       = aws_security_group.this.id
}

output "grants" {
  description = "SQL that prepares a database for the witness: the role, its schema and its rights. Run it once in each database where it serves; replicas receive it."
  value       = templatefile("${path.module}/grants.sql.tftpl", { user = var.user })
}
