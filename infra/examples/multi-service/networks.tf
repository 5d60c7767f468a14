# A network in each region, with ranges that don't overlap.

module "network_primary" {
  source     = "../../modules/network"
  providers  = { aws = aws.primary }
  name       = var.name
  cidr_block = "10.20.0.0/16"
  nat        = var.nat

  permissions_boundary_arn = var.permissions_boundary_arn
}

# The gateway stands there at rest too: creating it during a failover would lean on one more control plane.
module "network_recovery" {
  source     = "../../modules/network"
  providers  = { aws = aws.recovery }
  name       = var.name
  cidr_block = "10.21.0.0/16"
  nat        = var.nat

  permissions_boundary_arn = var.permissions_boundary_arn
}
