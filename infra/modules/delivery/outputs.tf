# What the workflows need to know.

output "role_arns" {
  description = "The role of each service: the variable ROLE_ARN of its environment."
  value       = { for k, r in aws_iam_role.this : k => r.arn }
}

output "workflows" {
  description = "The workflow of each service, by its path in the repository: the text of the file. A service's is built from services/<service>, the site is site/."
  value       = { for k, template in local.templates : ".github/workflows/deliver-${k}.yml" => replace(file("${path.module}/workflows/${template}.yml"), "__SERVICE__", k) }
}

output "environments" {
  description = "The variables that each GitHub environment needs, besides its branch rule. None of them is secret."
  value = { for k, s in var.services : k => merge(
    {
      ROLE_ARN        = aws_iam_role.this[k].arn
      PRIMARY_REGION  = var.regions.primary
      RECOVERY_REGION = var.regions.recovery
    },
    length(s.repository_arns) == 0 ? {} : { REPOSITORY = split(":repository/", s.repository_arns[0])[1] },
    s.tag_parameter == null ? {} : { TAG_PARAMETER = s.tag_parameter },
    s.group_names == null ? {} : { PRIMARY_GROUP = s.group_names.primary, RECOVERY_GROUP = s.group_names.recovery },
    length(s.function_names) == 0 ? {} : { FUNCTIONS = join(" ", s.function_names) },
    s.site == null ? {} : { BUCKETS = join(" ", [for arn in s.site.bucket_arns : split(":::", arn)[1]]), DISTRIBUTION = split("/", s.site.distribution_arn)[1] },
  ) }
}
