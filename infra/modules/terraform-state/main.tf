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
  # No stack's name holds a dot, so what is kept of this module itself overwrites none of them.
  keys = { stack = "${var.stack}.tfstate", self = "${var.stack}.states.tfstate" }

  backends = { for pair in setproduct(keys(local.keys), keys(var.regions)) : "${pair[0]} ${pair[1]}" => <<-HCL
    terraform {
      backend "s3" {
        bucket       = "${module.storage.names[pair[1]]["tfstate"]}"
        key          = "${local.keys[pair[0]]}"
        region       = "${var.regions[pair[1]]}"
        encrypt      = true
        kms_key_id   = "${module.storage.kms_key_arns[pair[1]]}"
        use_lockfile = true
      }
    }
  HCL
  }
}
