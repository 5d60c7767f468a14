# Where the resources stood before the guard and the topics became modules of their own: an upgrade moves them in the state, and touches
# none of them.

moved {
  from = aws_cloudwatch_event_bus.primary_account
  to   = module.guard_recovery.aws_cloudwatch_event_bus.other_account
}

moved {
  from = aws_cloudwatch_event_bus_policy.primary_account
  to   = module.guard_recovery.aws_cloudwatch_event_bus_policy.other_account
}

moved {
  from = aws_cloudwatch_event_rule.alarms
  to   = module.guard_recovery.aws_cloudwatch_event_rule.alarms
}

moved {
  from = aws_cloudwatch_event_rule.alarms_primary
  to   = module.guard_recovery.aws_cloudwatch_event_rule.alarms_other
}

moved {
  from = aws_cloudwatch_event_rule.parameters
  to   = module.guard_recovery.aws_cloudwatch_event_rule.parameters
}

moved {
  from = aws_cloudwatch_event_rule.parameters_primary
  to   = module.guard_recovery.aws_cloudwatch_event_rule.parameters_other
}

moved {
  from = aws_cloudwatch_event_rule.primary_account
  to   = module.guard_recovery.aws_cloudwatch_event_rule.other_account
}

moved {
  from = aws_cloudwatch_event_rule.tick
  to   = module.guard_recovery.aws_cloudwatch_event_rule.tick
}

moved {
  from = aws_cloudwatch_event_rule.wakeup
  to   = module.guard_recovery.aws_cloudwatch_event_rule.wakeup
}

moved {
  from = aws_cloudwatch_event_rule.zone_failovers
  to   = module.guard_recovery.aws_cloudwatch_event_rule.zone_failovers_other
}

moved {
  from = aws_cloudwatch_event_rule.zone_failovers_recovery
  to   = module.guard_recovery.aws_cloudwatch_event_rule.zone_failovers
}

moved {
  from = aws_cloudwatch_event_target.alarms
  to   = module.guard_recovery.aws_cloudwatch_event_target.alarms
}

moved {
  from = aws_cloudwatch_event_target.alarms_primary
  to   = module.guard_recovery.aws_cloudwatch_event_target.alarms_other
}

moved {
  from = aws_cloudwatch_event_target.parameters
  to   = module.guard_recovery.aws_cloudwatch_event_target.parameters
}

moved {
  from = aws_cloudwatch_event_target.parameters_primary
  to   = module.guard_recovery.aws_cloudwatch_event_target.parameters_other
}

moved {
  from = aws_cloudwatch_event_target.primary_account
  to   = module.guard_recovery.aws_cloudwatch_event_target.other_account
}

moved {
  from = aws_cloudwatch_event_target.tick
  to   = module.guard_recovery.aws_cloudwatch_event_target.tick
}

moved {
  from = aws_cloudwatch_event_target.wakeup
  to   = module.guard_recovery.aws_cloudwatch_event_target.wakeup
}

moved {
  from = aws_cloudwatch_event_target.zone_failovers
  to   = module.guard_recovery.aws_cloudwatch_event_target.zone_failovers_other
}

moved {
  from = aws_cloudwatch_event_target.zone_failovers_recovery
  to   = module.guard_recovery.aws_cloudwatch_event_target.zone_failovers
}

moved {
  from = aws_cloudwatch_log_group.this
  to   = module.guard_recovery.aws_cloudwatch_log_group.this
}

moved {
  from = aws_cloudwatch_metric_alarm.attention
  to   = module.guard_recovery.aws_cloudwatch_metric_alarm.attention
}

moved {
  from = aws_cloudwatch_metric_alarm.dead_letters
  to   = module.guard_recovery.aws_cloudwatch_metric_alarm.dead_letters
}

moved {
  from = aws_cloudwatch_metric_alarm.detector_silent
  to   = module.guard_recovery.aws_cloudwatch_metric_alarm.detector_silent
}

moved {
  from = aws_cloudwatch_metric_alarm.errors
  to   = module.guard_recovery.aws_cloudwatch_metric_alarm.errors
}

moved {
  from = aws_cloudwatch_metric_alarm.parameters_silent
  to   = module.guard_recovery.aws_cloudwatch_metric_alarm.parameters_silent
}

moved {
  from = aws_cloudwatch_metric_alarm.signals_dead_letters
  to   = module.guard_recovery.aws_cloudwatch_metric_alarm.signals_dead_letters
}

moved {
  from = aws_cloudwatch_metric_alarm.snapshot_age
  to   = module.guard_recovery.aws_cloudwatch_metric_alarm.snapshot_age
}

moved {
  from = aws_cloudwatch_metric_alarm.unready
  to   = module.guard_recovery.aws_cloudwatch_metric_alarm.unready
}

moved {
  from = aws_dynamodb_table.journal
  to   = module.guard_recovery.aws_dynamodb_table.journal
}

moved {
  from = aws_iam_role.parameter_events
  to   = module.guard_recovery.aws_iam_role.parameter_events
}

moved {
  from = aws_iam_role.scheduler
  to   = module.guard_recovery.aws_iam_role.scheduler
}

moved {
  from = aws_iam_role.signal_events
  to   = module.guard_recovery.aws_iam_role.signal_events
}

moved {
  from = aws_iam_role.this
  to   = module.guard_recovery.aws_iam_role.this
}

