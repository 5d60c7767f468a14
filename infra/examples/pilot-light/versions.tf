# Which Terraform and provider this stack needs, and its two regions.

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
  default_tags {
    tags = local.tags
  }
}

provider "aws" {
  alias  = "recovery"
  region = var.regions.recovery
  default_tags {
    tags = local.tags
  }
}

locals {
  tags = { application = var.name }
}
