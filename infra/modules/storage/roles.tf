# What replication may do: read versions here and write them there, for these buckets alone.

locals {
  both_buckets = concat(values(module.primary.arns), values(module.recovery.arns))
  both_keys    = local.keys_wanted ? [module.primary.kms_key_arn, module.recovery.kms_key_arn] : []

  replication_statements = concat(
    [
      {
        Sid      = "ReadConfiguration"
        Effect   = "Allow"
        Action   = ["s3:GetReplicationConfiguration", "s3:ListBucket"]
        Resource = local.both_buckets
      },
      {
        Sid      = "ReadVersions"
        Effect   = "Allow"
        Action   = ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"]
        Resource = [for arn in local.both_buckets : "${arn}/*"]
      },
      {
        Sid      = "WriteVersions"
        Effect   = "Allow"
        Action   = ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"]
        Resource = [for arn in local.both_buckets : "${arn}/*"]
      },
    ],
    [for keys in [local.both_keys] : {
      Sid       = "Keys"
      Effect    = "Allow"
      Action    = ["kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey"]
      Resource  = keys
      Condition = { StringEquals = { "kms:ViaService" = [for region in values(var.regions) : "s3.${region}.amazonaws.com"] } }
    } if length(keys) > 0],
  )
}

resource "aws_iam_role" "replication" {
  provider = aws.recovery

  name                 = "${var.name}-replication"
  description          = "Replicates the buckets of ${var.name} between ${var.regions.primary} and ${var.regions.recovery}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "s3.amazonaws.com" }
      Action    = "sts:AssumeRole"
      # No aws:SourceArn: AWS doesn't document that replication sends one, and where it doesn't, nothing is replicated,
      # without a word. Only this account can hand the role to S3 (iam:PassRole).
    }]
  })
  tags = local.tags

  lifecycle {
    precondition {
      condition     = data.aws_region.primary.id == var.regions.primary && data.aws_region.recovery.id == var.regions.recovery
      error_message = "The providers aws.primary and aws.recovery work in ${data.aws_region.primary.id} and ${data.aws_region.recovery.id}, but var.regions says ${var.regions.primary} and ${var.regions.recovery}."
    }
  }
}

resource "aws_iam_role_policy" "replication" {
  provider = aws.recovery

  name   = "replicate"
  role   = aws_iam_role.replication.name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.replication_statements })
}
