"""When do the instances of an Auto Scaling group start, serve and end?"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import request_scope
from ministack.services import autoscaling, ec2

from . import service_events, target_health
from .heartbeat import Heartbeat
from .settings import LAUNCH_SECONDS, TERMINATE_SECONDS
from .world import World, rfc3339

Group = dict[str, Any]

ACTIVITIES_MAX = 100
"""How many scaling activities of a group are kept."""


def install(world: World, heartbeat: Heartbeat) -> None:
    """Starts the passing of time for every group."""
    heartbeat.every(0.1, lambda: _advance(world))


def groups() -> Iterator[tuple[str, str, Group]]:
    """Every group with the account and region it lives in."""
    for (account, region, _name), group in list(autoscaling._asgs.all_items()):
        yield account, region, group


def _advance(world: World) -> None:
    for account, region, group in groups():
        with request_scope(account, region):
            _advance_group(world, account, region, group)


def _advance_group(world: World, account: str, region: str, group: Group) -> None:
    now = time.time()
    suspended = group.get("SuspendedProcesses", [])
    for instance in list(group["Instances"]):
        if instance["LifecycleState"] == "Pending" and now >= instance["_ready_at"]:
            _enter_service(account, region, group, instance, suspended)
        elif instance["LifecycleState"] == "Terminating" and now >= instance["_gone_at"]:
            group["Instances"].remove(instance)
            _report(account, region, group, instance, "Terminate", None)
    staying = [instance for instance in group["Instances"] if instance["LifecycleState"] != "Terminating"]
    surplus = len(staying) - group["DesiredCapacity"]
    if surplus > 0 and "Terminate" not in suspended:
        for instance in staying[-surplus:]:
            instance.update(
                LifecycleState="Terminating", _gone_at=now + world.settings.scaled(TERMINATE_SECONDS)
            )
            target_health.leave(account, group.get("TargetGroupARNs", []), instance["InstanceId"])
    elif surplus < 0 and "Launch" not in suspended:
        _launch(world, account, region, group, -surplus)
    if _is_complete(world, group):
        world.finish("launch", group["AutoScalingGroupARN"])


def _is_complete(world: World, group: Group) -> bool:
    """Whether the group has what it wants: every instance in service, every one a healthy target."""
    serving = [entry for entry in group["Instances"] if entry["LifecycleState"] == "InService"]
    if len(serving) < group["DesiredCapacity"]:
        return False
    return all(
        target_health.counts(world, arn)[0] >= group["DesiredCapacity"]
        for arn in group.get("TargetGroupARNs", [])
    )


def _launch(world: World, account: str, region: str, group: Group, count: int) -> None:
    now = time.time()
    if group["AutoScalingGroupName"] in world.refused_capacity:
        if now >= group.get("_lab_refused_until", 0):
            group["_lab_refused_until"] = now + world.settings.scaled(LAUNCH_SECONDS)
            refusal = (
                "We currently do not have sufficient capacity in the Availability Zone you requested. "
                "Launching EC2 instance failed."
            )
            _report(account, region, group, {"InstanceId": "", "_launched_at": now}, "Launch", refusal)
        return
    zones = group["AvailabilityZones"] or [f"{region}a"]
    for _ in range(count):
        group["Instances"].append(
            {
                "InstanceId": f"i-{uuid.uuid4().hex[:17]}",
                "InstanceType": _instance_type(group),
                "AvailabilityZone": zones[len(group["Instances"]) % len(zones)],
                "LifecycleState": "Pending",
                "HealthStatus": "Healthy",
                "LaunchTemplate": group.get("LaunchTemplate") or {},
                "LaunchConfigurationName": group.get("LaunchConfigurationName", ""),
                "ProtectedFromScaleIn": group["NewInstancesProtectedFromScaleIn"],
                "_launched_at": now,
                "_ready_at": now + world.settings.scaled(LAUNCH_SECONDS),
            }
        )


def _instance_type(group: Group) -> str:
    """The instance type of the group's template version."""
    wanted = group.get("LaunchTemplate") or {}
    template = ec2._launch_templates.get(wanted.get("LaunchTemplateId", ""))
    if template is None:
        return ""
    number = {"$Default": template["DefaultVersionNumber"], "$Latest": template["LatestVersionNumber"]}.get(
        wanted["Version"], wanted["Version"]
    )
    data = [
        version["LaunchTemplateData"]
        for version in template["Versions"]
        if str(version["VersionNumber"]) == str(number)
    ]
    return str(data[0].get("InstanceType", "")) if data else ""


def _enter_service(
    account: str, region: str, group: Group, instance: dict[str, Any], suspended: list[str]
) -> None:
    instance["LifecycleState"] = "InService"
    if "AddToLoadBalancer" not in suspended:
        for arn in group.get("TargetGroupARNs", []):
            target_health.register(account, arn, instance["InstanceId"])
    _report(account, region, group, instance, "Launch", None)


def _report(
    account: str, region: str, group: Group, instance: dict[str, Any], what: str, failure: str | None
) -> None:
    """Keeps the scaling activity and sends its event: "EC2 Instance Launch Successful" and its siblings."""
    activity_id, name, now = str(uuid.uuid4()), group["AutoScalingGroupName"], rfc3339(time.time())
    started = rfc3339(instance.get("_launched_at", time.time()) if what == "Launch" else time.time())
    verb = "Launching a new" if what == "Launch" else "Terminating"
    description = f"{verb} EC2 instance" + (f": {instance['InstanceId']}" if instance["InstanceId"] else "")
    cause = f"At {now} the group's desired capacity was {group['DesiredCapacity']}."
    status = "Failed" if failure else "Successful"
    activities = group.setdefault("_lab_activities", [])
    activities.insert(
        0,
        {
            "ActivityId": activity_id,
            "AutoScalingGroupName": name,
            "Description": description,
            "Cause": cause,
            "StartTime": started,
            "EndTime": now,
            "StatusCode": status,
            "StatusMessage": failure,
            "Progress": 100,
            "Details": "{}",
        },
    )
    del activities[ACTIVITIES_MAX:]
    resources = [group["AutoScalingGroupARN"]]
    if instance["InstanceId"]:
        resources.append(f"arn:aws:ec2:{region}:{account}:instance/{instance['InstanceId']}")
    outside, inside = ("EC2", "AutoScalingGroup") if what == "Launch" else ("AutoScalingGroup", "EC2")
    outcome = "Unsuccessful" if failure else "Successful"
    service_events.publish(
        account,
        region,
        "aws.autoscaling",
        f"EC2 Instance {what} {outcome}",
        resources,
        {
            "StatusCode": "Failed" if failure else "InProgress",
            "Description": description,
            "AutoScalingGroupName": name,
            "ActivityId": activity_id,
            "RequestId": activity_id,
            "StatusMessage": failure or "",
            "Details": {"Availability Zone": instance.get("AvailabilityZone", "")},
            "EC2InstanceId": instance["InstanceId"],
            "StartTime": started,
            "EndTime": now,
            "Cause": cause,
            "Origin": outside,
            "Destination": inside,
        },
    )
