"""Which targets of a target group are healthy, and since when?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ministack.core.arn import ArnParseError, parse_arn
from ministack.services import alb

from .query_protocol import to_xml
from .settings import SETTLE_SECONDS, WARM_UP_SECONDS, Settings
from .world import World

Target = dict[str, Any]

_REGISTERED_AT = "_lab_registered_at"


def install(world: World) -> None:
    """Replaces the emulator's answer that every target is healthy at once."""
    alb._ACTION_MAP["DescribeTargetHealth"] = lambda params: _describe(world, params)
    parse = alb._parse_targets_param

    def with_time(params: dict[str, Any], prefix: str = "Targets") -> list[Target]:
        return [{**target, _REGISTERED_AT: time.time()} for target in parse(params, prefix)]

    alb._parse_targets_param = with_time


def register(account: str, group_arn: str, target_id: str) -> None:
    """Registers an instance with a target group; a group that is gone is ignored, as Auto Scaling does."""
    targets = alb._targets.get_scoped(account, None, group_arn)
    if targets is not None and all(target["Id"] != target_id for target in targets):
        targets.append({"Id": target_id, _REGISTERED_AT: time.time()})


def leave(account: str, group_arns: list[str], target_id: str) -> None:
    """Takes an instance out of target groups."""
    for group_arn in group_arns:
        targets = alb._targets.get_scoped(account, None, group_arn)
        if targets is not None:
            targets[:] = [target for target in targets if target["Id"] != target_id]


def state(world: World, group_arn: str, target: Target) -> tuple[str, str, str]:
    """The health of one target: state, reason code and description, as ELB words them."""
    region = parse_arn(group_arn).region
    now = time.time()
    if not _load_balancers_of(group_arn):
        return (
            "unused",
            "Target.NotInUse",
            "Target group is not configured to receive traffic from the load balancer",
        )
    if world.is_lost(region):
        return "unhealthy", "Target.Timeout", "Request timed out"
    returned_at = world.returned_at.get(region)
    if returned_at is not None and now - returned_at < world.settings.scaled(SETTLE_SECONDS):
        return "unhealthy", "Target.Timeout", "Request timed out"
    registered_at = target.get(_REGISTERED_AT)
    if registered_at is not None and now - registered_at < world.settings.scaled(WARM_UP_SECONDS):
        return "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"
    # A real application is asked (`applications`).
    checks = world.target_checks.get(target["Id"], "healthy")
    if checks == "initial":
        return "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"
    if checks == "unhealthy":
        return "unhealthy", "Target.FailedHealthChecks", "Health checks failed"
    return "healthy", "", ""


def counts(world: World, group_arn: str) -> tuple[int, int]:
    """How many targets of the group are healthy, and how many there are."""
    targets = _targets(group_arn)
    return sum(state(world, group_arn, target)[0] == "healthy" for target in targets), len(targets)


def load_balancer_groups(world: World, load_balancer_arn: str) -> list[tuple[int, bool]]:
    """For each target group of a load balancer: how many targets are healthy, and whether the others are still in their
    first checks. None for one that doesn't exist."""
    found = []
    for group_arn in sorted(_forwarded_by(load_balancer_arn)):
        states = [state(world, group_arn, target)[0] for target in _targets(group_arn)]
        found.append((states.count("healthy"), bool(states) and set(states) <= {"healthy", "initial"}))
    return found


def _forwarded_by(load_balancer_arn: str) -> set[str]:
    """The target groups that a load balancer's listeners send to, by their default or by a rule."""
    own = {arn for _, arn, listener in _all(alb._listeners) if listener["LoadBalancerArn"] == load_balancer_arn}
    actions = [listener["DefaultActions"] for _, arn, listener in _all(alb._listeners) if arn in own]
    actions += [rule["Actions"] for _, _, rule in _all(alb._rules) if rule["ListenerArn"] in own]
    return {
        arn
        for action in (action for several in actions for action in several)
        for arn in [
            action.get("TargetGroupArn"),
            *(group.get("TargetGroupArn") for group in (action.get("ForwardConfig") or {}).get("TargetGroups", [])),
        ]
        if arn
    }


def _all(records: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every record of a kind, with its account and ARN."""
    for (account, _region, arn), record in list(records.all_items()):
        yield account, arn, record


def control_documents(world: World, settings: Settings) -> list[dict[str, Any]]:
    """The load balancers as the control API shows them."""
    documents = []
    for load_balancer in alb._lbs.all_values():
        arn = load_balancer["LoadBalancerArn"]
        region = parse_arn(arn).region
        groups = []
        for group_arn, group in _groups():
            if arn in group["LoadBalancerArns"]:
                healthy, total = counts(world, group_arn)
                groups.append({"arn": group_arn, "healthy": healthy, "total": total})
        documents.append(
            {
                "arn": arn,
                "region": region,
                "target_groups": groups,
                "dns_name": settings.site_address(region) or load_balancer["DNSName"],
            }
        )
    return documents


def _groups() -> Iterator[tuple[str, dict[str, Any]]]:
    for (_account, _region, arn), group in list(alb._tgs.all_items()):
        yield arn, group


def _targets(group_arn: str) -> list[Target]:
    try:
        account = parse_arn(group_arn).account_id
    except ArnParseError:
        return []
    return alb._targets.get_scoped(account, None, group_arn) or []


def _load_balancers_of(group_arn: str) -> list[str]:
    spec = parse_arn(group_arn)
    group = alb._tgs.get_scoped(spec.account_id, spec.region, group_arn)
    if group is None or group["LoadBalancerArns"]:
        return list(group["LoadBalancerArns"]) if group else []
    # The emulator notes those alone whose default sends to it.
    own = {listener["LoadBalancerArn"] for _, _, listener in _all(alb._listeners)}
    return sorted(arn for arn in own if group_arn in _forwarded_by(arn))


def _describe(world: World, params: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    """DescribeTargetHealth."""
    group_arn = alb._p(params, "TargetGroupArn")
    group = alb._tgs.get(group_arn)
    if group is None:
        return alb._error("TargetGroupNotFound", "One or more target groups not found")
    registered = alb._targets.get(group_arn, [])
    asked = {target["Id"] for target in alb._parse_targets_param(params)}
    descriptions = []
    for target in registered:
        if asked and target["Id"] not in asked:
            continue
        descriptions.append(_description(world, group_arn, target, target.get("Port", group.get("Port", 80))))
    for missing in sorted(asked - {target["Id"] for target in registered}):
        descriptions.append(
            {
                "Target": {"Id": missing},
                "TargetHealth": {
                    "State": "unused",
                    "Reason": "Target.NotRegistered",
                    "Description": "Target is not registered to the target group",
                },
            }
        )
    return alb._xml(200, "DescribeTargetHealth", to_xml({"TargetHealthDescriptions": descriptions}))


def _description(world: World, group_arn: str, target: Target, port: int) -> dict[str, Any]:
    current, reason, text = state(world, group_arn, target)
    return {
        "Target": {"Id": target["Id"], "Port": port},
        "HealthCheckPort": port,
        "TargetHealth": {"State": current, "Reason": reason or None, "Description": text or None},
    }
