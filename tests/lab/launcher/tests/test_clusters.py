"""Kubernetes clusters: their security group is one that rules can be added to."""

from __future__ import annotations

from .running_lab import ACCOUNT, PRIMARY, LabTest


class Clusters(LabTest):
    """One cluster."""

    def test_a_clusters_security_group_admits_itself_and_takes_rules_and_goes_with_it(self) -> None:
        eks, ec2 = self.lab.client("eks", PRIMARY), self.lab.client("ec2", PRIMARY)
        self.lab.client("iam", PRIMARY).create_role(RoleName="grouped", AssumeRolePolicyDocument="{}")
        vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
        made = eks.create_cluster(
            name="grouped",
            roleArn=f"arn:aws:iam::{ACCOUNT}:role/grouped",
            resourcesVpcConfig={"subnetIds": [subnet]},
            upgradePolicy={"supportType": "STANDARD"},
        )["cluster"]
        self.assertEqual(made["upgradePolicy"], {"supportType": "STANDARD"})
        group = made["resourcesVpcConfig"]["clusterSecurityGroupId"]
        (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        self.assertEqual(found["VpcId"], vpc)
        self.assertEqual([rule["UserIdGroupPairs"][0]["GroupId"] for rule in found["IpPermissions"]], [group])
        ec2.authorize_security_group_ingress(
            GroupId=group, IpProtocol="tcp", FromPort=443, ToPort=443, CidrIp="10.9.0.0/16"
        )
        eks.delete_cluster(name="grouped")
        with self.assertRaisesRegex(Exception, "InvalidGroup.NotFound"):
            ec2.describe_security_groups(GroupIds=[group])
