"""Node groups: what Terraform reads back, and a change of their sizes."""

from __future__ import annotations

from typing import Any

from .running_lab import ACCOUNT, PRIMARY, LabTest


class NodeGroups(LabTest):
    """One cluster and its nodes."""

    def made(self, name: str, **options: Any) -> Any:
        """A node group of a cluster of its own."""
        eks = self.lab.client("eks", PRIMARY)
        role = f"arn:aws:iam::{ACCOUNT}:role/{name}"
        self.lab.client("iam", PRIMARY).create_role(RoleName=name, AssumeRolePolicyDocument="{}")
        eks.create_cluster(
            name=name, roleArn=role, resourcesVpcConfig={"subnetIds": ["subnet-1", "subnet-2"]}
        )
        return eks.create_nodegroup(
            clusterName=name, nodegroupName="nodes", nodeRole=role, subnets=["subnet-1"], **options
        )["nodegroup"]

    def test_the_launch_template_is_shown_by_id_and_name_and_hides_the_disk(self) -> None:
        templates = self.lab.client("ec2", PRIMARY)
        template = templates.create_launch_template(LaunchTemplateName="nodes", LaunchTemplateData={})
        known = template["LaunchTemplate"]["LaunchTemplateId"]
        group = self.made(
            "templated", launchTemplate={"id": known, "version": "1"}, updateConfig={"maxUnavailable": 2}
        )
        self.assertEqual(group["launchTemplate"], {"id": known, "name": "nodes", "version": "1"})
        self.assertEqual(group["updateConfig"], {"maxUnavailable": 2})
        self.assertNotIn("diskSize", group)

    def test_sizes_are_changed(self) -> None:
        eks = self.lab.client("eks", PRIMARY)
        self.made("resized", scalingConfig={"minSize": 2, "maxSize": 4, "desiredSize": 2})
        update = eks.update_nodegroup_config(
            clusterName="resized", nodegroupName="nodes", scalingConfig={"desiredSize": 3}
        )["update"]
        self.assertEqual(
            eks.describe_update(name="resized", updateId=update["id"])["update"]["status"], "Successful"
        )
        group = eks.describe_nodegroup(clusterName="resized", nodegroupName="nodes")["nodegroup"]
        self.assertEqual(group["scalingConfig"], {"minSize": 2, "maxSize": 4, "desiredSize": 3})

    def test_nodes_that_are_not_there_have_no_size(self) -> None:
        eks = self.lab.client("eks", PRIMARY)
        self.assert_refused(
            "ResourceNotFoundException",
            eks.update_nodegroup_config,
            clusterName="none",
            nodegroupName="nodes",
        )
