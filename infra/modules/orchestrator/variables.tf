# What a user says about the workload. The rules mirror those of the plan document, so that a mistake is named by
# `terraform plan` and not by a function at 03:00; infra/tests/agreement_test.py holds the two against each other. What several
# items say about each other stands in rules.tf. A value that is only known after apply is checked at apply.

# --- The workload ---------------------------------------------------------------------------------------------

variable "name" {
  description = "Name of the plan, and the prefix of everything this module creates. Unique in the account."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,29}[a-z0-9]$", var.name))
    error_message = "name: 3 to 31 characters, a-z, 0-9 and '-', beginning with a letter and not ending with '-'."
  }
}

variable "sides" {
  description = <<-TEXT
    The two places of the workload: `primary` serves users today, `recovery` takes over.
      region        the region; it must be that of the provider aws.primary or aws.recovery
      account       the account of the side's load balancers, alarms and parameters. null: the account that both providers use. Only the
                    primary side's may be another one. A plan with two accounts has no databases. Pilotlight's own resources are in the
                    recovery side's account, in both regions. modules/primary-account builds what the other account needs
      external_id   the external id of the role that ssm-replicator assumes in the other account; needed only with parameters
  TEXT
  type = object({
    primary  = object({ region = string, account = optional(string), external_id = optional(string) })
    recovery = object({ region = string, account = optional(string) })
  })
  validation {
    condition     = alltrue([for s in var.sides : can(regex("^[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}$", s.region)) && length(s.region) <= 30])
    error_message = "sides: region '${var.sides.primary.region}' of primary or '${var.sides.recovery.region}' of recovery does not look like a region; give a region's code, like us-east-2."
  }
  validation {
    condition     = var.sides.recovery.region != var.sides.primary.region
    error_message = "sides.recovery.region: is ${var.sides.recovery.region}, which is the primary region too; give another region, one that survives the loss of the primary."
  }
  validation {
    condition     = alltrue([for s in var.sides : !can(regex("^(us-gov|cn|eusc|us-iso|us-isob|us-isof|eu-isoe)-", s.region))])
    error_message = "sides: region '${var.sides.primary.region}' of primary or '${var.sides.recovery.region}' of recovery lies in another partition than aws, and Global Accelerator, which steers the routes, exists in the partition aws only."
  }
  # The regions that an account need not enable: those from before 2019. AWS adds none to them, so that whatever comes is opt-in.
  validation {
    condition = can(regex("^(us-gov|cn|eusc|us-iso|us-isob|us-isof|eu-isoe)-", var.sides.recovery.region)) || contains([
      "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1", "eu-north-1",
      "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
    ], var.sides.recovery.region)
    error_message = "sides.recovery.region: is ${var.sides.recovery.region}, an opt-in region, and SNS doesn't deliver to a Lambda function of an opt-in region from another region: the primary's alarms would never arrive. Give a region that needs no opt-in, one of those from before 2019."
  }
  validation {
    condition     = alltrue([for s in var.sides : s.account == null || can(regex("^[0-9]{12}$", s.account))])
    error_message = "sides: account of primary or recovery is not an AWS account; give its 12 digits in quotes."
  }
  validation {
    condition     = var.sides.primary.external_id == null || can(regex("^[A-Za-z0-9_+=,.@:/-]{2,}$", var.sides.primary.external_id)) && try(length(var.sides.primary.external_id) <= 1224, false)
    error_message = "sides.primary.external_id: has 2 to 1224 letters, digits and _ + = , . @ : / -"
  }
}

variable "guards" {
  description = <<-TEXT
    Which side has a guard: an installation of the functions, with a journal, schedules and alarms of its own.
      standby   one guard, in the recovery region. It moves the workload there, and nothing moves it back
      both      a guard in each region. Each looks at its own side and hears the other: the one that serves leaves the other side alone, and the
                other one may move the workload once a replica there follows. Making that replica is still done by hand. Not with
                `snapshots` or `parameters` yet: those jobs do not ask which of two guards serves. Needs the primary side of every
                fleet and at least one probe of the recovery region. A guard that is alone and has never written a record becomes one of two
                without knowing that it stood by: until both have heard each other, a few minutes, no loss is met
  TEXT
  type        = string
  default     = "standby"
  validation {
    condition     = contains(["standby", "both"], var.guards)
    error_message = "guards: '${var.guards}' is neither standby nor both."
  }
}

variable "mode" {
  description = "approve: a failover waits for a person's approval. automatic: it starts by itself when the evidence suffices."
  type        = string
  default     = "approve"
  validation {
    condition     = contains(["approve", "automatic"], var.mode)
    error_message = "mode: '${var.mode}' is neither approve nor automatic."
  }
}

