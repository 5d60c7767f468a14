# Which Terraform and which provider this module needs, and the two regions it is handed.

terraform {
  # 1.11: write-only arguments, so that no secret is in a state or a plan.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = ">= 5.100, < 7"
      configuration_aliases = [aws.primary, aws.recovery]
    }
  }
}
