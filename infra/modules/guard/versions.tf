# Which Terraform and which provider this module needs, and the two regions it is handed: the guard's own and the other.

terraform {
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = ">= 5.100, < 7"
      configuration_aliases = [aws.own, aws.other]
    }
  }
}
