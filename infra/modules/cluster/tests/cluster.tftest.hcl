# What the module builds, read off plans with a mocked provider; what its charts say; and every variable's rule, broken.

mock_provider "aws" {
  override_during = plan
  mock_data "aws_region" {
    defaults = { id = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_kms_key" {
    defaults = { arn = "arn:aws:kms:eu-central-1:123456789012:key/22222222-2222-2222-2222-222222222222" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/shop-monitoring" }
  }
  mock_resource "aws_eks_cluster" {
    defaults = { arn = "arn:aws:eks:eu-central-1:123456789012:cluster/shop-monitoring", vpc_config = { cluster_security_group_id = "sg-0cccccccccccccccc" } }
  }
  mock_resource "aws_launch_template" {
    defaults = { id = "lt-0bbbbbbbbbbbbbbbb", latest_version = 1 }
  }
}

variables {
  name               = "shop-monitoring"
  subnet_ids         = ["subnet-1", "subnet-2"]
  watched_regions    = ["eu-south-1", "eu-central-1"]
  administrator_arns = ["arn:aws:iam::123456789012:role/platform"]
  api_clients        = { cidrs = ["10.21.0.0/16"] }
}

run "a_private_cluster_with_two_nodes" {
  command = plan
  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_private_access && !aws_eks_cluster.this.vpc_config[0].endpoint_public_access
    error_message = "The cluster's API is open to the world."
  }
  assert {
    condition     = aws_eks_node_group.this.scaling_config[0].min_size == 2 && aws_launch_template.nodes.metadata_options[0].http_tokens == "required" && aws_launch_template.nodes.metadata_options[0].http_put_response_hop_limit == 1
    error_message = "Fewer than two nodes, or pods get their node's role."
  }
  assert {
    condition     = aws_eks_cluster.this.encryption_config[0].resources == toset(["secrets"]) && length(aws_eks_cluster.this.enabled_cluster_log_types) == 5 && aws_cloudwatch_log_group.control_plane.retention_in_days == 30
    error_message = "Secrets are in the clear, or what happened isn't written down."
  }
  assert {
    condition     = !aws_eks_cluster.this.access_config[0].bootstrap_cluster_creator_admin_permissions && aws_eks_access_policy_association.administrators["arn:aws:iam::123456789012:role/platform"].access_scope[0].type == "cluster"
    error_message = "Whoever applied this administers the cluster for ever."
  }
}

run "its_version_is_in_standard_support_and_stays_there" {
  command = plan
  assert {
    condition     = aws_eks_cluster.this.version == "1.35" && aws_eks_cluster.this.upgrade_policy[0].support_type == "STANDARD"
    error_message = "The cluster would cost six times as much, now or one day: ${aws_eks_cluster.this.version}."
  }
}

run "its_role_is_for_this_cluster_alone" {
  command = plan
  assert {
    condition = jsondecode(aws_iam_role.cluster.assume_role_policy).Statement[0].Condition == {
      StringEquals = { "aws:SourceAccount" = "123456789012" }
      ArnEquals    = { "aws:SourceArn" = "arn:aws:eks:eu-central-1:123456789012:cluster/shop-monitoring" }
    }
    error_message = "EKS could take the role for another cluster."
  }
}

run "its_api_is_reached_by_whom_it_names" {
  command = plan
  variables {
    api_clients = { cidrs = ["10.21.0.0/16"], security_groups = { tools = "sg-0dddddddddddddddd" } }
  }
  assert {
    condition     = [for r in [aws_vpc_security_group_ingress_rule.api_from_ranges["10.21.0.0/16"], aws_vpc_security_group_ingress_rule.api_from_groups["tools"]] : [r.ip_protocol, r.from_port, r.to_port]] == [["tcp", 443, 443], ["tcp", 443, 443]] && aws_vpc_security_group_ingress_rule.api_from_ranges["10.21.0.0/16"].cidr_ipv4 == "10.21.0.0/16" && aws_vpc_security_group_ingress_rule.api_from_groups["tools"].referenced_security_group_id == "sg-0dddddddddddddddd"
    error_message = "kubectl would wait until it times out."
  }
}

run "a_cluster_that_nobody_reaches_is_refused" {
  command = plan
  variables {
    api_clients = {}
  }
  expect_failures = [aws_eks_cluster.this]
}

run "from_outside_is_a_way_too" {
  command = plan
  variables {
    api_clients         = {}
    public_access_cidrs = ["198.51.100.0/24"]
  }
  assert {
    condition     = aws_eks_cluster.this.vpc_config[0].endpoint_public_access && aws_eks_cluster.this.vpc_config[0].public_access_cidrs == toset(["198.51.100.0/24"])
    error_message = "Whom public_access_cidrs names doesn't reach the API."
  }
}

run "a_cluster_without_an_administrator_is_refused" {
  command = plan
  variables {
    administrator_arns = []
  }
  expect_failures = [var.administrator_arns]
}

run "alerts_reach_a_topic_by_a_role_of_their_own" {
  command = plan
  variables {
    alerts = { topic_arn = "arn:aws:sns:eu-central-1:123456789012:shop-notices", kms_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/33333333-3333-3333-3333-333333333333" }
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.alertmanager[0].policy).Statement : [s.Action, s.Resource]] == [[["sns:Publish"], ["arn:aws:sns:eu-central-1:123456789012:shop-notices"]], [["kms:Decrypt", "kms:GenerateDataKey"], ["arn:aws:kms:eu-central-1:123456789012:key/33333333-3333-3333-3333-333333333333"]]]
    error_message = "Alertmanager can't publish to the topic, or may do more."
  }
  assert {
    condition     = jsondecode(aws_iam_role.alertmanager[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:RequestTag/kubernetes-service-account"] == "alertmanager" && yamldecode(file("${output.charts_dir}/values.yaml")).alertmanager.serviceAccount.name == aws_eks_pod_identity_association.alertmanager[0].service_account
    error_message = "Alertmanager runs under another service account than the one that may publish."
  }
  assert {
    condition     = endswith(output.install_command, "charts/install.sh shop-monitoring eu-central-1 --alerts arn:aws:sns:eu-central-1:123456789012:shop-notices")
    error_message = "The charts would be installed without a receiver: ${output.install_command}"
  }
}

run "grafana_reads_both_regions_and_nothing_else" {
  command = plan
  assert {
    condition     = jsondecode(aws_iam_role_policy.grafana.policy).Statement[0].Condition.StringEquals["aws:RequestedRegion"] == ["eu-central-1", "eu-south-1"]
    error_message = "Grafana would be blind for the other region."
  }
  assert {
    condition     = alltrue([for a in jsondecode(aws_iam_role_policy.grafana.policy).Statement[0].Action : can(regex(":(Get|List|Describe)", a))])
    error_message = "Grafana may change something."
  }
  assert {
    condition = jsondecode(aws_iam_role.grafana.assume_role_policy).Statement[0].Condition.StringEquals == {
      "aws:RequestTag/kubernetes-namespace"       = "monitoring"
      "aws:RequestTag/kubernetes-service-account" = "grafana"
      "aws:RequestTag/eks-cluster-arn"            = "arn:aws:eks:eu-central-1:123456789012:cluster/shop-monitoring"
    }
    error_message = "Another pod could take Grafana's role."
  }
}

run "the_charts_fit_the_cluster" {
  command = plan
  assert {
    condition     = yamldecode(file("${output.charts_dir}/values.yaml")).grafana.admin.existingSecret == "grafana-admin" && can(yamldecode(file("${output.charts_dir}/values.yaml")).grafana.adminPassword) == false && strcontains(file("${output.charts_dir}/install.sh"), "create secret generic grafana-admin") && tonumber(regex("chart_version=([0-9]+)", file("${output.charts_dir}/install.sh"))[0]) >= 79
    error_message = "Grafana's password is one that everybody knows."
  }
  assert {
    condition     = alltrue(flatten([for f in ["database-aurora", "replication-aurora"] : [for p in jsondecode(file("${output.charts_dir}/dashboards/${f}.json")).panels : [for t in p.targets : contains(keys(t.dimensions), "DBClusterIdentifier") || t.namespace == "AWS/S3"]]])) && strcontains(file("${output.charts_dir}/dashboards/replication-aurora.json"), "AuroraGlobalDBReplicationLag") && !strcontains(file("${output.charts_dir}/dashboards/replication-aurora.json"), "\"ReplicaLag\"")
    error_message = "A panel about Aurora asks for metrics that Aurora doesn't have."
  }
  assert {
    condition     = yamldecode(file("${output.charts_dir}/values.yaml")).grafana.serviceAccount.name == aws_eks_pod_identity_association.grafana.service_account
    error_message = "Grafana runs under another service account than the one that reads CloudWatch."
  }
  assert {
    condition     = yamldecode(file("${output.charts_dir}/values.yaml")).grafana.additionalDataSources[0].uid == "cloudwatch" && !yamldecode(file("${output.charts_dir}/values.yaml")).grafana.sidecar.dashboards.provider.allowUiUpdates
    error_message = "The dashboards' data source is called otherwise, or dashboards aren't code."
  }
  assert {
    condition     = yamldecode(file("${output.charts_dir}/values.yaml")).prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec.storageClassName == yamldecode(file("${output.charts_dir}/storage-class.yaml")).metadata.name && yamldecode(file("${output.charts_dir}/storage-class.yaml")).parameters.encrypted == "true"
    error_message = "Prometheus asks for volumes of another class, or for unencrypted ones."
  }
  assert {
    condition     = toset([for f in fileset("${output.charts_dir}/dashboards", "*.json") : trimsuffix(f, ".json")]) == toset(["database", "database-aurora", "fleet", "orchestrator", "replication", "replication-aurora"])
    error_message = "A dashboard is missing."
  }
  assert {
    condition     = alltrue(flatten([for f in fileset("${output.charts_dir}/dashboards", "*.json") : [for p in jsondecode(file("${output.charts_dir}/dashboards/${f}")).panels : [for t in p.targets : t.datasource.uid == "cloudwatch" && contains(["$primary", "$recovery"], t.region)]]]))
    error_message = "A panel asks another data source, or one region by name."
  }
  assert {
    condition     = endswith(output.install_command, "charts/install.sh shop-monitoring eu-central-1")
    error_message = "The charts would be installed elsewhere: ${output.install_command}"
  }
}

run "a_bad_value_of_every_variable_is_refused" {
  command = plan
  variables {
    name                     = "Shop"
    kubernetes_version       = "latest"
    subnet_ids               = ["subnet-1"]
    node_count               = 1
    instance_types           = []
    image_type               = "AL2_x86_64"
    administrator_arns       = ["platform"]
    api_clients              = { cidrs = ["0.0.0.0/0"] }
    alerts                   = { topic_arn = "notices" }
    public_access_cidrs      = ["0.0.0.0/0"]
    watched_regions          = ["eu-central-1"]
    log_retention_days       = 2
    kms_key                  = { arn = "alias/eks" }
    permissions_boundary_arn = "Boundary"
  }
  expect_failures = [
    var.name, var.kubernetes_version, var.subnet_ids, var.node_count, var.instance_types, var.image_type, var.administrator_arns, var.api_clients, var.alerts,
    var.public_access_cidrs, var.watched_regions, var.log_retention_days, var.kms_key, var.permissions_boundary_arn,
  ]
}
