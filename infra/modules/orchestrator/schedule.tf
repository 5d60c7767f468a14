# The tick: once a minute alarm-handler probes, samples the lag and resumes what is unfinished.

resource "aws_cloudwatch_event_rule" "tick" {
  provider = aws.recovery

  name                = "${var.name}-tick"
  description         = "Wakes alarm-handler of the plan ${var.name} every minute."
  schedule_expression = "rate(1 minute)"
  tags                = local.tags
}

resource "aws_lambda_permission" "tick" {
  provider = aws.recovery

  statement_id  = "tick"
  function_name = aws_lambda_function.this["alarm-handler"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = "${local.rule_arn_prefix}tick"
}

resource "aws_cloudwatch_event_target" "tick" {
  provider = aws.recovery

  rule      = aws_cloudwatch_event_rule.tick.name
  target_id = "alarm-handler"
  arn       = aws_lambda_function.this["alarm-handler"].arn
  input     = jsonencode({ tick = true })

  # A late tick is worth nothing: the next one is a minute away.
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 1
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters["alarm-handler"].arn
  }

  # The first tick must find the plan, and the permissions to look at what is in it.
  depends_on = [aws_lambda_permission.tick, aws_sqs_queue_policy.dead_letters, aws_ssm_parameter.plan, aws_iam_role_policy.steps]
}
