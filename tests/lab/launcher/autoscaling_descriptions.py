"""How does Auto Scaling describe groups, their targets and their activities?"""

from __future__ import annotations

from typing import Any

from ministack.services import autoscaling

from .query_protocol import structure, to_xml

Group = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


def _shown(group: Group) -> dict[str, Any]:
    policies = group["TerminationPolicies"]
    return {
        "AutoScalingGroupName": group["AutoScalingGroupName"],
        "AutoScalingGroupARN": group["AutoScalingGroupARN"],
        "LaunchConfigurationName": group.get("LaunchConfigurationName") or None,
        "LaunchTemplate": group.get("LaunchTemplate") or None,
        "MixedInstancesPolicy": group.get("MixedInstancesPolicy"),
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


def groups(params: dict[str, Any]) -> Answer:
    """DescribeAutoScalingGroups."""
    names = structure(params).get("AutoScalingGroupNames")
    shown = [_shown(group) for name, group in autoscaling._asgs.items() if not names or name in names]
    return autoscaling._xml(
        200,
        "DescribeAutoScalingGroupsResponse",
        to_xml({"DescribeAutoScalingGroupsResult": {"AutoScalingGroups": shown}}),
    )


def target_groups(params: dict[str, Any]) -> Answer:
    """DescribeLoadBalancerTargetGroups."""
    group = autoscaling._asgs.get(autoscaling._p(params, "AutoScalingGroupName"))
    if group is None:
        return autoscaling._error("ValidationError", "AutoScalingGroup name not found - null")
    # "InService" would need a healthy target; for a group without instances AWS says "Added".
    shown = [
        {"LoadBalancerTargetGroupARN": arn, "State": "Added"} for arn in group.get("TargetGroupARNs", [])
    ]
    return autoscaling._xml(
        200,
        "DescribeLoadBalancerTargetGroupsResponse",
        to_xml({"DescribeLoadBalancerTargetGroupsResult": {"LoadBalancerTargetGroups": shown}}),
    )


def traffic_sources(params: dict[str, Any]) -> Answer:
    """DescribeTrafficSources."""
    group = autoscaling._asgs.get(autoscaling._p(params, "AutoScalingGroupName"))
    if group is None:
        return autoscaling._error("ValidationError", "AutoScalingGroup name not found - null")
    shown = [
        {"Identifier": arn, "TrafficSource": arn, "Type": "elbv2", "State": "Added"}
        for arn in group.get("TargetGroupARNs", [])
    ]
    return autoscaling._xml(
        200,
        "DescribeTrafficSourcesResponse",
        to_xml({"DescribeTrafficSourcesResult": {"TrafficSources": shown}}),
    )


def activities(params: dict[str, Any]) -> Answer:
    """DescribeScalingActivities."""
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
