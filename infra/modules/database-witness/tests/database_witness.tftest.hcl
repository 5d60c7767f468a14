# What the module builds, read off plans with a mocked provider; and every variable's rule, broken.

mock_provider "aws" {
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "us-west-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_security_group" {
    defaults = { id = "sg-0123456789abcdef0" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/shop-database-witness-us-west-1" }
  }
  mock_resource "aws_sqs_queue" {
    defaults = { arn = "arn:aws:sqs:us-west-1:123456789012:shop-database-witness-dead-letters", url = "https://sqs.us-west-1.amazonaws.com/123456789012/shop-database-witness-dead-letters" }
  }
  mock_resource "aws_lambda_layer_version" {
    defaults = { arn = "arn:aws:lambda:us-west-1:123456789012:layer:shop-rds-authorities:1" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" }
  }
}

variables {
  name       = "shop"
  vpc_id     = "vpc-0123456789abcdef0"
  subnet_ids = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]
  databases = {
    orders = { host = "shop-orders-replica.abc123.us-west-1.rds.amazonaws.com", database = "shop", resource_id = "db-ORDERS0123456789ABCDEFGHIJ" }
    stock  = { host = "shop-stock-replica.abc123.us-west-1.rds.amazonaws.com", port = 5433, database = "stock", resource_id = "db-STOCK0123456789ABCDEFGHIJK" }
  }
  security_groups = { databases = { id = "sg-0fedcba9876543210", ports = [5432, 5433] } }
  authorities     = "./tests/authorities.zip"
  package_dir     = "./tests/packages"
  alarm_topic_arn = "arn:aws:sns:us-west-1:123456789012:shop-notices"
}

# --- What is built --------------------------------------------------------------------------------------------

run "the_function_runs_in_the_vpc_with_the_authorities_beside_it" {
  command = plan

  assert {
    condition     = [aws_lambda_function.this.function_name, aws_lambda_function.this.runtime, aws_lambda_function.this.handler, aws_lambda_function.this.architectures, aws_lambda_function.this.memory_size, aws_lambda_function.this.timeout, aws_lambda_function.this.reserved_concurrent_executions] == ["shop-database-witness", "provided.al2023", "bootstrap", tolist(["x86_64"]), 128, 70, 4]
    error_message = "The function isn't what the package needs, or ends before a minute of beats does."
  }
  assert {
    condition     = aws_lambda_function.this.filename == "./tests/packages/database-witness.zip" && aws_lambda_function.this.source_code_hash == filebase64sha256("./tests/packages/database-witness.zip")
    error_message = "The function isn't made of its package, or a new one isn't noticed."
  }
  assert {
    condition     = aws_lambda_function.this.vpc_config[0].subnet_ids == toset(["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]) && aws_lambda_function.this.vpc_config[0].security_group_ids == toset(["sg-0123456789abcdef0"])
    error_message = "The function doesn't run in the given subnets with its own group."
  }
  assert {
    condition     = aws_lambda_function.this.environment[0].variables == tomap({ PILOTLIGHT_DATABASE_AUTHORITIES = "/opt/rds-authorities.pem" }) && aws_lambda_function.this.layers == tolist(["arn:aws:lambda:us-west-1:123456789012:layer:shop-rds-authorities:1"])
    error_message = "The function doesn't find the authorities where the layer puts them, or its environment holds something else."
  }
  assert {
    condition     = aws_lambda_layer_version.authorities.filename == "./tests/authorities.zip" && aws_lambda_layer_version.authorities.source_code_hash == filebase64sha256("./tests/authorities.zip")
    error_message = "The layer isn't made of the given authorities, or new ones aren't noticed."
  }
  assert {
    condition     = aws_lambda_function.this.logging_config[0].log_format == "JSON" && aws_lambda_function.this.logging_config[0].log_group == "/aws/lambda/shop-database-witness" && aws_cloudwatch_log_group.this.retention_in_days == 90
    error_message = "The function doesn't log as the others do."
  }
  assert {
    condition     = output.function_arn == "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" && output.security_group_id == "sg-0123456789abcdef0"
    error_message = "The outputs aren't the function's."
  }
}

run "it_reaches_the_databases_ports_and_nothing_else" {
  command = plan

  assert {
    condition     = { for name, r in aws_vpc_security_group_egress_rule.databases : name => [r.security_group_id, r.referenced_security_group_id, r.ip_protocol, r.from_port, r.to_port] } == { "databases-5432" = ["sg-0123456789abcdef0", "sg-0fedcba9876543210", "tcp", 5432, 5432], "databases-5433" = ["sg-0123456789abcdef0", "sg-0fedcba9876543210", "tcp", 5433, 5433] }
    error_message = "The function reaches something else, or not every database."
  }
  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.databases) == 0
    error_message = "The databases' groups are changed although nobody asked for it."
  }
}

run "if_asked_the_databases_groups_admit_it" {
  command = plan
  variables {
    admit = true
  }
  assert {
    condition     = { for name, r in aws_vpc_security_group_ingress_rule.databases : name => [r.security_group_id, r.referenced_security_group_id, r.ip_protocol, r.from_port, r.to_port] } == { "databases-5432" = ["sg-0fedcba9876543210", "sg-0123456789abcdef0", "tcp", 5432, 5432], "databases-5433" = ["sg-0fedcba9876543210", "sg-0123456789abcdef0", "tcp", 5433, 5433] }
    error_message = "The databases don't admit the function, or more than it."
  }
}

run "the_role_logs_in_to_these_databases_as_one_user_and_does_nothing_else" {
  command = plan

  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid] == ["WriteLogs", "DeadLetters", "LogIn", "LookAtInterfaces", "MakeInterfaces", "KeepInterfaces", "NotFromTheFunction"]
    error_message = "The role may do more, or less."
  }
  assert {
    condition     = { for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Sid => [s.Action, s.Resource] if contains(["WriteLogs", "DeadLetters", "LogIn"], s.Sid) } == { WriteLogs = [["logs:CreateLogStream", "logs:PutLogEvents"], ["arn:aws:logs:us-west-1:123456789012:log-group:/aws/lambda/shop-database-witness:*"]], DeadLetters = [["sqs:SendMessage"], ["arn:aws:sqs:us-west-1:123456789012:shop-database-witness-dead-letters"]], LogIn = [["rds-db:connect"], ["arn:aws:rds-db:us-west-1:123456789012:dbuser:db-ORDERS0123456789ABCDEFGHIJ/pilotlight_witness", "arn:aws:rds-db:us-west-1:123456789012:dbuser:db-STOCK0123456789ABCDEFGHIJK/pilotlight_witness"]] }
    error_message = "The role logs in elsewhere or as somebody else, or writes elsewhere."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Resource if s.Sid == "MakeInterfaces"] == [["arn:aws:ec2:us-west-1:123456789012:network-interface/*", "arn:aws:ec2:us-west-1:123456789012:subnet/subnet-0aaaaaaaaaaaaaaaa", "arn:aws:ec2:us-west-1:123456789012:subnet/subnet-0bbbbbbbbbbbbbbbb", "arn:aws:ec2:us-west-1:123456789012:security-group/sg-0123456789abcdef0"]]
    error_message = "Interfaces may be made in other subnets, or with other groups."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : [s.Condition, s.Resource, length(s.Action)] if s.Effect == "Deny"] == [[{ ArnEquals = { "lambda:SourceFunctionArn" = "arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness" } }, "*", 7]]
    error_message = "The function's own code may use what only Lambda needs."
  }
  assert {
    condition     = length(setsubtract(flatten([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Action if s.Effect == "Allow" && strcontains(s.Sid, "Interfaces")]), flatten([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Action if s.Effect == "Deny"]))) == 0
    error_message = "The function's own code may do something to network interfaces."
  }
  assert {
    condition     = aws_iam_role.this.name == "shop-database-witness-us-west-1" && jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Principal.Service == "lambda.amazonaws.com"
    error_message = "The role is not the function's, or has the name that the other side's has."
  }
}

