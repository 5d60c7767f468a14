# Which Terraform and provider this stack needs, and its two regions. Each may be reached by a role.
#
# Pilotlight's own resources lie in the recovery region's account. So with two accounts `primary` is that account in the primary
# region, and `primary_account` is the primary region's own.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

provider "aws" {
  alias  = "primary"
  region = var.regions.primary
  dynamic "assume_role" {
    for_each = compact([var.primary_account == null ? var.roles_to_assume.primary : var.roles_to_assume.recovery])
    content {
      role_arn     = assume_role.value
      session_name = "pilotlight"
    }
  }
}

provider "aws" {
  alias  = "primary_account"
  region = var.regions.primary
  dynamic "assume_role" {
    for_each = compact([var.roles_to_assume.primary])
    content {
      role_arn     = assume_role.value
      session_name = "pilotlight"
    }
  }
}

provider "aws" {
  alias  = "recovery"
  region = var.regions.recovery
  dynamic "assume_role" {
    for_each = var.roles_to_assume.recovery == null ? [] : [var.roles_to_assume.recovery]
    content {
      role_arn     = assume_role.value
      session_name = "pilotlight"
    }
  }
}
