"""Launches that take time, bounds, target health, suspended processes and refused capacity."""

from __future__ import annotations

import json
import time
from typing import Any

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, SCALE, Function, LabTest, eventually
from .stack import Fleet


class AutoScaling(LabTest):
    """Each test makes its own fleet."""

    def fleet(self, region: str = RECOVERY, **capacity: int) -> Fleet:
        """A fleet named after the test."""
        return Fleet(self.lab, region, self._testMethodName[5:32].replace("_", "-").strip("-"), **capacity)

    def timing(self, name: str) -> Any:
        """The launch timing of a group."""
        return next(
            entry
            for entry in self.lab.control("GET", "timings")
            if (entry["kind"], entry["name"]) == ("launch", name)
        )

    def test_raised_capacity_is_pending_then_in_service_then_healthy(self) -> None:
        fleet = self.fleet()
        started = time.monotonic()
        fleet.scale(2, 2, 4)
        eventually(lambda: fleet.lifecycle() == ["Pending", "Pending"])
        self.assertEqual(fleet.health(), [])
        eventually(lambda: fleet.lifecycle() == ["InService", "InService"])
        self.assertGreaterEqual(time.monotonic() - started, 60 * SCALE)
        self.assertIn("initial", fleet.health())
        eventually(lambda: fleet.health() == ["healthy", "healthy"])
        self.assertGreaterEqual(time.monotonic() - started, 100 * SCALE)
        eventually(lambda: self.timing(fleet.name)["finished_at"])
        timing = self.timing(fleet.name)
        self.assertEqual((timing["kind"], timing["region"]), ("launch", RECOVERY))

    def test_lowered_capacity_terminates(self) -> None:
        fleet = self.fleet(desired=3)
        eventually(lambda: fleet.health() == ["healthy"] * 3)
        fleet.autoscaling.set_desired_capacity(AutoScalingGroupName=fleet.name, DesiredCapacity=1)
        eventually(lambda: fleet.lifecycle() == ["InService"] and fleet.health() == ["healthy"])

    def test_capacity_out_of_bounds_is_refused(self) -> None:
        fleet = self.fleet(maximum=2)
        update, name = fleet.autoscaling.update_auto_scaling_group, fleet.name
        self.assert_refused("ValidationError", update, AutoScalingGroupName=name, DesiredCapacity=3)
        self.assert_refused("ValidationError", update, AutoScalingGroupName=name, MinSize=3)
        self.assert_refused(
            "ValidationError", update, AutoScalingGroupName=name, MinSize=1, DesiredCapacity=0
        )
        self.assert_refused(
            "ValidationError",
            fleet.autoscaling.set_desired_capacity,
            AutoScalingGroupName=name,
            DesiredCapacity=3,
        )
        self.assert_refused("ValidationError", update, AutoScalingGroupName="no-such-group", MinSize=0)
        self.assertEqual((fleet.show()["MinSize"], fleet.show()["DesiredCapacity"]), (0, 0))

    def test_a_raised_minimum_alone_raises_the_desired_capacity(self) -> None:
        fleet = self.fleet()
        fleet.autoscaling.update_auto_scaling_group(AutoScalingGroupName=fleet.name, MinSize=1)
        self.assertEqual(fleet.show()["DesiredCapacity"], 1)

    def test_a_group_shows_its_target_groups_and_template(self) -> None:
        fleet = self.fleet()
        shown = fleet.show()
        self.assertEqual(shown["TargetGroupARNs"], [fleet.target_group])
        self.assertEqual(
            shown["LaunchTemplate"],
            {
                "LaunchTemplateId": fleet.template["LaunchTemplateId"],
                "LaunchTemplateName": fleet.name,
                "Version": "1",
            },
        )

    def test_a_suspended_launch_blocks_until_it_is_resumed(self) -> None:
        fleet = self.fleet()
        fleet.autoscaling.suspend_processes(AutoScalingGroupName=fleet.name, ScalingProcesses=["Launch"])
        fleet.scale(1, 1, 4)
        time.sleep(0.5)
        shown = fleet.show()
        self.assertEqual(shown["Instances"], [])
        self.assertEqual([entry["ProcessName"] for entry in shown["SuspendedProcesses"]], ["Launch"])
        fleet.autoscaling.resume_processes(AutoScalingGroupName=fleet.name)
        eventually(lambda: fleet.lifecycle() == ["InService"])
        self.assertEqual(fleet.show()["SuspendedProcesses"], [])

    def test_refused_capacity_launches_nothing_and_says_why(self) -> None:
        fleet = self.fleet()
        self.lab.control("PUT", f"capacity/{fleet.name}", {"available": False})
        fleet.scale(1, 1, 4)

        def failed() -> Any:
            found = fleet.autoscaling.describe_scaling_activities(AutoScalingGroupName=fleet.name)[
                "Activities"
            ]
            return found and found[0]

        activity = eventually(failed)
        self.assertEqual(activity["StatusCode"], "Failed")
        self.assertIn("sufficient capacity", activity["StatusMessage"])
        self.assertEqual(fleet.lifecycle(), [])
        self.lab.control("PUT", f"capacity/{fleet.name}", {"available": True})
        eventually(lambda: fleet.health() == ["healthy"])

    def test_targets_of_a_lost_region_are_unhealthy(self) -> None:
        fleet = self.fleet(PRIMARY, desired=1)
        eventually(lambda: fleet.health() == ["healthy"])

        def shown() -> Any:
            return next(
                entry
                for entry in self.lab.control("GET", "load-balancers")
                if entry["arn"] == fleet.load_balancer["LoadBalancerArn"]
            )

        self.assertEqual(shown()["target_groups"], [{"arn": fleet.target_group, "healthy": 1, "total": 1}])
        self.lose(PRIMARY)
        self.assertEqual(fleet.health(), ["unhealthy"])
        self.assertEqual(shown()["target_groups"][0]["healthy"], 0)
        self.lab.control("PUT", f"regions/{PRIMARY}", {"lost": False})
        eventually(lambda: fleet.health() == ["healthy"])

    def test_a_target_group_without_a_listener_is_unused(self) -> None:
        elb = self.lab.client("elbv2")
        group = elb.create_target_group(Name="alone", Protocol="HTTP", Port=80, VpcId="vpc-1")[
            "TargetGroups"
        ][0]
        elb.register_targets(TargetGroupArn=group["TargetGroupArn"], Targets=[{"Id": "i-1"}])
        found = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        self.assertEqual([entry["TargetHealth"]["State"] for entry in found], ["unused"])

    def test_a_load_balancer_answers_at_its_regions_site(self) -> None:
        fleet = self.fleet()
        self.assertEqual(fleet.load_balancer["DNSName"], "127.0.0.1:18082")
        shown = fleet.elb.describe_load_balancers(Names=[fleet.name])["LoadBalancers"][0]
        self.assertEqual(shown["DNSName"], "127.0.0.1:18082")

    def test_a_launch_sends_an_event(self) -> None:
        function = Function(
            self.lab, "asg-wake", permit=(f"arn:aws:events:{RECOVERY}:{ACCOUNT}:rule/asg-wake",)
        )
        fleet = self.fleet()
        pattern = {
            "source": ["aws.autoscaling"],
            "detail-type": ["EC2 Instance Launch Successful"],
            "detail": {"AutoScalingGroupName": [fleet.name]},
        }
        events = self.lab.client("events")
        events.put_rule(Name="asg-wake", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="asg-wake", Targets=[{"Id": "f", "Arn": function.arn}])
        fleet.scale(1, 1, 4)
        event = eventually(function.received)[0]
        instance = fleet.show()["Instances"][0]["InstanceId"]
        self.assertEqual(
            event["resources"],
            [fleet.show()["AutoScalingGroupARN"], f"arn:aws:ec2:{RECOVERY}:{ACCOUNT}:instance/{instance}"],
        )
        self.assertEqual(event["detail"]["EC2InstanceId"], instance)

    def test_a_policy_of_several_instance_types_is_shown_with_its_template_by_id_and_name(self) -> None:
        ec2, groups = self.lab.client("ec2", PRIMARY), self.lab.client("autoscaling", PRIMARY)
        made = ec2.create_launch_template(LaunchTemplateName="mixed", LaunchTemplateData={})["LaunchTemplate"]
        types = [{"InstanceType": "t4g.small"}, {"InstanceType": "m6g.medium"}]
        template = {"LaunchTemplateId": made["LaunchTemplateId"], "Version": "$Latest"}
        groups.create_auto_scaling_group(
            AutoScalingGroupName="mixed",
            MinSize=0,
            MaxSize=2,
            AvailabilityZones=[f"{PRIMARY}a"],
            MixedInstancesPolicy={
                "LaunchTemplate": {"LaunchTemplateSpecification": template, "Overrides": types},
                "InstancesDistribution": {"OnDemandAllocationStrategy": "prioritized"},
            },
        )
        found = groups.describe_auto_scaling_groups(AutoScalingGroupNames=["mixed"])["AutoScalingGroups"][0]
        policy = found["MixedInstancesPolicy"]
        self.assertEqual(policy["LaunchTemplate"]["Overrides"], types)
        shown = policy["LaunchTemplate"]["LaunchTemplateSpecification"]
        self.assertEqual((shown["LaunchTemplateName"], shown["Version"]), ("mixed", "$Latest"))
        distribution = policy["InstancesDistribution"]
        self.assertEqual(distribution["OnDemandPercentageAboveBaseCapacity"], 100)
        groups.delete_auto_scaling_group(AutoScalingGroupName="mixed")
