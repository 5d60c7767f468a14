# Which Terraform and which provider this module needs, and the two regions it is handed.

terraform {
  # 1.9: a variable's validation may refer to other variables (capacity against targets, timeout against deadline).
  required_version = ">= 1.9"

  required_providers {
    aws = {
      source = "hashicorp/aws"
      # 5.100: the oldest version this module is tested with. 7 may rename what is used here.
      version               = ">= 5.100, < 7"
      configuration_aliases = [aws.primary, aws.recovery]
    }
  }
}
