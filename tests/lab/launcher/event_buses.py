"""How does a rule of EventBridge send its events to the bus of another region or account?"""

from __future__ import annotations

import json
import logging
from typing import Any

from ministack.core import iam_evaluator
from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id, get_region, json_response, request_scope
from ministack.services import eventbridge

from . import roles
from .world import World

logger = logging.getLogger("lab.event_buses")


def install(world: World) -> None:
    """Adds what the emulator leaves out: a bus of another region, and a bus's policy as a whole."""
    within_region, invoke = eventbridge._dispatch_to_event_bus, eventbridge._invoke_target
    put_statement = eventbridge._put_permission

    def to_bus(spec: Any, event: Any, rule: Any, path: set[str], payload: str | None = None) -> None:
        if (spec.account_id, spec.region) == (get_account_id(), get_region()):
            within_region(spec, event, rule, path, payload)

    def with_role(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        arn = str(target.get("Arn", ""))
        if ":event-bus/" in arn and parse_arn(arn).region != get_region():
            _send(world, arn, target, event)
        else:
            invoke(target, event, rule, view)

    def put_permission(data: dict[str, Any]) -> Any:
        if not data.get("Policy"):
            return put_statement(data)
        eventbridge._event_bus_policies[data.get("EventBusName", "default")] = json.loads(data["Policy"])
        return json_response({})

    eventbridge._put_permission = put_permission
    eventbridge._dispatch_to_event_bus = to_bus
    eventbridge._invoke_target = with_role


def _send(world: World, bus_arn: str, target: dict[str, Any], event: dict[str, Any]) -> None:
    """The event as it is: on AWS it keeps its account and its region."""
    spec = parse_arn(bus_arn)
    if world.is_lost(get_region()) or world.is_lost(spec.region):
        logger.warning("an event for %s is lost with a region", bus_arn)
        return
    if not roles.may(str(target.get("RoleArn", "")), "events:PutEvents", bus_arn):
        logger.warning("%s may not put events on %s", target.get("RoleArn"), bus_arn)
        return
    if spec.account_id != get_account_id() and not _is_admitted(spec, str(target.get("RoleArn", ""))):
        logger.warning("%s admits no events of %s", bus_arn, target.get("RoleArn"))
        return
    with request_scope(spec.account_id, spec.region):
        eventbridge._ensure_default_bus()
        eventbridge._dispatch_event({**event, "EventBusName": spec.resource.partition("/")[2]})


def _is_admitted(bus: Any, role_arn: str) -> bool:
    """Whether the policy of another account's bus admits a role."""
    name = bus.resource.partition("/")[2]
    with request_scope(bus.account_id, bus.region):
        policy = eventbridge._event_bus_policies.get(name)
        context = iam_evaluator.EvalContext(
            principal_arn=role_arn,
            principal_type="AssumedRole",
            principal_account=parse_arn(role_arn).account_id,
            action="events:PutEvents",
            resource_arn=f"arn:aws:events:{bus.region}:{bus.account_id}:event-bus/{name}",
            region=bus.region,
        )
        return bool(iam_evaluator.evaluate_resource_policy(policy, context).decision == "Allow")
