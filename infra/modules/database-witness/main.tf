# The witness of one side: a function in the VPC that asks the side's databases themselves, in SQL.

data "aws_caller_identity" "here" {}
data "aws_region" "here" {}
data "aws_partition" "here" {}

locals {
  account   = data.aws_caller_identity.here.account_id
  partition = data.aws_partition.here.partition
  region    = data.aws_region.here.id
  tags      = merge({ "pilotlight:plan" = var.name }, var.tags)

  # ARNs of what this module makes are composed from names, so that `terraform plan` shows every policy in full before anything exists.
  function_name   = "${var.name}-database-witness"
  function_arn    = "arn:${local.partition}:lambda:${local.region}:${local.account}:function:${local.function_name}"
  log_group_name  = "/aws/lambda/${local.function_name}"
  log_group_arn   = "arn:${local.partition}:logs:${local.region}:${local.account}:log-group:${local.log_group_name}"
  dead_letter_arn = "arn:${local.partition}:sqs:${local.region}:${local.account}:${local.function_name}-dead-letters"
  rule_arn        = "arn:${local.partition}:events:${local.region}:${local.account}:rule/${local.function_name}"

  package = "${var.package_dir}/database-witness.zip"
}

resource "aws_cloudwatch_log_group" "this" {
  name              = local.log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
  tags              = local.tags
}

# Apart from the code, so that new authorities need no new release of it. Lambda unpacks a layer into /opt.
resource "aws_lambda_layer_version" "authorities" {
  layer_name          = "${var.name}-rds-authorities"
  description         = "The certificate authorities of RDS in ${local.region}, by which ${local.function_name} knows its databases."
  filename            = var.authorities
  source_code_hash    = filebase64sha256(var.authorities)
  compatible_runtimes = ["provided.al2023"]
}

resource "aws_lambda_function" "this" {
  function_name    = local.function_name
  description      = "Asks the databases of this side in SQL, and writes heartbeats into them. Plan ${var.name}."
  filename         = local.package
  source_code_hash = filebase64sha256(local.package)
  runtime          = "provided.al2023"
  handler          = "bootstrap"
  architectures    = [var.architecture]
  memory_size      = 128
  timeout          = 70 # an invocation of the schedule beats for a minute
  role             = aws_iam_role.this.arn
  layers           = [aws_lambda_layer_version.authorities.arn]

  reserved_concurrent_executions = var.reserved_concurrency

  vpc_config {
    subnet_ids         = var.subnet_ids
    security_group_ids = [aws_security_group.this.id]
  }

  environment {
    variables = { PILOTLIGHT_DATABASE_AUTHORITIES = "/opt/rds-authorities.pem" }
  }

  logging_config {
    log_format            = "JSON"
    log_group             = aws_cloudwatch_log_group.this.name
    application_log_level = var.log_level
    system_log_level      = "INFO"
  }

  tags = local.tags

  # Lambda makes the network interfaces with this role, and the first invocation must reach the databases.
  depends_on = [aws_iam_role_policy.this, aws_vpc_security_group_egress_rule.databases, aws_vpc_security_group_ingress_rule.databases]
}

resource "aws_lambda_function_event_invoke_config" "this" {
  function_name                = aws_lambda_function.this.function_name
  maximum_event_age_in_seconds = 60 # the shortest there is
  maximum_retry_attempts       = 0  # the next minute beats again

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters.arn
    }
  }
}
