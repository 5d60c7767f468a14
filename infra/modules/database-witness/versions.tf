# Which Terraform and which provider this module needs. It works in one region: one provider.

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
