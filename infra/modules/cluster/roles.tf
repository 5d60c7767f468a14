# What the cluster, its nodes, its storage driver and its Grafana may do. IAM is global, so names hold the region.

locals {
  # AWS's own policies, which EKS demands of a cluster, its nodes and its storage driver.
  node_policies = ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"]

  # A pod of this cluster, namespace and service account, and no other. AWS documents these tags of pod identities.
  pod_trust = { for account, namespace in { "ebs-csi-controller-sa" = "kube-system", "grafana" = "monitoring", "alertmanager" = "monitoring" } : account => jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "pods.eks.amazonaws.com" }
      Action    = ["sts:AssumeRole", "sts:TagSession"]
      Condition = { StringEquals = {
        "aws:RequestTag/kubernetes-namespace"       = namespace
        "aws:RequestTag/kubernetes-service-account" = account
        "aws:RequestTag/eks-cluster-arn"            = "arn:${local.partition}:eks:${local.region}:${local.account}:cluster/${var.name}"
      } }
    }]
  }) }
}

resource "aws_iam_role" "cluster" {
  name                 = "${var.name}-cluster-${local.region}"
  description          = "The control plane of the cluster ${var.name} in ${local.region}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "eks.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = { "aws:SourceAccount" = local.account }
        ArnEquals    = { "aws:SourceArn" = "arn:${local.partition}:eks:${local.region}:${local.account}:cluster/${var.name}" }
      }
    }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy_attachment" "cluster" {
  role       = aws_iam_role.cluster.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/AmazonEKSClusterPolicy"
}

resource "aws_iam_role" "nodes" {
  name                 = "${var.name}-nodes-${local.region}"
  description          = "The nodes of the cluster ${var.name} in ${local.region}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    # EC2 sends no source when an instance takes its role. What bounds it is who may pass the role: iam:PassRole.
    Statement = [{ Effect = "Allow", Principal = { Service = "ec2.amazonaws.com" }, Action = "sts:AssumeRole" }]
  })
  tags = local.tags
}

resource "aws_iam_role_policy_attachment" "nodes" {
  for_each = toset(local.node_policies)

  role       = aws_iam_role.nodes.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/${each.key}"
}

resource "aws_iam_role" "storage" {
  name                 = "${var.name}-storage-${local.region}"
  description          = "Makes the volumes of the cluster ${var.name} in ${local.region}."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = local.pod_trust["ebs-csi-controller-sa"]
  tags                 = local.tags
}

resource "aws_iam_role_policy_attachment" "storage" {
  role       = aws_iam_role.storage.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy"
}

resource "aws_eks_pod_identity_association" "storage" {
  cluster_name    = aws_eks_cluster.this.name
  namespace       = "kube-system"
  service_account = "ebs-csi-controller-sa"
  role_arn        = aws_iam_role.storage.arn
  tags            = local.tags
}

resource "aws_iam_role" "grafana" {
  name                 = "${var.name}-grafana-${local.region}"
  description          = "Lets Grafana of the cluster ${var.name} in ${local.region} read CloudWatch."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = local.pod_trust["grafana"]
  tags                 = local.tags
}

resource "aws_iam_role_policy" "grafana" {
  name = "read-metrics"
  role = aws_iam_role.grafana.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid    = "ReadMetrics"
      Effect = "Allow"
      # "*": CloudWatch's metric reads have no resource types, and the region list is the data source's own question.
      Action    = ["cloudwatch:DescribeAlarms", "cloudwatch:GetMetricData", "cloudwatch:ListMetrics", "ec2:DescribeRegions"]
      Resource  = "*"
      Condition = { StringEquals = { "aws:RequestedRegion" = sort(var.watched_regions) } }
    }]
  })
}

resource "aws_eks_pod_identity_association" "grafana" {
  cluster_name    = aws_eks_cluster.this.name
  namespace       = "monitoring"
  service_account = "grafana"
  role_arn        = aws_iam_role.grafana.arn
  tags            = local.tags
}

resource "aws_iam_role" "alertmanager" {
  count = var.alerts == null ? 0 : 1

  name                 = "${var.name}-alerts-${local.region}"
  description          = "Lets Alertmanager of the cluster ${var.name} in ${local.region} notify people."
  permissions_boundary = var.permissions_boundary_arn
  assume_role_policy   = local.pod_trust["alertmanager"]
  tags                 = local.tags
}

resource "aws_iam_role_policy" "alertmanager" {
  count = var.alerts == null ? 0 : 1

  name = "tell-people"
  role = aws_iam_role.alertmanager[0].name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{ Sid = "TellPeople", Effect = "Allow", Action = ["sns:Publish"], Resource = [var.alerts.topic_arn] }],
      [for arn in var.alerts.kms_key_arn[*] : {
        Sid       = "EncryptForTheTopic"
        Effect    = "Allow"
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = [arn]
        Condition = { StringEquals = { "kms:ViaService" = "sns.${local.region}.amazonaws.com" } }
      }],
    )
  })
}

resource "aws_eks_pod_identity_association" "alertmanager" {
  count = var.alerts == null ? 0 : 1

  cluster_name    = aws_eks_cluster.this.name
  namespace       = "monitoring"
  service_account = "alertmanager"
  role_arn        = aws_iam_role.alertmanager[0].arn
  tags            = local.tags
}
