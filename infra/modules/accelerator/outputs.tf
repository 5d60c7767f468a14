# Where users come in, and what the orchestrator needs to know.

output "dns_name" {
  description = "The accelerator's DNS name. Point your own names here, by alias or CNAME; they never change again."
  value       = aws_globalaccelerator_accelerator.this.dns_name
}

output "zone_id" {
  description = "The hosted zone of that name, for an alias record."
  value       = aws_globalaccelerator_accelerator.this.hosted_zone_id
}

output "plan_items" {
  description = "The routes by name, in the format of the orchestrator's variable `routes`."
  value = { for k, r in var.routes : k => {
    name = k
    sides = {
      primary  = { endpoint_group = aws_globalaccelerator_endpoint_group.primary[k].arn, endpoint = r.endpoints.primary, weight = r.weight }
      recovery = { endpoint_group = aws_globalaccelerator_endpoint_group.recovery[k].arn, endpoint = r.endpoints.recovery, weight = r.weight }
    }
    after = r.after
  } }
}

output "endpoint_group_arns" {
  description = "The endpoint groups of each route: primary and recovery."
  value       = { for k in keys(var.routes) : k => { primary = aws_globalaccelerator_endpoint_group.primary[k].arn, recovery = aws_globalaccelerator_endpoint_group.recovery[k].arn } }
}
