# The plan document: built from the typed variables, and checked as a whole.

locals {
  # RDS keeps identifiers in lower case, whatever they were written in: a policy or a pattern with a capital matches nothing.
  databases = [for d in var.databases : merge(d, {
    global_cluster = d.global_cluster == null ? null : lower(d.global_cluster)
    sides          = { for side, s in d.sides : side => merge(s, { arn = lower(s.arn) }) }
  })]

  plan = merge({
    schema    = 2
    name      = var.name
    mode      = var.mode
    sides     = { for side, region in local.regions : side => { region = region, account = local.accounts[side] } }
    databases = [for d in local.databases : { for k, v in merge(d, { sides = { for side, s in d.sides : side => { for k, v in s : k => v if v != null } } }) : k => v if v != null }]
    fleets    = [for f in var.fleets : merge(f, { sides = { for side, s in f.sides : side => { for k, v in s : k => v if v != null } if s != null } })]
    routes    = [for r in var.routes : merge(r, { sides = { for side, s in r.sides : side => { for k, v in s : k => v if v != null } } })]
    detection = merge({
      sides = { for side, s in var.detection.sides : side => {
        alarms = s.alarms
        probes = [for p in s.probes : { for k, v in p : k => v if v != null }]
      } }
      topics                 = [local.topic_arns.primary.signals, local.topic_arns.recovery.signals]
      confirm_seconds        = var.detection.confirm_seconds
      signal_age_seconds_max = var.detection.signal_age_seconds_max
      cooldown_seconds       = var.detection.cooldown_seconds
      },
      # Left out where there is none, so that functions of before read the plan all the same.
      { for seconds in var.detection.watch_seconds[*] : "watch_seconds" => seconds },
    )
    limits = {
      lag_seconds_max          = var.limits.lag_seconds_max
      rto_seconds              = var.limits.rto_seconds
      approval_seconds_max     = var.limits.approval_seconds_max
      function_timeout_seconds = var.function_timeout_seconds
      step_seconds_max         = var.limits.step_seconds_max
    }
    operator_function = "${var.name}-alarm-handler"
    },
    { for witness in var.witness[*] : "witness" => {
      user              = witness.user
      heartbeat_seconds = witness.heartbeat_seconds
      sides             = { for side, s in witness.sides : side => s if s != null }
    } },
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
}

# What is refused about the plan as a whole. The guard gets the document from here, so it writes none that is refused.
resource "terraform_data" "plan" {
  input = local.plan_json

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
      condition     = length(local.witness_problems) == 0
      error_message = join("\n", local.witness_problems)
    }
    precondition {
      condition     = length(local.second_guard_problems) == 0
      error_message = join("\n", local.second_guard_problems)
    }
    precondition {
      condition     = length(local.schedule_problems) == 0
      error_message = join("\n", local.schedule_problems)
    }
    precondition {
      condition     = length(local.plan_json) <= var.plan_parts * local.plan_part_characters_max
      error_message = "The plan has ${length(local.plan_json)} characters and doesn't fit into ${var.plan_parts} parameters: set plan_parts to ${ceil(length(local.plan_json) / local.plan_part_characters_max)} or more."
    }
    precondition {
      condition     = data.aws_region.primary.id == local.regions.primary && data.aws_region.recovery.id == local.regions.recovery
      error_message = "The providers aws.primary and aws.recovery work in ${data.aws_region.primary.id} and ${data.aws_region.recovery.id}, but sides says ${local.regions.primary} and ${local.regions.recovery}."
    }
    precondition {
      condition     = data.aws_caller_identity.primary.account_id == local.account
      error_message = "The providers aws.primary and aws.recovery work in the accounts ${data.aws_caller_identity.primary.account_id} and ${local.account}. Pilotlight's own resources lie in one account, the recovery region's; where the primary region's load balancers and alarms lie in another one, name it in sides.primary.account and let both providers work in the recovery region's."
    }
    precondition {
      condition     = !local.has_two_accounts || local.accounts.primary != local.account
      error_message = "sides.primary.account: is the recovery side's account too; leave it out where both regions lie in one account"
    }
    precondition {
      condition     = coalesce(var.sides.recovery.account, local.account) == local.account
      error_message = "sides.recovery.account: is not ${local.account}, the account that both providers work in; leave it out, or give both providers the recovery side's account"
    }
    precondition {
      condition     = !local.has_two_accounts || alltrue([for arn in concat(flatten([for r in var.routes : values(r.sides)[*].endpoint_group]), [for r in var.routes : r.sides.recovery.endpoint], flatten([for f in var.fleets : f.sides.recovery.target_groups])) : split(":", arn)[4] == local.account])
      error_message = "Endpoint groups, the recovery region's load balancers and target groups must lie in the account ${local.account}, which the functions work in: an accelerator of another account can't be steered from there."
    }
  }
}
