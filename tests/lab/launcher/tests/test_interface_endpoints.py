"""Interface endpoints: their security groups and their names are shown again."""

from __future__ import annotations

from typing import Any

from .running_lab import RECOVERY, LabTest


class InterfaceEndpoints(LabTest):
    """As Terraform makes, reads and changes them."""

    def setUp(self) -> None:
        self.ec2 = self.lab.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]

    def make(self, **settings: Any) -> Any:
        """An endpoint, as its creation shows it."""
        return self.ec2.create_vpc_endpoint(VpcId=self.vpc, **settings)["VpcEndpoint"]

    def shown(self, endpoint: Any) -> Any:
        """An endpoint as it is now."""
        found = self.ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint["VpcEndpointId"]])
        return found["VpcEndpoints"][0]

    def test_groups_and_private_names_are_kept_and_changed(self) -> None:
        made = self.make(
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.{RECOVERY}.ssm",
            SecurityGroupIds=["sg-1", "sg-2"],
            PrivateDnsEnabled=True,
        )
        for endpoint in (made, self.shown(made)):
            self.assertEqual([group["GroupId"] for group in endpoint["Groups"]], ["sg-1", "sg-2"])
            self.assertIs(endpoint["PrivateDnsEnabled"], True)
        self.ec2.modify_vpc_endpoint(
            VpcEndpointId=made["VpcEndpointId"],
            AddSecurityGroupIds=["sg-3"],
            RemoveSecurityGroupIds=["sg-1"],
            PrivateDnsEnabled=False,
        )
        changed = self.shown(made)
        self.assertEqual([group["GroupId"] for group in changed["Groups"]], ["sg-2", "sg-3"])
        self.assertIs(changed["PrivateDnsEnabled"], False)

    def test_a_gateway_endpoint_has_none_of_both(self) -> None:
        made = self.make(VpcEndpointType="Gateway", ServiceName=f"com.amazonaws.{RECOVERY}.s3")
        self.assertNotIn("PrivateDnsEnabled", self.shown(made))
        self.assertEqual(self.shown(made).get("Groups", []), [])
