# A witness beside the orchestrator, of a database that does not exist yet: each needs what the other puts out.

terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      configuration_aliases = [aws.primary, aws.recovery]
    }
  }
}

locals {
  balancer = { primary = "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/shop/1", recovery = "arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/2" }
}

module "network" {
  source     = "../../../network"
  providers  = { aws = aws.recovery }
  name       = "shop"
  cidr_block = "10.0.0.0/16"
}

resource "aws_db_instance" "replica" {
  provider            = aws.recovery
  identifier          = "shop-orders-replica"
  instance_class      = "db.t4g.micro"
  storage_encrypted   = true
  skip_final_snapshot = true
}

module "witness" {
  source          = "../.."
  providers       = { aws = aws.recovery }
  name            = "shop"
  vpc_id          = module.network.vpc_id
  subnet_ids      = module.network.database_subnet_ids
  databases       = { orders = { host = aws_db_instance.replica.address, database = "shop", resource_id = aws_db_instance.replica.resource_id } }
  security_groups = { database = { id = module.network.security_group_ids.database } }
  admit           = true
  authorities     = "${path.module}/../authorities.zip"
  package_dir     = "${path.module}/../packages"
  alarm_topic_arn = module.pilotlight.notices_topic_arns.recovery
}

module "pilotlight" {
  source      = "../../../orchestrator"
  providers   = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name        = "shop"
  sides       = { primary = { region = "us-east-2" }, recovery = { region = "us-west-1" } }
  package_dir = "${path.module}/../../../orchestrator/tests/packages"
  detection   = { sides = { primary = { probes = [{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }] } } }
  databases = [{
    name = "orders"
    sides = {
      primary  = { arn = "arn:aws:rds:us-east-2:123456789012:db:shop-orders" }
      recovery = { arn = aws_db_instance.replica.arn, connection = module.witness.connections["orders"] }
    }
  }]
  witness = { sides = { recovery = { function = module.witness.function_arn } } }
  routes = [{
    name  = "front"
    sides = { for side, arn in local.balancer : side => { endpoint_group = "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/${side}", endpoint = arn } }
  }]
}

output "function_arn" {
  value = module.witness.function_arn
}
