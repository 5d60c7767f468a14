# Which Terraform and which provider this module needs. Everything it regionally needs lies in the recovery region: hand it that region's provider.

terraform {
  # 1.9: a variable's validation may refer to other variables.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
