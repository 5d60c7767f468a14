"""What does the account hold? Every resource of every kind, from the emulator's own memory."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, AccountScopedDict
from ministack.services import ssm

from . import attachments, globalaccelerator

# What the emulator keeps beside resources, each with the reason why it is none.
NO_RESOURCES = {
    "autoscaling.tags": "of a group, listed as such",
    "cloudwatch.alarm_history": "what happened",
    "cloudwatch.composite_triggers": "what happened",
    "cloudwatch.metrics": "data; AWS lets it expire",
    "cloudwatch_logs.log_records": "of a group, listed as such",
    "dynamodb.stream_records": "of a table, listed as such",
    "eventbridge.events_log": "what happened",
    "kms.alias_dates": "of an alias, listed as such",
    "rds.events": "what happened",
    "route53.caller_refs": "calls that were made",
    "route53.changes": "what happened",
    "route53.hc_caller_refs": "calls that were made",
    "ssm.parameter_history": "of a parameter, listed as such",
    "sns.sub_arn_to_topic": "an index; subscriptions lie in their topic",
    "sqs.queue_name_to_url": "an index of queues, which are listed",
}

# The tag by which ssm-replicator knows its copies (shared/protocol/src/parameters).
COPY_TAG = "pilotlight:copied-by"

# The default network of each region has fixed numbers.
_OF_A_NEW_REGION = re.compile(r"^(acl|dopt|igw|rtb|sg|subnet|vpc)-0{7}\d$")


def document() -> list[dict[str, str]]:
    """Every resource: kind, region ("" where it has none) and id; `waits` tells of what AWS deletes later, `copied_by` of
    the plan whose ssm-replicator made a parameter."""
    rows = [
        {"kind": kind, "region": region, "id": str(key), **_waits(kind, value), **_copied_by(kind, value)}
        for kind, region, key, value in _stored()
        if kind not in NO_RESOURCES
        and not kind.endswith((".tags", "_tags", "_attrs"))
        and value
        and not _is_there_anyway(kind, str(key))
        and not _is_gone(value)
    ]
    return sorted(rows, key=lambda row: (row["kind"], row["region"], row["id"]))


def _stored() -> Iterator[tuple[str, str, Any, Any]]:
    """Everything in the stores of all services: kind, region, key and value."""
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith("ministack.services.") or module is None:
            continue
        service = module_name.removeprefix("ministack.services.")
        for name, store in list(vars(module).items()):
            kind = f"{service}.{name.lstrip('_')}"
            if isinstance(store, AccountRegionScopedDict | AccountScopedDict):
                for scope_and_key, value in list(store._data.items()):
                    region = scope_and_key[1] if isinstance(store, AccountRegionScopedDict) else ""
                    yield kind, region, scope_and_key[-1], value
    for name in ("accelerators", "listeners", "endpoint_groups"):
        for arn, value in list(getattr(globalaccelerator, name).items()):
            yield f"globalaccelerator.{name}", "", arn, value
    for arn, value in list(attachments.attachments.items()):
        yield "globalaccelerator.attachments", "", arn, value


def _is_there_anyway(kind: str, key: str) -> bool:
    """Whether every region of an account has it from the start."""
    named_default = ("eventbridge.event_buses", "scheduler.schedule_groups")
    return bool(_OF_A_NEW_REGION.match(key)) or (key == "default" and kind in named_default)


def _is_gone(value: Any) -> bool:
    """Whether it is listed for a while though it is deleted, as EC2 does with instances and NAT gateways."""
    state = value.get("State") if isinstance(value, dict) else None
    return (state.get("Name") if isinstance(state, dict) else state) in ("deleted", "terminated")


def _copied_by(kind: str, value: Any) -> dict[str, str]:
    """Says so if a parameter bears the mark of a copy; the emulator keeps tags by ARN, which names the region."""
    if kind != "ssm.parameters":
        return {}
    marks = [tags.get(COPY_TAG) for key, tags in list(ssm._tags._data.items()) if key[-1] == value.get("ARN")]
    return {"copied_by": mark for mark in marks if mark}


def _waits(kind: str, value: Any) -> dict[str, str]:
    """Says so if it was deleted and AWS keeps it for a while all the same."""
    if kind == "kms.keys" and value.get("KeyState") == "PendingDeletion":
        return {"waits": "its deletion is scheduled"}
    return {}
