# What the orchestrator, deliveries and dashboards need to know.

output "plan_item" {
  description = "This fleet in the format of the orchestrator's variable `fleets`."
  value = {
    name = local.item
    sides = { recovery = {
      group               = aws_autoscaling_group.recovery.name
      target_groups       = var.target_group_arns.recovery
      serving             = var.capacity
      healthy_targets_min = coalesce(var.healthy_targets_min, var.capacity.desired)
    } }
  }
}

output "group_names" {
  description = "Names of the Auto Scaling groups: primary and recovery."
  value       = { primary = aws_autoscaling_group.primary.name, recovery = aws_autoscaling_group.recovery.name }
}

output "image_ids" {
  description = "The machine images: primary and recovery."
  value       = local.image_ids
}

output "key_policy_statements" {
  description = "Statements (as JSON) that the policy of a customer key needs if the key encrypts an image or its copy. Without them no group can start an instance, and with a fleet at zero you notice only in a failover. Keys that AWS manages need nothing."
  value = jsonencode([
    {
      Sid       = "AutoScalingUsesTheKey"
      Effect    = "Allow"
      Principal = { AWS = local.scaling_role_arn }
      Action    = ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"]
      Resource  = "*" # in a key's policy: this key
    },
    {
      Sid       = "AutoScalingLendsTheKeyToVolumes"
      Effect    = "Allow"
      Principal = { AWS = local.scaling_role_arn }
      Action    = ["kms:CreateGrant"]
      Resource  = "*"
      Condition = { Bool = { "kms:GrantIsForAWSResource" = "true" } }
    },
  ])
}

output "launch_template_ids" {
  description = "The launch templates: primary and recovery."
  value       = { primary = aws_launch_template.primary.id, recovery = aws_launch_template.recovery.id }
}

output "role_arn" {
  description = "The role of the instances, for the policies of queues and buckets."
  value       = aws_iam_role.this.arn
}

output "role_name" {
  description = "Its name."
  value       = aws_iam_role.this.name
}

output "log_group_name" {
  description = "Where the containers' logs are, in each region."
  value       = local.log_group_name
}
