# One region's Kubernetes cluster for Prometheus and Grafana: control plane, nodes and the add-ons they need.

data "aws_region" "here" {}
data "aws_caller_identity" "here" {}
data "aws_partition" "here" {}

locals {
  region    = data.aws_region.here.id
  account   = data.aws_caller_identity.here.account_id
  partition = data.aws_partition.here.partition
  key_arn   = var.kms_key != null ? var.kms_key.arn : one(aws_kms_key.secrets[*].arn)
  tags      = merge({ "pilotlight:cluster" = var.name }, var.tags)
}

resource "aws_kms_key" "secrets" {
  count = var.kms_key == null ? 1 : 0

  description             = "Encrypts the secrets of the cluster ${var.name}."
  enable_key_rotation     = true
  deletion_window_in_days = 30
  # The account's administrators, by their own policies; AWS's default, written down.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AccountByItsOwnPolicies"
      Effect    = "Allow"
      Principal = { AWS = "arn:${local.partition}:iam::${local.account}:root" }
      Action    = "kms:*"
      Resource  = "*"
    }]
  })
  tags = local.tags
}

# Made before the cluster, which would make one that is kept for ever.
resource "aws_cloudwatch_log_group" "control_plane" {
  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_eks_cluster" "this" {
  name                      = var.name
  version                   = var.kubernetes_version
  role_arn                  = aws_iam_role.cluster.arn
  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = false
  }
  encryption_config {
    resources = ["secrets"]
    provider {
      key_arn = local.key_arn
    }
  }
  vpc_config {
    subnet_ids              = var.subnet_ids
    endpoint_private_access = true
    endpoint_public_access  = length(var.public_access_cidrs) > 0
    public_access_cidrs     = length(var.public_access_cidrs) > 0 ? var.public_access_cidrs : null
  }

  # Extended support costs six times as much. Without it AWS raises the version itself when standard support ends.
  upgrade_policy {
    support_type = "STANDARD"
  }

  tags = local.tags

  depends_on = [aws_cloudwatch_log_group.control_plane, aws_iam_role_policy_attachment.cluster]

  lifecycle {
    precondition {
      condition     = length(var.public_access_cidrs) + length(var.api_clients.cidrs) + length(var.api_clients.security_groups) > 0
      error_message = "Nobody could reach the API of ${var.name}: its security group admits itself alone. Name api_clients or public_access_cidrs."
    }
  }
}

# The private endpoint stands behind the security group that EKS makes, which admits its own members alone. Rules of one's own in it
# stay: EKS only looks after those it made.
resource "aws_vpc_security_group_ingress_rule" "api_from_ranges" {
  for_each = var.api_clients.cidrs

  security_group_id = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  description       = "People and pipelines that use the cluster's API."
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  tags              = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "api_from_groups" {
  for_each = var.api_clients.security_groups

  security_group_id            = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
  description                  = "People and pipelines that use the cluster's API: ${each.key}."
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  tags                         = local.tags
}

resource "aws_eks_access_entry" "administrators" {
  for_each = var.administrator_arns

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.value
  tags          = local.tags
}

resource "aws_eks_access_policy_association" "administrators" {
  for_each = var.administrator_arns

  cluster_name  = aws_eks_cluster.this.name
  principal_arn = each.value
  policy_arn    = "arn:${local.partition}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy"
  access_scope {
    type = "cluster"
  }

  depends_on = [aws_eks_access_entry.administrators]
}

resource "aws_launch_template" "nodes" {
  name                   = "${var.name}-nodes"
  update_default_version = true

  # Pods reach AWS by pod identities, not by their node's role: one hop only.
  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_size = 40
      volume_type = "gp3"
      encrypted   = true
    }
  }
  tag_specifications {
    resource_type = "instance"
    tags          = merge(local.tags, { Name = "${var.name}-node" })
  }
  tags = local.tags
}

resource "aws_eks_node_group" "this" {
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "nodes"
  node_role_arn   = aws_iam_role.nodes.arn
  subnet_ids      = var.subnet_ids
  ami_type        = var.image_type
  instance_types  = var.instance_types

  launch_template {
    id      = aws_launch_template.nodes.id
    version = aws_launch_template.nodes.latest_version
  }
  scaling_config {
    min_size     = var.node_count
    desired_size = var.node_count
    max_size     = var.node_count * 2
  }
  update_config {
    max_unavailable = 1
  }
  tags = local.tags

  lifecycle {
    # An autoscaler, should there be one, and people move it.
    ignore_changes = [scaling_config[0].desired_size]
  }

  depends_on = [aws_iam_role_policy_attachment.nodes, aws_eks_addon.before_nodes]
}

resource "aws_eks_addon" "before_nodes" {
  for_each = toset(["vpc-cni", "kube-proxy", "eks-pod-identity-agent"])

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  tags                        = local.tags
}

resource "aws_eks_addon" "on_nodes" {
  for_each = toset(["coredns", "aws-ebs-csi-driver"])

  cluster_name                = aws_eks_cluster.this.name
  addon_name                  = each.key
  resolve_conflicts_on_create = "OVERWRITE"
  resolve_conflicts_on_update = "OVERWRITE"
  tags                        = local.tags

  depends_on = [aws_eks_node_group.this, aws_eks_pod_identity_association.storage]
}
