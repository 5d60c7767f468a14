"""Rules for all protocols, with ports named and without."""

from __future__ import annotations

from .running_lab import LabTest


class SecurityGroups(LabTest):
    """What Terraform does with the rule that every new group has."""

    def test_the_allow_all_rule_is_revoked_though_ports_are_named(self) -> None:
        ec2 = self.lab.client("ec2")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        group = ec2.create_security_group(GroupName="quarantine", Description="no rules", VpcId=vpc)[
            "GroupId"
        ]
        rule = {"IpProtocol": "-1", "FromPort": 0, "ToPort": 0, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
        ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[rule])
        left = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissionsEgress"]
        self.assertEqual(left, [])
