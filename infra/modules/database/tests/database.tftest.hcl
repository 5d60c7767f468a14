# What the module builds for each kind, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  alias           = "primary"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-south-1" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-south-1:123456789012:key/11111111-1111-1111-1111-111111111111" }
  }
  mock_resource "aws_db_instance" {
    defaults = { arn = "arn:aws:rds:eu-south-1:123456789012:db:shop-orders", address = "shop-orders.abc.eu-south-1.rds.amazonaws.com" }
  }
  mock_resource "aws_rds_cluster" {
    defaults = { arn = "arn:aws:rds:eu-south-1:123456789012:cluster:shop-orders", endpoint = "shop-orders.cluster-abc.eu-south-1.rds.amazonaws.com" }
  }
}

mock_provider "aws" {
  alias           = "recovery"
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/22222222-2222-2222-2222-222222222222" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/shop-orders-monitoring" }
  }
  mock_resource "aws_db_instance" {
    defaults = { arn = "arn:aws:rds:eu-central-1:123456789012:db:shop-orders-replica", address = "shop-orders-replica.abc.eu-central-1.rds.amazonaws.com" }
  }
  mock_resource "aws_rds_cluster" {
    defaults = { arn = "arn:aws:rds:eu-central-1:123456789012:cluster:shop-orders-replica", endpoint = "shop-orders-replica.cluster-abc.eu-central-1.rds.amazonaws.com" }
  }
}

variables {
  name                         = "shop"
  database                     = "orders"
  regions                      = { primary = "eu-south-1", recovery = "eu-central-1" }
  subnet_ids                   = { primary = ["subnet-1", "subnet-2"], recovery = ["subnet-3", "subnet-4"] }
  security_group_ids           = { primary = ["sg-1"], recovery = ["sg-2"] }
  quarantine_security_group_id = "sg-0abc"
  password                     = "correct-horse-battery"
  alarm_topic_arns             = { primary = ["arn:aws:sns:eu-south-1:123456789012:shop-signals"], recovery = ["arn:aws:sns:eu-central-1:123456789012:shop-signals"] }
}

run "an_instance_and_its_replica_in_the_other_region" {
  command = plan

  assert {
    condition     = aws_db_instance.replica[0].replicate_source_db == "arn:aws:rds:eu-south-1:123456789012:db:shop-orders" && aws_db_instance.primary[0].backup_retention_period == 7
    error_message = "The replica has no source, or a source without backups, which can have no replica."
  }
  assert {
    condition     = aws_db_instance.primary[0].multi_az && !aws_db_instance.replica[0].multi_az
    error_message = "By default the primary is protected against the loss of a zone, and the replica is one node."
  }
  assert {
    condition     = alltrue([for i in [aws_db_instance.primary[0], aws_db_instance.replica[0]] : i.storage_encrypted && !i.publicly_accessible && i.deletion_protection && !i.skip_final_snapshot])
    error_message = "An instance is public, unencrypted, or can be lost by a mistake."
  }
  assert {
    condition     = strcontains(aws_db_instance.primary[0].kms_key_id, ":eu-south-1:") && strcontains(aws_db_instance.replica[0].kms_key_id, ":eu-central-1:")
    error_message = "A side isn't encrypted with a key of its own region."
  }
  assert {
    condition     = alltrue([for g in [aws_db_parameter_group.primary[0], aws_db_parameter_group.recovery[0]] : contains([for p in g.parameter : "${p.name}=${p.value}"], "rds.force_ssl=1") && g.family == "postgres16"])
    error_message = "A side takes connections without TLS."
  }
  assert {
    condition = output.plan_item == { name = "orders", kind = "rds_replica", global_cluster = null, sides = {
      primary  = { arn = "arn:aws:rds:eu-south-1:123456789012:db:shop-orders", backup_retention_days = 7, quarantine_security_group = "sg-0abc" }
      recovery = { arn = "arn:aws:rds:eu-central-1:123456789012:db:shop-orders-replica", backup_retention_days = 7 }
    } }
    error_message = "The orchestrator is told something else than what is built."
  }
  assert {
    condition     = length(aws_rds_cluster.primary) + length(aws_rds_global_cluster.this) == 0
    error_message = "Aurora though an instance is asked for."
  }
}

run "a_witness_is_told_where_to_log_in_on_its_side" {
  command = plan
  variables {
    witness = { recovery = true }
  }

  assert {
    condition     = output.plan_item.sides.recovery.connection.port == 5432 && output.plan_item.sides.recovery.connection.database == "orders" && !can(output.plan_item.sides.primary.connection)
    error_message = "The plan's connection is not the recovery side's: ${jsonencode(output.plan_item)}"
  }
  assert {
    condition     = output.witnessed.recovery.orders.host == output.hosts.recovery && can(output.witnessed.recovery.orders.resource_id) && output.witnessed.primary == {}
    error_message = "The witness is told something else: ${jsonencode(output.witnessed)}"
  }
}

