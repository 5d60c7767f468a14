# Buckets in both regions, each the twin of the other: versioned, encrypted, private, and replicated both ways before
# anything fails. Replication isn't retroactive, so set up on the day it would come too late.

data "aws_region" "primary" {
  provider = aws.primary
}

data "aws_region" "recovery" {
  provider = aws.recovery
}

data "aws_caller_identity" "recovery" {
  provider = aws.recovery
}

data "aws_partition" "recovery" {
  provider = aws.recovery
}

locals {
  account   = data.aws_caller_identity.recovery.account_id
  partition = data.aws_partition.recovery.partition

  names = { for side, region in var.regions : side => { for k in keys(var.buckets) : k => "${var.name}-${k}-${local.account}-${region}" } }
  arns  = { for side, names in local.names : side => { for k, name in names : k => "arn:${local.partition}:s3:::${name}" } }

  keys_wanted = anytrue(values(var.buckets)[*].customer_key)
  kms_key_arns = {
    primary  = var.kms_key_arns != null ? var.kms_key_arns.primary : one(aws_kms_key.primary[*].arn)
    recovery = var.kms_key_arns != null ? var.kms_key_arns.recovery : one(aws_kms_key.recovery[*].arn)
  }

  # The account's administrators, by their own policies; AWS's default, written down.
  key_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountByItsOwnPolicies"
      Effect    = "Allow"
      Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })

  bucket_policies = { for side, arns in local.arns : side => { for k, arn in arns : k => {
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
  } } }

  tags = merge({ "pilotlight:storage" = var.name }, var.tags)
}

# --- The primary region ---------------------------------------------------------------------------------------------

resource "aws_kms_key" "primary" {
  count    = local.keys_wanted && var.kms_key_arns == null ? 1 : 0
  provider = aws.primary

  description             = "Encrypts the buckets of ${var.name}."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy
  tags                    = local.tags
}

resource "aws_s3_bucket" "primary" {
  for_each = var.buckets
  provider = aws.primary

  bucket        = local.names.primary[each.key]
  force_destroy = false
  tags          = local.tags
}

resource "aws_s3_bucket_public_access_block" "primary" {
  for_each = var.buckets
  provider = aws.primary

  bucket                  = aws_s3_bucket.primary[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "primary" {
  for_each = var.buckets
  provider = aws.primary

  bucket = aws_s3_bucket.primary[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "primary" {
  for_each = var.buckets
  provider = aws.primary

  bucket = aws_s3_bucket.primary[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "primary" {
  for_each = var.buckets
  provider = aws.primary

  bucket = aws_s3_bucket.primary[each.key].id
  rule {
    bucket_key_enabled = each.value.customer_key
    apply_server_side_encryption_by_default {
      sse_algorithm     = each.value.customer_key ? "aws:kms" : "AES256"
      kms_master_key_id = each.value.customer_key ? local.kms_key_arns.primary : null
    }
  }
}

resource "aws_s3_bucket_policy" "primary" {
  for_each = var.buckets
  provider = aws.primary

  bucket = aws_s3_bucket.primary[each.key].id
  policy = jsonencode(local.bucket_policies.primary[each.key])

  depends_on = [aws_s3_bucket_public_access_block.primary]
}

resource "aws_s3_bucket_logging" "primary" {
  for_each = var.log_buckets == null ? {} : var.buckets
  provider = aws.primary

  bucket        = aws_s3_bucket.primary[each.key].id
  target_bucket = var.log_buckets.primary
  target_prefix = "${local.names.primary[each.key]}/"
}

resource "aws_s3_bucket_lifecycle_configuration" "primary" {
  for_each = var.buckets
  provider = aws.primary

  bucket = aws_s3_bucket.primary[each.key].id
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

  depends_on = [aws_s3_bucket_versioning.primary]
}

resource "aws_s3_bucket_replication_configuration" "primary" {
  for_each = var.buckets
  provider = aws.primary

  bucket = aws_s3_bucket.primary[each.key].id
  role   = aws_iam_role.replication.arn

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
      bucket        = aws_s3_bucket.recovery[each.key].arn
      storage_class = "STANDARD"
      dynamic "encryption_configuration" {
        for_each = each.value.customer_key ? [local.kms_key_arns.recovery] : []
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

  depends_on = [aws_s3_bucket_versioning.primary, aws_s3_bucket_versioning.recovery, aws_iam_role_policy.replication]
}

# --- The recovery region --------------------------------------------------------------------------------------------

resource "aws_kms_key" "recovery" {
  count    = local.keys_wanted && var.kms_key_arns == null ? 1 : 0
  provider = aws.recovery

  description             = "Encrypts the buckets of ${var.name}."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  policy                  = local.key_policy
  tags                    = local.tags
}

resource "aws_s3_bucket" "recovery" {
  for_each = var.buckets
  provider = aws.recovery

  bucket        = local.names.recovery[each.key]
  force_destroy = false
  tags          = local.tags
}

resource "aws_s3_bucket_public_access_block" "recovery" {
  for_each = var.buckets
  provider = aws.recovery

  bucket                  = aws_s3_bucket.recovery[each.key].id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "recovery" {
  for_each = var.buckets
  provider = aws.recovery

  bucket = aws_s3_bucket.recovery[each.key].id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "recovery" {
  for_each = var.buckets
  provider = aws.recovery

  bucket = aws_s3_bucket.recovery[each.key].id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "recovery" {
  for_each = var.buckets
  provider = aws.recovery

  bucket = aws_s3_bucket.recovery[each.key].id
  rule {
    bucket_key_enabled = each.value.customer_key
    apply_server_side_encryption_by_default {
      sse_algorithm     = each.value.customer_key ? "aws:kms" : "AES256"
      kms_master_key_id = each.value.customer_key ? local.kms_key_arns.recovery : null
    }
  }
}

resource "aws_s3_bucket_policy" "recovery" {
  for_each = var.buckets
  provider = aws.recovery

  bucket = aws_s3_bucket.recovery[each.key].id
  policy = jsonencode(local.bucket_policies.recovery[each.key])

  depends_on = [aws_s3_bucket_public_access_block.recovery]
}

resource "aws_s3_bucket_logging" "recovery" {
  for_each = var.log_buckets == null ? {} : var.buckets
  provider = aws.recovery

  bucket        = aws_s3_bucket.recovery[each.key].id
  target_bucket = var.log_buckets.recovery
  target_prefix = "${local.names.recovery[each.key]}/"
}

resource "aws_s3_bucket_lifecycle_configuration" "recovery" {
  for_each = var.buckets
  provider = aws.recovery

  bucket = aws_s3_bucket.recovery[each.key].id
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

  depends_on = [aws_s3_bucket_versioning.recovery]
}

resource "aws_s3_bucket_replication_configuration" "recovery" {
  for_each = var.buckets
  provider = aws.recovery

  bucket = aws_s3_bucket.recovery[each.key].id
  role   = aws_iam_role.replication.arn

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
      bucket        = aws_s3_bucket.primary[each.key].arn
      storage_class = "STANDARD"
      dynamic "encryption_configuration" {
        for_each = each.value.customer_key ? [local.kms_key_arns.primary] : []
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

  depends_on = [aws_s3_bucket_versioning.primary, aws_s3_bucket_versioning.recovery, aws_iam_role_policy.replication]
}
