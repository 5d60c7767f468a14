# The static front end: both regions' buckets behind one distribution. It needs no failover.

module "frontend" {
  source    = "../../modules/frontend"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name      = var.name
  regions   = var.regions
}