run "a_witness_of_mysql_or_aurora_is_refused" {
  command = plan
  variables {
    engine               = "mysql"
    engine_version       = "8.0"
    performance_insights = false
    witness              = { primary = true, recovery = true }
  }
  expect_failures = [var.witness]
}

run "each_region_finds_its_own_database_under_the_same_names" {
  command = plan

  assert {
    condition     = aws_ssm_parameter.primary["host"].name == "/shop/database/orders/host" && { for k, p in aws_ssm_parameter.primary : k => p.name } == { for k, p in aws_ssm_parameter.recovery : k => p.name }
    error_message = "The parameters are called otherwise in the recovery region."
  }
  assert {
    condition     = strcontains(aws_ssm_parameter.primary["host"].insecure_value, "eu-south-1") && strcontains(aws_ssm_parameter.recovery["host"].insecure_value, "eu-central-1")
    error_message = "A region is sent to the other's database."
  }
  assert {
    condition     = alltrue([for p in [aws_ssm_parameter.password_primary, aws_ssm_parameter.password_recovery] : p.type == "SecureString" && p.name == "/shop/database/orders/password"]) && strcontains(aws_ssm_parameter.password_recovery.key_id, ":eu-central-1:")
    error_message = "The password isn't secure, or is encrypted with the other region's key."
  }
}

run "alarms_speak_to_their_own_region_and_take_silence_for_trouble" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.lag[0].alarm_actions == toset(["arn:aws:sns:eu-central-1:123456789012:shop-signals"]) && aws_cloudwatch_metric_alarm.connections[0].alarm_actions == toset(["arn:aws:sns:eu-south-1:123456789012:shop-signals"])
    error_message = "An alarm names a topic of another region, which CloudWatch doesn't reach."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.lag[0].treat_missing_data == "breaching" && aws_cloudwatch_metric_alarm.lag[0].threshold == 60
    error_message = "An unknown lag counts as small."
  }
  assert {
    condition     = length(output.alarm_arns) == 2
    error_message = "Not both alarms count as signals."
  }
}

run "the_monitoring_role_is_for_these_instances" {
  command = plan

  assert {
    condition = jsondecode(aws_iam_role.monitoring[0].assume_role_policy).Statement[0].Condition.ArnLike["aws:SourceArn"] == [
      "arn:aws:rds:eu-south-1:123456789012:db:shop-orders*", "arn:aws:rds:eu-central-1:123456789012:db:shop-orders*",
    ]
    error_message = "Other instances could use the role."
  }
  assert {
    condition     = alltrue([for a in jsondecode(aws_iam_role_policy.monitoring[0].policy).Statement[0].Resource : strcontains(a, "log-group:RDSOSMetrics")])
    error_message = "The role writes to other logs."
  }
}

run "aurora_is_one_global_database_with_a_cluster_on_each_side" {
  command = plan
  variables {
    kind           = "aurora_global"
    engine         = "mysql"
    engine_version = "8.0.mysql_aurora.3.08.0"
    instance_class = "db.r6g.large"
    multi_az       = { primary = true, recovery = false }
  }

  assert {
    condition     = aws_rds_global_cluster.this[0].engine == "aurora-mysql" && aws_rds_global_cluster.this[0].storage_encrypted && aws_rds_global_cluster.this[0].deletion_protection
    error_message = "The global database is of another engine, unencrypted or unprotected."
  }
  assert {
    condition     = length(aws_rds_cluster_instance.primary) == 2 && length(aws_rds_cluster_instance.recovery) == 1 && length(aws_db_instance.primary) == 0
    error_message = "Not two instances that serve and one that waits."
  }
  assert {
    condition     = aws_rds_cluster.recovery[0].source_region == "eu-south-1" && strcontains(aws_rds_cluster.recovery[0].kms_key_id, ":eu-central-1:")
    error_message = "The second cluster isn't one that is filled from the first."
  }
  assert {
    condition     = aws_rds_cluster_parameter_group.primary[0].family == "aurora-mysql8.0" && contains([for p in aws_rds_cluster_parameter_group.recovery[0].parameter : "${p.name}=${p.value}"], "require_secure_transport=ON")
    error_message = "A wrong parameter family, or connections without TLS."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.lag[0].metric_name == "AuroraGlobalDBReplicationLag" && aws_cloudwatch_metric_alarm.lag[0].threshold == 60000
    error_message = "Aurora's lag is counted in milliseconds."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.lag[0].dimensions == tomap({ DBClusterIdentifier = "shop-orders-replica", SourceRegion = "eu-south-1" })
    error_message = "The lag is looked for where Aurora does not put it."
  }
  assert {
    condition     = [output.plan_item.kind, output.plan_item.global_cluster, output.plan_item.sides.primary.arn, output.plan_item.sides.recovery.arn] == ["aurora_global", "shop-orders", aws_rds_cluster.primary[0].arn, aws_rds_cluster.recovery[0].arn] && output.plan_item.sides.recovery.backup_retention_days == null
    error_message = "The orchestrator is told of something else than the global database and its two clusters."
  }
}

