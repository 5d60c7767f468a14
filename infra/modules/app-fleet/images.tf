# The machine image: made of an instance of the primary region and copied to the recovery region, or given.

locals {
  made = var.image.made_from == null ? 0 : 1

  image_ids = {
    primary  = local.made == 1 ? one(aws_ami_from_instance.this[*].id) : var.image.given.primary
    recovery = local.made == 1 ? one(aws_ami_copy.recovery[*].id) : var.image.given.recovery
  }
}

resource "aws_ami_from_instance" "this" {
  count    = local.made
  provider = aws.primary

  name                    = "${var.name}-${var.image.made_from.version}"
  description             = "Made of ${var.image.made_from.instance_id} for the fleet ${var.name}."
  source_instance_id      = var.image.made_from.instance_id
  snapshot_without_reboot = !var.image.made_from.reboot
  tags                    = merge(local.tags, { Name = "${var.name}-${var.image.made_from.version}" })

  lifecycle {
    # The launch template must never name an image that is gone.
    create_before_destroy = true
  }
}

# A copy is complete in the recovery region: it needs nothing of the primary when an instance starts from it.
resource "aws_ami_copy" "recovery" {
  count    = local.made
  provider = aws.recovery

  name              = "${var.name}-${var.image.made_from.version}"
  description       = "Copy of ${aws_ami_from_instance.this[0].id} of ${var.regions.primary}, for the fleet ${var.name}."
  source_ami_id     = aws_ami_from_instance.this[0].id
  source_ami_region = var.regions.primary
  encrypted         = true
  kms_key_id        = var.image.made_from.recovery_kms_key_arn
  tags              = merge(local.tags, { Name = "${var.name}-${var.image.made_from.version}" })

  lifecycle {
    create_before_destroy = true
  }
}