variable "databases" {
  description = <<-TEXT
    The databases that move: cross-region RDS read replicas, or Aurora global databases.
      kind             rds_replica or aurora_global
      global_cluster   identifier of the Aurora global database; only with aurora_global
      sides            what it is on each side:
        arn                         ARN of the instance; with aurora_global, of the global database's cluster there
        backup_retention_days       set by the promotion of this side's instance; it must be above 0, or the promoted instance can't
                                    have replicas for the way back. null: 7. An Aurora cluster keeps its own setting
        quarantine_security_group   a security group without rules in this side's VPC. With it Pilotlight isolates the old primary of
                                    this side as soon as its region answers. Only with it may the function modify that one instance
                                    or cluster. The mode automatic requires that of the primary side. The recovery side's is for the
                                    way back
        connection                  where the witness of this side logs in to the instance: the host of its endpoint, the port, and the
                                    database in which the grants were run. PostgreSQL, and rds_replica only
      after            names of databases to promote first
  TEXT
  type = list(object({
    name           = string
    kind           = optional(string, "rds_replica")
    global_cluster = optional(string)
    sides = object({
      primary = object({
        arn                       = string
        backup_retention_days     = optional(number)
        quarantine_security_group = optional(string)
        connection                = optional(object({ host = string, port = optional(number, 5432), database = string }))
      })
      recovery = object({
        arn                       = string
        backup_retention_days     = optional(number)
        quarantine_security_group = optional(string)
        connection                = optional(object({ host = string, port = optional(number, 5432), database = string }))
      })
    })
    after = optional(list(string), [])
  }))
  default = []
  validation {
    condition     = var.mode != "automatic" || alltrue([for d in var.databases : d.sides.primary.quarantine_security_group != null])
    error_message = "databases: with mode automatic each needs a sides.primary.quarantine_security_group, or nothing cuts an old primary off that still answers. Name a security group without rules, or let mode be approve."
  }
  validation {
    condition     = var.sides.primary.account == null || length(var.databases) == 0
    error_message = "databases: can't span two accounts (sides.primary.account), for RDS makes a replica in the account of its source only. Keep both regions in one account, or leave the databases out and replicate and promote them by other means."
  }
  validation {
    condition     = alltrue([for d in var.databases : can(regex("^[a-z][a-z0-9-]{0,39}$", d.name))])
    error_message = "databases: a name has 1 to 40 characters, a-z, 0-9 and '-', beginning with a letter."
  }
  validation {
    condition     = alltrue([for d in var.databases : contains(["rds_replica", "aurora_global"], d.kind)])
    error_message = "databases: kind must be rds_replica or aurora_global."
  }
  validation {
    condition     = alltrue(flatten([for d in var.databases : [for side, s in d.sides : can(regex("^arn:aws(-[a-z-]+)?:rds:${var.sides[side].region}:[0-9]{12}:db:[A-Za-z0-9-]{1,63}$", s.arn)) if d.kind == "rds_replica"]]))
    error_message = "databases: each side's arn must be the ARN of an RDS instance in its region (primary ${var.sides.primary.region}, recovery ${var.sides.recovery.region}), like arn:aws:rds:us-east-2:123456789012:db:shop-orders."
  }
  validation {
    condition     = alltrue(flatten([for d in var.databases : [for side, s in d.sides : can(regex("^arn:aws(-[a-z-]+)?:rds:${var.sides[side].region}:[0-9]{12}:cluster:[A-Za-z0-9-]{1,63}$", s.arn)) if d.kind == "aurora_global"]]))
    error_message = "databases: with kind aurora_global, each side's arn must be the ARN of an Aurora cluster in its region (primary ${var.sides.primary.region}, recovery ${var.sides.recovery.region}), like arn:aws:rds:us-east-2:123456789012:cluster:shop-orders."
  }
  validation {
    condition     = alltrue([for d in var.databases : (d.global_cluster != null) == (d.kind == "aurora_global")])
    error_message = "databases: global_cluster must be given with kind aurora_global, and only then."
  }
  validation {
    condition     = alltrue([for d in var.databases : d.global_cluster == null || can(regex("^[A-Za-z][A-Za-z0-9-]{0,62}$", d.global_cluster))])
    error_message = "databases: global_cluster must be the identifier of an Aurora global database, not its ARN."
  }
  validation {
    condition     = length(compact(var.databases[*].global_cluster)) == length(distinct([for id in compact(var.databases[*].global_cluster) : lower(id)]))
    error_message = "databases: every database must have a global_cluster of its own."
  }
  validation {
    condition     = alltrue(flatten([for d in var.databases : [for s in d.sides : s.backup_retention_days == null if d.kind == "aurora_global"]]))
    error_message = "databases: with kind aurora_global, leave backup_retention_days a side's out: an Aurora cluster keeps its own setting."
  }
  validation {
    condition     = alltrue(flatten([for d in var.databases : [for s in d.sides : s.backup_retention_days >= 1 && s.backup_retention_days <= 35 && floor(s.backup_retention_days) == s.backup_retention_days if s.backup_retention_days != null && d.kind != "aurora_global"]]))
    error_message = "databases: a side's backup_retention_days must be a whole number from 1 to 35. With 0 the promoted instance can't have replicas, so there is no way back."
  }
  validation {
    condition     = alltrue(flatten([for d in var.databases : [for s in d.sides : s.quarantine_security_group == null || can(regex("^sg-[a-z0-9]{1,32}$", s.quarantine_security_group))]]))
    error_message = "databases: a side's quarantine_security_group must be a security group's id (sg-...)."
  }
  validation {
    condition     = alltrue(flatten([for d in var.databases : [for s in d.sides : s.connection == null if d.kind == "aurora_global"]]))
    error_message = "databases: with kind aurora_global, leave a side's connection out: the witness asks RDS instances only."
  }
  validation {
    condition     = alltrue(flatten([for d in var.databases : [for s in d.sides : can(regex("^[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$", s.connection.host)) if s.connection != null && d.kind != "aurora_global"]]))
    error_message = "databases: host of a side's connection is not a host name; give the host name of the instance's endpoint, without a port."
  }
  validation {
    condition     = alltrue(flatten([for d in var.databases : [for s in d.sides : s.connection.port >= 1 && s.connection.port <= 65535 && floor(s.connection.port) == s.connection.port if s.connection != null && d.kind != "aurora_global"]]))
    error_message = "databases: port of a side's connection must be a whole number from 1 to 65535."
  }
  validation {
    condition     = alltrue(flatten([for d in var.databases : [for s in d.sides : can(regex("^[A-Za-z_][A-Za-z0-9_$-]{0,62}$", s.connection.database)) if s.connection != null && d.kind != "aurora_global"]]))
    error_message = "databases: database of a side's connection is not the name of a database; give 1 to 63 letters, digits, underscores, dollar signs and hyphens, beginning with a letter or an underscore."
  }
  validation {
    condition     = alltrue(flatten([for d in var.databases : [for a in d.after : a != d.name && contains(var.databases[*].name, a)]]))
    error_message = "databases: after may name other databases of the plan only; they are promoted first."
  }
}

variable "witness" {
  description = <<-TEXT
    The functions inside the VPCs that ask the databases in SQL (modules/database-witness), one on each side or on one of them. null: nobody asks.
      user                the database role that they log in as
      heartbeat_seconds   time from one heartbeat to the next, as the modules have it. 0: none are written
      sides               the function's ARN on each side that has one
  TEXT
  type = object({
    user              = optional(string, "pilotlight_witness")
    heartbeat_seconds = optional(number, 5)
    sides             = object({ primary = optional(object({ function = string })), recovery = optional(object({ function = string })) })
  })
  default = null
  validation {
    condition     = var.witness == null || try(can(regex("^[a-z_][a-z0-9_]{0,62}$", var.witness.user)), false)
    error_message = "witness: user is not the name of a database role; give 1 to 63 characters of a-z, 0-9 and underscore, not beginning with a digit."
  }
  validation {
    condition     = var.witness == null || try(var.witness.heartbeat_seconds >= 0 && var.witness.heartbeat_seconds <= 60 && floor(var.witness.heartbeat_seconds) == var.witness.heartbeat_seconds, false)
    error_message = "witness: heartbeat_seconds must be a whole number from 0 to 60."
  }
  validation {
    condition     = var.witness == null || try(var.witness.heartbeat_seconds <= 0 || var.witness.heartbeat_seconds < var.limits.lag_seconds_max, false)
    error_message = "witness: heartbeat_seconds is ${try(var.witness.heartbeat_seconds, 0)}, not less than limits.lag_seconds_max, which is ${var.limits.lag_seconds_max}; lower it or raise the limit: a healthy replica is up to one heartbeat behind."
  }
  validation {
    condition     = var.witness == null || try(anytrue([for s in var.witness.sides : s != null]), false)
    error_message = "witness: sides names no function on either side; give the function of the recovery side, or leave witness out."
  }
  validation {
    condition     = var.witness == null || try(alltrue([for side, s in var.witness.sides : can(regex("^arn:aws(-[a-z-]+)?:lambda:${var.sides[side].region}:[0-9]{12}:function:[A-Za-z0-9_-]{1,64}$", s.function)) if s != null]), false)
    error_message = "witness: a side's function must be the ARN of a Lambda function in its region (primary ${var.sides.primary.region}, recovery ${var.sides.recovery.region}), without a version or an alias, like arn:aws:lambda:us-west-1:123456789012:function:shop-database-witness."
  }
}

