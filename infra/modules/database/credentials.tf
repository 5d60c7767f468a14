# What an application needs to connect, under the same names in both regions. Each region's host is its own, so nothing
# has to be rewritten by a failover, when Parameter Store is one more thing that could be slow.

locals {
  prefix = var.parameter_prefix != null ? var.parameter_prefix : "/${var.name}/database/${var.database}"

  common = {
    port = tostring(local.port)
    name = replace(var.database, "-", "_")
    user = var.username
  }
  hosts = {
    primary  = local.aurora ? one(aws_rds_cluster.primary[*].endpoint) : one(aws_db_instance.primary[*].address)
    recovery = local.aurora ? one(aws_rds_cluster.recovery[*].endpoint) : one(aws_db_instance.replica[*].address)
  }
}

resource "aws_ssm_parameter" "primary" {
  for_each = toset(["host", "port", "name", "user"])
  provider = aws.primary

  name           = "${local.prefix}/${each.key}"
  description    = "How to reach the database ${local.identifier}: ${each.key}."
  type           = "String"
  insecure_value = each.key == "host" ? local.hosts.primary : local.common[each.key]
  tags           = local.tags
}

resource "aws_ssm_parameter" "recovery" {
  for_each = toset(["host", "port", "name", "user"])
  provider = aws.recovery

  name           = "${local.prefix}/${each.key}"
  description    = "How to reach the database ${local.identifier}: ${each.key}."
  type           = "String"
  insecure_value = each.key == "host" ? local.hosts.recovery : local.common[each.key]
  tags           = local.tags
}

resource "aws_ssm_parameter" "password_primary" {
  provider = aws.primary

  name             = "${local.prefix}/password"
  description      = "Password of ${var.username} in the database ${local.identifier}."
  type             = "SecureString"
  key_id           = local.kms_key_arns.primary
  value_wo         = var.password
  value_wo_version = var.password_version
  tags             = local.tags
}

resource "aws_ssm_parameter" "password_recovery" {
  provider = aws.recovery

  name             = "${local.prefix}/password"
  description      = "Password of ${var.username} in the database ${local.identifier}."
  type             = "SecureString"
  key_id           = local.kms_key_arns.recovery
  value_wo         = var.password
  value_wo_version = var.password_version
  tags             = local.tags
}
