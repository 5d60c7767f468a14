# What stood before the modules storage and messaging had a child module for each region: every resource that they can
# create, with the values that the state beside this file was applied with.

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
  region = "us-east-2"
}

provider "aws" {
  alias  = "recovery"
  region = "us-west-1"
}

locals {
  regions = { primary = "us-east-2", recovery = "us-west-1" }
}

module "storage" {
  source    = "../../../modules/storage"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name    = "shop"
  regions = local.regions
  buckets = {
    files = {}
    site  = { customer_key = false, in_15_minutes = false, infrequent_days = 30, expire_days = 400 }
  }
  readers     = { site = "arn:aws:cloudfront::123456789012:distribution/E1" }
  log_buckets = { primary = "shop-logs-us-east-2", recovery = "shop-logs-us-west-1" }
}

module "messaging" {
  source    = "../../../modules/messaging"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name             = "shop"
  regions          = local.regions
  topics           = { ordered = { subscribers = { billing = {}, shipping = { receives_max = 3 } } } }
  alarm_topic_arns = { primary = ["arn:aws:sns:us-east-2:123456789012:people"], recovery = ["arn:aws:sns:us-west-1:123456789012:people"] }
}
