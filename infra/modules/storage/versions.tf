# Which Terraform and which provider this module needs, and the two regions it is handed.

terraform {
  # 1.9: a variable's validation may refer to other variables.
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = ">= 5.100, < 7"
      configuration_aliases = [aws.primary, aws.recovery]
    }
  }
}
