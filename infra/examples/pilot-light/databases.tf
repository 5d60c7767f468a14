# The database, its replica in the recovery region, and the security group that cuts the old primary off.

# A key never leaves its region, so the replica is encrypted with one of its own region. The source takes the key aws/rds.
resource "aws_kms_key" "replica" {
  provider                = aws.recovery
  description             = "Encrypts the database replica of ${var.name}."
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

# After a failover snapshots are taken in the recovery region and copied to the primary one: under a key from there.
resource "aws_kms_key" "snapshots" {
  count                   = var.snapshot_schedule == null ? 0 : 1
  provider                = aws.primary
  description             = "Encrypts the snapshots of ${var.name} that are copied back after a failover."
  enable_key_rotation     = true
  deletion_window_in_days = 30
}

resource "aws_db_subnet_group" "primary" {
  provider   = aws.primary
  name       = "${var.name}-orders"
  subnet_ids = module.primary.database_subnet_ids
}

resource "aws_db_subnet_group" "recovery" {
  provider   = aws.recovery
  name       = "${var.name}-orders"
  subnet_ids = module.recovery.database_subnet_ids
}

resource "aws_security_group" "database_primary" {
  provider    = aws.primary
  name        = "${var.name}-database"
  description = "The web servers reach the database."
  vpc_id      = module.primary.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database_primary" {
  provider                     = aws.primary
  security_group_id            = aws_security_group.database_primary.id
  description                  = "PostgreSQL from the web servers"
  referenced_security_group_id = module.primary.web_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_security_group" "database_recovery" {
  provider    = aws.recovery
  name        = "${var.name}-database"
  description = "The web servers reach the database."
  vpc_id      = module.recovery.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "database_recovery" {
  provider                     = aws.recovery
  security_group_id            = aws_security_group.database_recovery.id
  description                  = "PostgreSQL from the web servers"
  referenced_security_group_id = module.recovery.web_security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

# Nothing in, nothing out. An old primary that returns gets this group, and only this one, until the failback.
resource "aws_security_group" "quarantine" {
  provider    = aws.primary
  name        = "${var.name}-quarantine"
  description = "No rules: cuts off the database it is given to."
  vpc_id      = module.primary.vpc_id
  ingress     = []
  egress      = []
}

resource "aws_db_instance" "orders" {
  provider = aws.primary

  identifier     = "${var.name}-orders"
  engine         = "postgres"
  engine_version = var.postgres_version
  instance_class = var.database_class

  allocated_storage = 20
  storage_type      = "gp3"
  storage_encrypted = true

  db_name  = "orders"
  username = "orders"
  password = var.database_password

  db_subnet_group_name   = aws_db_subnet_group.primary.name
  vpc_security_group_ids = [aws_security_group.database_primary.id]

  backup_retention_period    = 7 # above 0, or it can't have a replica
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  deletion_protection        = var.deletion_protection
  skip_final_snapshot        = !var.deletion_protection
  final_snapshot_identifier  = var.deletion_protection ? "${var.name}-orders-final" : null
  apply_immediately          = true

  lifecycle {
    # Quarantine replaces its security groups. Terraform must not let the old primary back in.
    ignore_changes = [vpc_security_group_ids]
  }
}

resource "aws_db_instance" "orders_replica" {
  provider = aws.recovery

  identifier          = "${var.name}-orders-replica"
  replicate_source_db = aws_db_instance.orders.arn
  instance_class      = var.database_class
  storage_type        = "gp3"
  storage_encrypted   = true
  kms_key_id          = aws_kms_key.replica.arn

  db_subnet_group_name   = aws_db_subnet_group.recovery.name
  vpc_security_group_ids = [aws_security_group.database_recovery.id]

  # No backup_retention_period: the promotion gives it one, and Terraform would take it away again.
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  deletion_protection        = var.deletion_protection
  skip_final_snapshot        = !var.deletion_protection
  final_snapshot_identifier  = var.deletion_protection ? "${var.name}-orders-replica-final" : null
  apply_immediately          = true

  lifecycle {
    # Once promoted it has no source any more. Terraform must not make a replica of it again, which would destroy it.
    ignore_changes = [replicate_source_db]
  }
}
