# What invokes snapshot-scheduler, what it may do, and who notices when there is no good snapshot. It exists where the plan
# has a section `snapshots`.

locals {
  kept_databases = var.snapshots == null ? [] : [for d in var.databases : d if !contains(var.snapshots.except, d.name)]
  instance_arns  = flatten([for d in local.kept_databases : values(d.sides)[*].arn if d.kind == "rds_replica"])
  cluster_arns   = flatten([for d in local.kept_databases : values(d.sides)[*].arn if d.kind == "aurora_global"])

  # What snapshots are called of an instance and of an Aurora cluster, in actions and in ARNs. Only of what the plan has.
  snapshot_words = concat(
    length(local.instance_arns) > 0 || length(local.cluster_arns) == 0 ? [{ action = "DBSnapshot", of = "db", arn = "snapshot" }] : [],
    length(local.cluster_arns) > 0 ? [{ action = "DBClusterSnapshot", of = "cluster", arn = "cluster-snapshot" }] : [],
  )

  # Only what has the function's own name. IAM compares names; the tags say the rest.
  own_snapshot_arns = flatten([for words in local.snapshot_words : [for region in values(local.regions) :
    "arn:${var.partition}:rds:${region}:${var.account}:${words.arn}:pilotlight-${var.name}-*"
  ]])

  snapshot_statements = flatten([for policy in var.snapshots[*] : concat(
    [
      # RDS authorises a listing against all snapshots and instances of the region. It only reads.
      {
        Sid    = "ListSnapshots"
        Effect = "Allow"
        Action = [for words in local.snapshot_words : "rds:Describe${words.action}s"]
        Resource = flatten([for words in local.snapshot_words : [for region in values(local.regions) : [
          "arn:${var.partition}:rds:${region}:${var.account}:${words.of}:*",
          "arn:${var.partition}:rds:${region}:${var.account}:${words.arn}:*",
        ]]])
      },
      {
        Sid      = "TakeOf"
        Effect   = "Allow"
        Action   = [for words in local.snapshot_words : "rds:Create${words.action}"]
        Resource = concat(local.instance_arns, local.cluster_arns, local.own_snapshot_arns)
      },
      {
        Sid      = "CopyAndTag"
        Effect   = "Allow"
        Action   = concat(["rds:AddTagsToResource"], [for words in local.snapshot_words : "rds:Copy${words.action}"])
        Resource = local.own_snapshot_arns
      },
      # The name alone is not enough to delete: the tag must be there too.
      {
        Sid       = "DeleteOwn"
        Effect    = "Allow"
        Action    = [for words in local.snapshot_words : "rds:Delete${words.action}"]
        Resource  = local.own_snapshot_arns
        Condition = { StringEquals = { "aws:ResourceTag/pilotlight:plan" = var.name } }
      },
      # Whatever another policy of the role may allow one day: nobody else's snapshot is made ours, and none is shared.
      {
        Sid         = "TagNoOther"
        Effect      = "Deny"
        Action      = ["rds:AddTagsToResource"]
        NotResource = local.own_snapshot_arns
      },
      {
        Sid      = "ShareNone"
        Effect   = "Deny"
        Action   = ["rds:ModifyDBClusterSnapshotAttribute", "rds:ModifyDBSnapshotAttribute"]
        Resource = "*"
      },
      {
        Sid    = "PutAges"
        Effect = "Allow"
        # "*": CloudWatch's metrics have no resource types.
        Action    = ["cloudwatch:PutMetricData"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:RequestedRegion" = local.own_region, "cloudwatch:namespace" = local.metrics_namespace } }
      },
    ],
    # The keys of the copies, and those that the databases are encrypted with: a copy reads by the one and writes by the other.
    [for arns in [distinct(concat(compact(values(policy.kms_key_arns)), policy.source_key_arns))] : {
      Sid      = "KeysOfCopies"
      Effect   = "Allow"
      Action   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
      Resource = arns
    } if length(arns) > 0],
    # RDS works with a grant on the key, and only RDS may use it.
    [for arns in [distinct(concat(compact(values(policy.kms_key_arns)), policy.source_key_arns))] : {
      Sid       = "GrantKeysToRds"
      Effect    = "Allow"
      Action    = ["kms:CreateGrant"]
      Resource  = arns
      Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
    } if length(arns) > 0],
  )])

  # One alarm for each database and region.
  snapshot_ages = { for pair in setproduct(local.kept_databases[*].name, values(local.regions)) : "${pair[0]}-${pair[1]}" => { database = pair[0], region = pair[1] } }
}

resource "aws_cloudwatch_metric_alarm" "snapshot_age" {
  for_each = local.snapshot_ages
  provider = aws.own

  alarm_name          = "${var.name}-snapshot-age-${each.key}"
  alarm_description   = "${each.value.region} has no good snapshot of ${each.value.database} from the last ${var.snapshots.age_hours_max} hours, or the age of the newest one is unknown."
  namespace           = local.metrics_namespace
  metric_name         = "SnapshotAge"
  dimensions          = { Plan = var.name, Database = each.value.database, Region = each.value.region }
  statistic           = "Maximum"
  period              = 3600
  evaluation_periods  = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.snapshots.age_hours_max * 3600
  treat_missing_data  = "breaching" # where no good one is known there is no sample
  alarm_actions       = [var.topics[var.seat].notices]
  ok_actions          = [var.topics[var.seat].notices]
  tags                = var.tags
}
