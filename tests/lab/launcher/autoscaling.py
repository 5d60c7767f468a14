"""What does Auto Scaling do beyond the emulator: launches that take time, bounds, targets and suspended processes?"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import autoscaling, ec2

from . import service_events, target_health
from .heartbeat import Heartbeat
from .query_protocol import structure, to_xml
from .settings import LAUNCH_SECONDS, TERMINATE_SECONDS
from .world import World, rfc3339

Group = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

PROCESSES = (
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
)
ACTIVITIES_MAX = 100


def install(world: World, heartbeat: Heartbeat) -> None:
    """Registers the actions with the emulator and starts the passing of time."""
    # The emulator fills a group with running instances at once; here the heartbeat launches them.
    autoscaling._reconcile_instances = lambda _group: None
    create = autoscaling._create_asg
    autoscaling._ACTION_MAP.update(
        {
            "CreateAutoScalingGroup": lambda params: _create(world, create, params),
            "UpdateAutoScalingGroup": lambda params: _update(world, params),
            "SetDesiredCapacity": lambda params: _set_desired(world, params),
            "DescribeAutoScalingGroups": _describe,
            "DeleteAutoScalingGroup": _delete,
            "SuspendProcesses": lambda params: _processes(params, suspended=True),
            "ResumeProcesses": lambda params: _processes(params, suspended=False),
            "AttachLoadBalancerTargetGroups": lambda params: _target_groups(params, attach=True),
            "DetachLoadBalancerTargetGroups": lambda params: _target_groups(params, attach=False),
            "DescribeLoadBalancerTargetGroups": _describe_target_groups,
            "DescribeTrafficSources": _describe_traffic_sources,
            "DescribeScalingActivities": _describe_activities,
            "EnableMetricsCollection": lambda params: _metrics(params, enabled=True),
            "DisableMetricsCollection": lambda params: _metrics(params, enabled=False),
        }
    )
    heartbeat.every(0.1, lambda: _advance(world))


def groups() -> Iterator[tuple[str, str, Group]]:
    """Every group with the account and region it lives in."""
    for (account, region, _name), group in list(autoscaling._asgs.all_items()):
        yield account, region, group


# ---- actions ---------------------------------------------------------------------------------------------------


def _refuse(message: str) -> Answer:
    return autoscaling._error("ValidationError", message)


def _find(params: dict[str, Any]) -> tuple[Group | None, Answer]:
    name = autoscaling._p(params, "AutoScalingGroupName")
    return autoscaling._asgs.get(name), _refuse(
        f"AutoScalingGroup name not found - AutoScalingGroup {name} not found"
    )


def _done(action: str) -> Answer:
    return autoscaling._xml(200, f"{action}Response", f"<{action}Result/>")


def _bounds_problem(minimum: int, desired: int, maximum: int) -> str | None:
    if minimum < 0 or maximum < 0 or desired < 0:
        return "Sizes of a group must not be negative"
    if minimum > maximum:
        return f"Max bound, {maximum}, must be greater than or equal to min bound, {minimum}"
    if not minimum <= desired <= maximum:
        return (
            f"Desired capacity:{desired} must be between the specified min size:{minimum} "
            f"and max size:{maximum}"
        )
    return None


def _create(world: World, original: Any, params: dict[str, Any]) -> Answer:
    request = structure(params)
    minimum, maximum = int(request.get("MinSize") or 0), int(request.get("MaxSize") or 0)
    desired = int(request.get("DesiredCapacity") or minimum)
    if problem := _bounds_problem(minimum, desired, maximum):
        return _refuse(problem)
    if "AvailabilityZones" not in request and request.get("VPCZoneIdentifier"):
        zones = _zones(request["VPCZoneIdentifier"])
        params = {**params, **{f"AvailabilityZones.member.{i}": zone for i, zone in enumerate(zones, 1)}}
    answer = original(params)
    if answer[0] != 200:
        return answer
    group = autoscaling._asgs[request["AutoScalingGroupName"]]
    group["TargetGroupARNs"] = list(request.get("TargetGroupARNs") or [])
    for member in (
        "CapacityRebalance",
        "DefaultInstanceWarmup",
        "MaxInstanceLifetime",
        "Context",
        "DesiredCapacityType",
        "PlacementGroup",
    ):
        if request.get(member):
            group[member] = request[member]
    _set_template(group, request)
    group["ServiceLinkedRoleARN"] = group["ServiceLinkedRoleARN"] or (
        f"arn:aws:iam::{get_account_id()}:role/aws-service-role/autoscaling.amazonaws.com/"
        "AWSServiceRoleForAutoScaling"
    )
    if desired:
        world.begin("launch", group["AutoScalingGroupARN"], get_region())
    return answer


def _zones(subnets: str) -> list[str]:
    found = {ec2._subnets[name]["AvailabilityZone"] for name in subnets.split(",") if name in ec2._subnets}
    return sorted(found)


def _set_template(group: Group, request: dict[str, Any]) -> None:
    """Stores the launch template by id and name, as AWS shows it, whichever of the two was given."""
    wanted = request.get("LaunchTemplate")
    if not wanted:
        return
    for template in ec2._launch_templates.values():
        if template["LaunchTemplateId"] == wanted.get("LaunchTemplateId") or template[
            "LaunchTemplateName"
        ] == wanted.get("LaunchTemplateName"):
            group["LaunchTemplate"] = {
                "LaunchTemplateId": template["LaunchTemplateId"],
                "LaunchTemplateName": template["LaunchTemplateName"],
                "Version": wanted.get("Version") or "$Default",
            }


def _update(world: World, params: dict[str, Any]) -> Answer:
    group, missing = _find(params)
    if group is None:
        return missing
    request = structure(params)
    minimum = int(request.get("MinSize") or group["MinSize"])
    maximum = int(request.get("MaxSize") or group["MaxSize"])
    if request.get("DesiredCapacity"):
        desired = int(request["DesiredCapacity"])
    else:  # without a desired capacity, AWS moves it into the new bounds
        desired = min(max(group["DesiredCapacity"], minimum), max(maximum, minimum))
    if problem := _bounds_problem(minimum, desired, maximum):
        return _refuse(problem)
    _resize(world, group, minimum, desired, maximum)
    for member in ("DefaultCooldown", "HealthCheckGracePeriod"):
        if request.get(member):
            group[member] = int(request[member])
    for member in (
        "HealthCheckType",
        "VPCZoneIdentifier",
        "TerminationPolicies",
        "CapacityRebalance",
        "DefaultInstanceWarmup",
        "MaxInstanceLifetime",
        "Context",
    ):
        if request.get(member):
            group[member] = request[member]
    if "NewInstancesProtectedFromScaleIn" in request:
        group["NewInstancesProtectedFromScaleIn"] = request["NewInstancesProtectedFromScaleIn"] == "true"
    _set_template(group, request)
    return _done("UpdateAutoScalingGroup")


def _set_desired(world: World, params: dict[str, Any]) -> Answer:
    group, missing = _find(params)
    if group is None:
        return missing
    text = autoscaling._p(params, "DesiredCapacity")
    if not text.isdigit():
        return _refuse("DesiredCapacity is required")
    desired, name = int(text), group["AutoScalingGroupName"]
    if desired > group["MaxSize"]:
        return _refuse(
            f"New SetDesiredCapacity value {desired} is above max value {group['MaxSize']} "
            f"for the AutoScalingGroup {name}."
        )
    if desired < group["MinSize"]:
        return _refuse(
            f"New SetDesiredCapacity value {desired} is below min value {group['MinSize']} "
            f"for the AutoScalingGroup {name}."
        )
    _resize(world, group, group["MinSize"], desired, group["MaxSize"])
    return _done("SetDesiredCapacity")


def _resize(world: World, group: Group, minimum: int, desired: int, maximum: int) -> None:
    if desired > group["DesiredCapacity"]:
        world.begin("launch", group["AutoScalingGroupARN"], get_region())
    group.update(MinSize=minimum, DesiredCapacity=desired, MaxSize=maximum)


def _delete(params: dict[str, Any]) -> Answer:
    group, missing = _find(params)
    if group is None:
        return missing
    if group["Instances"] and autoscaling._p(params, "ForceDelete") != "true":
        return autoscaling._error(
            "ResourceInUse",
            "You cannot delete an AutoScalingGroup while there are instances "
            "or pending Spot instance request(s) still in the group.",
        )
    for instance in group["Instances"]:
        _leave_target_groups(get_account_id(), group, instance)
    return autoscaling._delete_asg(params)


def _processes(params: dict[str, Any], *, suspended: bool) -> Answer:
    group, missing = _find(params)
    if group is None:
        return missing
    wanted = structure(params).get("ScalingProcesses") or list(PROCESSES)
    if unknown := [name for name in wanted if name not in PROCESSES]:
        return _refuse(f"{unknown[0]} is not a valid process")
    known: list[str] = group.setdefault("SuspendedProcesses", [])
    group["SuspendedProcesses"] = [name for name in known if name not in wanted] + (
        list(wanted) if suspended else []
    )
    action = "SuspendProcesses" if suspended else "ResumeProcesses"
    return autoscaling._xml(200, f"{action}Response", "")


def _target_groups(params: dict[str, Any], *, attach: bool) -> Answer:
    group, missing = _find(params)
    if group is None:
        return missing
    wanted = structure(params).get("TargetGroupARNs") or []
    kept = [arn for arn in group.get("TargetGroupARNs", []) if arn not in wanted]
    group["TargetGroupARNs"] = kept + list(wanted) if attach else kept
    for arn in wanted:
        for instance in group["Instances"]:
            if attach and instance["LifecycleState"] == "InService":
                target_health.register(get_account_id(), arn, instance["InstanceId"])
            elif not attach:
                target_health.deregister(get_account_id(), arn, instance["InstanceId"])
    return _done("AttachLoadBalancerTargetGroups" if attach else "DetachLoadBalancerTargetGroups")


def _metrics(params: dict[str, Any], *, enabled: bool) -> Answer:
    group, missing = _find(params)
    if group is None:
        return missing
    request = structure(params)
    wanted = request.get("Metrics") or ([] if enabled else list(group.get("EnabledMetrics", {})))
    metrics: dict[str, str] = group.setdefault("EnabledMetrics", {})
    for name in wanted:
        if enabled:
            metrics[name] = request.get("Granularity", "1Minute")
        else:
            metrics.pop(name, None)
    return autoscaling._xml(200, f"{'Enable' if enabled else 'Disable'}MetricsCollectionResponse", "")


# ---- descriptions ----------------------------------------------------------------------------------------------


def _shown(group: Group) -> dict[str, Any]:
    policies = group["TerminationPolicies"]
    return {
        "AutoScalingGroupName": group["AutoScalingGroupName"],
        "AutoScalingGroupARN": group["AutoScalingGroupARN"],
        "LaunchConfigurationName": group.get("LaunchConfigurationName") or None,
        "LaunchTemplate": group.get("LaunchTemplate") or None,
        "MinSize": group["MinSize"],
        "MaxSize": group["MaxSize"],
        "DesiredCapacity": group["DesiredCapacity"],
        "DefaultCooldown": group["DefaultCooldown"],
        "AvailabilityZones": group["AvailabilityZones"],
        "LoadBalancerNames": [],
        "TargetGroupARNs": group.get("TargetGroupARNs", []),
        "HealthCheckType": group["HealthCheckType"],
        "HealthCheckGracePeriod": group["HealthCheckGracePeriod"],
        "Instances": [_shown_instance(instance) for instance in group["Instances"]],
        "CreatedTime": group["CreatedTime"],
        "SuspendedProcesses": [
            {"ProcessName": name, "SuspensionReason": "User suspended"}
            for name in group.get("SuspendedProcesses", [])
        ],
        "PlacementGroup": group.get("PlacementGroup"),
        "VPCZoneIdentifier": group["VPCZoneIdentifier"],
        "EnabledMetrics": [
            {"Metric": name, "Granularity": granularity}
            for name, granularity in group.get("EnabledMetrics", {}).items()
        ],
        "Tags": group.get("Tags", []),
        "TerminationPolicies": list(policies.values()) if isinstance(policies, dict) else policies,
        "NewInstancesProtectedFromScaleIn": group["NewInstancesProtectedFromScaleIn"],
        "ServiceLinkedRoleARN": group["ServiceLinkedRoleARN"],
        "MaxInstanceLifetime": group.get("MaxInstanceLifetime"),
        "CapacityRebalance": group.get("CapacityRebalance"),
        "Context": group.get("Context"),
        "DesiredCapacityType": group.get("DesiredCapacityType"),
        "DefaultInstanceWarmup": group.get("DefaultInstanceWarmup"),
        "TrafficSources": [{"Identifier": arn, "Type": "elbv2"} for arn in group.get("TargetGroupARNs", [])],
    }


def _shown_instance(instance: dict[str, Any]) -> dict[str, Any]:
    return {
        key: value for key, value in instance.items() if not key.startswith("_") and value not in ("", {})
    }


def _describe(params: dict[str, Any]) -> Answer:
    names = structure(params).get("AutoScalingGroupNames")
    shown = [_shown(group) for name, group in autoscaling._asgs.items() if not names or name in names]
    return autoscaling._xml(
        200,
        "DescribeAutoScalingGroupsResponse",
        to_xml({"DescribeAutoScalingGroupsResult": {"AutoScalingGroups": shown}}),
    )


def _describe_target_groups(params: dict[str, Any]) -> Answer:
    group, missing = _find(params)
    if group is None:
        return missing
    # "InService" would need a healthy target; for a group without instances AWS says "Added".
    shown = [
        {"LoadBalancerTargetGroupARN": arn, "State": "Added"} for arn in group.get("TargetGroupARNs", [])
    ]
    return autoscaling._xml(
        200,
        "DescribeLoadBalancerTargetGroupsResponse",
        to_xml({"DescribeLoadBalancerTargetGroupsResult": {"LoadBalancerTargetGroups": shown}}),
    )


def _describe_traffic_sources(params: dict[str, Any]) -> Answer:
    group, missing = _find(params)
    if group is None:
        return missing
    shown = [
        {"Identifier": arn, "TrafficSource": arn, "Type": "elbv2", "State": "Added"}
        for arn in group.get("TargetGroupARNs", [])
    ]
    return autoscaling._xml(
        200,
        "DescribeTrafficSourcesResponse",
        to_xml({"DescribeTrafficSourcesResult": {"TrafficSources": shown}}),
    )


def _describe_activities(params: dict[str, Any]) -> Answer:
    name = autoscaling._p(params, "AutoScalingGroupName")
    shown = [
        activity
        for group in autoscaling._asgs.values()
        if not name or group["AutoScalingGroupName"] == name
        for activity in group.get("_lab_activities", [])
    ]
    return autoscaling._xml(
        200,
        "DescribeScalingActivitiesResponse",
        to_xml({"DescribeScalingActivitiesResult": {"Activities": shown}}),
    )


# ---- the passing of time ---------------------------------------------------------------------------------------


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
            _leave_target_groups(account, group, instance)
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
                "We currently do not have sufficient capacity in the Availability Zone you requested. Launching "
                "EC2 instance failed."
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


def _leave_target_groups(account: str, group: Group, instance: dict[str, Any]) -> None:
    for arn in group.get("TargetGroupARNs", []):
        target_health.deregister(account, arn, instance["InstanceId"])


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