variable "fleets" {
  description = <<-TEXT
    The fleets that start: an Auto Scaling group on each side. The primary side is for the way back; without it the plan moves one way.
      group                 the group's name
      target_groups         ARNs of the target groups in which its instances must become healthy
      serving               the size that it takes to serve here, which a failover to this side gives it
      resting               the size that it has while the other side serves. null: what it is left at
      healthy_targets_min   number of healthy targets that each target group needs before traffic opens here
      after                 names of databases and fleets that must be ready first
  TEXT
  type = list(object({
    name = string
    kind = optional(string, "auto_scaling_group")
    sides = object({
      primary = optional(object({
        group               = string
        target_groups       = list(string)
        serving             = object({ min = number, desired = number, max = number })
        resting             = optional(object({ min = number, desired = number, max = number }))
        healthy_targets_min = number
      }))
      recovery = object({
        group               = string
        target_groups       = list(string)
        serving             = object({ min = number, desired = number, max = number })
        resting             = optional(object({ min = number, desired = number, max = number }))
        healthy_targets_min = number
      })
    })
    after = optional(list(string), [])
  }))
  default = []
  validation {
    condition     = alltrue([for f in var.fleets : can(regex("^[a-z][a-z0-9-]{0,39}$", f.name))])
    error_message = "fleets: a name has 1 to 40 characters, a-z, 0-9 and '-', beginning with a letter."
  }
  validation {
    condition     = alltrue([for f in var.fleets : f.kind == "auto_scaling_group"])
    error_message = "fleets: kind must be auto_scaling_group."
  }
  validation {
    condition     = alltrue(flatten([for f in var.fleets : [for s in f.sides : can(regex("^[ -~]+$", s.group)) && length(s.group) <= 255 && !can(regex("[:*?]", s.group)) if s != null]]))
    error_message = "fleets: a side's group is not the name of an Auto Scaling group; give its name (1 to 255 printable ASCII characters without : * and ?), not its ARN. '*' and '?' would widen the function's permissions."
  }
  validation {
    condition     = alltrue(flatten([for f in var.fleets : [for side, s in f.sides : length(s.target_groups) >= 1 && alltrue([for t in s.target_groups : can(regex("^arn:aws(-[a-z-]+)?:elasticloadbalancing:${var.sides[side].region}:[0-9]{12}:targetgroup/[^/\\p{Cc}]+/[^/\\p{Cc}]+$", t))]) if s != null]]))
    error_message = "fleets: a side's target_groups must name at least one target group, each by its ARN in its region (primary ${var.sides.primary.region}, recovery ${var.sides.recovery.region}), like arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123456789abcdef."
  }
  validation {
    condition     = alltrue(flatten([for f in var.fleets : [for s in f.sides : 0 <= s.serving.min && s.serving.min <= s.serving.desired && s.serving.desired <= s.serving.max && s.serving.max <= 100000 && alltrue([for c in values(s.serving) : floor(c) == c]) if s != null]]))
    error_message = "fleets: a side's serving must hold whole numbers with 0 <= min <= desired <= max (${join("; ", flatten([for f in var.fleets : [for side, s in f.sides : "${f.name}, ${side}: ${s.serving.min}, ${s.serving.desired}, ${s.serving.max}" if s != null]]))})."
  }
  validation {
    condition     = alltrue(flatten([for f in var.fleets : [for s in f.sides : 0 <= s.resting.min && s.resting.min <= s.resting.desired && s.resting.desired <= s.resting.max && s.resting.max <= 100000 && alltrue([for c in values(s.resting) : floor(c) == c]) if try(s.resting, null) != null]]))
    error_message = "fleets: a side's resting must hold whole numbers with 0 <= min <= desired <= max."
  }
  validation {
    condition     = alltrue(flatten([for f in var.fleets : [for s in f.sides : 1 <= s.healthy_targets_min && s.healthy_targets_min <= s.serving.desired && floor(s.healthy_targets_min) == s.healthy_targets_min if s != null]]))
    error_message = "fleets: a side's healthy_targets_min must be a whole number from 1 to the desired size in serving, else traffic opens to nothing or never (${join("; ", flatten([for f in var.fleets : [for side, s in f.sides : "${f.name}, ${side}: ${s.healthy_targets_min} of ${s.serving.desired}" if s != null]]))})."
  }
  validation {
    condition     = alltrue(flatten([for f in var.fleets : [for a in f.after : a != f.name && contains(concat(var.databases[*].name, var.fleets[*].name), a)]]))
    error_message = "fleets: after may name databases and other fleets of the plan only; they are ready first."
  }
}