run "every_minute_it_beats_with_the_whole_request" {
  command = plan

  assert {
    condition = jsondecode(aws_cloudwatch_event_target.beat[0].input) == {
      command           = "beat"
      user              = "pilotlight_witness"
      heartbeat_seconds = 5
      databases = [
        { name = "orders", host = "shop-orders-replica.abc123.us-west-1.rds.amazonaws.com", port = 5432, database = "shop" },
        { name = "stock", host = "shop-stock-replica.abc123.us-west-1.rds.amazonaws.com", port = 5433, database = "stock" },
      ]
    }
    error_message = "The request isn't one that the function reads: ${aws_cloudwatch_event_target.beat[0].input}"
  }
  assert {
    condition     = aws_cloudwatch_event_rule.beat[0].schedule_expression == "rate(1 minute)" && aws_lambda_permission.beat[0].source_arn == "arn:aws:events:us-west-1:123456789012:rule/shop-database-witness" && aws_cloudwatch_event_rule.beat[0].name == "shop-database-witness"
    error_message = "The rule doesn't come every minute, or another may invoke the function."
  }
  assert {
    condition     = [aws_cloudwatch_event_target.beat[0].retry_policy[0].maximum_event_age_in_seconds, aws_cloudwatch_event_target.beat[0].retry_policy[0].maximum_retry_attempts] == [60, 0] && [aws_lambda_function_event_invoke_config.this.maximum_event_age_in_seconds, aws_lambda_function_event_invoke_config.this.maximum_retry_attempts] == [60, 0]
    error_message = "A missed beat is tried again."
  }
  assert {
    condition     = aws_cloudwatch_event_target.beat[0].dead_letter_config[0].arn == "arn:aws:sqs:us-west-1:123456789012:shop-database-witness-dead-letters" && aws_lambda_function_event_invoke_config.this.destination_config[0].on_failure[0].destination == "arn:aws:sqs:us-west-1:123456789012:shop-database-witness-dead-letters" && jsondecode(aws_sqs_queue_policy.dead_letters.policy).Statement[1].Condition.ArnEquals["aws:SourceArn"] == "arn:aws:events:us-west-1:123456789012:rule/shop-database-witness"
    error_message = "A beat that fails is lost unseen, or somebody else fills the queue."
  }
}

