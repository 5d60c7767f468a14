"""Which calls does Auto Scaling take beyond the emulator's, and which does it refuse?"""

from __future__ import annotations

from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import autoscaling, ec2

from . import autoscaling_descriptions as descriptions
from . import target_health
from .query_protocol import structure
from .world import World

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


def install(world: World) -> None:
    """Registers the actions with the emulator."""
    # The emulator fills a group with running instances at once; here `launches` does.
    autoscaling._reconcile_instances = lambda _group: None
    create = autoscaling._create_asg
    autoscaling._ACTION_MAP.update(
        {
            "CreateAutoScalingGroup": lambda params: _create(world, create, params),
            "UpdateAutoScalingGroup": lambda params: _update(world, params),
            "SetDesiredCapacity": lambda params: _set_desired(world, params),
            "DescribeAutoScalingGroups": descriptions.groups,
            "DeleteAutoScalingGroup": _delete,
            "SuspendProcesses": lambda params: _processes(params, suspended=True),
            "ResumeProcesses": lambda params: _processes(params, suspended=False),
            "AttachLoadBalancerTargetGroups": lambda params: _target_groups(params, attach=True),
            "DetachLoadBalancerTargetGroups": lambda params: _target_groups(params, attach=False),
            "DescribeLoadBalancerTargetGroups": descriptions.target_groups,
            "DescribeTrafficSources": descriptions.traffic_sources,
            "DescribeScalingActivities": descriptions.activities,
            "EnableMetricsCollection": lambda params: _metrics(params, enabled=True),
            "DisableMetricsCollection": lambda params: _metrics(params, enabled=False),
        }
    )


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
    """Stores the launch template, or the policy of several instance types that has it."""
    if wanted := request.get("LaunchTemplate"):
        group["LaunchTemplate"] = _named(wanted)
        group.pop("MixedInstancesPolicy", None)  # a group has one or the other
    if policy := request.get("MixedInstancesPolicy"):
        template = dict(policy.get("LaunchTemplate") or {})
        template["LaunchTemplateSpecification"] = _named(template.get("LaunchTemplateSpecification") or {})
        group.pop("LaunchTemplate", None)
        group["MixedInstancesPolicy"] = {
            "LaunchTemplate": template,
            "InstancesDistribution": {
                "OnDemandAllocationStrategy": "prioritized",
                "OnDemandBaseCapacity": "0",
                "OnDemandPercentageAboveBaseCapacity": "100",
                "SpotAllocationStrategy": "lowest-price",
                **(policy.get("InstancesDistribution") or {}),
            },
        }


def _named(wanted: dict[str, Any]) -> dict[str, Any]:
    """A launch template by id and name, as AWS shows it, whichever of the two was given."""
    for template in ec2._launch_templates.values():
        if template["LaunchTemplateId"] == wanted.get("LaunchTemplateId") or template[
            "LaunchTemplateName"
        ] == wanted.get("LaunchTemplateName"):
            return {
                "LaunchTemplateId": template["LaunchTemplateId"],
                "LaunchTemplateName": template["LaunchTemplateName"],
                "Version": wanted.get("Version") or "$Default",
            }
    return dict(wanted)


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
        target_health.leave(get_account_id(), group["TargetGroupARNs"], instance["InstanceId"])
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
                target_health.leave(get_account_id(), [arn], instance["InstanceId"])
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
