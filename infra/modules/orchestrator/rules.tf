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
    key            = "give the ARN of a KMS key, like arn:aws:kms:us-west-1:123456789012:key/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
  }

  # Every ARN of the plan: where it stands, and on which side it lies. What has no region is the plan's account's.
  placed_arns = concat(
    flatten([for i, d in var.databases : [
      { path = "databases[${i}].primary", arn = d.primary, side = "primary", remedy = d.kind == "aurora_global" ? local.give_arn.cluster : local.give_arn.instance },
      { path = "databases[${i}].replica", arn = d.replica, side = "recovery", remedy = d.kind == "aurora_global" ? local.give_arn.cluster : local.give_arn.instance },
    ]]),
    flatten([for i, f in var.fleets : [for j, arn in f.target_groups : { path = "fleets[${i}].target_groups[${j}]", arn = arn, side = "recovery", remedy = local.give_arn.target_group }]]),
    flatten([for i, r in var.routes : [for side, s in { primary = r.primary, recovery = r.recovery } : [
      { path = "routes[${i}].${side}.endpoint_group", arn = s.endpoint_group, side = "recovery", remedy = local.give_arn.endpoint_group },
      { path = "routes[${i}].${side}.endpoint", arn = s.endpoint, side = side, remedy = local.give_arn.load_balancer },
    ]]]),
    [for i, arn in var.detection.alarms : { path = "detection.alarms[${i}]", arn = arn, side = strcontains(arn, ":${var.regions.primary}:") ? "primary" : "recovery", remedy = local.give_arn.alarm }],
    flatten([for policy in var.snapshots[*] : [for side, arn in policy.kms_key_arns : { path = "snapshots.kms_key_arns.${side}", arn = arn, side = side, remedy = local.give_arn.key } if arn != null]]),
  )

  # With one account, a primary region that lies in another one is the likely slip.
  or_name_account = { for side in keys(var.regions) : side => side == "primary" && var.primary_account == null ? ", or name its account in primary_account if the primary region lies in another one" : "" }

  owners = { for side in keys(var.regions) : side => side == "primary" && var.primary_account != null ? "the account of the primary region" : "the plan's account" }

  # --- What the plan is refused for ---------------------------------------------------------------------------

  foreign_arns = concat(
    [for p in local.placed_arns : "${p.path}: is of the partition ${split(":", p.arn)[1]}, and the plan's regions are of the partition aws; ${p.remedy}" if split(":", p.arn)[1] != "aws"],
    [for p in local.placed_arns : "${p.path}: belongs to ${split(":", p.arn)[4]}, and ${local.owners[p.side]} is ${local.accounts[p.side]}; ${p.remedy}${p.remedy == local.give_arn.load_balancer ? local.or_name_account[p.side] : ""}" if split(":", p.arn)[4] != local.accounts[p.side]],
    [for p in local.placed_arns : "${p.path}: is not an ARN; ${p.remedy}" if length(p.arn) > 2048],
  )

  # What is used, and where; each once.
  used = concat(
    flatten([for i, d in local.databases : [for field in ["primary", "replica"] : { path = "databases[${i}].${field}", what = "database ${d[field]}", remedy = "give every database instances of its own" }]]),
    [for i, f in var.fleets : { path = "fleets[${i}].group", what = "group ${f.group}", remedy = "give every fleet a group of its own" }],
    flatten([for i, f in var.fleets : [for j, arn in f.target_groups : { path = "fleets[${i}].target_groups[${j}]", what = "target group ${i} ${arn}", remedy = "give each target group once" }]]),
    flatten([for i, r in var.routes : [for side in ["primary", "recovery"] : {
      path = "routes[${i}].${side}.endpoint", what = "endpoint ${r[side].endpoint_group} ${r[side].endpoint}", remedy = "give every route endpoints of its own in an endpoint group"
    }]]),
  )
  used_twice = [for i, use in local.used : "${use.path}: is used by ${local.used[index(local.used[*].what, use.what)].path} already; ${use.remedy}" if index(local.used[*].what, use.what) < i]

  # What waits for what.
  waiting = concat(
    [for i, d in var.databases : { path = "databases[${i}].after", name = d.name, after = d.after }],
    [for i, f in var.fleets : { path = "fleets[${i}].after", name = f.name, after = f.after }],
    [for i, r in var.routes : { path = "routes[${i}].after", name = r.name, after = r.after }],
  )
  waits_twice = flatten([for item in local.waiting : [for j, name in item.after : "${item.path}[${j}]: is `${name}`, given twice; give each name once" if index(item.after, name) < j]])

  # Over how many others an item waits for itself: each line doubles the way that was gone, and ten of them go 1024 steps.
  reach_1   = { for item in local.waiting : item.name => item.after... }
  reach_2   = { for name, lists in local.reach_1 : name => distinct(flatten(lists)) }
  reach_4   = { for name, others in local.reach_2 : name => distinct(concat(others, flatten([for other in others : lookup(local.reach_2, other, [])]))) }
  reach_8   = { for name, others in local.reach_4 : name => distinct(concat(others, flatten([for other in others : lookup(local.reach_4, other, [])]))) }
  reach_16  = { for name, others in local.reach_8 : name => distinct(concat(others, flatten([for other in others : lookup(local.reach_8, other, [])]))) }
  reach_32  = { for name, others in local.reach_16 : name => distinct(concat(others, flatten([for other in others : lookup(local.reach_16, other, [])]))) }
  reach_64  = { for name, others in local.reach_32 : name => distinct(concat(others, flatten([for other in others : lookup(local.reach_32, other, [])]))) }
  reach_128 = { for name, others in local.reach_64 : name => distinct(concat(others, flatten([for other in others : lookup(local.reach_64, other, [])]))) }
  reach     = { for name, others in local.reach_128 : name => distinct(concat(others, flatten([for other in others : lookup(local.reach_128, other, [])]))) }
  in_cycles = [for item in local.waiting : "${item.path}: closes a cycle: ${item.name} waits for itself by way of ${join(", ", local.reach[item.name])}; leave one of these out, so that one of them can go first" if contains(local.reach[item.name], item.name)]

  schedule_problems = flatten([for policy in var.snapshots[*] : concat(
    [for problem in local.schedule_field_problems : "snapshots.schedule: is wrong: ${problem}; ${local.give_schedule}"],
    length(local.schedule_field_problems) == 0 && length(local.due_days) == 0 ? ["snapshots.schedule: names a time that never comes; ${local.give_schedule}"] : [],
  )])
  give_schedule = "give a schedule of EventBridge in UTC, at most once an hour, like cron(0 3 * * ? *): minute, hour, day of month, month, day of week, year"
}