run "without_heartbeats_there_is_no_schedule_and_silence_is_no_alarm" {
  command = plan
  variables {
    heartbeat_seconds = 0
  }
  assert {
    condition     = length(aws_cloudwatch_event_rule.beat) + length(aws_cloudwatch_event_target.beat) + length(aws_lambda_permission.beat) + length(aws_cloudwatch_metric_alarm.silent) == 0
    error_message = "The function is invoked every minute, or must be, although it has nothing to write."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.errors.alarm_name == "shop-database-witness-errors"
    error_message = "Nobody notices that looks fail."
  }
}

run "errors_silence_and_dead_letters_notify_people" {
  command = plan

  assert {
    condition     = alltrue([for a in [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.silent[0], aws_cloudwatch_metric_alarm.dead_letters] : a.alarm_actions == toset(["arn:aws:sns:us-west-1:123456789012:shop-notices"]) && a.ok_actions == a.alarm_actions && startswith(a.alarm_name, "shop-database-witness-")])
    error_message = "An alarm doesn't notify the topic, or has a name that the topic doesn't admit."
  }
  assert {
    condition     = [aws_cloudwatch_metric_alarm.silent[0].metric_name, aws_cloudwatch_metric_alarm.silent[0].evaluation_periods * aws_cloudwatch_metric_alarm.silent[0].period, aws_cloudwatch_metric_alarm.silent[0].treat_missing_data] == ["Invocations", 300, "breaching"]
    error_message = "Five minutes of silence go unnoticed."
  }
}

run "without_a_topic_the_alarms_are_there_and_notify_nobody" {
  command = plan
  variables {
    alarm_topic_arn = null
  }
  assert {
    condition     = alltrue([for a in [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.silent[0], aws_cloudwatch_metric_alarm.dead_letters] : length(a.alarm_actions) == 0])
    error_message = "An alarm notifies a topic that nobody gave."
  }
}

run "the_grants_are_for_the_given_user_and_hold_no_password" {
  command = plan
  variables {
    user = "witness_of_shop"
  }
  assert {
    condition     = strcontains(output.grants, "witness_of_shop") && strcontains(output.grants, "rds_iam") && !can(regex("(?i)password\\s+'", output.grants)) && !strcontains(output.grants, "pilotlight_witness")
    error_message = "The grants are for another user, or with a password."
  }
  assert {
    condition     = strcontains(aws_iam_role_policy.this.policy, "dbuser:db-ORDERS0123456789ABCDEFGHIJ/witness_of_shop") && jsondecode(aws_cloudwatch_event_target.beat[0].input).user == "witness_of_shop"
    error_message = "The function logs in as another than the given user."
  }
}

