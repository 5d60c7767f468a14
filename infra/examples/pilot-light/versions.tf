# Which Terraform and provider this stack needs, and its two regions.

terraform {
  # 1.11: ephemeral variables and write-only arguments, so that no secret is in the state.
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7"
    }
  }
}

provider "aws" {
  alias  = "primary"
  region = local.regions.primary
  default_tags {
    tags = { application = local.name }
  }
}

provider "aws" {
  alias  = "recovery"
  region = local.regions.recovery
  default_tags {
    tags = { application = local.name }
  }
}
