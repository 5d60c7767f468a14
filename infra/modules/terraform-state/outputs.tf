# How a stack keeps its state here, and who may.

output "backend" {
  description = "The backend block of the stack. Its bucket is in the recovery region, so that the state survives the loss of the primary region."
  value       = local.backends["stack recovery"]
}

output "backend_of_this_folder" {
  description = "The backend block of the folder that applies this module, in the same bucket under its own key: with one key, the two states would overwrite each other."
  value       = local.backends["self recovery"]
}

output "backend_of_the_twin" {
  description = "The backend block of the twin in the primary region, for the loss of the recovery region: terraform init -reconfigure."
  value       = local.backends["stack primary"]
}

output "writer_policy" {
  description = "What a role needs to plan and apply the stack, as a policy document: its state and its lock, in both regions, nothing else."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "FindState"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [for side in ["primary", "recovery"] : module.storage.arns[side]["tfstate"]]
      },
      {
        Sid      = "State"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject"]
        Resource = [for side in ["primary", "recovery"] : "${module.storage.arns[side]["tfstate"]}/${var.stack}.tfstate"]
      },
      {
        Sid      = "Lock"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = [for side in ["primary", "recovery"] : "${module.storage.arns[side]["tfstate"]}/${var.stack}.tfstate.tflock"]
      },
      {
        Sid       = "Keys"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = [for side in ["primary", "recovery"] : module.storage.kms_key_arns[side]]
        Condition = { StringEquals = { "kms:ViaService" = [for region in values(var.regions) : "s3.${region}.amazonaws.com"] } }
      },
    ]
  })
}

output "bucket_names" {
  description = "The buckets: primary and recovery."
  value       = { primary = module.storage.names.primary["tfstate"], recovery = module.storage.names.recovery["tfstate"] }
}
