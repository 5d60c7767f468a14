# What stands in one region, read off plans with a mocked provider.

mock_provider "aws" {
  override_during = plan
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-south-1:123456789012:key/11111111-1111-1111-1111-111111111111" }
  }
}

variables {
  name             = "shop"
  place            = { partition = "aws", account = "123456789012", region = "eu-south-1" }
  buckets          = { files = { old_versions_days = 90, infrequent_days = 0, expire_days = 0, in_15_minutes = true, customer_key = true } }
  readers          = {}
  creates_key      = true
  kms_key_arn      = null
  log_bucket       = null
  replica          = { bucket_arns = { files = "arn:aws:s3:::shop-files-123456789012-eu-central-1" }, kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/22222222-2222-2222-2222-222222222222" }
  replication_role = { arn = "arn:aws:iam::123456789012:role/shop-replication", policy_id = "shop-replication:replicate" }
  tags             = { a = "b" }
}

run "each_bucket_is_replicated_with_its_deletions" {
  command = plan
  assert {
    condition     = aws_s3_bucket.this["files"].bucket == "shop-files-123456789012-eu-south-1"
    error_message = "The bucket isn't called after account and region."
  }
  assert {
    condition     = alltrue([for r in [aws_s3_bucket_replication_configuration.this["files"].rule[0]] : r.delete_marker_replication[0].status == "Enabled" && r.source_selection_criteria[0].replica_modifications[0].status == "Enabled" && r.destination[0].replication_time[0].status == "Enabled"])
    error_message = "Deletions or changes of copies aren't followed, or without a promised time."
  }
  assert {
    condition     = alltrue([for r in [aws_s3_bucket_replication_configuration.this["files"]] : r.role == var.replication_role.arn && r.rule[0].destination[0].bucket == var.replica.bucket_arns["files"] && r.rule[0].destination[0].encryption_configuration[0].replica_kms_key_id == var.replica.kms_key_arn])
    error_message = "Copies go elsewhere, by another role, or are encrypted with a key of the region they came from."
  }
}

run "nothing_is_public_and_nothing_is_in_the_clear" {
  command = plan
  assert {
    condition     = alltrue([for b in [aws_s3_bucket_public_access_block.this["files"]] : b.block_public_acls && b.block_public_policy && b.ignore_public_acls && b.restrict_public_buckets])
    error_message = "A bucket could be made public."
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this["files"].rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms" && aws_s3_bucket_versioning.this["files"].versioning_configuration[0].status == "Enabled"
    error_message = "Objects aren't encrypted with a customer key, or are overwritten for good."
  }
  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0
    error_message = "Access logs go somewhere though no bucket was given."
  }
}

run "a_site_has_no_key_and_ages" {
  command = plan
  variables {
    buckets     = { site = { old_versions_days = 90, infrequent_days = 30, expire_days = 400, in_15_minutes = false, customer_key = false } }
    readers     = { site = "arn:aws:cloudfront::123456789012:distribution/E1" }
    creates_key = false
    log_bucket  = { name = "logs-of-eu-south-1" }
    replica     = { bucket_arns = { site = "arn:aws:s3:::shop-site-123456789012-eu-central-1" }, kms_key_arn = null }
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.this["site"].policy).Statement[1].Condition.StringEquals["aws:SourceArn"] == "arn:aws:cloudfront::123456789012:distribution/E1"
    error_message = "Any distribution of anybody could read the site."
  }
  assert {
    condition     = length(aws_kms_key.this) == 0 && alltrue([for d in [aws_s3_bucket_replication_configuration.this["site"].rule[0].destination[0]] : length(d.replication_time) == 0 && length(d.encryption_configuration) == 0])
    error_message = "A key or a promise is paid for that nobody uses."
  }
  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this["site"].rule) == 2
    error_message = "Objects don't age."
  }
  assert {
    condition     = aws_s3_bucket_logging.this["site"].target_bucket == "logs-of-eu-south-1"
    error_message = "Access logs go to another region's bucket."
  }
}
