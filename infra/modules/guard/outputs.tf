# What the orchestrator, and the people who run the guard, need to know.

output "function_names" {
  description = "Names of the functions, without the plan's: alarm-handler, promote-replica, readiness-checker, scale-asg, shift-traffic; snapshot-scheduler, ssm-replicator if the plan has them."
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

output "planned_role_arns" {
  description = "The same, composed from names: a policy shows them before the roles exist."
  value       = local.role_arns
}

output "commands_topic_arn" {
  description = "Topic for step commands. Only the functions may publish to it."
  value       = aws_sns_topic.commands.arn
}

output "journal_table" {
  description = "Name of the journal's table in the own region."
  value       = aws_dynamodb_table.journal.name
}

output "journal_table_arn" {
  description = "ARN of the journal's table."
  value       = aws_dynamodb_table.journal.arn
}

output "plan_parameter_names" {
  description = "Parameters of the own region that hold the plan, in order. Their values joined are the document."
  value       = aws_ssm_parameter.plan[*].name
}

output "release_parameter_name" {
  description = "Parameter of the own region that names the code released together. A delivery without Terraform writes it last."
  value       = aws_ssm_parameter.release.name
}

output "dead_letter_queue_urls" {
  description = "Queues of messages that could not be delivered or handled: by function, and those of signals in the other region."
  value       = { functions = { for f, q in aws_sqs_queue.dead_letters : f => q.url }, signals = aws_sqs_queue.signals_other.url }
}

output "dead_letter_arns" {
  description = "The queue of each side that also takes what a notices topic there can't deliver."
  value       = { (var.seat) = aws_sqs_queue.dead_letters["alarm-handler"].arn, (local.other) = aws_sqs_queue.signals_other.arn }
  # SNS asks whether it may write to the queue.
  depends_on = [aws_sqs_queue_policy.dead_letters, aws_sqs_queue_policy.signals_other]
}

output "alarm_arns" {
  description = "Alarms about the guard itself."
  value = concat(
    [aws_cloudwatch_metric_alarm.detector_silent.arn, aws_cloudwatch_metric_alarm.unready.arn, aws_cloudwatch_metric_alarm.attention.arn, aws_cloudwatch_metric_alarm.signals_dead_letters.arn],
    [for a in aws_cloudwatch_metric_alarm.dead_letters : a.arn],
    [for a in aws_cloudwatch_metric_alarm.errors : a.arn],
  )
}

output "other_account" {
  description = "What modules/primary-account must build in the other account; null if there is nothing to build: with one account, or without parameters."
  value = !local.reaches_over ? null : {
    name              = var.name
    account           = local.accounts[local.other]
    regions           = local.regions
    role_name         = local.other_role_name
    external_id       = var.sides[local.other].external_id
    trusted_role_arns = [local.role_arns["ssm-replicator"]]
    parameter_heads   = local.parameter_heads
    key_arns          = [for arn in local.all_parameter_key_arns : arn if try(split(":", arn)[3], "") == local.other_region]
    sender_role_name  = local.sender_role_name
    event_pattern     = jsonencode(local.parameter_changes)
    event_bus_arn     = local.other_bus_arn
    notices_topic_arn = local.topic_arns[local.other].notices
  }
  # The role there names the function's role, which IAM looks for.
  depends_on = [aws_iam_role.this, aws_cloudwatch_event_bus_policy.other_account]
}
