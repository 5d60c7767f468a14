"""What the account holds: whatever is made is listed, whatever is deleted is not."""

from __future__ import annotations

from .running_lab import PRIMARY, LabTest


class Inventory(LabTest):
    """Kinds that differ in how the emulator keeps them."""

    def kinds_of(self, words: tuple[str, ...]) -> dict[str, str]:
        """The kinds of the listed resources whose id holds one of the words, with their regions."""
        rows = self.lab.control("GET", "inventory")
        return {row["kind"]: row["region"] for row in rows if any(word in row["id"] for word in words)}

    def test_it_lists_what_was_made_until_it_is_deleted(self) -> None:
        sqs, iam = self.lab.client("sqs", PRIMARY), self.lab.client("iam", PRIMARY)
        accelerators = self.lab.client("globalaccelerator", "us-west-2")
        url = sqs.create_queue(QueueName="listed")["QueueUrl"]
        iam.create_role(RoleName="listed", AssumeRolePolicyDocument="{}")
        arn = accelerators.create_accelerator(Name="listed", IdempotencyToken="listed")["Accelerator"][
            "AcceleratorArn"
        ]
        words = ("listed", arn)
        self.assertEqual(
            self.kinds_of(words),
            {"sqs.queues": PRIMARY, "iam.roles": "", "globalaccelerator.accelerators": ""},
        )
        sqs.delete_queue(QueueUrl=url)
        iam.delete_role(RoleName="listed")
        accelerators.update_accelerator(AcceleratorArn=arn, Enabled=False)
        accelerators.delete_accelerator(AcceleratorArn=arn)
        self.assertEqual(self.kinds_of(words), {})

    def test_a_key_whose_deletion_is_scheduled_says_so(self) -> None:
        kms = self.lab.client("kms", PRIMARY)
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        row = next(row for row in self.lab.control("GET", "inventory") if row["id"] == key)
        self.assertEqual((row["kind"], row["waits"]), ("kms.keys", "its deletion is scheduled"))

    def test_a_parameter_that_was_copied_says_by_whom(self) -> None:
        ssm = self.lab.client("ssm", PRIMARY)
        tags = [{"Key": "pilotlight:copied-by", "Value": "shop"}]
        ssm.put_parameter(Name="/of-inventory/copy", Value="x", Type="String", Tags=tags)
        ssm.put_parameter(Name="/of-inventory/own", Value="x", Type="String")
        rows = {row["id"]: row for row in self.lab.control("GET", "inventory") if "of-inventory" in row["id"]}
        self.assertEqual(rows.keys(), {"/of-inventory/copy", "/of-inventory/own"})
        self.assertEqual(rows["/of-inventory/copy"]["copied_by"], "shop")
        self.assertNotIn("copied_by", rows["/of-inventory/own"])
        ssm.delete_parameters(Names=list(rows))
        self.assertFalse(any("of-inventory" in row["id"] for row in self.lab.control("GET", "inventory")))

    def test_an_instance_that_is_terminated_is_gone_and_a_new_region_holds_nothing(self) -> None:
        region = "ap-southeast-2"
        ec2 = self.lab.client("ec2", region)
        ec2.describe_vpcs()
        self.lab.client("events", region).list_event_buses()
        self.lab.client("scheduler", region).list_schedule_groups()

        def here() -> list[str]:
            return [row["kind"] for row in self.lab.control("GET", "inventory") if row["region"] == region]

        self.assertEqual(here(), [])
        started = ec2.run_instances(ImageId="ami-0abcdef1234567890", MinCount=1, MaxCount=1)
        self.assertIn("ec2.instances", here())
        ec2.terminate_instances(InstanceIds=[started["Instances"][0]["InstanceId"]])
        self.assertNotIn("ec2.instances", here())
