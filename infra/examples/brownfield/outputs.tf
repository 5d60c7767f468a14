# What people type, and what the alarms that exist need.

output "status_command" {
  description = "Shows the state of the plan."
  value       = module.pilotlight.status_command
}

output "signals_topic_arns" {
  description = "Topics for alarm_actions and ok_actions of your alarms; an alarm takes the one of its own region."
  value       = module.pilotlight.signals_topic_arns
}
