# Where beats end that could not be delivered or handled. The queue's alarm (alarms.tf) notifies people.

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${local.function_name}-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the longest there is
  kms_master_key_id         = var.kms_key_arn
  sqs_managed_sse_enabled   = var.kms_key_arn == null ? true : null
  tags                      = local.tags
}

resource "aws_sqs_queue_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:SendMessage"
        Resource  = local.dead_letter_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
      {
        Sid       = "Rule"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = local.dead_letter_arn
        Condition = { ArnEquals = { "aws:SourceArn" = local.rule_arn } }
      },
    ]
  })
}