run "a_customer_key_encrypts_queue_and_logs" {
  command = plan
  variables {
    kms_key_arn              = "arn:aws:kms:us-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
  }
  assert {
    condition     = aws_sqs_queue.dead_letters.kms_master_key_id == var.kms_key_arn && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn && [for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Resource if s.Sid == "Keys"] == [[var.kms_key_arn]]
    error_message = "Something isn't encrypted with the given key, or the role can't use it."
  }
  assert {
    condition     = aws_iam_role.this.permissions_boundary == "arn:aws:iam::123456789012:policy/boundary"
    error_message = "The role isn't bounded."
  }
}

run "an_account_without_room_reserves_nothing" {
  command = plan
  variables {
    reserved_concurrency = -1
    architecture         = "arm64"
    log_level            = "WARN"
    log_retention_days   = 30
  }
  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == -1 && aws_lambda_function.this.architectures == tolist(["arm64"]) && aws_lambda_function.this.logging_config[0].application_log_level == "WARN" && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "What the user chose is not what is built."
  }
}

run "as_many_databases_as_a_rule_holds_are_taken" {
  command = plan
  variables {
    databases = { for i in range(71) : format("database-%02d", i) => { host = format("shop-database-%02d.abc123.us-west-1.rds.amazonaws.com", i), database = "shop", resource_id = format("db-DATABASE%02d", i) } }
  }
  assert {
    condition     = length(aws_cloudwatch_event_target.beat[0].input) > 8192 - 114 && length(aws_cloudwatch_event_target.beat[0].input) <= 8192
    error_message = "One more would fit, so that this shows no limit: ${length(aws_cloudwatch_event_target.beat[0].input)}."
  }
}

run "more_databases_than_a_rule_holds_are_refused" {
  command = plan
  variables {
    databases = { for i in range(72) : format("database-%02d", i) => { host = format("shop-database-%02d.abc123.us-west-1.rds.amazonaws.com", i), database = "shop", resource_id = format("db-DATABASE%02d", i) } }
  }
  expect_failures = [aws_cloudwatch_event_target.beat]
}

run "without_a_schedule_there_is_no_such_limit" {
  command = plan
  variables {
    heartbeat_seconds = 0
    databases         = { for i in range(90) : format("database-%02d", i) => { host = format("shop-database-%02d.abc123.us-west-1.rds.amazonaws.com", i), database = "shop", resource_id = format("db-DATABASE%02d", i) } }
  }
  assert {
    condition     = length(jsondecode(aws_iam_role_policy.this.policy).Statement[2].Resource) == 90
    error_message = "The role can't log in to each database."
  }
}

run "more_databases_than_a_roles_policy_holds_are_refused" {
  command = plan
  variables {
    heartbeat_seconds = 0
    databases         = { for i in range(150) : format("database-%03d", i) => { host = format("shop-database-%03d.abc123.us-west-1.rds.amazonaws.com", i), database = "shop", resource_id = format("db-DATABASE%03d", i) } }
  }
  expect_failures = [aws_iam_role_policy.this]
}

# --- Every rule, broken ---------------------------------------------------------------------------------------

run "a_name_in_capitals_is_refused" {
  command = plan
  variables {
    name = "Shop"
  }
  expect_failures = [var.name]
}

run "no_database_is_refused" {
  command = plan
  variables {
    databases = {}
  }
  expect_failures = [var.databases]
}

run "a_name_that_no_plan_has_is_refused" {
  command = plan
  variables {
    databases = { Orders = { host = "orders.example.com", database = "shop", resource_id = "db-A" } }
  }
  expect_failures = [var.databases]
}

run "a_host_with_its_port_is_refused" {
  command = plan
  variables {
    databases = { orders = { host = "orders.example.com:5432", database = "shop", resource_id = "db-A" } }
  }
  expect_failures = [var.databases]
}

run "a_port_beyond_the_last_is_refused" {
  command = plan
  variables {
    databases = { orders = { host = "orders.example.com", port = 65536, database = "shop", resource_id = "db-A" } }
  }
  expect_failures = [var.databases]
}

