# Which Terraform and which provider this module needs, and the two regions it is handed.

terraform {
  # 1.11: the lock is a file beside the state, without a table (use_lockfile).
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = ">= 5.100, < 7"
      configuration_aliases = [aws.primary, aws.recovery]
    }
  }
}
