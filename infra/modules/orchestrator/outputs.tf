# What the rest of a stack, and the people who run it, need to know.

output "function_names" {
  description = "Names of the functions, by role in the plan: alarm-handler, promote-replica, scale-asg, shift-traffic."
  value       = { for f, l in aws_lambda_function.this : f => l.function_name }
}

output "function_arns" {
  description = "ARNs of the functions."
  value       = { for f, l in aws_lambda_function.this : f => l.arn }
}

output "role_arns" {
  description = "ARNs of the functions' roles, for resource policies and audits."
  value       = { for f, r in aws_iam_role.this : f => r.arn }
}

output "signals_topic_arns" {
  description = "Topics for the alarm_actions (and ok_actions) of the plan's alarms: primary and recovery. An alarm uses the one of its own region."
  value       = { primary = aws_sns_topic.signals_primary.arn, recovery = aws_sns_topic.signals_recovery.arn }
}

output "commands_topic_arn" {
  description = "Topic for step commands. Only the functions may publish to it."
  value       = aws_sns_topic.commands.arn
}

output "notices_topic_arns" {
  description = "Topics for people: recovery (everything about runs) and primary (undelivered signals). Subscribe a pager to both."
  value       = { primary = aws_sns_topic.notices_primary.arn, recovery = aws_sns_topic.notices_recovery.arn }
}

output "journal_table" {
  description = "Name of the journal's table in the recovery region."
  value       = aws_dynamodb_table.journal.name
}

output "journal_table_arn" {
  description = "ARN of the journal's table."
  value       = aws_dynamodb_table.journal.arn
}

output "plan_parameter_names" {
  description = "Parameters of the recovery region that hold the plan, in order. Their values joined are the document."
  value       = aws_ssm_parameter.plan[*].name
}

output "release_parameter_name" {
  description = "Parameter of the recovery region that names the code released together. A delivery without Terraform writes it last."
  value       = aws_ssm_parameter.release.name
}

output "plan_json" {
  description = "The plan document as the functions read it."
  value       = local.plan_json
}

output "dead_letter_queue_urls" {
  description = "Queues of messages that could not be delivered or handled, by function; signals_primary is in the primary region."
  value       = merge({ for f, q in aws_sqs_queue.dead_letters : f => q.url }, { signals_primary = aws_sqs_queue.signals_primary.url })
}

output "alarm_arns" {
  description = "Alarms about the orchestrator itself."
  value = concat(
    [aws_cloudwatch_metric_alarm.detector_silent.arn, aws_cloudwatch_metric_alarm.unready.arn, aws_cloudwatch_metric_alarm.attention.arn, aws_cloudwatch_metric_alarm.signals_dead_letters.arn],
    [for a in aws_cloudwatch_metric_alarm.dead_letters : a.arn],
    [for a in aws_cloudwatch_metric_alarm.errors : a.arn],
  )
}

output "primary_account" {
  description = "What modules/primary-account must build in the other account; null if there is nothing to build: with one account, or without parameters."
  value = !local.reaches_over ? null : {
    name              = var.name
    account           = local.accounts.primary
    regions           = local.regions
    role_name         = local.primary_role_name
    external_id       = var.sides.primary.external_id
    trusted_role_arns = [local.role_arns["ssm-replicator"]]
    parameter_heads   = local.parameter_heads
    key_arns          = [for arn in local.all_parameter_key_arns : arn if try(split(":", arn)[3], "") == local.regions.primary]
    sender_role_name  = local.sender_role_name
    event_pattern     = jsonencode(local.parameter_changes)
    event_bus_arn     = local.primary_bus_arn
    notices_topic_arn = local.topic_arns.notices_primary
  }
  # The role there names the function's role, which IAM looks for.
  depends_on = [aws_iam_role.this, aws_cloudwatch_event_bus_policy.primary_account, aws_sns_topic_policy.notices_primary]
}

output "status_command" {
  description = "The command by which an operator asks for the plan's status."
  value       = "echo '{\"command\":\"status\"}' | aws lambda invoke --region ${local.regions.recovery} --function-name ${aws_lambda_function.this["alarm-handler"].function_name} --payload fileb:///dev/stdin /dev/stdout | cat"
}
