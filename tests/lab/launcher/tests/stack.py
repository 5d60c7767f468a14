"""How does a test make a database, or a load balancer with a group of instances behind it?"""

from __future__ import annotations

from typing import Any

from .running_lab import RunningLab


def make_database(rds: Any, name: str, **settings: Any) -> Any:
    """A small PostgreSQL instance, as its creation shows it."""
    small = {
        "Engine": "postgres",
        "DBInstanceClass": "db.t4g.micro",
        "AllocatedStorage": 20,
        "MasterUsername": "lab",
        "MasterUserPassword": "not-a-secret",
    }
    return rds.create_db_instance(DBInstanceIdentifier=name, **{**small, **settings})["DBInstance"]


class Fleet:
    """A load balancer, its target group and an Auto Scaling group, in one region."""

    def __init__(
        self, lab: RunningLab, region: str, name: str, *, desired: int = 0, maximum: int = 4
    ) -> None:
        self.name = name
        self.autoscaling, self.elb = lab.client("autoscaling", region), lab.client("elbv2", region)
        ec2 = lab.client("ec2", region)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.vpc = vpc
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone=f"{region}a")[
            "Subnet"
        ]
        template = ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData={"ImageId": "ami-1", "InstanceType": "t3.micro"}
        )
        self.template = template["LaunchTemplate"]
        self.load_balancer = self.elb.create_load_balancer(Name=name, Subnets=[subnet["SubnetId"]])[
            "LoadBalancers"
        ][0]
        self.target_group = self.elb.create_target_group(Name=name, Protocol="HTTP", Port=80, VpcId=vpc)[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        self.listener = self.elb.create_listener(
            LoadBalancerArn=self.load_balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.target_group}],
        )["Listeners"][0]["ListenerArn"]
        self.autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            MinSize=0,
            MaxSize=maximum,
            DesiredCapacity=desired,
            VPCZoneIdentifier=subnet["SubnetId"],
            TargetGroupARNs=[self.target_group],
            LaunchTemplate={"LaunchTemplateId": self.template["LaunchTemplateId"], "Version": "1"},
        )

    def show(self) -> Any:
        """The group as it is now."""
        found = self.autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])
        return found["AutoScalingGroups"][0]

    def lifecycle(self) -> list[str]:
        """The states of the group's instances."""
        return [instance["LifecycleState"] for instance in self.show()["Instances"]]

    def health(self) -> list[str]:
        """The states of the targets."""
        found = self.elb.describe_target_health(TargetGroupArn=self.target_group)["TargetHealthDescriptions"]
        return [description["TargetHealth"]["State"] for description in found]

    def another_target_group(self) -> str:
        """A rule's ARN; it sends to a target group of its own that nobody fills."""
        empty = self.elb.create_target_group(
            Name=f"{self.name}-empty", Protocol="HTTP", Port=80, VpcId=self.vpc
        )["TargetGroups"][0]["TargetGroupArn"]
        rule = self.elb.create_rule(
            ListenerArn=self.listener,
            Priority=1,
            Conditions=[{"Field": "path-pattern", "Values": ["/other/*"]}],
            Actions=[{"Type": "forward", "TargetGroupArn": empty}],
        )
        return str(rule["Rules"][0]["RuleArn"])

    def drop(self, rule: str) -> None:
        """DeleteRule."""
        self.elb.delete_rule(RuleArn=rule)

    def scale(self, minimum: int, desired: int, maximum: int) -> None:
        """UpdateAutoScalingGroup."""
        self.autoscaling.update_auto_scaling_group(
            AutoScalingGroupName=self.name, MinSize=minimum, DesiredCapacity=desired, MaxSize=maximum
        )