moved {
  from = aws_iam_role_policy.common
  to   = module.guard_recovery.aws_iam_role_policy.common
}

moved {
  from = aws_iam_role_policy.parameter_events
  to   = module.guard_recovery.aws_iam_role_policy.parameter_events
}

moved {
  from = aws_iam_role_policy.scheduler
  to   = module.guard_recovery.aws_iam_role_policy.scheduler
}

moved {
  from = aws_iam_role_policy.signal_events
  to   = module.guard_recovery.aws_iam_role_policy.signal_events
}

moved {
  from = aws_iam_role_policy.steps
  to   = module.guard_recovery.aws_iam_role_policy.steps
}

moved {
  from = aws_lambda_function.this
  to   = module.guard_recovery.aws_lambda_function.this
}

moved {
  from = aws_lambda_function_event_invoke_config.this
  to   = module.guard_recovery.aws_lambda_function_event_invoke_config.this
}

moved {
  from = aws_lambda_permission.alarms
  to   = module.guard_recovery.aws_lambda_permission.alarms
}

moved {
  from = aws_lambda_permission.commands
  to   = module.guard_recovery.aws_lambda_permission.commands
}

moved {
  from = aws_lambda_permission.direct_alarm
  to   = module.guard_recovery.aws_lambda_permission.direct_alarm
}

moved {
  from = aws_lambda_permission.parameters
  to   = module.guard_recovery.aws_lambda_permission.parameters
}

moved {
  from = aws_lambda_permission.primary_account
  to   = module.guard_recovery.aws_lambda_permission.other_account
}

moved {
  from = aws_lambda_permission.signals_primary
  to   = module.guard_recovery.aws_lambda_permission.signals_other
}

moved {
  from = aws_lambda_permission.signals_recovery
  to   = module.guard_recovery.aws_lambda_permission.signals_own
}

moved {
  from = aws_lambda_permission.tick
  to   = module.guard_recovery.aws_lambda_permission.tick
}

moved {
  from = aws_lambda_permission.wakeup
  to   = module.guard_recovery.aws_lambda_permission.wakeup
}

moved {
  from = aws_lambda_permission.zone_failovers
  to   = module.guard_recovery.aws_lambda_permission.zone_failovers
}

moved {
  from = aws_scheduler_schedule.keepers
  to   = module.guard_recovery.aws_scheduler_schedule.keepers
}

moved {
  from = aws_scheduler_schedule_group.keepers
  to   = module.guard_recovery.aws_scheduler_schedule_group.keepers
}

moved {
  from = aws_sns_topic.commands
  to   = module.guard_recovery.aws_sns_topic.commands
}

moved {
  from = aws_sns_topic.notices_primary
  to   = module.topics_primary.aws_sns_topic.notices
}

moved {
  from = aws_sns_topic.notices_recovery
  to   = module.topics_recovery.aws_sns_topic.notices
}

moved {
  from = aws_sns_topic.signals_primary
  to   = module.topics_primary.aws_sns_topic.signals
}

moved {
  from = aws_sns_topic.signals_recovery
  to   = module.topics_recovery.aws_sns_topic.signals
}

moved {
  from = aws_sns_topic_policy.commands
  to   = module.guard_recovery.aws_sns_topic_policy.commands
}

moved {
  from = aws_sns_topic_policy.notices_primary
  to   = module.topics_primary.aws_sns_topic_policy.notices
}

moved {
  from = aws_sns_topic_policy.notices_recovery
  to   = module.topics_recovery.aws_sns_topic_policy.notices
}

moved {
  from = aws_sns_topic_policy.signals_primary
  to   = module.topics_primary.aws_sns_topic_policy.signals
}

moved {
  from = aws_sns_topic_policy.signals_recovery
  to   = module.topics_recovery.aws_sns_topic_policy.signals
}

moved {
  from = aws_sns_topic_subscription.commands
  to   = module.guard_recovery.aws_sns_topic_subscription.commands
}

moved {
  from = aws_sns_topic_subscription.notices_primary
  to   = module.topics_primary.aws_sns_topic_subscription.notices
}

moved {
  from = aws_sns_topic_subscription.notices_recovery
  to   = module.topics_recovery.aws_sns_topic_subscription.notices
}

moved {
  from = aws_sns_topic_subscription.signals_primary
  to   = module.guard_recovery.aws_sns_topic_subscription.signals_other
}

moved {
  from = aws_sns_topic_subscription.signals_recovery
  to   = module.guard_recovery.aws_sns_topic_subscription.signals_own
}

moved {
  from = aws_sqs_queue.dead_letters
  to   = module.guard_recovery.aws_sqs_queue.dead_letters
}

moved {
  from = aws_sqs_queue.signals_primary
  to   = module.guard_recovery.aws_sqs_queue.signals_other
}

moved {
  from = aws_sqs_queue_policy.dead_letters
  to   = module.guard_recovery.aws_sqs_queue_policy.dead_letters
}

moved {
  from = aws_sqs_queue_policy.signals_primary
  to   = module.guard_recovery.aws_sqs_queue_policy.signals_other
}

moved {
  from = aws_ssm_parameter.plan
  to   = module.guard_recovery.aws_ssm_parameter.plan
}

moved {
  from = aws_ssm_parameter.plan_checksum
  to   = module.guard_recovery.aws_ssm_parameter.plan_checksum
}

moved {
  from = aws_ssm_parameter.release
  to   = module.guard_recovery.aws_ssm_parameter.release
}
