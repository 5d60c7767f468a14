# What invokes the function every minute: a rule with the whole request, since the function has no way to read it elsewhere. A guard's
# looks come by its own role.

locals {
  beats = var.heartbeat_seconds > 0 ? 1 : 0

  beat = jsonencode({
    command           = "beat"
    user              = var.user
    heartbeat_seconds = var.heartbeat_seconds
    databases = [for name in sort(keys(var.databases)) : {
      name     = name
      host     = var.databases[name].host
      port     = var.databases[name].port
      database = var.databases[name].database
    }]
  })
}

resource "aws_cloudwatch_event_rule" "beat" {
  count = local.beats

  name                = local.function_name
  description         = "Lets ${local.function_name} write heartbeats every minute."
  schedule_expression = "rate(1 minute)"
  tags                = local.tags
}

resource "aws_lambda_permission" "beat" {
  count = local.beats

  statement_id  = "beat"
  function_name = aws_lambda_function.this.function_name
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = local.rule_arn
}

resource "aws_cloudwatch_event_target" "beat" {
  count = local.beats

  rule      = aws_cloudwatch_event_rule.beat[0].name
  target_id = "database-witness"
  arn       = aws_lambda_function.this.arn
  input     = local.beat

  # A missed beat is worth nothing: the next one is a minute away.
  retry_policy {
    maximum_event_age_in_seconds = 60
    maximum_retry_attempts       = 0
  }
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }

  depends_on = [aws_lambda_permission.beat, aws_sqs_queue_policy.dead_letters, aws_lambda_function_event_invoke_config.this]

  lifecycle {
    precondition {
      condition     = length(local.beat) <= 8192
      error_message = "databases: ${length(var.databases)} take ${length(local.beat)} characters as one request, and a rule of EventBridge holds 8192. Leave some of them out, or set heartbeat_seconds to 0: a guard's own request has no such limit."
    }
  }
}
