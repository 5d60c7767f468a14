# The files that servers read and write: a bucket in each region, replicated both ways from the first day.

module "storage" {
  source    = "../../modules/storage"
  providers = { aws.primary = aws.primary, aws.recovery = aws.recovery }

  name                     = local.name
  regions                  = local.regions
  buckets                  = { files = {} }
  permissions_boundary_arn = var.permissions_boundary_arn
}

locals {
  files_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ListFiles"
        Effect   = "Allow"
        Action   = ["s3:ListBucket"]
        Resource = [module.storage.arns.primary["files"], module.storage.arns.recovery["files"]]
      },
      {
        Sid      = "KeepFiles"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
        Resource = ["${module.storage.arns.primary["files"]}/*", "${module.storage.arns.recovery["files"]}/*"]
      },
      {
        Sid      = "ReadAndWriteThem"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = values(module.storage.kms_key_arns)
      },
    ]
  })
}