run "a_database_of_other_letters_is_refused" {
  command = plan
  variables {
    databases = { orders = { host = "orders.example.com", database = "shop;drop", resource_id = "db-A" } }
  }
  expect_failures = [var.databases]
}

run "an_identifier_instead_of_the_resource_id_is_refused" {
  command = plan
  variables {
    databases = { orders = { host = "orders.example.com", database = "shop", resource_id = "shop-orders" } }
  }
  expect_failures = [var.databases]
}

run "one_instance_for_two_databases_is_refused" {
  command = plan
  variables {
    databases = {
      orders = { host = "orders.example.com", database = "shop", resource_id = "db-A" }
      stock  = { host = "stock.example.com", database = "shop", resource_id = "db-A" }
    }
  }
  expect_failures = [var.databases]
}

run "what_is_no_group_is_refused" {
  command = plan
  variables {
    security_groups = { databases = { id = "databases", ports = [5432, 5433] } }
  }
  expect_failures = [var.security_groups]
}

run "a_group_that_stands_twice_is_refused" {
  command = plan
  variables {
    security_groups = { orders = { id = "sg-0fedcba9876543210" }, stock = { id = "sg-0fedcba9876543210", ports = [5433] } }
  }
  expect_failures = [var.security_groups]
}

run "port_0_of_a_group_is_refused" {
  command = plan
  variables {
    security_groups = { databases = { id = "sg-0fedcba9876543210", ports = [0, 5432, 5433] } }
  }
  expect_failures = [var.security_groups]
}

run "a_database_behind_a_port_that_no_group_has_is_refused" {
  command = plan
  variables {
    security_groups = { databases = { id = "sg-0fedcba9876543210" } }
  }
  expect_failures = [var.security_groups]
}

run "a_user_of_other_letters_is_refused" {
  command = plan
  variables {
    user = "pilotlight-witness"
  }
  expect_failures = [var.user]
}

run "a_heartbeat_slower_than_a_minute_is_refused" {
  command = plan
  variables {
    heartbeat_seconds = 61
  }
  expect_failures = [var.heartbeat_seconds]
}

run "what_is_no_vpc_is_refused" {
  command = plan
  variables {
    vpc_id = "shop"
  }
  expect_failures = [var.vpc_id]
}

run "one_subnet_is_refused" {
  command = plan
  variables {
    subnet_ids = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0aaaaaaaaaaaaaaaa"]
  }
  expect_failures = [var.subnet_ids]
}

run "authorities_that_are_not_there_are_refused" {
  command = plan
  variables {
    authorities = "./tests/no-such.zip"
  }
  expect_failures = [var.authorities]
}

run "a_file_without_certificates_is_refused" {
  command = plan
  variables {
    authorities = "./tests/packages/database-witness.zip"
  }
  expect_failures = [var.authorities]
}

run "a_folder_without_the_package_is_refused" {
  command = plan
  variables {
    package_dir = "./tests"
  }
  expect_failures = [var.package_dir]
}

run "an_unknown_architecture_is_refused" {
  command = plan
  variables {
    architecture = "riscv64"
  }
  expect_failures = [var.architecture]
}

run "a_reservation_that_beats_alone_would_take_is_refused" {
  command = plan
  variables {
    reserved_concurrency = 2
  }
  expect_failures = [var.reserved_concurrency]
}

run "an_unknown_log_level_is_refused" {
  command = plan
  variables {
    log_level = "DEBUG"
  }
  expect_failures = [var.log_level]
}

run "a_retention_that_does_not_exist_is_refused" {
  command = plan
  variables {
    log_retention_days = 42
  }
  expect_failures = [var.log_retention_days]
}

run "a_topic_by_its_name_is_refused" {
  command = plan
  variables {
    alarm_topic_arn = "shop-notices"
  }
  expect_failures = [var.alarm_topic_arn]
}

run "a_boundary_by_its_name_is_refused" {
  command = plan
  variables {
    permissions_boundary_arn = "boundary"
  }
  expect_failures = [var.permissions_boundary_arn]
}

run "an_alias_for_the_key_is_refused" {
  command = plan
  variables {
    kms_key_arn = "arn:aws:kms:us-west-1:123456789012:alias/shop"
  }
  expect_failures = [var.kms_key_arn]
}
