# Where the plan document is stored: cut into Parameter Store values, which every function of the guard reads.

locals {
  # Cut evenly, so that no part is empty: Parameter Store refuses an empty value.
  plan_prefix = "/pilotlight/${var.name}/plan"
  plan_cuts   = [for i in range(var.plan_parts + 1) : floor(i * length(var.plan_json) / var.plan_parts)]
}

# Parts are written one after the other. Whoever reads them in the meantime would join two versions, if this didn't say what the
# whole is.
resource "aws_ssm_parameter" "plan_checksum" {
  provider = aws.own

  name           = "${local.plan_prefix}/checksum"
  description    = "SHA-256 of the plan ${var.name}, all parts joined. Written by Terraform; a plan that doesn't match it is not read."
  type           = "String"
  tier           = "Standard"
  insecure_value = sha256(var.plan_json)
  tags           = var.tags

  # In an upgrade the functions come first: a new version reads the plan of the version before, and not the other way round.
  depends_on = [aws_lambda_function.this]
}

resource "aws_ssm_parameter" "plan" {
  count    = var.plan_parts
  provider = aws.own

  name        = "${local.plan_prefix}/${count.index}"
  description = "Part ${count.index + 1} of ${var.plan_parts} of the plan ${var.name}. Written by Terraform; changes made here are lost."
  type        = "String"
  tier        = "Standard"
  # A plan holds no secret, and a reviewer wants to see what changes in it.
  insecure_value = substr(var.plan_json, local.plan_cuts[count.index], local.plan_cuts[count.index + 1] - local.plan_cuts[count.index])
  tags           = var.tags

  depends_on = [aws_ssm_parameter.plan_checksum]
}
