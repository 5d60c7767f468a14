# A push to a service's folder delivers that service; and so for the orchestrator's functions and the front end.

module "delivery" {
  source     = "../../modules/delivery"
  providers  = { aws = aws.recovery }
  name       = local.name
  regions    = local.regions
  repository = var.repository

  identity_provider        = var.identity_provider
  permissions_boundary_arn = var.permissions_boundary_arn
  services = merge(
    { for s in keys(local.services) : s => {
      repository_arns = values(module.registry.arns[s])
      group_names     = module.fleet[s].group_names
      tag_parameter   = "/${local.name}/tags/${s}"
    } },
    {
      functions = { function_names = values(module.pilotlight.function_names), tag_parameter = module.pilotlight.release_parameter_name }
      site      = { site = { bucket_arns = values(module.frontend.bucket_arns), distribution_arn = module.frontend.distribution_arn } }
    },
  )
}
