# Where the schedules' group and role stood while they existed only where the plan had a keeper.

moved {
  from = aws_scheduler_schedule_group.keepers[0]
  to   = aws_scheduler_schedule_group.keepers
}

moved {
  from = aws_iam_role.scheduler[0]
  to   = aws_iam_role.scheduler
}

moved {
  from = aws_iam_role_policy.scheduler[0]
  to   = aws_iam_role_policy.scheduler
}
