# kind = rds_replica: the instance, and its read replica in the recovery region, which a failover promotes.

locals {
  instances = local.aurora ? 0 : 1
}

resource "aws_db_parameter_group" "primary" {
  count    = local.instances
  provider = aws.primary

  name   = "${local.identifier}-${replace(local.family, ".", "-")}"
  family = local.family
  dynamic "parameter" {
    for_each = local.settings
    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = "pending-reboot"
    }
  }
  tags = local.tags
}

# A promotion keeps the replica's parameter group, so it must say the same as the primary's.
resource "aws_db_parameter_group" "recovery" {
  count    = local.instances
  provider = aws.recovery

  name   = "${local.identifier}-${replace(local.family, ".", "-")}"
  family = local.family
  dynamic "parameter" {
    for_each = local.settings
    content {
      name         = parameter.key
      value        = parameter.value
      apply_method = "pending-reboot"
    }
  }
  tags = local.tags
}

resource "aws_db_instance" "primary" {
  count    = local.instances
  provider = aws.primary

  identifier     = local.identifier
  engine         = var.engine
  engine_version = var.engine_version
  instance_class = var.instance_class
  multi_az       = var.multi_az.primary

  allocated_storage     = var.allocated_storage_gb
  max_allocated_storage = var.allocated_storage_gb * 5
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = local.kms_key_arns.primary

  db_name             = replace(var.database, "-", "_")
  username            = var.username
  password_wo         = var.password
  password_wo_version = var.password_version

  db_subnet_group_name                = aws_db_subnet_group.primary.name
  vpc_security_group_ids              = var.security_group_ids.primary
  parameter_group_name                = aws_db_parameter_group.primary[0].name
  publicly_accessible                 = false
  iam_database_authentication_enabled = true
  ca_cert_identifier                  = "rds-ca-rsa2048-g1"

  backup_retention_period         = var.backup_days
  backup_window                   = var.windows.backup
  maintenance_window              = var.windows.maintenance_primary
  auto_minor_version_upgrade      = true
  copy_tags_to_snapshot           = true
  delete_automated_backups        = false
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = !var.deletion_protection
  final_snapshot_identifier       = var.deletion_protection ? "${local.identifier}-final" : null
  enabled_cloudwatch_logs_exports = local.log_exports
  monitoring_interval             = var.monitoring_seconds
  monitoring_role_arn             = var.monitoring_seconds > 0 ? aws_iam_role.monitoring[0].arn : null
  performance_insights_enabled    = var.performance_insights
  performance_insights_kms_key_id = var.performance_insights ? local.kms_key_arns.primary : null

  tags = local.tags

  depends_on = [aws_iam_role_policy.monitoring]

  lifecycle {
    # Quarantine replaces its security groups. Terraform must not let the old primary back in. Storage grows by itself.
    ignore_changes = [vpc_security_group_ids, allocated_storage]
  }
}

resource "aws_db_instance" "replica" {
  count    = local.instances
  provider = aws.recovery

  identifier          = "${local.identifier}-replica"
  replicate_source_db = aws_db_instance.primary[0].arn
  instance_class      = var.instance_class
  multi_az            = var.multi_az.recovery

  max_allocated_storage = var.allocated_storage_gb * 5
  storage_type          = "gp3"
  storage_encrypted     = true
  kms_key_id            = local.kms_key_arns.recovery

  db_subnet_group_name                = aws_db_subnet_group.recovery.name
  vpc_security_group_ids              = var.security_group_ids.recovery
  parameter_group_name                = aws_db_parameter_group.recovery[0].name
  publicly_accessible                 = false
  iam_database_authentication_enabled = true
  ca_cert_identifier                  = "rds-ca-rsa2048-g1"

  # No backup_retention_period: the promotion gives it one, and Terraform would take it away again.
  maintenance_window              = var.windows.maintenance_recovery
  auto_minor_version_upgrade      = true
  copy_tags_to_snapshot           = true
  delete_automated_backups        = false
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = !var.deletion_protection
  final_snapshot_identifier       = var.deletion_protection ? "${local.identifier}-replica-final" : null
  enabled_cloudwatch_logs_exports = local.log_exports
  monitoring_interval             = var.monitoring_seconds
  monitoring_role_arn             = var.monitoring_seconds > 0 ? aws_iam_role.monitoring[0].arn : null
  performance_insights_enabled    = var.performance_insights
  performance_insights_kms_key_id = var.performance_insights ? local.kms_key_arns.recovery : null

  tags = local.tags

  depends_on = [aws_iam_role_policy.monitoring]

  lifecycle {
    # Once promoted it has no source any more. Terraform must not make a replica of it again, which would destroy it.
    # A failback may quarantine it; the promotion sets its backups.
    ignore_changes = [replicate_source_db, vpc_security_group_ids, backup_retention_period, allocated_storage]
  }
}