run "own_keys_and_no_figures_create_neither_key_nor_role" {
  command = plan
  variables {
    kms_key_arns       = { primary = "arn:aws:kms:eu-south-1:123456789012:key/a", recovery = "arn:aws:kms:eu-central-1:123456789012:key/b" }
    monitoring_seconds = 0
    watch              = false
  }
  assert {
    condition     = length(aws_kms_key.primary) + length(aws_kms_key.recovery) + length(aws_iam_role.monitoring) + length(output.alarm_arns) == 0
    error_message = "Something is created that nobody asked for."
  }
  assert {
    condition     = aws_db_instance.replica[0].kms_key_id == "arn:aws:kms:eu-central-1:123456789012:key/b"
    error_message = "The replica isn't encrypted with the key that was given."
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name                         = "shop--"
    database                     = "Orders"
    kind                         = "rds"
    engine                       = "oracle"
    allocated_storage_gb         = 5
    subnet_ids                   = { primary = ["subnet-1"], recovery = ["subnet-3", "subnet-4"] }
    security_group_ids           = { primary = [], recovery = ["sg-2"] }
    quarantine_security_group_id = "quarantine"
    username                     = "admin"
    password                     = "short"
    password_version             = 0
    parameter_prefix             = "shop/"
    settings                     = { "rds.force_ssl" = "0" }
    backup_days                  = 0
    windows                      = { backup = "at night" }
    monitoring_seconds           = 7
    kms_key_arns                 = { primary = "arn:aws:kms:eu-central-1:123456789012:key/b", recovery = "arn:aws:kms:eu-central-1:123456789012:key/b" }
    lag_seconds_max              = 0
    permissions_boundary_arn     = "Boundary"
  }
  expect_failures = [
    var.name, var.database, var.kind, var.engine, var.allocated_storage_gb, var.subnet_ids,
    var.security_group_ids, var.quarantine_security_group_id, var.username, var.password, var.password_version, var.parameter_prefix,
    var.settings, var.backup_days, var.windows, var.monitoring_seconds, var.kms_key_arns, var.lag_seconds_max, var.permissions_boundary_arn,
  ]
}

run "one_region_and_one_window_for_both_sides_are_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "eu-south-1" }
    windows = { maintenance_primary = "sun:03:00-sun:04:00", maintenance_recovery = "sun:03:00-sun:04:00" }
  }
  expect_failures = [var.regions, var.windows]
}

run "providers_of_other_regions_are_refused" {
  command = plan
  variables {
    regions = { primary = "eu-south-1", recovery = "eu-west-1" }
  }
  expect_failures = [aws_db_subnet_group.primary]
}

run "a_class_and_a_version_that_are_none_are_refused" {
  command = plan
  variables {
    engine_version = "latest"
    instance_class = "t4g.micro"
  }
  expect_failures = [var.engine_version, var.instance_class]
}

run "what_aurora_does_not_take_is_refused" {
  command = plan
  variables {
    kind           = "aurora_global"
    engine_version = "16"
    instance_class = "db.t4g.micro"
  }
  expect_failures = [var.engine_version, var.instance_class]
}

run "insights_that_rds_refuses_are_refused" {
  command = plan
  variables {
    engine         = "mysql"
    engine_version = "8.4"
    instance_class = "db.t4g.small"
  }
  expect_failures = [var.performance_insights]
}

run "mysql_on_a_small_class_goes_without_insights" {
  command = plan
  variables {
    engine               = "mysql"
    engine_version       = "8.4"
    instance_class       = "db.t3.micro"
    performance_insights = false
  }
  assert {
    condition     = !aws_db_instance.primary[0].performance_insights_enabled && !aws_db_instance.replica[0].performance_insights_enabled
    error_message = "RDS would refuse the instance."
  }
}
