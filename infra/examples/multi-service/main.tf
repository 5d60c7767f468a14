# What the stack is called, where it is, when it moves, and which services it has. And a network in each region, with ranges that
# don't overlap.

locals {
  name    = "shop"                                                # a service's load balancer is called <name>-<service>
  regions = { primary = "eu-south-1", recovery = "eu-central-1" } # the recovery region can't be an opt-in region

  mode            = "approve" # a failover waits for a person; automatic: it starts once the evidence suffices
  lag_seconds_max = 60        # a replica further behind raises an alarm, and stops a failover for an operator's decision

  # Each has a fleet, a load balancer and an accelerator of its own, and so moves alone. One that writes to the database can open
  # in the recovery region only once that is promoted. A queue is called <topic>-<service>.
  services = {
    catalog  = { database = false, publishes = [], subscribes = [] }
    orders   = { database = true, publishes = ["ordered"], subscribes = [] }
    shipping = { database = true, publishes = [], subscribes = ["ordered-shipping"] }
  }
}

module "network_primary" {
  source     = "../../modules/network"
  providers  = { aws = aws.primary }
  name       = local.name
  cidr_block = "10.20.0.0/16"
  nat        = "one" # per_zone: one in each zone

  permissions_boundary_arn = var.permissions_boundary_arn
}

# The gateway stands there at rest too: creating it during a failover would lean on one more control plane.
module "network_recovery" {
  source     = "../../modules/network"
  providers  = { aws = aws.recovery }
  name       = local.name
  cidr_block = "10.21.0.0/16"
  nat        = "one" # per_zone: one in each zone

  permissions_boundary_arn = var.permissions_boundary_arn
}
