# The journal: the append-only log of records, and the only state there is.

resource "aws_dynamodb_table" "journal" {
  provider = aws.own

  name         = local.journal_name
  billing_mode = "PAY_PER_REQUEST"
  hash_key     = "plan"
  range_key    = "seq"

  attribute {
    name = "plan"
    type = "S"
  }
  attribute {
    name = "seq"
    type = "N"
  }

  point_in_time_recovery {
    enabled = true
  }
  deletion_protection_enabled = var.deletion_protection

  # DynamoDB always encrypts. Without a key of the user's own it is AWS's, which costs nothing; `enabled` would choose
  # aws/dynamodb instead, whose every use is billed.
  dynamic "server_side_encryption" {
    for_each = local.own_key_arn == null ? [] : [local.own_key_arn]
    content {
      enabled     = true
      kms_key_arn = server_side_encryption.value
    }
  }

  tags = var.tags
}
