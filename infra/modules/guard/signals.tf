# How alarms reach alarm-handler by the signals topics of both regions.

locals {
  # A topic of an opt-in region invokes functions of other regions under a principal of its own. Opt-in is every region but the 17
  # from before 2019; SNS's documentation counts Osaka among them too, and a principal too many harms nothing.
  speaks_for_itself = !contains([
    "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1",
    "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
  ], local.other_region)
  signals_principals = concat(["sns.amazonaws.com"], local.speaks_for_itself ? ["sns.${local.other_region}.amazonaws.com"] : [])
}

resource "aws_lambda_permission" "signals_other" {
  count    = length(local.signals_principals)
  provider = aws.own

  statement_id  = "signals-${local.other}-${count.index}"
  function_name = aws_lambda_function.this["alarm-handler"].function_name
  action        = "lambda:InvokeFunction"
  principal     = local.signals_principals[count.index]
  source_arn    = local.topic_arns[local.other].signals
}

resource "aws_sns_topic_subscription" "signals_other" {
  provider = aws.other

  topic_arn      = var.topics[local.other].signals
  protocol       = "lambda"
  endpoint       = aws_lambda_function.this["alarm-handler"].arn
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.signals_other.arn })

  # A signal must find the plan.
  depends_on = [aws_lambda_permission.signals_other, aws_sqs_queue_policy.signals_other, aws_ssm_parameter.plan]
}

resource "aws_lambda_permission" "signals_own" {
  provider = aws.own

  statement_id  = "signals-${var.seat}"
  function_name = aws_lambda_function.this["alarm-handler"].function_name
  action        = "lambda:InvokeFunction"
  principal     = "sns.amazonaws.com"
  source_arn    = local.topic_arns[var.seat].signals
}

resource "aws_sns_topic_subscription" "signals_own" {
  provider = aws.own

  topic_arn      = var.topics[var.seat].signals
  protocol       = "lambda"
  endpoint       = aws_lambda_function.this["alarm-handler"].arn
  redrive_policy = jsonencode({ deadLetterTargetArn = aws_sqs_queue.dead_letters["alarm-handler"].arn })

  depends_on = [aws_lambda_permission.signals_own, aws_sqs_queue_policy.dead_letters, aws_ssm_parameter.plan]
}
