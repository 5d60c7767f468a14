# The static front end: both regions' buckets behind one distribution. It needs no failover.

module "frontend" {
  source    = "../../modules/frontend"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name      = local.name
  regions   = local.regions

  aliases                  = var.site == null ? [] : var.site.aliases
  certificate_arn          = var.site == null ? null : var.site.certificate_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}
