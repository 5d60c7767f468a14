# Which Terraform and which provider this module needs.

terraform {
  # 1.9: as the module that calls it.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}
