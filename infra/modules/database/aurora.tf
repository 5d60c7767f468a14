# kind = aurora_global: one global database, a cluster in each region. A failover makes the other cluster the writer;
# nothing is destroyed and nothing is created.

locals {
  clusters      = local.aurora ? 1 : 0
  aurora_engine = var.engine == "postgres" ? "aurora-postgresql" : "aurora-mysql"
}

resource "aws_rds_global_cluster" "this" {
  count    = local.clusters
  provider = aws.recovery # its API must answer when the primary region doesn't

  global_cluster_identifier = local.identifier
  engine                    = local.aurora_engine
  engine_version            = var.engine_version
  database_name             = replace(var.database, "-", "_")
  storage_encrypted         = true
  deletion_protection       = var.deletion_protection

  lifecycle {
    # Minor versions rise by themselves.
    ignore_changes = [engine_version]
  }
}

resource "aws_rds_cluster_parameter_group" "primary" {
  count    = local.clusters
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

resource "aws_rds_cluster_parameter_group" "recovery" {
  count    = local.clusters
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

resource "aws_rds_cluster" "primary" {
  count    = local.clusters
  provider = aws.primary

  cluster_identifier        = local.identifier
  global_cluster_identifier = aws_rds_global_cluster.this[0].id
  engine                    = aws_rds_global_cluster.this[0].engine
  engine_version            = var.engine_version

  database_name              = replace(var.database, "-", "_")
  master_username            = var.username
  master_password_wo         = var.password
  master_password_wo_version = var.password_version

  storage_encrypted                   = true
  kms_key_id                          = local.kms_key_arns.primary
  db_subnet_group_name                = aws_db_subnet_group.primary.name
  vpc_security_group_ids              = var.security_group_ids.primary
  db_cluster_parameter_group_name     = aws_rds_cluster_parameter_group.primary[0].name
  iam_database_authentication_enabled = true

  backup_retention_period         = var.backup_days
  preferred_backup_window         = var.windows.backup
  preferred_maintenance_window    = var.windows.maintenance_primary
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = !var.deletion_protection
  final_snapshot_identifier       = var.deletion_protection ? "${local.identifier}-final" : null
  enabled_cloudwatch_logs_exports = local.log_exports

  tags = local.tags

  lifecycle {
    # A failover swaps the roles of the two clusters, and the quarantine its security groups; detaching a cluster clears
    # its global cluster. Terraform must not put any of that back.
    ignore_changes = [vpc_security_group_ids, global_cluster_identifier, replication_source_identifier, engine_version]
  }
}

resource "aws_rds_cluster" "recovery" {
  count    = local.clusters
  provider = aws.recovery

  cluster_identifier        = "${local.identifier}-replica"
  global_cluster_identifier = aws_rds_global_cluster.this[0].id
  engine                    = aws_rds_global_cluster.this[0].engine
  engine_version            = var.engine_version
  source_region             = var.regions.primary

  storage_encrypted                   = true
  kms_key_id                          = local.kms_key_arns.recovery
  db_subnet_group_name                = aws_db_subnet_group.recovery.name
  vpc_security_group_ids              = var.security_group_ids.recovery
  db_cluster_parameter_group_name     = aws_rds_cluster_parameter_group.recovery[0].name
  iam_database_authentication_enabled = true

  backup_retention_period         = var.backup_days
  preferred_backup_window         = var.windows.backup
  preferred_maintenance_window    = var.windows.maintenance_recovery
  copy_tags_to_snapshot           = true
  deletion_protection             = var.deletion_protection
  skip_final_snapshot             = !var.deletion_protection
  final_snapshot_identifier       = var.deletion_protection ? "${local.identifier}-replica-final" : null
  enabled_cloudwatch_logs_exports = local.log_exports

  tags = local.tags

  # A global database takes its second cluster once the first has an instance.
  depends_on = [aws_rds_cluster_instance.primary]

  lifecycle {
    ignore_changes = [vpc_security_group_ids, global_cluster_identifier, replication_source_identifier, engine_version]
  }
}

resource "aws_rds_cluster_instance" "primary" {
  count    = local.aurora ? (var.multi_az.primary ? 2 : 1) : 0
  provider = aws.primary

  identifier                      = "${local.identifier}-${count.index}"
  cluster_identifier              = aws_rds_cluster.primary[0].id
  engine                          = aws_rds_cluster.primary[0].engine
  instance_class                  = var.instance_class
  publicly_accessible             = false
  auto_minor_version_upgrade      = true
  copy_tags_to_snapshot           = true
  monitoring_interval             = var.monitoring_seconds
  monitoring_role_arn             = var.monitoring_seconds > 0 ? aws_iam_role.monitoring[0].arn : null
  performance_insights_enabled    = var.performance_insights
  performance_insights_kms_key_id = var.performance_insights ? local.kms_key_arns.primary : null
  tags                            = local.tags

  depends_on = [aws_iam_role_policy.monitoring]
}

resource "aws_rds_cluster_instance" "recovery" {
  count    = local.aurora ? (var.multi_az.recovery ? 2 : 1) : 0
  provider = aws.recovery

  identifier                      = "${local.identifier}-replica-${count.index}"
  cluster_identifier              = aws_rds_cluster.recovery[0].id
  engine                          = aws_rds_cluster.recovery[0].engine
  instance_class                  = var.instance_class
  publicly_accessible             = false
  auto_minor_version_upgrade      = true
  copy_tags_to_snapshot           = true
  monitoring_interval             = var.monitoring_seconds
  monitoring_role_arn             = var.monitoring_seconds > 0 ? aws_iam_role.monitoring[0].arn : null
  performance_insights_enabled    = var.performance_insights
  performance_insights_kms_key_id = var.performance_insights ? local.kms_key_arns.recovery : null
  tags                            = local.tags

  depends_on = [aws_iam_role_policy.monitoring]
}
