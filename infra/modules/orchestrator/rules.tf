# What the items of a plan say about each other, and about the account: the rules that no variable can check on its own. Each line
# is the one that the functions would refuse the plan with, its place first. The parameters of the plan (plan.tf) aren't written
# while there is one. infra/tests/agreement_test.py holds the functions' reader against these lines.

locals {
  give_arn = {
    instance       = "give the ARN of an RDS instance, like arn:aws:rds:us-east-2:123456789012:db:shop-orders"
    cluster        = "give the ARN of an Aurora cluster, like arn:aws:rds:us-east-2:123456789012:cluster:shop-orders"
    target_group   = "give the ARN of a target group, like arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef"
    endpoint_group = "give the ARN of a Global Accelerator endpoint group, like arn:aws:globalaccelerator::123456789012:accelerator/…/listener/…/endpoint-group/…"
    load_balancer  = "give the ARN of an application or network load balancer, like arn:aws:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/0123456789abcdef"
    alarm          = "give the ARN of a CloudWatch alarm, like arn:aws:cloudwatch:us-east-2:123456789012:alarm:shop-errors"
    function       = "give the ARN of a Lambda function, without a version or an alias, like arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness"
    key            = "give the ARN of a KMS key, like arn:aws:kms:us-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
  }

  # Every ARN of the plan: where it stands, and on which side it lies. What has no region is the plan's account's.
  placed_arns = concat(
    flatten([for i, d in var.databases : [for side, s in d.sides :
      { path = "databases[${i}].sides.${side}.arn", arn = s.arn, side = side, remedy = d.kind == "aurora_global" ? local.give_arn.cluster : local.give_arn.instance }
    ]]),
    flatten([for i, f in var.fleets : [for side, s in f.sides : [for j, arn in s.target_groups :
      { path = "fleets[${i}].sides.${side}.target_groups[${j}]", arn = arn, side = side, remedy = local.give_arn.target_group }
    ] if s != null]]),
    flatten([for i, r in var.routes : [for side, s in r.sides : [
      { path = "routes[${i}].sides.${side}.endpoint_group", arn = s.endpoint_group, side = "recovery", remedy = local.give_arn.endpoint_group },
      { path = "routes[${i}].sides.${side}.endpoint", arn = s.endpoint, side = side, remedy = local.give_arn.load_balancer },
    ]]]),
    flatten([for side, s in var.detection.sides : [for i, arn in s.alarms :
      { path = "detection.sides.${side}.alarms[${i}]", arn = arn, side = split(":", arn)[3] == local.regions.primary ? "primary" : "recovery", remedy = local.give_arn.alarm }
    ]]),
    flatten([for witness in var.witness[*] : [for side, s in witness.sides : { path = "witness.sides.${side}.function", arn = s.function, side = side, remedy = local.give_arn.function } if s != null]]),
    flatten([for policy in var.snapshots[*] : [for side, arn in policy.kms_key_arns : { path = "snapshots.kms_key_arns.${side}", arn = arn, side = side, remedy = local.give_arn.key } if arn != null]]),
  )

  # With one account, a primary region that lies in another one is the likely slip.
  or_name_account = { for side in keys(var.sides) : side => side == "primary" && !local.has_two_accounts ? ", or name its account in sides.primary.account if the primary region lies in another one" : "" }

  owners = { for side in keys(var.sides) : side => side == "primary" && local.has_two_accounts ? "the account of the primary region" : "the plan's account" }

  # --- What the plan is refused for ---------------------------------------------------------------------------

  # An ARN has 2048 bytes at most, and Terraform counts characters: each byte that isn't a letter or a digit is written out first.
  foreign_arns = concat(
    [for p in local.placed_arns : "${p.path}: is of the partition ${split(":", p.arn)[1]}, and the plan's regions are of the partition aws; ${p.remedy}" if split(":", p.arn)[1] != "aws"],
    [for p in local.placed_arns : "${p.path}: belongs to ${split(":", p.arn)[4]}, and ${local.owners[p.side]} is ${local.accounts[p.side]}; ${p.remedy}${p.remedy == local.give_arn.load_balancer ? local.or_name_account[p.side] : ""}" if split(":", p.arn)[4] != local.accounts[p.side]],
    [for p in local.placed_arns : "${p.path}: is not an ARN; ${p.remedy}" if length(replace(urlencode(p.arn), "/%../", "-")) > 2048],
    flatten([for policy in var.parameters[*] : [for side, arn in policy.key_arns :
      "parameters.keys.${side}: is of the partition ${split(":", arn)[1]}, and the plan's regions are of the partition aws; give a key of ${local.regions[side]}" if arn != null && try(split(":", arn)[1], "aws") != "aws"
    ]]),
  )

  # What is used, and where; each once.
  used = concat(
    flatten([for i, d in local.databases : [for side, s in d.sides : { path = "databases[${i}].sides.${side}.arn", what = "database ${s.arn}", remedy = "give every database instances of its own" }]]),
    flatten([for i, f in var.fleets : [for side, s in f.sides : { path = "fleets[${i}].sides.${side}.group", what = "group ${side} ${s.group}", remedy = "give every fleet a group of its own" } if s != null]]),
    flatten([for i, f in var.fleets : [for side, s in f.sides : [for j, arn in s.target_groups :
      { path = "fleets[${i}].sides.${side}.target_groups[${j}]", what = "target group ${i} ${side} ${arn}", remedy = "give each target group once" }
    ] if s != null]]),
    flatten([for i, r in var.routes : [for side, s in r.sides : {
      path = "routes[${i}].sides.${side}.endpoint", what = "endpoint ${s.endpoint_group} ${s.endpoint}", remedy = "give every route endpoints of its own in an endpoint group"
    }]]),
  )
  used_at    = { for use in local.used : use.what => use.path... }
  used_twice = [for use in local.used : "${use.path}: is used by ${local.used_at[use.what][0]} already; ${use.remedy}" if local.used_at[use.what][0] != use.path]

  # What waits for what.
  waiting = concat(
    [for i, d in var.databases : { path = "databases[${i}].after", name = d.name, after = d.after }],
    [for i, f in var.fleets : { path = "fleets[${i}].after", name = f.name, after = f.after }],
    [for i, r in var.routes : { path = "routes[${i}].after", name = r.name, after = r.after }],
  )
  waits_twice = flatten([for item in local.waiting : [for j, name in item.after : "${item.path}[${j}]: is `${name}`, given twice; give each name once" if index(item.after, name) < j]])

  # Where one comes from an item by going on, over one item, two, four and so on: with a cycle one can go on for ever, and no plan has
  # as many as 2048 items. On a cycle is what can be gone on from, and is come to, after as many.
  after_each = { for item in local.waiting : item.name => item.after... }
  walk_1     = { for name, lists in local.after_each : name => distinct(flatten(lists)) }
  walk_2     = { for name, others in local.walk_1 : name => distinct(flatten([for other in others : lookup(local.walk_1, other, [])])) if length(others) > 0 }
  walk_4     = { for name, others in local.walk_2 : name => distinct(flatten([for other in others : lookup(local.walk_2, other, [])])) if length(others) > 0 }
  walk_8     = { for name, others in local.walk_4 : name => distinct(flatten([for other in others : lookup(local.walk_4, other, [])])) if length(others) > 0 }
  walk_16    = { for name, others in local.walk_8 : name => distinct(flatten([for other in others : lookup(local.walk_8, other, [])])) if length(others) > 0 }
  walk_32    = { for name, others in local.walk_16 : name => distinct(flatten([for other in others : lookup(local.walk_16, other, [])])) if length(others) > 0 }
  walk_64    = { for name, others in local.walk_32 : name => distinct(flatten([for other in others : lookup(local.walk_32, other, [])])) if length(others) > 0 }
  walk_128   = { for name, others in local.walk_64 : name => distinct(flatten([for other in others : lookup(local.walk_64, other, [])])) if length(others) > 0 }
  walk_256   = { for name, others in local.walk_128 : name => distinct(flatten([for other in others : lookup(local.walk_128, other, [])])) if length(others) > 0 }
  walk_512   = { for name, others in local.walk_256 : name => distinct(flatten([for other in others : lookup(local.walk_256, other, [])])) if length(others) > 0 }
  walk_1024  = { for name, others in local.walk_512 : name => distinct(flatten([for other in others : lookup(local.walk_512, other, [])])) if length(others) > 0 }
  walk_2048  = { for name, others in local.walk_1024 : name => distinct(flatten([for other in others : lookup(local.walk_1024, other, [])])) if length(others) > 0 }
  come_to    = toset(flatten(values(local.walk_2048)))
  in_cycles  = [for item in local.waiting : "${item.path}: closes a cycle: ${item.name} waits for itself by way of ${join(", ", [for name in item.after : name if contains(local.come_to, name)])}; leave one of these out, so that one of them can go first" if contains(local.come_to, item.name) && length(lookup(local.walk_2048, item.name, [])) > 0]

  # Where a witness logs in, and the witness: of one without the other nothing comes.
  connected = { for side in keys(var.sides) : side => [for i, d in var.databases : i if try(d.sides[side].connection, null) != null] }
  witnessed = { for side in keys(var.sides) : side => try(var.witness.sides[side], null) != null }
  witness_problems = concat(
    flatten([for side, indices in local.connected : [for i in indices : "databases[${i}].sides.${side}.connection: is given, and witness.sides.${side} is not; give the function that asks the database there, or leave the connection out" if !local.witnessed[side]]]),
    [for side, indices in local.connected : "witness.sides.${side}.function: is given, and no database has a connection on the ${side} side; give the connection of at least one RDS instance there, or leave the function out" if local.witnessed[side] && length(indices) == 0],
  )

  # What the guard of the primary region needs, in the words of the functions' reader; and what no guard there can do without.
  second_guard_problems = var.guards != "both" ? [] : concat(
    [for i, f in var.fleets : "fleets[${i}].sides.primary: is missing; give its group, target_groups, serving and healthy_targets_min" if f.sides.primary == null],
    length(var.detection.sides.recovery.probes) > 0 ? [] : ["detection.sides.recovery.probes: is empty, so nothing would look at the recovery region from outside it; give at least one probe of the recovery region"],
    [for section, given in { parameters = var.parameters != null, snapshots = var.snapshots != null } : "guards: is both, and ${section} is given: that job does not yet ask which of two guards serves; leave ${section} out, or guards at standby" if given],
    local.has_two_accounts ? ["guards: is both, and sides.primary.account names another account, in which no guard can be installed; leave guards at standby"] : [],
    local.is_opt_in.primary ? ["guards: is both, and sides.primary.region is ${local.regions.primary}, an opt-in region, to whose functions SNS doesn't deliver from another region; leave guards at standby"] : [],
  )

  schedule_problems = flatten([for policy in var.snapshots[*] : concat(
    [for problem in local.schedule_field_problems : "snapshots.schedule: is wrong: ${problem}; ${local.give_schedule}"],
    length(local.schedule_field_problems) == 0 && length(local.due_days) == 0 ? ["snapshots.schedule: names a time that never comes; ${local.give_schedule}"] : [],
  )])
  give_schedule = "give a schedule of EventBridge in UTC, at most once an hour, like cron(0 3 * * ? *): minute, hour, day of month, month, day of week, year"
}
