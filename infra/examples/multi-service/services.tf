# The services: for each a repository, a load balancer in each region, a fleet that serves and one that waits, and an
# accelerator of its own. All that refers to one service is found by its name.

locals {
  # What the image itself doesn't know and a region has its own value for.
  topics = { for s, service in local.services : s => { for t in service.publishes : upper("TOPIC_${replace(t, "-", "_")}") => t } }
  queues = { for s, service in local.services : s => { for q in service.subscribes : upper("QUEUE_${replace(q, "-", "_")}") => q } }

  # What Pilotlight asks in each region: names of your own, or under plain HTTP the load balancers'.
  probe_urls = { for s in keys(local.services) : s => var.https != null ? try(var.https.probe_urls[s], null) : {
    primary  = module.balancer_primary[s].health_url
    recovery = module.balancer_recovery[s].health_url
  } }
}

module "registry" {
  source       = "../../modules/registry"
  providers    = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name         = local.name
  regions      = local.regions
  repositories = keys(local.services)
}

module "messaging" {
  source           = "../../modules/messaging"
  providers        = { aws.primary = aws.primary, aws.recovery = aws.recovery }
  name             = local.name
  regions          = local.regions
  topics           = { ordered = { subscribers = { shipping = {} } } }
  alarm_topic_arns = { primary = [module.pilotlight.notices_topic_arns.primary], recovery = [module.pilotlight.notices_topic_arns.recovery] }
}

# Each service finds its region's topics and queues in its environment. The tag that runs is written by its delivery.
module "settings" {
  for_each  = local.services
  source    = "../../modules/parameters"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  path    = "/${local.name}/${each.key}"
  regions = local.regions
  values  = { service = each.key }
  region_values = merge(
    { for variable, topic in local.topics[each.key] : lower(variable) => { primary = module.messaging.topic_arns.primary[topic], recovery = module.messaging.topic_arns.recovery[topic] } },
    { for variable, queue in local.queues[each.key] : lower(variable) => { primary = module.messaging.queue_urls.primary[queue], recovery = module.messaging.queue_urls.recovery[queue] } },
  )
}

module "balancer_primary" {
  for_each  = local.services
  source    = "../../modules/load-balancer"
  providers = { aws = aws.primary }

  name                = "${local.name}-${each.key}"
  vpc_id              = module.network_primary.vpc_id
  subnet_ids          = module.network_primary.public_subnet_ids
  security_group_ids  = [module.network_primary.security_group_ids.balancer]
  certificate         = var.https == null ? null : { arn = var.https.certificate_arns.primary }
  alarm_topic_arns    = [module.pilotlight.signals_topic_arns.primary]
  deletion_protection = var.deletion_protection
}

module "balancer_recovery" {
  for_each  = local.services
  source    = "../../modules/load-balancer"
  providers = { aws = aws.recovery }

  name                = "${local.name}-${each.key}"
  vpc_id              = module.network_recovery.vpc_id
  subnet_ids          = module.network_recovery.public_subnet_ids
  security_group_ids  = [module.network_recovery.security_group_ids.balancer]
  certificate         = var.https == null ? null : { arn = var.https.certificate_arns.recovery }
  watch               = false # it waits at zero
  deletion_protection = var.deletion_protection
}

module "fleet" {
  for_each  = local.services
  source    = "../../modules/app-fleet"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name               = "${local.name}-${each.key}"
  item               = each.key
  regions            = local.regions
  image              = { given = var.image_ids }
  capacity           = { min = 2, desired = 2, max = 6 }
  subnet_ids         = { primary = module.network_primary.private_subnet_ids, recovery = module.network_recovery.private_subnet_ids }
  security_group_ids = { primary = [module.network_primary.security_group_ids.application], recovery = [module.network_recovery.security_group_ids.application] }
  target_group_arns  = { primary = [module.balancer_primary[each.key].target_group_arns["web"]], recovery = [module.balancer_recovery[each.key].target_group_arns["web"]] }

  containers          = { app = { image = module.registry.urls[each.key], tag_parameter = "/${local.name}/tags/${each.key}", port = 8080 } }
  containers_use_role = length(each.value.publishes) + length(each.value.subscribes) > 0
  parameters          = merge({ "" = module.settings[each.key].path }, each.value.database ? { "DATABASE_" = module.database.parameter_prefix } : {})
  parameter_key_arns  = each.value.database ? values(module.database.kms_key_arns) : []
  repository_arns     = values(module.registry.arns[each.key])
  policies = merge(
    { for t in each.value.publishes : "publish-${t}" => module.messaging.publisher_policies[t] },
    { for q in each.value.subscribes : "work-off-${q}" => module.messaging.subscriber_policies[q] },
  )
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "front" {
  for_each  = local.services
  source    = "../../modules/accelerator"
  providers = { aws = aws.recovery }

  name    = "${local.name}-${each.key}"
  regions = local.regions
  routes = {
    "${each.key}-front" = {
      ports           = var.https == null ? [80] : [80, 443]
      endpoints       = { primary = module.balancer_primary[each.key].arn, recovery = module.balancer_recovery[each.key].arn }
      health_protocol = "TCP" # behind a load balancer its own health checks decide
      after           = concat(each.value.database ? ["main"] : [], [each.key])
    }
  }
}
