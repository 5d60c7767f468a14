# The plan document: built from the typed variables, cut into Parameter Store values, read by every function.

locals {
  # RDS keeps identifiers in lower case, whatever they were written in: a policy or a pattern with a capital matches nothing.
  databases = [for d in var.databases : merge(d, {
    primary        = lower(d.primary)
    replica        = lower(d.replica)
    global_cluster = d.global_cluster == null ? null : lower(d.global_cluster)
  })]

  endpoint_groups = distinct(flatten([for r in var.routes : [r.primary.endpoint_group, r.recovery.endpoint_group]]))

  plan = merge({
    schema    = 1
    name      = var.name
    account   = local.account
    mode      = var.mode
    regions   = var.regions
    databases = [for d in local.databases : { for k, v in d : k => v if v != null }]
    fleets    = var.fleets
    routes    = [for r in var.routes : { for k, v in r : k => v if v != null }]
    detection = {
      alarms                 = var.detection.alarms
      topics                 = [local.topic_arns.signals_primary, local.topic_arns.signals_recovery]
      probes                 = [for p in var.detection.probes : { for k, v in p : k => v if v != null }]
      confirm_seconds        = var.detection.confirm_seconds
      signal_age_seconds_max = var.detection.signal_age_seconds_max
      cooldown_seconds       = var.detection.cooldown_seconds
    }
    limits = {
      lag_seconds_max          = var.limits.lag_seconds_max
      rto_seconds              = var.limits.rto_seconds
      approval_seconds_max     = var.limits.approval_seconds_max
      function_timeout_seconds = var.function_timeout_seconds
      step_seconds_max         = var.limits.step_seconds_max
    }
    operator_function = local.function_names["alarm-handler"]
    },
    { for account in var.primary_account[*] : "primary_account" => account.id },
    { for policy in var.snapshots[*] : "snapshots" => merge({
      schedule      = policy.schedule
      keep          = policy.keep
      keep_min      = policy.keep_min
      deletions_max = policy.deletions_max
      kms_key_arns  = { for side, arn in policy.kms_key_arns : side => arn if arn != null }
      except        = policy.except
      },
      # Left out where there is none, so that functions of before read the plan all the same.
      { for groups in [policy.option_groups] : "option_groups" => [for g in groups : { for k, v in g : k => v if v != null }] if length(groups) > 0 },
    ) },
    { for policy in var.parameters[*] : "parameters" => {
      include             = policy.include
      exclude             = policy.exclude
      overrides           = policy.overrides
      existing            = policy.existing
      keys                = { for side, arn in policy.key_arns : side => arn if arn != null }
      puts_per_second     = policy.puts_per_second
      deletes_percent_max = policy.deletes_percent_max
    } },
  )
  plan_json = jsonencode(local.plan)

  # A standard parameter holds 4096 bytes. 4000 leaves room for the few characters that take two.
  plan_part_characters_max = 4000

  # Cut evenly, so that no part is empty: Parameter Store refuses an empty value.
  plan_prefix = "/pilotlight/${var.name}/plan"
  plan_cuts   = [for i in range(var.plan_parts + 1) : floor(i * length(local.plan_json) / var.plan_parts)]
}

# Parts are written one after the other. Whoever reads them in the meantime would join two versions, if this didn't say what the
# whole is.
resource "aws_ssm_parameter" "plan_checksum" {
  provider = aws.recovery

  name           = "${local.plan_prefix}/checksum"
  description    = "SHA-256 of the plan ${var.name}, all parts joined. Written by Terraform; a plan that doesn't match it is not read."
  type           = "String"
  tier           = "Standard"
  insecure_value = sha256(local.plan_json)
  tags           = local.tags

  lifecycle {
    # rules.tf: one at a time, so that what isn't known yet keeps none of the others from being checked.
    precondition {
      condition     = length(local.foreign_arns) == 0
      error_message = join("\n", local.foreign_arns)
    }
    precondition {
      condition     = length(local.used_twice) == 0
      error_message = join("\n", local.used_twice)
    }
    precondition {
      condition     = length(local.waits_twice) == 0
      error_message = join("\n", local.waits_twice)
    }
    precondition {
      condition     = length(local.in_cycles) == 0
      error_message = join("\n", local.in_cycles)
    }
    precondition {
      condition     = length(local.schedule_problems) == 0
      error_message = join("\n", local.schedule_problems)
    }
  }
}

resource "aws_ssm_parameter" "plan" {
  count    = var.plan_parts
  provider = aws.recovery

  name        = "${local.plan_prefix}/${count.index}"
  description = "Part ${count.index + 1} of ${var.plan_parts} of the plan ${var.name}. Written by Terraform; changes made here are lost."
  type        = "String"
  tier        = "Standard"
  # A plan holds no secret, and a reviewer wants to see what changes in it.
  insecure_value = substr(local.plan_json, local.plan_cuts[count.index], local.plan_cuts[count.index + 1] - local.plan_cuts[count.index])
  tags           = local.tags

  # First it is known that the plan is right (rules.tf).
  depends_on = [aws_ssm_parameter.plan_checksum]

  lifecycle {
    precondition {
      condition     = length(local.plan_json) <= var.plan_parts * local.plan_part_characters_max
      error_message = "The plan has ${length(local.plan_json)} characters and doesn't fit into ${var.plan_parts} parameters: set plan_parts to ${ceil(length(local.plan_json) / local.plan_part_characters_max)} or more."
    }
    precondition {
      condition     = data.aws_region.primary.id == var.regions.primary && data.aws_region.recovery.id == var.regions.recovery
      error_message = "The providers aws.primary and aws.recovery work in ${data.aws_region.primary.id} and ${data.aws_region.recovery.id}, but var.regions says ${var.regions.primary} and ${var.regions.recovery}."
    }
    precondition {
      condition     = data.aws_caller_identity.primary.account_id == local.account
      error_message = "The providers aws.primary and aws.recovery work in the accounts ${data.aws_caller_identity.primary.account_id} and ${local.account}. Pilotlight's own resources lie in one account, the recovery region's; where the primary region's load balancers and alarms lie in another one, name it in primary_account and let both providers work in the recovery region's."
    }
    precondition {
      condition     = var.primary_account == null || local.accounts.primary != local.account
      error_message = "primary_account: is the plan's account too; leave it out where both regions lie in one account"
    }
    precondition {
      condition     = var.primary_account == null || alltrue([for arn in concat(local.endpoint_groups, [for r in var.routes : r.recovery.endpoint], flatten(var.fleets[*].target_groups)) : split(":", arn)[4] == local.account])
      error_message = "Endpoint groups, the recovery region's load balancers and target groups must lie in the account ${local.account}, which the functions work in: an accelerator of another account can't be steered from there."
    }
  }
}
