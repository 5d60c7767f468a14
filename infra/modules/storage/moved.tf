# Where a state from before each region had a module of its own keeps its resources: nothing is destroyed or replaced.

moved {
  from = aws_kms_key.primary
  to   = module.primary.aws_kms_key.this
}

moved {
  from = aws_s3_bucket.primary
  to   = module.primary.aws_s3_bucket.this
}

moved {
  from = aws_s3_bucket_public_access_block.primary
  to   = module.primary.aws_s3_bucket_public_access_block.this
}

moved {
  from = aws_s3_bucket_ownership_controls.primary
  to   = module.primary.aws_s3_bucket_ownership_controls.this
}

moved {
  from = aws_s3_bucket_versioning.primary
  to   = module.primary.aws_s3_bucket_versioning.this
}

moved {
  from = aws_s3_bucket_server_side_encryption_configuration.primary
  to   = module.primary.aws_s3_bucket_server_side_encryption_configuration.this
}

moved {
  from = aws_s3_bucket_policy.primary
  to   = module.primary.aws_s3_bucket_policy.this
}

moved {
  from = aws_s3_bucket_logging.primary
  to   = module.primary.aws_s3_bucket_logging.this
}

moved {
  from = aws_s3_bucket_lifecycle_configuration.primary
  to   = module.primary.aws_s3_bucket_lifecycle_configuration.this
}

moved {
  from = aws_s3_bucket_replication_configuration.primary
  to   = module.primary.aws_s3_bucket_replication_configuration.this
}

moved {
  from = aws_kms_key.recovery
  to   = module.recovery.aws_kms_key.this
}

moved {
  from = aws_s3_bucket.recovery
  to   = module.recovery.aws_s3_bucket.this
}

moved {
  from = aws_s3_bucket_public_access_block.recovery
  to   = module.recovery.aws_s3_bucket_public_access_block.this
}

moved {
  from = aws_s3_bucket_ownership_controls.recovery
  to   = module.recovery.aws_s3_bucket_ownership_controls.this
}

moved {
  from = aws_s3_bucket_versioning.recovery
  to   = module.recovery.aws_s3_bucket_versioning.this
}

moved {
  from = aws_s3_bucket_server_side_encryption_configuration.recovery
  to   = module.recovery.aws_s3_bucket_server_side_encryption_configuration.this
}

moved {
  from = aws_s3_bucket_policy.recovery
  to   = module.recovery.aws_s3_bucket_policy.this
}

moved {
  from = aws_s3_bucket_logging.recovery
  to   = module.recovery.aws_s3_bucket_logging.this
}

moved {
  from = aws_s3_bucket_lifecycle_configuration.recovery
  to   = module.recovery.aws_s3_bucket_lifecycle_configuration.this
}

moved {
  from = aws_s3_bucket_replication_configuration.recovery
  to   = module.recovery.aws_s3_bucket_replication_configuration.this
}
