# What an instance does when it starts: reads its region's parameters and starts the containers from its region's images.

locals {
  compose = { for side, region in var.regions : side => {
    name = var.name
    services = { for k, c in var.containers : k => merge(
      {
        image       = "${c.image[side]}:${c.tag != null ? c.tag : "$${TAG_${upper(k)}}"}"
        restart     = "always"
        environment = { for variable, value in merge(c.environment, { AWS_REGION = region }) : variable => replace(value, "$", "$$") }
        logging = {
          driver = "awslogs"
          options = {
            "awslogs-region" = region
            "awslogs-group"  = local.log_group_name
            "tag"            = "${k}/{{.ID}}"
          }
        }
      },
      c.port == null ? {} : { ports = ["${coalesce(c.host_port, c.port)}:${c.port}"] },
      c.command == null ? {} : { command = [for word in coalesce(c.command, []) : replace(word, "$", "$$")] },
      # Raw: a password may hold quotes, blanks and dollars.
      length(var.parameters) == 0 ? {} : { env_file = [{ path = "/run/${var.name}/environment", format = "raw" }] },
    ) }
  } }

  user_data = { for side, region in var.regions : side => length(var.containers) == 0 ? null : base64encode(templatefile("${path.module}/start.sh.tftpl", {
    name           = var.name
    region         = region
    compose        = yamlencode(local.compose[side])
    parameters     = jsonencode(var.parameters)
    tag_parameters = { for k, c in var.containers : upper(k) => c.tag_parameter if c.tag_parameter != null }
    registries     = distinct([for c in values(var.containers) : split("/", c.image[side])[0] if can(regex("[.]dkr[.]ecr[.]", c.image[side]))])
    plugin         = var.compose_plugin == null ? { url = "", sha256 = "" } : var.compose_plugin[side]
  })) }

  log_group_name = "/pilotlight/${var.name}"
}

resource "aws_cloudwatch_log_group" "primary" {
  provider = aws.primary

  name              = local.log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_key_arns.primary
  tags              = local.tags
}

resource "aws_cloudwatch_log_group" "recovery" {
  provider = aws.recovery

  name              = local.log_group_name
  retention_in_days = var.log_retention_days
  kms_key_id        = var.log_key_arns.recovery
  tags              = local.tags
}
