# How people and charts reach the cluster.

output "name" {
  description = "The cluster, known once its nodes and add-ons run."
  value       = aws_eks_cluster.this.name
  depends_on  = [aws_eks_node_group.this, aws_eks_addon.on_nodes]
}

output "arn" {
  description = "Its ARN."
  value       = aws_eks_cluster.this.arn
}

output "security_group_id" {
  description = "The security group that EKS assigns to control plane and nodes."
  value       = aws_eks_cluster.this.vpc_config[0].cluster_security_group_id
}

output "install_command" {
  description = "The command that installs or updates Prometheus and Grafana with the values and dashboards of this module. Append `--boxes FILE` to fill the dashboards' text boxes."
  value       = join(" ", concat(["${path.module}/charts/install.sh ${aws_eks_cluster.this.name} ${local.region}"], [for a in var.alerts[*] : "--alerts ${a.topic_arn}"]))
}

output "charts_dir" {
  description = "Folder with the values, the dashboards and install.sh."
  value       = "${path.module}/charts"
}
