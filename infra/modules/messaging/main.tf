# Asynchronous messages between services: a topic for what happens, a queue for each that hears of it, all of it twice.
# A service speaks with its own region's only, so nothing here has to move in a failover.

data "aws_region" "primary" {
  provider = aws.primary
}

data "aws_region" "recovery" {
  provider = aws.recovery
}

data "aws_caller_identity" "recovery" {
  provider = aws.recovery
}

data "aws_partition" "recovery" {
  provider = aws.recovery
}

locals {
  places = { for side, region in var.regions : side => {
    partition = data.aws_partition.recovery.partition
    account   = data.aws_caller_identity.recovery.account_id
    region    = region
  } }

  queues = merge([for t, topic in var.topics : { for s, settings in topic.subscribers : "${t}-${s}" => merge(settings, { topic = t }) }]...)
  tags   = merge({ "pilotlight:messaging" = var.name }, var.tags)
}

module "primary" {
  source    = "./region"
  providers = { aws = aws.primary }

  name             = var.name
  place            = local.places.primary
  topics           = keys(var.topics)
  queues           = local.queues
  kms_key_arn      = var.kms_key_arns.primary
  alarm_topic_arns = var.alarm_topic_arns.primary
  tags             = local.tags
}

module "recovery" {
  source    = "./region"
  providers = { aws = aws.recovery }

  name             = var.name
  place            = local.places.recovery
  topics           = keys(var.topics)
  queues           = local.queues
  kms_key_arn      = var.kms_key_arns.recovery
  alarm_topic_arns = var.alarm_topic_arns.recovery
  tags             = local.tags
}
