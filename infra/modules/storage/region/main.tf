# The buckets of one region: versioned, encrypted, private, and replicated to their twins in the other one.

locals {
  names = { for k in keys(var.buckets) : k => "${var.name}-${k}-${var.place.account}-${var.place.region}" }
  # Composed from names, so that every policy can be read in the plan.
  arns = { for k, name in local.names : k => "arn:${var.place.partition}:s3:::${name}" }

  kms_key_arn = var.creates_key ? aws_kms_key.this[0].arn : var.kms_key_arn

  # The account's administrators, by their own policies; AWS's default, written down.
  key_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountByItsOwnPolicies"
      Effect    = "Allow"
      Principal = { AWS = "arn:${var.place.partition}:iam::${var.place.account}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })

  bucket_policies = { for k, arn in local.arns : k => {
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [arn, "${arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      [for reader in [for bucket, arn in var.readers : arn if bucket == k] : {
        Sid       = "OneDistributionReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${arn}/*"
        Condition = { StringEquals = { "aws:SourceArn" = reader } }
      }],
    )
  } }
}

resource "aws_kms_key" "this" {
  count = var.creates_key ? 1 : 0

  description             = "Encrypts the buckets of ${var.name}."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy
  tags                    = var.tags
}

resource "aws_s3_bucket" "this" {
  for_each = var.buckets

  bucket        = local.names[each.key]
  force_destroy = false
  tags          = var.tags
}

resource "aws_s3_bucket_public_access_block" "this" {
  for_each = var.buckets

  bucket                  = aws_s3_bucket.this[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id
  rule {
    bucket_key_enabled = each.value.customer_key
    apply_server_side_encryption_by_default {
      sse_algorithm     = each.value.customer_key ? "aws:kms" : "AES256"
      kms_master_key_id = each.value.customer_key ? local.kms_key_arn : null
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id
  policy = jsonencode(local.bucket_policies[each.key])

  depends_on = [aws_s3_bucket_public_access_block.this]
}

resource "aws_s3_bucket_logging" "this" {
  for_each = var.log_bucket == null ? {} : var.buckets

  bucket        = aws_s3_bucket.this[each.key].id
  target_bucket = var.log_bucket.name
  target_prefix = "${local.names[each.key]}/"
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id
  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = each.value.old_versions_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
    dynamic "expiration" {
      # A delete marker whose versions are gone goes too; S3 doesn't take that together with an age.
      for_each = each.value.expire_days == 0 ? [true] : []
      content {
        expired_object_delete_marker = true
      }
    }
  }
  dynamic "rule" {
    for_each = each.value.infrequent_days + each.value.expire_days > 0 ? [each.value] : []
    content {
      id     = "age"
      status = "Enabled"
      filter {}
      dynamic "transition" {
        for_each = rule.value.infrequent_days > 0 ? [rule.value.infrequent_days] : []
        content {
          days          = transition.value
          storage_class = "STANDARD_IA"
        }
      }
      dynamic "expiration" {
        for_each = rule.value.expire_days > 0 ? [rule.value.expire_days] : []
        content {
          days = expiration.value
        }
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}

resource "aws_s3_bucket_replication_configuration" "this" {
  for_each = var.buckets

  bucket = aws_s3_bucket.this[each.key].id
  role   = var.replication_role.arn

  rule {
    id       = "to-the-other-region"
    status   = "Enabled"
    priority = 1
    filter {}
    # A deletion is followed, so that both sides show the same; the versions below the marker stay on both.
    delete_marker_replication {
      status = "Enabled"
    }
    source_selection_criteria {
      # Changes to the other side's copies (their tags, say) come back as well.
      replica_modifications {
        status = "Enabled"
      }
      dynamic "sse_kms_encrypted_objects" {
        for_each = each.value.customer_key ? [true] : []
        content {
          status = "Enabled"
        }
      }
    }
    destination {
      bucket        = var.replica.bucket_arns[each.key]
      storage_class = "STANDARD"
      dynamic "encryption_configuration" {
        for_each = each.value.customer_key ? [var.replica.kms_key_arn] : []
        content {
          replica_kms_key_id = encryption_configuration.value
        }
      }
      dynamic "metrics" {
        for_each = each.value.in_15_minutes ? [true] : []
        content {
          status = "Enabled"
          event_threshold {
            minutes = 15
          }
        }
      }
      dynamic "replication_time" {
        for_each = each.value.in_15_minutes ? [true] : []
        content {
          status = "Enabled"
          time {
            minutes = 15
          }
        }
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
