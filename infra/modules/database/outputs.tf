# What the orchestrator, applications and dashboards need to know.

output "plan_item" {
  description = "This database in the format of the orchestrator's variable `databases`."
  value = {
    name           = var.database
    kind           = var.kind
    global_cluster = one(aws_rds_global_cluster.this[*].global_cluster_identifier)
    # An Aurora cluster keeps its own backup setting.
    sides = {
      primary = merge({
        arn                       = local.arns.primary
        backup_retention_days     = local.aurora ? null : var.backup_days
        quarantine_security_group = var.quarantine_security_group_id
      }, { for has_witness in [var.witness.primary] : "connection" => local.connections.primary if has_witness })
      recovery = merge({
        arn                   = local.arns.recovery
        backup_retention_days = local.aurora ? null : var.backup_days
      }, { for has_witness in [var.witness.recovery] : "connection" => local.connections.recovery if has_witness })
    }
  }
}

output "witnessed" {
  description = "This database on each side, in the format of the variable `databases` of modules/database-witness; empty on a side that has no witness."
  value = { for side, has_witness in var.witness : side => {
    for name in [var.database] : name => merge(local.connections[side], { resource_id = local.resource_ids[side] }) if has_witness
  } }
}

locals {
  connections  = { for side, host in local.hosts : side => { host = host, port = local.port, database = local.common.name } }
  resource_ids = { primary = one(aws_db_instance.primary[*].resource_id), recovery = one(aws_db_instance.replica[*].resource_id) }
}

output "arns" {
  description = "ARNs of the instances (or Aurora clusters): primary and recovery."
  value       = local.arns
}

locals {
  arns = {
    primary  = local.aurora ? one(aws_rds_cluster.primary[*].arn) : one(aws_db_instance.primary[*].arn)
    recovery = local.aurora ? one(aws_rds_cluster.recovery[*].arn) : one(aws_db_instance.replica[*].arn)
  }
}

output "identifiers" {
  description = "Identifiers of the instances (or Aurora clusters), as their metrics name them: primary and recovery."
  value       = { primary = local.identifier, recovery = "${local.identifier}-replica" }
}

output "global_cluster_identifier" {
  description = "The Aurora global database; null with rds_replica."
  value       = one(aws_rds_global_cluster.this[*].id)
}

output "hosts" {
  description = "The host name of each region's database."
  value       = local.hosts
}

output "port" {
  description = "The port of the database."
  value       = local.port
}

output "parameter_prefix" {
  description = "Path of the parameters host, port, name, user and password, in both regions."
  value       = local.prefix
}

output "kms_key_arns" {
  description = "The keys in use. To read the password, an application's role needs kms:Decrypt on the key of its region."
  value       = local.kms_key_arns
}

output "alarm_arns" {
  description = "The alarms that count as signals."
  value       = concat(aws_cloudwatch_metric_alarm.connections[*].arn, aws_cloudwatch_metric_alarm.lag[*].arn)
}
