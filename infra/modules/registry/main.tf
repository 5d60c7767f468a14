# Container images in both regions: whatever is pushed to one is copied to the other, so that a fleet pulls from its own.

data "aws_region" "primary" {
  provider = aws.primary
}

data "aws_region" "recovery" {
  provider = aws.recovery
}

data "aws_caller_identity" "recovery" {
  provider = aws.recovery
}

locals {
  account = data.aws_caller_identity.recovery.account_id

  # The oldest go first. Images without a tag are leftovers of pushes; a week is enough to look at them.
  lifecycle_policy = jsonencode({
    rules = [
      {
        rulePriority = 1
        description  = "Leftovers"
        selection    = { tagStatus = "untagged", countType = "sinceImagePushed", countUnit = "days", countNumber = 7 }
        action       = { type = "expire" }
      },
      {
        rulePriority = 2
        description  = "All but the newest ${var.kept_images}"
        selection    = { tagStatus = "any", countType = "imageCountMoreThan", countNumber = var.kept_images }
        action       = { type = "expire" }
      },
    ]
  })

  tags = merge({ "pilotlight:registry" = var.name }, var.tags)
}

resource "aws_ecr_repository" "primary" {
  for_each = var.repositories
  provider = aws.primary

  name                 = "${var.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE" # what was tested is what runs, in either region

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.kms_key_arns.primary
  }
  image_scanning_configuration {
    scan_on_push = true
  }
  tags = local.tags
}

resource "aws_ecr_lifecycle_policy" "primary" {
  for_each = var.repositories
  provider = aws.primary

  repository = aws_ecr_repository.primary[each.key].name
  policy     = local.lifecycle_policy
}

resource "aws_ecr_replication_configuration" "primary" {
  count    = var.replicate ? 1 : 0
  provider = aws.primary

  replication_configuration {
    rule {
      destination {
        region      = var.regions.recovery
        registry_id = local.account
      }
      repository_filter {
        filter      = "${var.name}/"
        filter_type = "PREFIX_MATCH"
      }
    }
  }

  # Without a repository over there replication would make one of its own, with other settings.
  depends_on = [aws_ecr_repository.primary, aws_ecr_repository.recovery]

  lifecycle {
    precondition {
      condition     = data.aws_region.primary.id == var.regions.primary && data.aws_region.recovery.id == var.regions.recovery
      error_message = "The providers aws.primary and aws.recovery work in ${data.aws_region.primary.id} and ${data.aws_region.recovery.id}, but var.regions says ${var.regions.primary} and ${var.regions.recovery}."
    }
  }
}

resource "aws_ecr_repository" "recovery" {
  for_each = var.repositories
  provider = aws.recovery

  name                 = "${var.name}/${each.key}"
  image_tag_mutability = "IMMUTABLE" # what was tested is what runs, in either region

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = var.kms_key_arns.recovery
  }
  image_scanning_configuration {
    scan_on_push = true
  }
  tags = local.tags
}

resource "aws_ecr_lifecycle_policy" "recovery" {
  for_each = var.repositories
  provider = aws.recovery

  repository = aws_ecr_repository.recovery[each.key].name
  policy     = local.lifecycle_policy
}

resource "aws_ecr_replication_configuration" "recovery" {
  count    = var.replicate ? 1 : 0
  provider = aws.recovery

  replication_configuration {
    rule {
      destination {
        region      = var.regions.primary
        registry_id = local.account
      }
      repository_filter {
        filter      = "${var.name}/"
        filter_type = "PREFIX_MATCH"
      }
    }
  }

  # Without a repository over there replication would make one of its own, with other settings.
  depends_on = [aws_ecr_repository.primary, aws_ecr_repository.recovery]
}
