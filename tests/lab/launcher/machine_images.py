"""How do machine images come about: of an instance, and by a copy from another region?"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import ec2

Answer = tuple[int, dict[str, str], bytes]

ROOT_VOLUME_GB = "8"


def install() -> None:
    """Registers the actions with the emulator."""
    ec2._ACTION_MAP["CreateImage"] = _create
    ec2._ACTION_MAP["CopyImage"] = _copy


def _create(params: dict[str, Any]) -> Answer:
    """CreateImage: the image of an instance of this region."""
    instance_id = ec2._p(params, "InstanceId")
    instance = ec2._instances.get(instance_id)
    if instance is None:
        return _refuse("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
    description = ec2._p(params, "Description") or ""
    return _make("CreateImage", params, description, instance.get("Architecture") or "x86_64", False)


def _copy(params: dict[str, Any]) -> Answer:
    """CopyImage: an image of the account in another region, complete here and independent of its source."""
    region, image_id = ec2._p(params, "SourceRegion"), ec2._p(params, "SourceImageId")
    source = ec2._images.get_scoped(get_account_id(), region, image_id)
    if source is None:
        return _refuse("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
    description = ec2._p(params, "Description") or f"[Copied {image_id} from {region}] {source['Name']}"
    encrypted = ec2._p(params, "Encrypted") == "true"
    return _make("CopyImage", params, description, source["Architecture"], encrypted)


def _make(
    action: str, params: dict[str, Any], description: str, architecture: str, encrypted: bool
) -> Answer:
    name = ec2._p(params, "Name")
    if not name:
        return _refuse("MissingParameter", "The request must contain the parameter Name")
    for image in ec2._images.values():
        if image["Name"] == name:
            message = f"AMI name {name} is already in use by AMI {image['ImageId']}"
            return _refuse("InvalidAMIName.Duplicate", message)
    image_id, snapshot_id = ec2._new_image_id(), ec2._new_snapshot_id()
    ec2._snapshots[snapshot_id] = {
        "SnapshotId": snapshot_id,
        "VolumeId": "vol-ffffffff",  # what AWS says of a snapshot that belongs to an image's copy
        "VolumeSize": int(ROOT_VOLUME_GB),
        "Description": f"Created by {action} for {image_id}",
        "State": "completed",
        "StartTime": ec2._now_ts(),
        "Progress": "100%",
        "OwnerId": get_account_id(),
        "Encrypted": encrypted,
        "StorageTier": "standard",
    }
    root = {
        "SnapshotId": snapshot_id,
        "VolumeSize": ROOT_VOLUME_GB,
        "VolumeType": "gp3",
        "DeleteOnTermination": "true",
    }
    ec2._images[image_id] = {
        "ImageId": image_id,
        "Name": name,
        "ImageLocation": "",
        "Description": description,
        "Architecture": architecture,
        "RootDeviceType": "ebs",
        "RootDeviceName": "/dev/xvda",
        "BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": root}],
        "VirtualizationType": "hvm",
        "CreationDate": ec2._now_ts(),
        "OwnerId": get_account_id(),
    }
    ec2._parse_tag_specs(params, "image", image_id)
    ec2._parse_tag_specs(params, "snapshot", snapshot_id)
    answer: Answer = ec2._xml(200, f"{action}Response", f"<imageId>{image_id}</imageId>")
    return answer


def _refuse(code: str, message: str) -> Answer:
    answer: Answer = ec2._error(code, message, 400)
    return answer
