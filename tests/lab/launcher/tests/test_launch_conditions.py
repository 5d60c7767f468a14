"""What a region may launch: types by zone, EBS's default encryption, quotas."""

from __future__ import annotations

from botocore.exceptions import ClientError

from .running_lab import RECOVERY, LabTest


class LaunchConditions(LabTest):
    """A region with its default subnets."""

    def offered(self, instance_type: str) -> set[str]:
        found = self.lab.client("ec2", RECOVERY).describe_instance_type_offerings(
            LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": [instance_type]}]
        )["InstanceTypeOfferings"]
        self.assertTrue(all(one["InstanceType"] == instance_type for one in found))
        return {one["Location"] for one in found}

    def test_a_type_is_offered_in_zones_and_one_that_the_region_lacks_in_none(self) -> None:
        zones = self.offered("m6i.2xlarge")
        self.assertTrue(zones)
        self.assertTrue(all(zone.startswith(RECOVERY) for zone in zones), zones)
        for lacking in ("x9.huge", "m6i.huge", "p4d.24xlarge"):
            self.assertEqual(self.offered(lacking), set(), lacking)

    def test_types_have_their_vcpus_and_unknown_ones_are_refused(self) -> None:
        ec2 = self.lab.client("ec2", RECOVERY)
        for name, vcpus in (("t3.micro", 2), ("m6i.large", 2), ("m6i.xlarge", 4), ("r6g.4xlarge", 16)):
            shown = ec2.describe_instance_types(InstanceTypes=[name])["InstanceTypes"]
            self.assertEqual([one["VCpuInfo"]["DefaultVCpus"] for one in shown], [vcpus], name)
        with self.assertRaises(ClientError) as refused:
            ec2.describe_instance_types(InstanceTypes=["x9.huge"])
        self.assertEqual(refused.exception.response["Error"]["Code"], "InvalidInstanceType")

    def test_ebs_encrypts_by_default_only_when_it_is_told_to(self) -> None:
        ec2 = self.lab.client("ec2", RECOVERY)
        key = self.lab.client("kms", RECOVERY).create_key()["KeyMetadata"]["Arn"]
        self.assertFalse(ec2.get_ebs_encryption_by_default()["EbsEncryptionByDefault"])
        self.assertTrue(ec2.get_ebs_default_kms_key_id()["KmsKeyId"].endswith("alias/aws/ebs"))
        ec2.modify_ebs_default_kms_key_id(KmsKeyId=key)
        self.assertTrue(ec2.enable_ebs_encryption_by_default()["EbsEncryptionByDefault"])
        self.assertEqual(ec2.get_ebs_default_kms_key_id()["KmsKeyId"], key)
        self.assertFalse(ec2.disable_ebs_encryption_by_default()["EbsEncryptionByDefault"])

    def test_a_quota_has_a_value_and_one_that_is_none_is_not_found(self) -> None:
        quotas = self.lab.client("service-quotas", RECOVERY)
        standard = quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
        self.assertEqual((standard["QuotaCode"], standard["Value"]), ("L-1216C47A", 640.0))
        default = quotas.get_aws_default_service_quota(ServiceCode="ec2", QuotaCode="L-1216C47A")["Quota"]
        self.assertEqual(default["Value"], 640.0)
        with self.assertRaises(ClientError) as refused:
            quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-00000000")
        self.assertEqual(refused.exception.response["Error"]["Code"], "NoSuchResourceException")

    def test_a_scheduled_action_of_a_group_is_listed_with_what_it_sets(self) -> None:
        ec2, auto = self.lab.client("ec2", RECOVERY), self.lab.client("autoscaling", RECOVERY)
        template = ec2.create_launch_template(
            LaunchTemplateName="conditions", LaunchTemplateData={"ImageId": "ami-1", "InstanceType": "t3.micro"}
        )["LaunchTemplate"]["LaunchTemplateId"]
        zone = ec2.describe_subnets()["Subnets"][0]["AvailabilityZone"]
        auto.create_auto_scaling_group(
            AutoScalingGroupName="conditions",
            MinSize=0,
            MaxSize=0,
            AvailabilityZones=[zone],
            LaunchTemplate={"LaunchTemplateId": template, "Version": "$Latest"},
        )
        auto.put_scheduled_update_group_action(
            AutoScalingGroupName="conditions",
            ScheduledActionName="night",
            Recurrence="0 20 * * *",
            DesiredCapacity=0,
        )
        found = auto.describe_scheduled_actions(AutoScalingGroupName="conditions")["ScheduledUpdateGroupActions"]
        self.assertEqual([(one["ScheduledActionName"], one["DesiredCapacity"]) for one in found], [("night", 0)])
        self.assertNotIn("MinSize", found[0])

    def test_a_group_has_a_template_or_a_policy_of_several_types(self) -> None:
        ec2, auto = self.lab.client("ec2", RECOVERY), self.lab.client("autoscaling", RECOVERY)
        template = ec2.create_launch_template(
            LaunchTemplateName="mixed", LaunchTemplateData={"ImageId": "ami-1", "InstanceType": "t3.micro"}
        )["LaunchTemplate"]["LaunchTemplateId"]
        zone = ec2.describe_subnets()["Subnets"][0]["AvailabilityZone"]
        named = {"LaunchTemplateId": template, "Version": "$Latest"}
        auto.create_auto_scaling_group(
            AutoScalingGroupName="mixed", MinSize=0, MaxSize=0, AvailabilityZones=[zone], LaunchTemplate=named
        )
        policy = {
            "LaunchTemplate": {"LaunchTemplateSpecification": named, "Overrides": [{"InstanceType": "x9.huge"}]}
        }
        auto.update_auto_scaling_group(AutoScalingGroupName="mixed", MixedInstancesPolicy=policy)
        group = auto.describe_auto_scaling_groups(AutoScalingGroupNames=["mixed"])["AutoScalingGroups"][0]
        self.assertNotIn("LaunchTemplate", group)
        overrides = group["MixedInstancesPolicy"]["LaunchTemplate"]["Overrides"]
        self.assertEqual(overrides, [{"InstanceType": "x9.huge"}])
        auto.update_auto_scaling_group(AutoScalingGroupName="mixed", LaunchTemplate=named)
        group = auto.describe_auto_scaling_groups(AutoScalingGroupNames=["mixed"])["AutoScalingGroups"][0]
        self.assertNotIn("MixedInstancesPolicy", group)
