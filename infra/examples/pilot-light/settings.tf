# What servers read when they start. Terraform writes the primary region; ssm-replicator copies from there what Terraform,
# people and other programs write. What each region has its own value for is left alone by it.

module "settings" {
  source    = "../../modules/parameters"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  path            = "/${var.name}/web"
  regions         = var.regions
  copied_by       = "replicator"
  values          = var.settings
  region_values   = { files_bucket = { primary = module.storage.names.primary["files"], recovery = module.storage.names.recovery["files"] } }
  secrets         = var.secrets
  secret_versions = var.secret_versions
  kms_key_arns    = module.database.kms_key_arns
}
