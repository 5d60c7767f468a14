# Where Terraform's states are kept: a bucket in each region, each the twin of the other.

module "storage" {
  source    = "../storage"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name                     = var.name
  regions                  = var.regions
  buckets                  = { tfstate = { old_versions_days = var.old_states_days } }
  kms_key_arns             = var.kms_key_arns
  permissions_boundary_arn = var.permissions_boundary_arn
  tags                     = var.tags
}

locals {
  backends = { for side, region in var.regions : side => <<-HCL
    terraform {
      backend "s3" {
        bucket       = "${module.storage.names[side]["tfstate"]}"
        key          = "${var.stack}.tfstate"
        region       = "${region}"
        encrypt      = true
        kms_key_id   = "${module.storage.kms_key_arns[side]}"
        use_lockfile = true
      }
    }
  HCL
  }
}
