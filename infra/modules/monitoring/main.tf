# One dashboard, kept in both regions: each shows both, so that whichever region is lost, the other still shows what it
# can. CloudWatch dashboards are global in the console, but their figures are fetched where they lie.

data "aws_region" "primary" {
  provider = aws.primary
}

data "aws_region" "recovery" {
  provider = aws.recovery
}

locals {
  sides     = ["primary", "recovery"]
  steps     = ["promote-replica", "scale-asg", "shift-traffic"]
  keepers   = sort(tolist(var.keepers))
  functions = concat(["alarm-handler"], local.steps, ["readiness-checker"], local.keepers)

  # Rows from the top: what a person at 03:00 looks for first.
  orchestrator = [
    {
      title   = "Orchestrator: the detector's pulse (at least once a minute)"
      region  = var.regions.recovery
      metrics = [["AWS/Lambda", "Invocations", "FunctionName", "${var.name}-alarm-handler", { stat = "Sum", region = var.regions.recovery }]]
    },
    {
      title   = "Orchestrator: errors"
      region  = var.regions.recovery
      metrics = [for f in local.functions : ["AWS/Lambda", "Errors", "FunctionName", "${var.name}-${f}", { stat = "Sum", region = var.regions.recovery, label = f }]]
    },
    {
      title   = "Orchestrator: steps taken"
      region  = var.regions.recovery
      metrics = [for f in local.steps : ["AWS/Lambda", "Invocations", "FunctionName", "${var.name}-${f}", { stat = "Sum", region = var.regions.recovery, label = f }]]
    },
    {
      title  = "Orchestrator: dead letters"
      region = var.regions.recovery
      metrics = concat(
        [for f in local.functions : ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-${f}-dead-letters", { stat = "Maximum", region = var.regions.recovery, label = f }]],
        [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${var.name}-signals-dead-letters", { stat = "Maximum", region = var.regions.primary, label = "signals of ${var.regions.primary}" }]],
      )
    },
  ]

  # Readiness, and what the other scheduled functions say of their work.
  every_day = concat(
    [{
      title   = "Readiness: checks that are not ready"
      region  = var.regions.recovery
      period  = 1800
      metrics = [["Pilotlight", "UnreadyChecks", "Plan", var.name, { stat = "Minimum", region = var.regions.recovery }]]
    }],
    [for f in local.keepers : {
      title       = "Snapshots: seconds since the newest good one"
      region      = var.regions.recovery
      period      = 3600
      metrics     = [for pair in setproduct(keys(var.databases), local.sides) : ["Pilotlight", "SnapshotAge", "Plan", var.name, "Database", pair[0], "Region", var.regions[pair[1]], { stat = "Maximum", region = var.regions.recovery, label = "${pair[0]}, ${var.regions[pair[1]]}" }]]
      annotations = { horizontal = [{ label = "alarm", value = 26 * 3600 }] }
    } if f == "snapshot-scheduler"],
    [for f in local.keepers : {
      title   = "Parameters: changes and passes looked at"
      region  = var.regions.recovery
      period  = 3600
      metrics = [["AWS/Lambda", "Invocations", "FunctionName", "${var.name}-${f}", { stat = "Sum", region = var.regions.recovery }]]
    } if f == "ssm-replicator"],
  )

  # Aurora's metrics are its clusters'. It counts its lag in milliseconds, by the region that the lag comes from.
  database_dimension = { for name, d in var.databases : name => d.kind == "aurora_global" ? "DBClusterIdentifier" : "DBInstanceIdentifier" }
  lag_widgets = { for name, d in var.databases : name => d.kind == "aurora_global" ? {
    title       = "${name}: milliseconds behind"
    metric      = ["AWS/RDS", "AuroraGlobalDBReplicationLag", "DBClusterIdentifier", d.recovery, "SourceRegion", var.regions.primary]
    limit_units = var.lag_seconds_max * 1000
    } : {
    title       = "${name}: seconds behind"
    metric      = ["AWS/RDS", "ReplicaLag", "DBInstanceIdentifier", d.recovery]
    limit_units = var.lag_seconds_max
  } }
  storage_widgets = { for name, d in var.databases : name => d.kind == "aurora_global" ? {
    title  = "${name}: storage used, bytes"
    metric = "VolumeBytesUsed"
    stat   = "Maximum"
    } : {
    title  = "${name}: storage free, bytes"
    metric = "FreeStorageSpace"
    stat   = "Minimum"
  } }

  database_widgets = flatten([for name, ids in var.databases : [
    {
      title       = local.lag_widgets[name].title
      region      = var.regions.recovery
      metrics     = [concat(local.lag_widgets[name].metric, [{ stat = "Maximum", region = var.regions.recovery }])]
      annotations = { horizontal = [{ label = "limit of the plan", value = local.lag_widgets[name].limit_units }] }
    },
    {
      title   = "${name}: connections"
      region  = var.regions.recovery
      metrics = [for side in local.sides : ["AWS/RDS", "DatabaseConnections", local.database_dimension[name], ids[side], { stat = "Maximum", region = var.regions[side], label = side }]]
    },
    {
      title   = "${name}: processor busy, percent"
      region  = var.regions.recovery
      metrics = [for side in local.sides : ["AWS/RDS", "CPUUtilization", local.database_dimension[name], ids[side], { stat = "Average", region = var.regions[side], label = side }]]
    },
    {
      title   = local.storage_widgets[name].title
      region  = var.regions.recovery
      metrics = [for side in local.sides : ["AWS/RDS", local.storage_widgets[name].metric, local.database_dimension[name], ids[side], { stat = local.storage_widgets[name].stat, region = var.regions[side], label = side }]]
    },
  ]])

  fleet_widgets = flatten([for name, f in var.fleets : [
    {
      title   = "${name}: healthy servers"
      region  = var.regions.recovery
      metrics = [for side in local.sides : ["AWS/ApplicationELB", "HealthyHostCount", "TargetGroup", f.targets[side], "LoadBalancer", f.balancers[side], { stat = "Minimum", region = var.regions[side], label = side }]]
    },
    {
      title   = "${name}: requests (both sides at once: the fence leaks)"
      region  = var.regions.recovery
      metrics = [for side in local.sides : ["AWS/ApplicationELB", "RequestCount", "LoadBalancer", f.balancers[side], { stat = "Sum", region = var.regions[side], label = side }]]
    },
    {
      title   = "${name}: answers of 5xx"
      region  = var.regions.recovery
      metrics = [for side in local.sides : ["AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "LoadBalancer", f.balancers[side], { stat = "Sum", region = var.regions[side], label = side }]]
    },
    {
      title   = "${name}: processors busy, percent"
      region  = var.regions.recovery
      metrics = [for side in local.sides : ["AWS/EC2", "CPUUtilization", "AutoScalingGroupName", f.groups[side], { stat = "Average", region = var.regions[side], label = side }]]
    },
  ]])

  bucket_widgets = [for name, b in var.buckets : {
    title  = "${name}: seconds behind, each way"
    region = var.regions.recovery
    metrics = [for pair in [["primary", "recovery"], ["recovery", "primary"]] : [
      "AWS/S3", "ReplicationLatency", "SourceBucket", b[pair[0]], "DestinationBucket", b[pair[1]], "RuleId", "to-the-other-region",
      { stat = "Maximum", region = var.regions[pair[0]], label = "to ${pair[1]}" },
    ]]
  }]

  # Through JSON, because widgets with and without annotations are of different types.
  widgets = concat([for w in [local.orchestrator, local.every_day, local.database_widgets, local.fleet_widgets, local.bucket_widgets] : jsondecode(jsonencode(w))]...)

  body = jsonencode({
    start          = "-PT3H"
    periodOverride = "inherit"
    widgets = concat(
      [{
        type       = "text", x = 0, y = 0, width = 24, height = 2
        properties = { markdown = "**${var.name}**: ${var.regions.primary} serves, ${var.regions.recovery} recovers. How it stands: `echo '{\"command\":\"status\"}' | aws lambda invoke --region ${var.regions.recovery} --function-name ${var.name}-alarm-handler --payload fileb:///dev/stdin /dev/stdout | cat`" }
      }],
      [for i, w in local.widgets : {
        type       = "metric"
        x          = i % 4 * 6
        y          = 2 + floor(i / 4) * 6
        width      = 6
        height     = 6
        properties = merge({ view = "timeSeries", period = 60, yAxis = { left = { min = 0 } } }, w)
      }],
    )
  })
}

resource "aws_cloudwatch_dashboard" "primary" {
  provider = aws.primary

  dashboard_name = var.name
  dashboard_body = local.body

  lifecycle {
    precondition {
      condition     = data.aws_region.primary.id == var.regions.primary && data.aws_region.recovery.id == var.regions.recovery
      error_message = "The providers aws.primary and aws.recovery work in ${data.aws_region.primary.id} and ${data.aws_region.recovery.id}, but var.regions says ${var.regions.primary} and ${var.regions.recovery}."
    }
  }
}

resource "aws_cloudwatch_dashboard" "recovery" {
  provider = aws.recovery

  dashboard_name = "${var.name}-recovery" # dashboards share one name space over all regions
  dashboard_body = local.body
}
