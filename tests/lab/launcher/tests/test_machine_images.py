"""Machine images: made of an instance, copied to the other region, and gone with their snapshots."""

from __future__ import annotations

from .running_lab import PRIMARY, RECOVERY, LabTest


class MachineImages(LabTest):
    """What Terraform does to carry a fleet's image to the recovery region."""

    def setUp(self) -> None:
        self.here, self.there = self.lab.client("ec2", PRIMARY), self.lab.client("ec2", RECOVERY)
        started = self.here.run_instances(ImageId="ami-0abcdef1234567890", MinCount=1, MaxCount=1)
        self.instance = started["Instances"][0]["InstanceId"]

    def test_an_image_of_an_instance_is_copied_and_stays_when_its_source_goes(self) -> None:
        tags = [{"ResourceType": "image", "Tags": [{"Key": "application", "Value": "shop"}]}]
        made = self.here.create_image(InstanceId=self.instance, Name="web-1", TagSpecifications=tags)[
            "ImageId"
        ]
        copied = self.there.copy_image(
            SourceImageId=made,
            SourceRegion=PRIMARY,
            Name="web-1",
            Description="for the fleet",
            Encrypted=True,
        )["ImageId"]
        self.here.deregister_image(ImageId=made)
        image = self.there.describe_images(ImageIds=[copied])["Images"][0]
        self.assertEqual(
            (image["State"], image["Name"], image["Description"]), ("available", "web-1", "for the fleet")
        )
        snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
        self.assertTrue(self.there.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["Encrypted"])
        self.there.deregister_image(ImageId=copied)
        self.there.delete_snapshot(SnapshotId=snapshot)

    def test_the_tags_of_an_image_are_kept(self) -> None:
        tags = [{"ResourceType": "image", "Tags": [{"Key": "application", "Value": "shop"}]}]
        made = self.here.create_image(InstanceId=self.instance, Name="web-2", TagSpecifications=tags)[
            "ImageId"
        ]
        image = self.here.describe_images(ImageIds=[made])["Images"][0]
        self.assertEqual(image["Tags"], [{"Key": "application", "Value": "shop"}])

    def test_what_is_not_there_has_no_image_and_a_name_is_given_once(self) -> None:
        self.assert_refused(
            "InvalidInstanceID.NotFound", self.here.create_image, InstanceId="i-0nowhere", Name="web-3"
        )
        self.assert_refused(
            "InvalidAMIID.NotFound",
            self.there.copy_image,
            SourceImageId="ami-0nowhere",
            SourceRegion=PRIMARY,
            Name="web-3",
        )
        self.here.create_image(InstanceId=self.instance, Name="web-3")
        self.assert_refused(
            "InvalidAMIName.Duplicate", self.here.create_image, InstanceId=self.instance, Name="web-3"
        )
