# What applications and their roles need to know.

output "path" {
  description = "Path of the parameters, for a fleet's `parameters`. Known once they exist."
  value       = var.path
  depends_on  = [aws_ssm_parameter.primary, aws_ssm_parameter.recovery, aws_ssm_parameter.secret_primary, aws_ssm_parameter.secret_recovery]
}

output "kms_key_arns" {
  description = "The keys in use; null without secrets. An application's role needs kms:Decrypt on the key of its region."
  value       = local.kms_key_arns
}

output "names" {
  description = "Names of the parameters this module writes: primary and recovery."
  value = {
    primary  = sort([for k in concat(keys(local.plain.primary), keys(var.secret_versions)) : "${var.path}/${k}"])
    recovery = sort([for k in concat(keys(local.plain.recovery), local.by_us ? keys(var.secret_versions) : []) : "${var.path}/${k}"])
  }
}