variable "routes" {
  description = <<-TEXT
    The ways users come in: Global Accelerator endpoints, one in each region.
      sides   where it leads on each side:
        endpoint_group   ARN of the endpoint group
        endpoint         the endpoint in it, a load balancer's ARN
        weight           its weight when it is open. At rest the primary endpoint has that weight and the recovery endpoint has 0
        probe            how to check from outside that this side serves; a run to this side uses it to verify
      after   names of items that must be ready, or open, first
  TEXT
  type = list(object({
    name = string
    kind = optional(string, "global_accelerator")
    sides = object({
      primary = object({
        endpoint_group = string
        endpoint       = string
        weight         = optional(number, 128)
        probe = optional(object({
          kind            = optional(string, "http")
          name            = string
          url             = string
          expect_status   = optional(number, 200)
          timeout_seconds = optional(number, 3)
        }))
      })
      recovery = object({
        endpoint_group = string
        endpoint       = string
        weight         = optional(number, 128)
        probe = optional(object({
          kind            = optional(string, "http")
          name            = string
          url             = string
          expect_status   = optional(number, 200)
          timeout_seconds = optional(number, 3)
        }))
      })
    })
    after = optional(list(string), [])
  }))
  validation {
    condition     = alltrue([for r in var.routes : can(regex("^[a-z][a-z0-9-]{0,39}$", r.name))])
    error_message = "routes: a name has 1 to 40 characters, a-z, 0-9 and '-', beginning with a letter."
  }
  validation {
    condition     = alltrue([for r in var.routes : r.kind == "global_accelerator"])
    error_message = "routes: kind must be global_accelerator."
  }
  validation {
    condition     = var.sides.primary.region != "us-west-2" || alltrue([for r in var.routes : r.kind != "global_accelerator"])
    error_message = "routes: kind is global_accelerator and the primary region is us-west-2, and Global Accelerator's API answers in us-west-2 only. With that region lost, traffic could not be moved: nothing may depend on the region that failed."
  }
  validation {
    condition     = alltrue(flatten([for r in var.routes : [for s in r.sides : s.weight >= 1 && s.weight <= 255 && floor(s.weight) == s.weight]]))
    error_message = "routes: a side's weight must be a whole number from 1 to 255. It is the weight of the open endpoint; 0 is what a closed one gets."
  }
  validation {
    condition     = alltrue(flatten([for r in var.routes : [for s in r.sides : can(regex("^arn:aws(-[a-z-]+)?:globalaccelerator::[0-9]{12}:accelerator/[^/*?\\p{Cc}]+/listener/[^/*?\\p{Cc}]+/endpoint-group/[^/*?\\p{Cc}]+$", s.endpoint_group))]]))
    error_message = "routes: a side's endpoint_group must be the ARN of a Global Accelerator endpoint group."
  }
  validation {
    condition     = alltrue([for r in var.routes : r.sides.primary.endpoint_group != r.sides.recovery.endpoint_group && r.sides.primary.endpoint != r.sides.recovery.endpoint])
    error_message = "routes: endpoint_group or endpoint in sides.recovery is the primary side's too, and an endpoint group lies in one region; give the endpoint group of the recovery region."
  }
  validation {
    condition     = alltrue(flatten([for r in var.routes : [for side, s in r.sides : can(regex("^arn:aws(-[a-z-]+)?:elasticloadbalancing:${var.sides[side].region}:[0-9]{12}:loadbalancer/(app|net)/[^/\\p{Cc}]+/[^/\\p{Cc}]+$", s.endpoint))]]))
    error_message = "routes: a side's endpoint must be the ARN of an application or network load balancer in its own region (primary ${var.sides.primary.region}, recovery ${var.sides.recovery.region})."
  }
  validation {
    condition     = var.sides.primary.account == null || alltrue([for r in var.routes : try(split(":", r.sides.primary.endpoint)[4], "") == var.sides.primary.account])
    error_message = "routes: sides.primary.endpoint must lie in the account ${coalesce(var.sides.primary.account, "none")}, which sides.primary.account names."
  }
  validation {
    condition     = alltrue(flatten([for r in var.routes : [for s in r.sides : s.probe == null || try(s.probe.kind == "http", false)]]))
    error_message = "routes: a side's probe must be of kind http, with a url and no host or port."
  }
  validation {
    condition     = alltrue(flatten([for r in var.routes : [for s in r.sides : s.probe == null || can(regex("^[a-z][a-z0-9-]{0,39}$", s.probe.name))]]))
    error_message = "routes: the name of a side's probe has 1 to 40 characters, a-z, 0-9 and '-', beginning with a letter."
  }
  validation {
    condition     = alltrue(flatten([for r in var.routes : [for s in r.sides : s.probe == null || try(floor(s.probe.timeout_seconds) == s.probe.timeout_seconds && s.probe.timeout_seconds >= 1 && s.probe.timeout_seconds <= 10 && floor(s.probe.expect_status) == s.probe.expect_status && s.probe.expect_status >= 100 && s.probe.expect_status <= 599, false)]]))
    error_message = "routes: timeout_seconds of a side's probe must be a whole number from 1 to 10, expect_status one from 100 to 599."
  }
  validation {
    condition     = alltrue(flatten([for r in var.routes : [for s in r.sides : s.probe == null || !can(regex("^https?://[^/?#]*@", s.probe.url))]]))
    error_message = "routes: url of a side's probe holds credentials, which a plan must not; leave out what stands before the @."
  }
  validation {
    condition     = alltrue(flatten([for r in var.routes : [for s in r.sides : s.probe == null || can(regex("^https?://[^/?#]*@", s.probe.url)) || try((can(regex("^https?://([A-Za-z0-9_-]{1,63}([.][A-Za-z0-9_-]{1,63})*|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?([/?][!-~]*)?$", s.probe.url)) && length(s.probe.url) <= 2048 && !can(regex("[\"#<>\\\\^`{|}]", s.probe.url)) && length(regex("^https?://\\[?([^/?\\]]*?)\\]?(?::[0-9]*)?(?:[/?]|$)", s.probe.url)[0]) <= 253 && (!can(regex("^https?://\\[", s.probe.url)) || !can(regex("^https?://\\[[^\\]]*([0-9A-Fa-f]{5}|[:.]0[0-9]+[.]|[.]0[0-9])", s.probe.url)) && can(cidrhost("${regex("^https?://\\[([^\\]]*)\\]", s.probe.url)[0]}/128", 0))) && try(tonumber(regex("^https?://(?:\\[[^\\]]*\\]|[^/?:]*):([0-9]+)", s.probe.url)[0]), 80) >= 1 && try(tonumber(regex("^https?://(?:\\[[^\\]]*\\]|[^/?:]*):([0-9]+)", s.probe.url)[0]), 80) <= 65535), false)]]))
    error_message = "routes: url of a side's probe isn't an http:// or https:// URL; give one like http://shop.example.com/health. Write a host's name in punycode (xn--...), without a closing dot, and a port from 1 to 65535."
  }
  validation {
    condition     = alltrue(flatten([for r in var.routes : [for a in r.after : a != r.name && contains(concat(var.databases[*].name, var.fleets[*].name, var.routes[*].name), a)]]))
    error_message = "routes: after may name other items of the plan only; they are ready, or open, first."
  }
  validation {
    condition     = length(var.routes) >= 1
    error_message = "routes: the plan has no route, so nothing could be fenced before a promotion and no traffic would move. Give at least one."
  }
  validation {
    condition     = length(distinct(concat(var.databases[*].name, var.fleets[*].name, var.routes[*].name))) == length(var.databases) + length(var.fleets) + length(var.routes)
    error_message = "routes: a name is used twice among databases, fleets and routes (${join(", ", concat(var.databases[*].name, var.fleets[*].name, var.routes[*].name))})."
  }
}

variable "detection" {
  description = <<-TEXT
    How Pilotlight detects the loss of a side.
      sides                    signals of each side's loss. Those of the recovery side are for the way back
        alarms                 ARNs of the CloudWatch alarms that count. Their alarm_actions must name the signals topic of their own region
        probes                 what the other side probes each minute: http (url, expect_status) or tcp (host, port). At least one of
                               the primary side, because the alarms of a region die with it
      confirm_seconds          how long the evidence must persist
      signal_age_seconds_max   maximum age of an alarm message that may start a run
      cooldown_seconds         pause after a finished run before another may start automatically
      watch_seconds            probes and replicas are looked at this often within each minute. null: once a minute. It shortens the time to the
                               first sign of a loss, and keeps alarm-handler running: 10 USD a month (see "Cost at rest")
  TEXT
  type = object({
    sides = object({
      primary = object({
        alarms = optional(list(string), [])
        probes = list(object({
          kind            = string
          name            = string
          url             = optional(string)
          expect_status   = optional(number)
          host            = optional(string)
          port            = optional(number)
          timeout_seconds = optional(number, 3)
        }))
      })
      recovery = optional(object({
        alarms = optional(list(string), [])
        probes = optional(list(object({
          kind            = string
          name            = string
          url             = optional(string)
          expect_status   = optional(number)
          host            = optional(string)
          port            = optional(number)
          timeout_seconds = optional(number, 3)
        })), [])
      }), {})
    })
    confirm_seconds        = optional(number, 60)
    signal_age_seconds_max = optional(number, 300)
    cooldown_seconds       = optional(number, 1800)
    watch_seconds          = optional(number)
  })
  validation {
    condition     = length(var.detection.sides.primary.probes) >= 1
    error_message = "detection: sides.primary.probes is empty, so nothing would look at the primary region from outside it; give at least one probe of the primary region. Alarms alone never prove that a region is lost, and they are lost with it."
  }
  validation {
    condition     = alltrue([for s in var.detection.sides : length(s.probes) <= 32])
    error_message = "detection: sides.primary has ${length(var.detection.sides.primary.probes)} probes and sides.recovery ${length(var.detection.sides.recovery.probes)}, and a look asks all at once, 32 at most. Keep those that stand for the whole region."
  }
  validation {
    condition     = length(distinct(flatten(values(var.detection.sides)[*].probes)[*].name)) == length(flatten(values(var.detection.sides)[*].probes))
    error_message = "detection: two probes share a name (${join(", ", flatten(values(var.detection.sides)[*].probes)[*].name)})."
  }
  validation {
    condition     = alltrue([for p in flatten(values(var.detection.sides)[*].probes) : can(regex("^[a-z][a-z0-9-]{0,39}$", p.name))])
    error_message = "detection: a probe's name has 1 to 40 characters, a-z, 0-9 and '-', beginning with a letter."
  }
  validation {
    condition     = length(distinct(concat(flatten(values(var.detection.sides)[*].probes)[*].name, flatten([for r in var.routes : [for s in r.sides : s.probe.name if s.probe != null]])))) == length(distinct(flatten(values(var.detection.sides)[*].probes)[*].name)) + length(flatten([for r in var.routes : [for s in r.sides : s.probe.name if s.probe != null]]))
    error_message = "detection: a probe and a route's probe, or two routes' probes, share a name (${join(", ", concat(flatten(values(var.detection.sides)[*].probes)[*].name, flatten([for r in var.routes : [for s in r.sides : s.probe.name if s.probe != null]])))})."
  }
  validation {
    condition     = alltrue([for p in flatten(values(var.detection.sides)[*].probes) : contains(["http", "tcp"], p.kind)])
    error_message = "detection: a probe's kind must be http or tcp."
  }
  validation {
    condition     = alltrue([for p in flatten(values(var.detection.sides)[*].probes) : p.url != null && p.host == null && p.port == null if p.kind == "http"])
    error_message = "detection: an http probe needs a url, and neither host nor port."
  }
  validation {
    condition     = alltrue([for p in flatten(values(var.detection.sides)[*].probes) : !can(regex("^https?://[^/?#]*@", p.url)) if p.kind == "http" && p.url != null])
    error_message = "detection: the url of one of the probes holds credentials, which a plan must not; leave out what stands before the @."
  }
  validation {
    condition     = alltrue([for p in flatten(values(var.detection.sides)[*].probes) : can(regex("^https?://[^/?#]*@", p.url)) || try((can(regex("^https?://([A-Za-z0-9_-]{1,63}([.][A-Za-z0-9_-]{1,63})*|\\[[0-9A-Fa-f:.]+\\])(:[0-9]{1,5})?([/?][!-~]*)?$", p.url)) && length(p.url) <= 2048 && !can(regex("[\"#<>\\\\^`{|}]", p.url)) && length(regex("^https?://\\[?([^/?\\]]*?)\\]?(?::[0-9]*)?(?:[/?]|$)", p.url)[0]) <= 253 && (!can(regex("^https?://\\[", p.url)) || !can(regex("^https?://\\[[^\\]]*([0-9A-Fa-f]{5}|[:.]0[0-9]+[.]|[.]0[0-9])", p.url)) && can(cidrhost("${regex("^https?://\\[([^\\]]*)\\]", p.url)[0]}/128", 0))) && try(tonumber(regex("^https?://(?:\\[[^\\]]*\\]|[^/?:]*):([0-9]+)", p.url)[0]), 80) >= 1 && try(tonumber(regex("^https?://(?:\\[[^\\]]*\\]|[^/?:]*):([0-9]+)", p.url)[0]), 80) <= 65535), false) if p.kind == "http" && p.url != null])
    error_message = "detection: the url of one of the probes isn't an http:// or https:// URL; give one like http://shop.example.com/health. Write a host's name in punycode (xn--...), without a closing dot, and a port from 1 to 65535."
  }
  validation {
    condition     = alltrue([for p in flatten(values(var.detection.sides)[*].probes) : p.expect_status == null || try(floor(p.expect_status) == p.expect_status && p.expect_status >= 100 && p.expect_status <= 599, false) if p.kind == "http"])
    error_message = "detection: expect_status of one of the probes is no whole number from 100 to 599."
  }
  validation {
    condition     = alltrue([for p in flatten(values(var.detection.sides)[*].probes) : p.host != null && try(p.port >= 1 && p.port <= 65535 && floor(p.port) == p.port, false) && p.url == null && p.expect_status == null if p.kind == "tcp"])
    error_message = "detection: a tcp probe needs host and port (a whole number from 1 to 65535), and neither url nor expect_status."
  }
  validation {
    condition     = alltrue([for p in flatten(values(var.detection.sides)[*].probes) : can(regex("^[A-Za-z0-9_-]{1,63}([.][A-Za-z0-9_-]{1,63})*$", p.host)) && length(p.host) <= 253 || can(regex(":", p.host)) && !can(regex("[0-9A-Fa-f]{5}|[:.]0[0-9]+[.]|[.]0[0-9]", p.host)) && can(cidrhost("${p.host}/128", 0)) if p.kind == "tcp" && p.host != null])
    error_message = "detection: host of one of the probes is not a host; give a host name or an address alone, without scheme, port or path."
  }
  validation {
    condition     = alltrue([for p in flatten(values(var.detection.sides)[*].probes) : p.timeout_seconds >= 1 && p.timeout_seconds <= 10 && floor(p.timeout_seconds) == p.timeout_seconds])
    error_message = "detection: timeout_seconds of the probes must be a whole number from 1 to 10."
  }
  validation {
    condition     = alltrue([for a in flatten(values(var.detection.sides)[*].alarms) : can(regex("^arn:aws(-[a-z-]+)?:cloudwatch:(${var.sides.primary.region}|${var.sides.recovery.region}):[0-9]{12}:alarm:[^\\p{Cc}]+$", a))])
    error_message = "detection: a side's alarms must be ARNs of CloudWatch alarms in ${var.sides.primary.region} or ${var.sides.recovery.region}."
  }
  validation {
    condition     = alltrue([for s in var.detection.sides : length(distinct(s.alarms)) == length(s.alarms)])
    error_message = "detection: a side's alarms hold one twice; give each once (${join(", ", flatten([for s in var.detection.sides : [for i, a in s.alarms : a if index(s.alarms, a) < i]]))})."
  }
  validation {
    condition     = var.detection.confirm_seconds >= 10 && var.detection.confirm_seconds <= 900 && var.detection.confirm_seconds < var.limits.rto_seconds && floor(var.detection.confirm_seconds) == var.detection.confirm_seconds
    error_message = "detection: confirm_seconds is ${var.detection.confirm_seconds}; it must be a whole number from 10 to 900 and below rto_seconds (${var.limits.rto_seconds})."
  }
  validation {
    condition     = var.detection.signal_age_seconds_max >= 30 && var.detection.signal_age_seconds_max <= 3600 && floor(var.detection.signal_age_seconds_max) == var.detection.signal_age_seconds_max
    error_message = "detection: signal_age_seconds_max is ${var.detection.signal_age_seconds_max}; it must be a whole number from 30 to 3600."
  }
  validation {
    condition     = var.detection.watch_seconds == null || try(var.detection.watch_seconds >= 5 && var.detection.watch_seconds <= 60 && floor(var.detection.watch_seconds) == var.detection.watch_seconds, false)
    error_message = "detection: watch_seconds is ${coalesce(var.detection.watch_seconds, 0)}; it must be a whole number from 5 to 60, or null."
  }
  validation {
    condition     = var.detection.watch_seconds == null || var.function_timeout_seconds.alarm_handler >= 90
    error_message = "detection: watch_seconds is given, but the timeout of alarm-handler is ${var.function_timeout_seconds.alarm_handler} s; raise it to 90 s or more: alarm-handler watches for a minute."
  }
  validation {
    condition     = var.detection.cooldown_seconds >= 0 && var.detection.cooldown_seconds <= 86400 && floor(var.detection.cooldown_seconds) == var.detection.cooldown_seconds
    error_message = "detection: cooldown_seconds is ${var.detection.cooldown_seconds}; it must be a whole number from 0 to 86400, a day."
  }
  validation {
    condition     = var.mode != "automatic" || length(flatten(values(var.detection.sides)[*].alarms)) > 0 || length(var.databases) > 0
    error_message = "mode: is automatic, but probes are the only kind of evidence: an automatic failover needs two kinds, and detection.sides.primary.alarms and databases are empty; give an alarm or a database, or set mode to approve."
  }
  validation {
    condition     = var.mode != "automatic" || length(flatten(values(var.detection.sides)[*].alarms)) > 0 || length(var.databases) == 0 || anytrue([for d in var.databases : d.kind != "aurora_global"])
    error_message = "mode: is automatic, but probes are the only kind of evidence that is sure to come: an Aurora cluster need not say that its source is lost, and detection.sides.primary.alarms is empty; give an alarm, or set mode to approve."
  }
  # Here and not at sides, which the functions depend on: an alarm may have a function as its action, and stands in this list.
  validation {
    condition     = var.sides.primary.account == null || alltrue([for a in flatten(values(var.detection.sides)[*].alarms) : try((split(":", a)[4] == var.sides.primary.account) == (split(":", a)[3] == var.sides.primary.region), false)])
    error_message = "detection: alarms of ${var.sides.primary.region} must lie in the account that sides.primary.account names, and those of ${var.sides.recovery.region} in the recovery side's."
  }
}

variable "limits" {
  description = <<-TEXT
    What a run may cost in data and time.
      lag_seconds_max        a replica with more lag stops the run, and an operator decides
      rto_seconds            the recovery time objective; every step's deadline must be below it
      approval_seconds_max   how long a run waits for approval
      step_seconds_max       deadline of each step; each must be above the timeout of the function that takes the step
  TEXT
  type = object({
    lag_seconds_max      = optional(number, 60)
    rto_seconds          = optional(number, 3600)
    approval_seconds_max = optional(number, 3600)
    step_seconds_max = optional(object({
      scale      = optional(number, 1200)
      fence      = optional(number, 180)
      promote    = optional(number, 1800)
      open       = optional(number, 240)
      verify     = optional(number, 240)
      quarantine = optional(number, 900)
    }), {})
  })
  default = {}
  validation {
    condition     = var.limits.lag_seconds_max >= 0 && var.limits.lag_seconds_max <= 86400 && floor(var.limits.lag_seconds_max) == var.limits.lag_seconds_max
    error_message = "limits: lag_seconds_max is ${var.limits.lag_seconds_max}; it must be a whole number from 0 to 86400, a day."
  }
  validation {
    condition     = alltrue([for s in [var.limits.rto_seconds, var.limits.approval_seconds_max] : s >= 60 && s <= 604800 && floor(s) == s])
    error_message = "limits: rto_seconds is ${var.limits.rto_seconds} and approval_seconds_max is ${var.limits.approval_seconds_max}; both must be whole numbers from 60 to 604800, a week."
  }
  validation {
    condition     = alltrue([for s in values(var.limits.step_seconds_max) : s < var.limits.rto_seconds && floor(s) == s])
    error_message = "limits: every step deadline (step_seconds_max) must be a whole number below rto_seconds (${var.limits.rto_seconds}): ${join(", ", [for k, v in var.limits.step_seconds_max : "${k} ${v}"])}."
  }
  validation {
    condition     = var.function_timeout_seconds.alarm_handler < var.limits.step_seconds_max.verify
    error_message = "limits: the timeout of alarm-handler (${var.function_timeout_seconds.alarm_handler} s) must lie below the deadline of verify (${var.limits.step_seconds_max.verify} s), else a step is given up while it still runs."
  }
  validation {
    condition     = var.function_timeout_seconds.promote_replica < min(var.limits.step_seconds_max.promote, var.limits.step_seconds_max.quarantine)
    error_message = "limits: the timeout of promote-replica (${var.function_timeout_seconds.promote_replica} s) must lie below the deadlines of promote (${var.limits.step_seconds_max.promote} s) and quarantine (${var.limits.step_seconds_max.quarantine} s), else a step is given up while it still runs."
  }
  validation {
    condition     = var.function_timeout_seconds.scale_asg < var.limits.step_seconds_max.scale
    error_message = "limits: the timeout of scale-asg (${var.function_timeout_seconds.scale_asg} s) must lie below the deadline of scale (${var.limits.step_seconds_max.scale} s), else a step is given up while it still runs."
  }
  validation {
    condition     = var.function_timeout_seconds.shift_traffic < min(var.limits.step_seconds_max.fence, var.limits.step_seconds_max.open)
    error_message = "limits: the timeout of shift-traffic (${var.function_timeout_seconds.shift_traffic} s) must lie below the deadlines of fence (${var.limits.step_seconds_max.fence} s) and open (${var.limits.step_seconds_max.open} s), else a step is given up while it still runs."
  }
}

variable "snapshots" {
  description = <<-TEXT
    How snapshots of the databases are kept. null: none are taken, copied or deleted, and the function snapshot-scheduler does not exist.
      schedule        when a snapshot is due, in UTC, in EventBridge's format, at most once an hour: cron(0 3 * * ? *)
      keep            the newest snapshot of each of the last so many days, weeks and months that have one
      keep_min        number of good snapshots of each database that always stay in each region, regardless of the tiers
      deletions_max   maximum deletions of one invocation; 0 never deletes
      kms_key_arns    keys for copies to each region. A copy of an encrypted snapshot needs the key of its own region
      source_key_arns keys that encrypt the databases themselves, in both regions, if they differ from those: RDS may refuse a
                      copy without the right to its source's key
      option_groups   for databases that encrypt through an option (TDE of Oracle and SQL Server): the option groups for copies
                      to each region. RDS refuses such a copy without one
      except          databases to skip
  TEXT
  type = object({
    schedule        = string
    keep            = optional(object({ daily = optional(number, 7), weekly = optional(number, 4), monthly = optional(number, 6) }), {})
    keep_min        = optional(number, 2)
    deletions_max   = optional(number, 10)
    kms_key_arns    = optional(object({ primary = optional(string), recovery = optional(string) }), {})
    source_key_arns = optional(list(string), [])
    option_groups   = optional(list(object({ database = string, primary = optional(string), recovery = optional(string) })), [])
    except          = optional(list(string), [])
  })
  default = null
  validation {
    condition     = var.snapshots == null || var.sides.primary.account == null
    error_message = "snapshots: are of the plan's databases, and a plan of two accounts (sides.primary.account) has none. Leave them out."
  }
  validation {
    condition     = var.snapshots == null || try(startswith(var.snapshots.schedule, "cron(") && can(regex("^CRON\\([0-9]{1,4} ([*]|(([*]/[0-9]{1,4}|[0-9]{1,4}(-[0-9]{1,4})?(/[0-9]{1,4})?)(,([*]/[0-9]{1,4}|[0-9]{1,4}(-[0-9]{1,4})?(/[0-9]{1,4})?))*)) ([*?]|((([*]/[0-9]{1,4}|[0-9]{1,4}(-[0-9]{1,4})?(/[0-9]{1,4})?)|L|LW|[0-9]{1,4}W)(,(([*]/[0-9]{1,4}|[0-9]{1,4}(-[0-9]{1,4})?(/[0-9]{1,4})?)|L|LW|[0-9]{1,4}W))*)) ([*]|(([*]/[0-9]{1,4}|([0-9]{1,4}|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(-([0-9]{1,4}|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))?(/[0-9]{1,4})?)(,([*]/[0-9]{1,4}|([0-9]{1,4}|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)(-([0-9]{1,4}|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC))?(/[0-9]{1,4})?))*)) ([*?]|(([*]/[0-9]{1,4}|([0-9]{1,4}|SUN|MON|TUE|WED|THU|FRI|SAT)(-([0-9]{1,4}|SUN|MON|TUE|WED|THU|FRI|SAT))?(/[0-9]{1,4})?|([0-9]{1,4}|SUN|MON|TUE|WED|THU|FRI|SAT)#[0-9]{1,4}|([0-9]{1,4}|SUN|MON|TUE|WED|THU|FRI|SAT)L)(,([*]/[0-9]{1,4}|([0-9]{1,4}|SUN|MON|TUE|WED|THU|FRI|SAT)(-([0-9]{1,4}|SUN|MON|TUE|WED|THU|FRI|SAT))?(/[0-9]{1,4})?|([0-9]{1,4}|SUN|MON|TUE|WED|THU|FRI|SAT)#[0-9]{1,4}|([0-9]{1,4}|SUN|MON|TUE|WED|THU|FRI|SAT)L))*)) ([*]|(([*]/[0-9]{1,4}|[0-9]{1,4}(-[0-9]{1,4})?(/[0-9]{1,4})?)(,([*]/[0-9]{1,4}|[0-9]{1,4}(-[0-9]{1,4})?(/[0-9]{1,4})?))*))\\)$", upper(var.snapshots.schedule))), false)
    error_message = "snapshots: schedule must be a cron expression of EventBridge with one minute of the hour, like cron(0 3 * * ? *): minute, hour, day of month, month, day of week, year."
  }
  validation {
    condition     = var.snapshots == null || try(!startswith(var.snapshots.schedule, "cron(") || length([for f in regexall("[^ ()]+", var.snapshots.schedule) : f if f == "?"]) == 1, false)
    error_message = "snapshots: schedule needs a ? as the day of month or as the day of week, not both."
  }
  validation {
    condition     = var.snapshots == null || try(alltrue([for t in values(var.snapshots.keep) : t >= 0 && t <= 366 && floor(t) == t]), false)
    error_message = "snapshots: keep (daily, weekly, monthly) holds whole numbers from 0 to 366."
  }
  validation {
    condition     = var.snapshots == null || try(var.snapshots.keep_min >= 1 && var.snapshots.keep_min <= 366 && floor(var.snapshots.keep_min) == var.snapshots.keep_min, false)
    error_message = "snapshots: keep_min must be a whole number from 1 to 366. The newest good snapshot is never deleted."
  }
  validation {
    condition     = var.snapshots == null || try(var.snapshots.deletions_max >= 0 && var.snapshots.deletions_max <= 100 && floor(var.snapshots.deletions_max) == var.snapshots.deletions_max, false)
    error_message = "snapshots: deletions_max must be a whole number from 0 to 100."
  }
  validation {
    condition     = var.snapshots == null || try(alltrue([for side, arn in var.snapshots.kms_key_arns : arn == null || can(regex("^arn:aws(-[a-z-]+)?:kms:${var.sides[side].region}:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))]), false)
    error_message = "snapshots: kms_key_arns must be ARNs of keys (no alias), primary and recovery each of its own region."
  }
  validation {
    condition     = var.snapshots == null || try(alltrue([for name in var.snapshots.except : contains(var.databases[*].name, name)]), false)
    error_message = "snapshots: except may name databases of the plan only."
  }
  validation {
    condition     = var.snapshots == null || try(length(distinct(var.snapshots.except)) == length(var.snapshots.except), false)
    error_message = "snapshots: except names a database twice; give each once."
  }
  validation {
    condition     = var.snapshots == null || try(var.snapshots.keep_min <= sum(values(var.snapshots.keep)), false)
    error_message = "snapshots: keep_min is more than all of keep together; raise a tier or lower keep_min: the tiers say what is kept, keep_min is the floor below them."
  }
  validation {
    condition     = var.snapshots == null || try(alltrue([for name in concat([var.name], [for d in var.databases : d.name if !contains(var.snapshots.except, d.name)]) : !strcontains(name, "--") && !endswith(name, "-")]), false)
    error_message = "snapshots: the plan's name and those of databases become part of the snapshots' identifiers; give names without two hyphens in a row or one at the end, or leave snapshots out."
  }
  validation {
    condition     = var.snapshots == null || try(alltrue([for arn in var.snapshots.source_key_arns : can(regex("^arn:aws(-[a-z-]+)?:kms:(${var.sides.primary.region}|${var.sides.recovery.region}):[0-9]{12}:key/[A-Za-z0-9-]+$", arn))]), false)
    error_message = "snapshots: source_key_arns must be ARNs of keys (no alias) in the plan's two regions."
  }
  validation {
    condition     = var.snapshots == null || try(alltrue([for g in var.snapshots.option_groups : contains([for d in var.databases : d.name if d.kind == "rds_replica"], g.database)]) && length(distinct(var.snapshots.option_groups[*].database)) == length(var.snapshots.option_groups), false)
    error_message = "snapshots: option_groups: database may name RDS instances of the plan only, each once. An Aurora cluster has no option group."
  }
  validation {
    condition     = var.snapshots == null || try(alltrue(flatten([for g in var.snapshots.option_groups : [for name in [g.primary, g.recovery] : can(regex("^[A-Za-z][A-Za-z0-9:-]{0,254}$", name)) if name != null]])), false)
    error_message = "snapshots: option_groups: primary and recovery must be names of option groups: 1 to 255 letters, digits, hyphens and colons, beginning with a letter."
  }
}

variable "image_parameters" {
  description = "Names of the Parameter Store parameters in the recovery region through which launch templates name their images (resolve:ssm:/golden/web), so that readiness can check the image. You need not list AWS's own (/aws/service/...)."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for name in var.image_parameters : can(regex("^/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*$", name))])
    error_message = "image_parameters: give names of parameters, without a wildcard, a version or resolve:ssm: before them."
  }
}

variable "parameters" {
  description = <<-TEXT
    Which parameters of Parameter Store are kept equal in both regions. null: none, and the function ssm-replicator does not exist. A pattern
    is a full name, in which * matches anything within one level and ** any number of levels: /shop/**
      include               parameters to copy
      exclude               parameters to skip although include matches them
      overrides             parameters that differ on purpose: they must exist in both regions, and Pilotlight writes neither
      existing              parameters that exist on both sides and are not copies: keep (and report differences) or adopt
      key_arns              keys that encrypt secure strings, each in its own region; null: the AWS managed key
      decrypt_key_arns      further keys that encrypt secure strings of the included paths
      puts_per_second       maximum writes per second. The account's default quota is 3
      deletes_percent_max   percentage of the copies that one pass may delete
      pass                  how often a pass compares everything, in EventBridge Scheduler's format
  TEXT
  type = object({
    include             = list(string)
    exclude             = optional(list(string), [])
    overrides           = optional(list(string), [])
    existing            = optional(string, "keep")
    key_arns            = optional(object({ primary = optional(string), recovery = optional(string) }), {})
    decrypt_key_arns    = optional(list(string), [])
    puts_per_second     = optional(number, 2)
    deletes_percent_max = optional(number, 10)
    pass                = optional(string, "rate(15 minutes)")
  })
  default = null
  validation {
    condition     = var.parameters == null || var.sides.primary.account == null || var.sides.primary.external_id != null
    error_message = "parameters: are copied from and to another account by a role there; give the external id that the role asks for in sides.primary.external_id."
  }
  validation {
    condition     = var.parameters == null || try(length(var.parameters.include) >= 1 && length(var.parameters.include) <= 50, false)
    error_message = "parameters: include must hold 1 to 50 patterns."
  }
  validation {
    condition     = var.parameters == null || try(length(var.parameters.exclude) <= 500 && length(var.parameters.overrides) <= 500, false)
    error_message = "parameters: exclude and overrides hold at most 500 patterns each; let fewer patterns stand for more, with * and **."
  }
  validation {
    condition     = var.parameters == null || try(alltrue([for p in concat(var.parameters.include, var.parameters.exclude, var.parameters.overrides) : can(regex("^/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.*-]+)+$", p)) && !can(regex("[^/][*][*]|[*][*][^/]", p))]), false)
    error_message = "parameters: a pattern (include, exclude, overrides) has no first level that is named and followed by another, or a level that is empty, or holds more than letters, digits, _ . - and * (** stands alone); give a name's levels, like /shop/** or /shop/*/url."
  }
  validation {
    condition     = var.parameters == null || try(alltrue([for p in concat(var.parameters.include, var.parameters.exclude, var.parameters.overrides) : length(p) <= 1011 && length(split("/", p)) <= 16]), false)
    error_message = "parameters: a pattern (include, exclude, overrides) is longer or deeper than a parameter's name can be: 1011 characters, 15 levels."
  }
  validation {
    condition     = var.parameters == null || try(alltrue([for p in concat(var.parameters.include, var.parameters.exclude, var.parameters.overrides) : !can(regex("^/(aws|ssm|pilotlight)(/|$)", lower(p)))]), false)
    error_message = "parameters: a pattern (include, exclude, overrides) lies under /aws, /ssm or /pilotlight, which is AWS's or Pilotlight's own in each region."
  }
  validation {
    condition     = var.parameters == null || try(length(distinct(concat(var.parameters.include, var.parameters.exclude, var.parameters.overrides))) == length(concat(var.parameters.include, var.parameters.exclude, var.parameters.overrides)), false)
    error_message = "parameters: a pattern stands twice in include, exclude and overrides; keep one of the two."
  }
  validation {
    condition     = var.parameters == null || try(contains(["keep", "adopt"], var.parameters.existing), false)
    error_message = "parameters: existing must be keep or adopt."
  }
  validation {
    condition     = var.parameters == null || try(alltrue([for side, arn in var.parameters.key_arns : arn == null || can(regex("^arn:aws(-[a-z-]+)?:kms:${var.sides[side].region}:[0-9]{12}:key/[A-Za-z0-9-]+$", arn))]), false)
    error_message = "parameters: key_arns must be ARNs of keys (no alias), primary and recovery each of its own region."
  }
  validation {
    condition     = var.parameters == null || try(alltrue([for arn in var.parameters.decrypt_key_arns : can(regex("^arn:aws(-[a-z-]+)?:kms:(${var.sides.primary.region}|${var.sides.recovery.region}):[0-9]{12}:key/[A-Za-z0-9-]+$", arn))]), false)
    error_message = "parameters: decrypt_key_arns must be ARNs of keys (no alias) in one of the two regions."
  }
  validation {
    condition     = var.parameters == null || try(var.parameters.puts_per_second >= 1 && var.parameters.puts_per_second <= 10 && floor(var.parameters.puts_per_second) == var.parameters.puts_per_second, false)
    error_message = "parameters: puts_per_second must be a whole number from 1 to 10."
  }
  validation {
    condition     = var.parameters == null || try(var.parameters.deletes_percent_max >= 0 && var.parameters.deletes_percent_max <= 100 && floor(var.parameters.deletes_percent_max) == var.parameters.deletes_percent_max, false)
    error_message = "parameters: deletes_percent_max must be a whole number from 0 to 100."
  }
  validation {
    condition     = var.parameters == null || try(can(regex("^(rate|cron)\\(.+\\)$", var.parameters.pass)), false)
    error_message = "parameters: pass must be a rate or cron expression of EventBridge Scheduler, like rate(15 minutes)."
  }
}

# --- The functions --------------------------------------------------------------------------------------------

variable "package_dir" {
  description = "Folder with a zip for each function, such as alarm-handler.zip, each with one executable `bootstrap`."
  type        = string
  default     = "target/lambda"
  validation {
    condition     = alltrue([for f in concat(["alarm-handler", "promote-replica", "readiness-checker", "scale-asg", "shift-traffic"], var.snapshots != null ? ["snapshot-scheduler"] : [], var.parameters != null ? ["ssm-replicator"] : []) : fileexists("${var.package_dir}/${f}.zip")])
    error_message = "package_dir: '${var.package_dir}' lacks a function's package. Build them first, or name the folder that holds the zip files."
  }
}

variable "architecture" {
  description = "Processor architecture of the packages: arm64 or x86_64."
  type        = string
  default     = "x86_64"
  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture: '${var.architecture}' is neither arm64 nor x86_64."
  }
}

variable "function_timeout_seconds" {
  description = "Timeout of each function. It must be less than the deadline of the steps the function takes (limits.step_seconds_max)."
  type = object({
    alarm_handler   = optional(number, 170)
    promote_replica = optional(number, 840)
    scale_asg       = optional(number, 840)
    shift_traffic   = optional(number, 120)
  })
  default = {}
  validation {
    condition     = alltrue([for t in values(var.function_timeout_seconds) : t >= 30 && t <= 900 && floor(t) == t])
    error_message = "function_timeout_seconds: whole numbers from 30 to 900, the most Lambda grants (${join(", ", [for f, t in var.function_timeout_seconds : "${f} ${t}"])})."
  }
}

variable "function_memory_mb" {
  description = "Memory of each function. CPU share grows with it."
  type = object({
    alarm_handler   = optional(number, 256)
    promote_replica = optional(number, 256)
    scale_asg       = optional(number, 256)
    shift_traffic   = optional(number, 256)

    readiness_checker  = optional(number, 256)
    snapshot_scheduler = optional(number, 256)
    ssm_replicator     = optional(number, 256)
  })
  default = {}
  validation {
    condition     = alltrue([for m in values(var.function_memory_mb) : m >= 128 && m <= 10240 && floor(m) == m])
    error_message = "function_memory_mb: whole numbers from 128 to 10240."
  }
}

variable "reserved_concurrency" {
  description = "Concurrent executions reserved for each function that a run needs, so that the workload's own functions cannot starve its recovery. null: none; each scheduled function (snapshot-scheduler, ssm-replicator) reserves one, so that only one runs at a time. -1: none for any function, if the account's quota leaves no room (a new account's is 10)."
  type        = number
  default     = null
  validation {
    condition     = var.reserved_concurrency == null || try(var.reserved_concurrency == -1 || var.reserved_concurrency >= 3, false)
    error_message = "reserved_concurrency: ${coalesce(var.reserved_concurrency, 0)}; -1, or at least 3: a tick, a signal and an operator may come together."
  }
}

variable "log_level" {
  description = "Level of the functions' own log lines. The packages contain none below INFO."
  type        = string
  default     = "INFO"
  validation {
    condition     = contains(["INFO", "WARN", "ERROR"], var.log_level)
    error_message = "log_level: '${var.log_level}' isn't one of INFO, WARN, ERROR."
  }
}

variable "log_retention_days" {
  description = "How long logs are kept. The journal keeps the records of every run for ever; logs are for finding out why."
  type        = number
  default     = 90
  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days: ${var.log_retention_days} isn't a period CloudWatch Logs offers (7, 14, 30, 60, 90, 120, 180, 365, ...)."
  }
}

variable "plan_parts" {
  description = "How many parameters hold the plan, at most 4000 characters in each. It is a separate number because Terraform must know it before the ARNs in the plan. If it is too small, Terraform refuses it and names the right one."
  type        = number
  default     = 4
  validation {
    condition     = var.plan_parts >= 1 && var.plan_parts <= 100 && floor(var.plan_parts) == var.plan_parts
    error_message = "plan_parts: ${var.plan_parts}; a whole number from 1 to 100."
  }
}

# --- People ---------------------------------------------------------------------------------------------------

variable "notice_emails" {
  description = "E-mail addresses that receive notices. Each gets one confirmation request per region and must accept both."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for e in var.notice_emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", e))])
    error_message = "notice_emails: not an e-mail address among ${join(", ", var.notice_emails)}."
  }
  validation {
    condition     = length(distinct(var.notice_emails)) == length(var.notice_emails)
    error_message = "notice_emails: an address is given twice."
  }
}

variable "silence_minutes" {
  description = "After this many minutes without an invocation of alarm-handler, an alarm fires: Pilotlight is not watching."
  type        = number
  default     = 5
  validation {
    condition     = var.silence_minutes >= 2 && var.silence_minutes <= 60 && floor(var.silence_minutes) == var.silence_minutes
    error_message = "silence_minutes: ${var.silence_minutes}; a whole number from 2 to 60."
  }
}

variable "unready_minutes" {
  description = "After this many minutes in which a readiness check was not ready or unknown, or in which no check ran, an alarm fires. A readiness pass runs every half hour."
  type        = number
  default     = 60
  validation {
    condition     = var.unready_minutes >= 30 && var.unready_minutes <= 1440 && var.unready_minutes % 30 == 0
    error_message = "unready_minutes: ${var.unready_minutes}; a multiple of 30 from 30 to 1440."
  }
}

variable "error_alarm_functions" {
  description = "Functions whose Errors metric has an alarm (0.10 USD a month each). Each function has an alarm on its dead-letter queue anyway."
  type        = set(string)
  default     = ["alarm-handler"]
  validation {
    condition     = length(setsubtract(var.error_alarm_functions, ["alarm-handler", "promote-replica", "scale-asg", "shift-traffic"])) == 0
    error_message = "error_alarm_functions: only alarm-handler, promote-replica, scale-asg and shift-traffic exist."
  }
}

variable "direct_alarm_arns" {
  description = "Alarms of the recovery region that name alarm-handler itself as an action, without SNS. Each gets a permission to invoke it."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for a in var.direct_alarm_arns : can(regex("^arn:aws(-[a-z-]+)?:cloudwatch:${var.sides.recovery.region}:[0-9]{12}:alarm:[^*?]+$", a))])
    error_message = "direct_alarm_arns: must be ARNs of alarms in the recovery region ${var.sides.recovery.region}, without '*' and '?'."
  }
  validation {
    condition     = alltrue([for a in var.direct_alarm_arns : contains(var.detection.sides.primary.alarms, a)])
    error_message = "direct_alarm_arns: one of them is not in detection.sides.primary.alarms, so every word of it would be rejected; list it there too."
  }
}

variable "alarm_events" {
  description = "Whether each change of the plan's alarms also reaches alarm-handler by EventBridge. An alarm with disabled actions still sends events, and only events say that a mute rule holds a change back. Alarms of another account (sides.primary.account) use their topic alone."
  type        = bool
  default     = true
}

# --- Guarding -------------------------------------------------------------------------------------------------

variable "deletion_protection" {
  description = "Whether the journal's table refuses deletion. Set it to false and apply before a destroy."
  type        = bool
  default     = true
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds the functions' roles, if the account demands one."
  type        = string
  default     = null
}

variable "kms_key_arns" {
  description = <<-TEXT
    Customer keys for topics, queues, the journal's table and logs, one per region. null: AWS's own encryption.
    A key's policy must admit cloudwatch, sns, sqs, dynamodb and logs of its region (see the README), or AWS drops messages silently.
  TEXT
  type        = object({ primary = optional(string), recovery = optional(string) })
  default     = {}
  validation {
    condition     = alltrue([for r in ["primary", "recovery"] : var.kms_key_arns[r] == null || can(regex("^arn:aws(-[a-z-]+)?:kms:${var.sides[r].region}:[0-9]{12}:key/[^*?]+$", var.kms_key_arns[r]))])
    error_message = "kms_key_arns: each must be the ARN of a key (not an alias) in its own region (primary ${var.sides.primary.region}, recovery ${var.sides.recovery.region})."
  }
}

variable "tags" {
  description = "Tags for everything this module creates."
  type        = map(string)
  default     = {}
}
