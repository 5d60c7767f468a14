# What the rest of a stack, and the people who run it, need to know.

output "function_names" {
  description = "Names of the functions, without the plan's: alarm-handler, promote-replica, readiness-checker, scale-asg, shift-traffic; snapshot-scheduler, ssm-replicator if the plan has them."
  value       = module.guard_recovery.function_names
}

output "function_arns" {
  description = "ARNs of the functions."
  value       = module.guard_recovery.function_arns
}

output "role_arns" {
  description = "ARNs of the functions' roles, for resource policies and audits."
  value       = module.guard_recovery.role_arns
}

output "signals_topic_arns" {
  description = "Topics for the alarm_actions (and ok_actions) of the plan's alarms: primary and recovery. An alarm uses the one of its own region."
  value       = { for side, arns in local.topics : side => arns.signals }
}

output "commands_topic_arn" {
  description = "Topic for step commands. Only the functions may publish to it."
  value       = module.guard_recovery.commands_topic_arn
}

output "notices_topic_arns" {
  description = "Topics for people: recovery (everything about runs) and primary (undelivered signals). Subscribe a pager to both."
  value       = { for side, arns in local.topics : side => arns.notices }
}

output "journal_table" {
  description = "Name of the journal's table in the recovery region."
  value       = module.guard_recovery.journal_table
}

output "journal_table_arn" {
  description = "ARN of the journal's table."
  value       = module.guard_recovery.journal_table_arn
}

output "plan_parameter_names" {
  description = "Parameters of the recovery region that hold the plan, in order. Their values joined are the document."
  value       = module.guard_recovery.plan_parameter_names
}

output "release_parameter_name" {
  description = "Parameter of the recovery region that names the code released together. A delivery without Terraform writes it last."
  value       = module.guard_recovery.release_parameter_name
}

output "plan_json" {
  description = "The plan document as the functions read it."
  value       = local.plan_json
}

output "dead_letter_queue_urls" {
  description = "Queues of messages that could not be delivered or handled, by function; signals_primary is in the primary region."
  value       = merge(module.guard_recovery.dead_letter_queue_urls.functions, { signals_primary = module.guard_recovery.dead_letter_queue_urls.signals })
}

output "alarm_arns" {
  description = "Alarms about the orchestrator itself."
  value       = module.guard_recovery.alarm_arns
}

output "primary_guard" {
  description = "The guard of the primary region: function_names, function_arns, role_arns, commands_topic_arn, journal_table, journal_table_arn, plan_parameter_names, release_parameter_name, dead_letter_queue_urls, alarm_arns and status_command. null with guards = standby."
  value = one([for guard in module.guard_primary : {
    function_names         = guard.function_names
    function_arns          = guard.function_arns
    role_arns              = guard.role_arns
    commands_topic_arn     = guard.commands_topic_arn
    journal_table          = guard.journal_table
    journal_table_arn      = guard.journal_table_arn
    plan_parameter_names   = guard.plan_parameter_names
    release_parameter_name = guard.release_parameter_name
    dead_letter_queue_urls = merge(guard.dead_letter_queue_urls.functions, { signals_recovery = guard.dead_letter_queue_urls.signals })
    alarm_arns             = guard.alarm_arns
    status_command         = "echo '{\"command\":\"status\"}' | aws lambda invoke --region ${local.regions.primary} --function-name ${guard.function_names["alarm-handler"]} --payload fileb:///dev/stdin /dev/stdout | cat"
  }])
}

output "primary_account" {
  description = "What modules/primary-account must build in the other account; null if there is nothing to build: with one account, or without parameters."
  value       = module.guard_recovery.other_account
  # What is built there tells people by the topic of that region.
  depends_on = [module.topics_primary]
}

output "status_command" {
  description = "The command by which an operator asks for the plan's status."
  value       = "echo '{\"command\":\"status\"}' | aws lambda invoke --region ${local.regions.recovery} --function-name ${module.guard_recovery.function_names["alarm-handler"]} --payload fileb:///dev/stdin /dev/stdout | cat"
}
