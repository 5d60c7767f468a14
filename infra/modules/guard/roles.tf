# What each function may do: one role each, exact ARNs. A resource of "*" stands only where AWS offers nothing narrower,
# and then within one region.

locals {
  other_instance_arns = [for d in var.databases : d.sides[local.other].arn if d.kind == "rds_replica"]
  replica_arns        = [for d in var.databases : d.sides[var.seat].arn if d.kind == "rds_replica"]
  quarantinable_arns  = [for d in var.databases : d.sides[local.other].arn if d.kind == "rds_replica" && d.sides[local.other].quarantine_security_group != null]

  # Aurora global databases.
  clusters                   = [for d in var.databases : d if d.kind == "aurora_global"]
  own_cluster_arns           = [for d in local.clusters : d.sides[var.seat].arn]
  global_cluster_arns        = [for d in local.clusters : "arn:${var.partition}:rds::${var.account}:global-cluster:${d.global_cluster}"]
  quarantinable_cluster_arns = [for d in local.clusters : d.sides[local.other].arn if d.sides[local.other].quarantine_security_group != null]
  # The id in the middle of a group's ARN is made up by AWS at creation and isn't part of the plan; the name is unique.
  group_arns = [for f in var.fleets : "arn:${var.partition}:autoscaling:${local.own_region}:${var.account}:autoScalingGroup:*:autoScalingGroupName/${f.sides[var.seat].group}"]

  # The listener is the first part of its groups' ARNs.
  own_listeners = distinct([for r in var.routes : split("/endpoint-group/", r.sides[var.seat].endpoint_group)[0]])

  looked_at_keys = (length(var.databases) > 0 ? ["arn:${var.partition}:kms:${local.own_region}:${var.account}:key/*"]
  : compact([try(var.snapshots.kms_key_arns[var.seat], null), try(var.parameters.key_arns[var.seat], null)]))

  in_own_region = { StringEquals = { "aws:RequestedRegion" = local.own_region } }

  # Statements by what they allow. Each function's policy is a list of these.
  statements = {
    # "db:*" of the region: RDS authorises a description of several instances against all of them, not one by one. It
    # only reads.
    look_at_replicas = concat(
      [for databases in [var.databases] : {
        Sid      = "LookAtReplicas"
        Effect   = "Allow"
        Action   = ["rds:DescribeDBInstances"]
        Resource = ["arn:${var.partition}:rds:${local.own_region}:${var.account}:db:*"]
      } if length(databases) > 0],
      # Each cluster and each global database is asked for by its name.
      [for arns in [local.own_cluster_arns] : {
        Sid      = "LookAtClusters"
        Effect   = "Allow"
        Action   = ["rds:DescribeDBClusters", "rds:DescribeGlobalClusters"]
        Resource = concat(arns, local.global_cluster_arns)
      } if length(arns) > 0],
    )

    promote = [for arns in [local.replica_arns] : {
      Sid      = "Promote"
      Effect   = "Allow"
      Action   = ["rds:PromoteReadReplica"]
      Resource = arns
    } if length(arns) > 0]

    # A failover is authorised against the global database and the cluster that becomes its writer: the role can make no
    # other cluster the writer, and detach none.
    fail_over = [for arns in [local.own_cluster_arns] : {
      Sid      = "FailOver"
      Effect   = "Allow"
      Action   = ["rds:FailoverGlobalCluster"]
      Resource = concat(arns, local.global_cluster_arns)
    } if length(arns) > 0]

    # Only the instances and clusters whose plan names a quarantine group.
    quarantine = concat(
      [for arns in [local.quarantinable_arns] : {
        Sid      = "Quarantine"
        Effect   = "Allow"
        Action   = ["rds:DescribeDBInstances", "rds:ModifyDBInstance"]
        Resource = arns
      } if length(arns) > 0],
      [for arns in [local.quarantinable_cluster_arns] : {
        Sid      = "QuarantineClusters"
        Effect   = "Allow"
        Action   = ["rds:DescribeDBClusters", "rds:ModifyDBCluster"]
        Resource = arns
      } if length(arns) > 0],
    )

    lag = [for arns in [[for d in var.databases : d.sides[var.seat].arn]] : {
      Sid    = "ReadLag"
      Effect = "Allow"
      # "*": CloudWatch's metric reads have no resource types.
      Action    = ["cloudwatch:GetMetricStatistics"]
      Resource  = "*"
      Condition = local.in_own_region
    } if length(arns) > 0]

    # An alarm speaks once, when it changes. Whether it is still so, it is asked; in the other region too, best effort.
    look_at_alarms = [for alarms in [local.watched_alarms] : {
      Sid    = "LookAtAlarms"
      Effect = "Allow"
      # "*": composite alarms are shown to nobody whose permission is narrower.
      Action    = ["cloudwatch:DescribeAlarms"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = sort(values(local.regions)) } }
    } if length(alarms) > 0]

    look_at_fleets = [for arns in [local.group_arns] : {
      Sid    = "LookAtFleets"
      Effect = "Allow"
      # "*": neither of these two describing actions has resource types.
      Action    = ["autoscaling:DescribeAutoScalingGroups", "elasticloadbalancing:DescribeTargetHealth"]
      Resource  = "*"
      Condition = local.in_own_region
    } if length(arns) > 0]

    # Why instances don't start.
    look_at_activities = [for arns in [local.group_arns] : {
      Sid    = "LookAtActivities"
      Effect = "Allow"
      # "*": the action has no resource types.
      Action    = ["autoscaling:DescribeScalingActivities"]
      Resource  = "*"
      Condition = local.in_own_region
    } if length(arns) > 0]

    scale = [for arns in [local.group_arns] : {
      Sid      = "Scale"
      Effect   = "Allow"
      Action   = ["autoscaling:UpdateAutoScalingGroup"]
      Resource = arns
    } if length(arns) > 0]

    # The figures that alarms watch.
    figures = [{
      Sid    = "PutFigures"
      Effect = "Allow"
      # "*": metrics have no resource types; the namespace bounds it.
      Action    = ["cloudwatch:PutMetricData"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = local.own_region, "cloudwatch:namespace" = local.metrics_namespace } }
    }]

    # An operator who asks alarm-handler whether a failover would work is answered by the function that knows.
    ask_for_readiness = [{
      Sid      = "AskForReadiness"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [local.function_arns["readiness-checker"]]
    }]

    # The witness in the VPC of the own side is asked what the databases say of themselves.
    ask_the_witness = [for arn in var.witness_function_arn[*] : {
      Sid      = "AskTheWitness"
      Effect   = "Allow"
      Action   = ["lambda:InvokeFunction"]
      Resource = [arn]
    }]

    # One of two guards knows its own table by its id, and reads one item of the other's: its word, and nothing of its journal.
    hear_the_other_guard = concat(
      [for arn in var.peer_table_arn[*] : {
        Sid      = "KnowOwnTable"
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeTable"]
        Resource = [local.journal_arn]
      }],
      [for arn in var.peer_table_arn[*] : {
        Sid      = "HearTheOtherGuard"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem"]
        Resource = [arn]
        Condition = {
          "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = ["${var.name}#word"] }
          Null                        = { "dynamodb:LeadingKeys" = "false" }
        }
      }],
      [for arn in var.peer_table_arn == null ? [] : compact([local.other_key_arn]) : {
        Sid      = "ReadTheOthersKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt"]
        Resource = [arn]
      }],
    )

    # What only the readiness pass looks at. It reads.
    readiness = concat(
      [for arns in [local.group_arns] : {
        Sid    = "LookAtTargetGroups"
        Effect = "Allow"
        # "*": none of these describing actions has resource types.
        Action    = ["ec2:DescribeImages", "ec2:DescribeLaunchTemplateVersions", "elasticloadbalancing:DescribeTargetGroups"]
        Resource  = "*"
        Condition = local.in_own_region
      } if length(arns) > 0],
      # What a launch could fail for: its type, its volumes' keys, its subnets, the account's quota, a scheduled action.
      [for arns in [local.group_arns] : {
        Sid    = "LookAtLaunches"
        Effect = "Allow"
        # "*": none of these reading actions has resource types.
        Action = [
          "autoscaling:DescribeScheduledActions", "ec2:DescribeInstanceTypeOfferings", "ec2:DescribeInstanceTypes", "ec2:DescribeSnapshots",
          "ec2:DescribeSubnets", "ec2:GetEbsDefaultKmsKeyId", "ec2:GetEbsEncryptionByDefault", "servicequotas:GetAWSDefaultServiceQuota",
          "servicequotas:GetServiceQuota",
        ]
        Resource  = "*"
        Condition = local.in_own_region
      } if length(arns) > 0],
      # A template's keys are not in the plan. Whom a key admits is all that is read.
      [for arns in [local.group_arns] : {
        Sid      = "LookAtLaunchKeys"
        Effect   = "Allow"
        Action   = ["kms:DescribeKey", "kms:GetKeyPolicy", "kms:ListGrants"]
        Resource = ["arn:${var.partition}:kms:${local.own_region}:${var.account}:key/*"]
      } if length(arns) > 0],
      # A launch template may name its image by one of AWS's public parameters, or by one of the account's own.
      [for arns in [local.group_arns] : {
        Sid    = "ResolveImages"
        Effect = "Allow"
        Action = ["ssm:GetParameters"]
        Resource = concat(["arn:${var.partition}:ssm:${local.own_region}::parameter/aws/service/*"],
        [for name in var.image_parameters : "arn:${var.partition}:ssm:${local.own_region}:${var.account}:parameter/${trimprefix(name, "/")}"])
      } if length(arns) > 0],
      [for arns in [local.endpoint_groups] : {
        Sid    = "LookAtListeners"
        Effect = "Allow"
        # "*": none of these describing actions has resource types.
        Action = [
          "elasticloadbalancing:DescribeListenerCertificates", "elasticloadbalancing:DescribeListeners", "elasticloadbalancing:DescribeTargetGroups",
          "elasticloadbalancing:DescribeTargetHealth",
        ]
        Resource  = "*"
        Condition = local.in_own_region
      } if length(arns) > 0],
      [for arns in [local.own_listeners] : {
        Sid      = "CountEndpointGroups"
        Effect   = "Allow"
        Action   = ["globalaccelerator:ListEndpointGroups"]
        Resource = arns
      } if length(arns) > 0],
      # What the replica is to be compared with. "db:*" as above; it only reads.
      [for arns in [local.other_instance_arns] : {
        Sid      = "LookAtPrimaries"
        Effect   = "Allow"
        Action   = ["rds:DescribeDBInstances"]
        Resource = ["arn:${var.partition}:rds:${local.other_region}:${var.account}:db:*"]
      } if length(arns) > 0],
      [for arns in [[for d in local.clusters : d.sides[local.other].arn]] : {
        Sid      = "LookAtPrimaryClusters"
        Effect   = "Allow"
        Action   = ["rds:DescribeDBClusters"]
        Resource = arns
      } if length(arns) > 0],
      # Which groups an instance has, its owner may change any day. It only reads.
      [for arns in [local.replica_arns] : {
        Sid      = "LookAtParameterGroups"
        Effect   = "Allow"
        Action   = ["rds:DescribeDBParameters"]
        Resource = ["arn:${var.partition}:rds:${local.own_region}:${var.account}:pg:*"]
      } if length(arns) > 0],
      [for policy in var.snapshots[*] : {
        Sid      = "LookAtOptionGroups"
        Effect   = "Allow"
        Action   = ["rds:DescribeOptionGroups"]
        Resource = [for region in values(local.regions) : "arn:${var.partition}:rds:${region}:${var.account}:og:*"]
      }],
      # A primary's key is not in the plan. Whose it is is all that is read.
      [for policy in var.snapshots[*] : {
        Sid      = "LookAtSourceKeys"
        Effect   = "Allow"
        Action   = ["kms:DescribeKey"]
        Resource = ["arn:${var.partition}:kms:${local.other_region}:${var.account}:key/*"]
      }],
      # Which certificates a listener has, its owner may change any day. It only reads.
      [for arns in [local.endpoint_groups] : {
        Sid      = "LookAtCertificates"
        Effect   = "Allow"
        Action   = ["acm:DescribeCertificate"]
        Resource = ["arn:${var.partition}:acm:${local.own_region}:${var.account}:certificate/*"]
      } if length(arns) > 0],
      # A replica's key is not in the plan. Its state is all that is read.
      [for keys in [local.looked_at_keys] : {
        Sid      = "LookAtKeys"
        Effect   = "Allow"
        Action   = ["kms:DescribeKey"]
        Resource = keys
      } if length(keys) > 0],
      [
        {
          Sid      = "ReadRelease"
          Effect   = "Allow"
          Action   = ["ssm:GetParameters"]
          Resource = [local.release_parameter_arn]
        },
        {
          Sid      = "LookAtFunctions"
          Effect   = "Allow"
          Action   = ["lambda:GetFunctionConcurrency", "lambda:GetFunctionConfiguration"]
          Resource = values(local.function_arns)
        },
        {
          Sid      = "LookAtDeadLetters"
          Effect   = "Allow"
          Action   = ["sqs:GetQueueAttributes"]
          Resource = values(local.dead_letter_arns)
        },
        # Asks what the roles of the steps, and the one that copies snapshots, would be allowed. It does nothing, and of no other
        # role is asked.
        {
          Sid      = "AskWhatIsAllowed"
          Effect   = "Allow"
          Action   = ["iam:SimulatePrincipalPolicy"]
          Resource = [for f in concat(["promote-replica", "scale-asg", "shift-traffic"], var.snapshots == null ? [] : ["snapshot-scheduler"]) : local.role_arns[f]]
        },
        {
          Sid      = "LookAtTopics"
          Effect   = "Allow"
          Action   = ["sns:GetTopicAttributes"]
          Resource = [local.commands_topic_arn, local.topic_arns[var.seat].notices, local.topic_arns[var.seat].signals]
        },
      ],
    )

    look_at_routes = [for arns in [local.endpoint_groups] : {
      Sid      = "LookAtRoutes"
      Effect   = "Allow"
      Action   = ["globalaccelerator:DescribeEndpointGroup"]
      Resource = arns
    } if length(arns) > 0]

    shift = [for arns in [local.endpoint_groups] : {
      Sid      = "Shift"
      Effect   = "Allow"
      Action   = ["globalaccelerator:UpdateEndpointGroup"]
      Resource = arns
    } if length(arns) > 0]

    # Global Accelerator looks at a load balancer in the name of whoever writes its group. One page of AWS asks for these
    # rights of the writer, a sample of AWS does without them: given, because they only read and a fence must not fail for them.
    read_for_accelerator = [for arns in [local.endpoint_groups] : {
      Sid    = "ReadForAccelerator"
      Effect = "Allow"
      # "*": none of these describing actions has resource types.
      Action = [
        "ec2:DescribeAddresses", "ec2:DescribeInstances", "ec2:DescribeInternetGateways", "ec2:DescribeSubnets",
        "elasticloadbalancing:DescribeLoadBalancers",
      ]
      Resource = "*"
      # Where the endpoints are, and where Global Accelerator's API is.
      Condition = { StringEquals = { "aws:RequestedRegion" = distinct([local.other_region, local.own_region, "us-west-2"]) } }
    } if length(arns) > 0]

    # An endpoint of another account is written back with the attachment that its owner made, which has to be asked for.
    keep_attachments = [for account in compact([var.sides[local.other].account]) : {
      Sid    = "KeepAttachments"
      Effect = "Allow"
      # "*": the action has no resource types. Global Accelerator's API is in us-west-2.
      Action    = ["globalaccelerator:ListCrossAccountResources"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = "us-west-2" } }
    }]
  }

  # The partitions of the journal that a role may write: the log has the plan's name, what the scheduled functions found last lies
  # under `#vitals`, what ssm-replicator saw to be the same under `#parameters`. alarm-handler keeps all that is beside the log.
  journal_partitions = merge(
    { for f in keys(local.steps) : f => [var.name] },
    { "readiness-checker" = ["${var.name}#vitals"], "snapshot-scheduler" = ["${var.name}#vitals"], "ssm-replicator" = ["${var.name}#vitals", "${var.name}#parameters"] },
  )

  # What every function does, whatever the plan holds.
  common_policies = { for f in local.functions : f => concat(
    [
      {
        Sid      = "WriteLogs"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = ["${local.log_group_arns[f]}:*"]
      },
      {
        Sid      = "DeadLetters"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [local.dead_letter_arns[f]]
      },
      {
        Sid      = "ReadPlan"
        Effect   = "Allow"
        Action   = ["ssm:GetParameters"]
        Resource = ["arn:${var.partition}:ssm:${local.own_region}:${var.account}:parameter${local.plan_prefix}/*"]
      },
      # No update, no delete. Everybody reads: a keeper too looks whether a run is under way.
      {
        Sid      = "ReadJournal"
        Effect   = "Allow"
        Action   = ["dynamodb:GetItem", "dynamodb:Query"]
        Resource = [local.journal_arn]
      },
      # A put can replace an item: that it appends is the code's own condition, and no policy can ask for it. So each role puts
      # into its own partitions only: the functions of the steps into the log, the scheduled ones beside it.
      merge({
        Sid      = "WriteJournal"
        Effect   = "Allow"
        Action   = ["dynamodb:PutItem"]
        Resource = [local.journal_arn]
        }, f == "alarm-handler" ? {} : {
        Condition = {
          "ForAllValues:StringEquals" = { "dynamodb:LeadingKeys" = local.journal_partitions[f] }
          # Of no keys at all every one is among these.
          Null = { "dynamodb:LeadingKeys" = "false" }
        }
      }),
      {
        Sid      = "Publish"
        Effect   = "Allow"
        Action   = ["sns:Publish"]
        Resource = contains(local.scheduled, f) ? [local.topic_arns[var.seat].notices] : [local.commands_topic_arn, local.topic_arns[var.seat].notices]
      },
    ],
    # Encrypted topics, queues and table ask for the caller's right to use their key.
    [for arn in compact([local.own_key_arn]) : {
      Sid      = "Keys"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
      Resource = [arn]
    }],
  ) }

  # What its own steps take. A function whose steps the plan has no items for gets none.
  step_policies = {
    "alarm-handler" = concat(local.statements.look_at_replicas, local.statements.lag, local.statements.look_at_alarms,
      local.statements.look_at_fleets, local.statements.look_at_routes, local.statements.figures, local.statements.ask_for_readiness, local.statements.ask_the_witness,
    local.statements.hear_the_other_guard)

    # Looks at routes too: nothing is promoted beside an open primary side, checked right before each promotion.
    "promote-replica" = concat(local.statements.look_at_replicas, local.statements.look_at_routes, local.statements.promote,
    local.statements.fail_over, local.statements.quarantine)

    "scale-asg" = concat(local.statements.look_at_fleets, local.statements.look_at_activities, local.statements.scale)

    # Looks at databases and fleets too: traffic opens only to what can serve, checked at the moment it opens.
    "shift-traffic" = concat(local.statements.look_at_replicas, local.statements.look_at_fleets,
    local.statements.look_at_routes, local.statements.shift, local.statements.read_for_accelerator, local.statements.keep_attachments)

    # Looks at everything that a failover would need, and changes none of it.
    "readiness-checker" = concat(local.statements.look_at_replicas, local.statements.lag, local.statements.look_at_fleets,
    local.statements.look_at_routes, local.statements.readiness, local.statements.figures, local.statements.ask_the_witness)

    "snapshot-scheduler" = local.snapshot_statements
    "ssm-replicator"     = local.parameter_statements
  }
}

