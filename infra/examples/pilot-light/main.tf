# The two regions: the same network, load balancer and launch template in each. One serves, one waits.

locals {
  parameter_paths = var.parameter_paths != null ? var.parameter_paths : ["/${var.name}/**"]

  package_dir = coalesce(var.package_dir, "${path.module}/../../../target/lambda")
}

# The newest Amazon Linux 2023, where no image is named.
data "aws_ssm_parameter" "image_primary" {
  count    = var.image_ids.primary == null ? 1 : 0
  provider = aws.primary
  name     = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
}

data "aws_ssm_parameter" "image_recovery" {
  count    = var.image_ids.recovery == null ? 1 : 0
  provider = aws.recovery
  name     = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
}

module "primary" {
  source    = "./region"
  providers = { aws = aws.primary }

  name                = var.name
  region              = var.regions.primary
  network             = "10.20.0.0/16"
  image_id            = var.image_ids.primary != null ? var.image_ids.primary : nonsensitive(data.aws_ssm_parameter.image_primary[0].value)
  instance_type       = var.instance_type
  deletion_protection = var.deletion_protection
}

module "recovery" {
  source    = "./region"
  providers = { aws = aws.recovery }

  name                = var.name
  region              = var.regions.recovery
  network             = "10.21.0.0/16"
  image_id            = var.image_ids.recovery != null ? var.image_ids.recovery : nonsensitive(data.aws_ssm_parameter.image_recovery[0].value)
  instance_type       = var.instance_type
  deletion_protection = var.deletion_protection
}
