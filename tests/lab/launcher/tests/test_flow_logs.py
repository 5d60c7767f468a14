"""Flow logs: what was said of them is shown again."""

from __future__ import annotations

from .running_lab import ACCOUNT, PRIMARY, LabTest


class FlowLogs(LabTest):
    """As Terraform makes and reads them."""

    def test_destination_role_interval_and_tags_are_shown(self) -> None:
        ec2 = self.lab.client("ec2", PRIMARY)
        vpc = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
        group = f"arn:aws:logs:{PRIMARY}:{ACCOUNT}:log-group:/vpc/shop"
        made = ec2.create_flow_logs(
            ResourceIds=[vpc],
            ResourceType="VPC",
            TrafficType="REJECT",
            LogDestination=group,
            DeliverLogsPermissionArn=f"arn:aws:iam::{ACCOUNT}:role/flow-logs",
            TagSpecifications=[{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "Name", "Value": "shop"}]}],
        )["FlowLogIds"]
        log = ec2.describe_flow_logs(FlowLogIds=made)["FlowLogs"][0]
        self.assertEqual((log["LogDestination"], log["LogGroupName"]), (group, "/vpc/shop"))
        self.assertEqual(log["DeliverLogsPermissionArn"], f"arn:aws:iam::{ACCOUNT}:role/flow-logs")
        self.assertEqual((log["MaxAggregationInterval"], log["TrafficType"]), (600, "REJECT"))
        self.assertTrue(log["LogFormat"].startswith("${version} "))
        self.assertEqual(log["Tags"], [{"Key": "Name", "Value": "shop"}])