resource "aws_iam_role" "this" {
  for_each = local.functions
  provider = aws.own

  name                 = local.role_names[each.key]
  description          = "Execution role of the function ${local.function_names[each.key]}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    # Lambda documents no source for taking a function's execution role. What bounds it is who may pass the role: iam:PassRole.
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "lambda.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
  tags = var.tags
}

resource "aws_iam_role_policy" "common" {
  for_each = local.functions
  provider = aws.own

  name   = "common"
  role   = aws_iam_role.this[each.key].name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.common_policies[each.key] })
}

resource "aws_iam_role_policy" "steps" {
  # IAM refuses a policy without statements. Which functions have any follows from which lists are empty.
  for_each = toset(concat(
    length(var.databases) + length(var.fleets) + length(var.routes) > 0 ? ["alarm-handler", "shift-traffic"] : [],
    length(var.databases) > 0 ? ["promote-replica"] : [],
    length(var.fleets) > 0 ? ["scale-asg"] : [],
    local.scheduled,
  ))
  provider = aws.own

  name   = "steps"
  role   = aws_iam_role.this[each.key].name
  policy = jsonencode({ Version = "2012-10-17", Statement = local.step_policies[each.key] })

  lifecycle {
    precondition {
      condition     = length(jsonencode(local.common_policies[each.key])) + length(jsonencode(local.step_policies[each.key])) <= 10100
      error_message = "The policies of ${local.function_names[each.key]} would exceed the 10,240 characters IAM allows a role's own policies together. Split the plan: its databases, fleets or routes are too many for exact ARNs."
    }
  }
}
