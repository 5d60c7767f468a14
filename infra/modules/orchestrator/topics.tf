# The topics of each region. They exist once, however many guards subscribe.

locals {
  topics = { primary = module.topics_primary.arns, recovery = module.topics_recovery.arns }
}

# An alarm can only publish to a topic of its own region, so each region has both topics. Of a guard they need single outputs: a policy
# that named the whole module would wait for all that the guard creates.
module "topics_primary" {
  source    = "../topics"
  providers = { aws = aws.primary }

  name            = var.name
  region          = local.regions.primary
  partition       = local.partition
  account         = local.account
  alarm_account   = local.accounts.primary
  publisher_arns  = var.guards == "both" ? values(module.guard_primary[0].planned_role_arns) : []
  notice_emails   = var.notice_emails
  dead_letter_arn = module.guard_recovery.dead_letter_arns.primary
  kms_key_arn     = var.kms_key_arns.primary
  tags            = local.tags
}

module "topics_recovery" {
  source    = "../topics"
  providers = { aws = aws.recovery }

  name            = var.name
  region          = local.regions.recovery
  partition       = local.partition
  account         = local.account
  alarm_account   = local.accounts.recovery
  publisher_arns  = values(module.guard_recovery.planned_role_arns)
  notice_emails   = var.notice_emails
  dead_letter_arn = module.guard_recovery.dead_letter_arns.recovery
  kms_key_arn     = var.kms_key_arns.recovery
  tags            = local.tags
}
