# What servers read when they start. Terraform writes the primary region; ssm-replicator copies from there what Terraform,
# people and other programs write. What each region has its own value for is left alone by it.

module "settings" {
  source    = "../../modules/parameters"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  path            = "/${local.name}/web"
  regions         = local.regions
  copied_by       = "replicator"
  values          = { currency = "USD" }
  region_values   = { files_bucket = { primary = module.storage.names.primary["files"], recovery = module.storage.names.recovery["files"] } }
  secrets         = { mail_token = var.mail_token }
  secret_versions = { mail_token = 1 } # raise it to have a new value written
  kms_key_arns    = module.database.kms_key_arns
}
