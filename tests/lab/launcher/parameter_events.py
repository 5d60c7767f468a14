"""What does Parameter Store report to EventBridge when a parameter changes?"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import ssm

from . import service_events

Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Has each change reported: "Parameter Store Change", as the Systems Manager user guide shows it."""
    put, delete, delete_all = ssm._put_parameter, ssm._delete_parameter, ssm._delete_parameters
    label = ssm._label_parameter_version
    ssm._put_parameter = lambda data: _put(put, data)
    ssm._delete_parameter = lambda data: _delete(delete, data)
    ssm._delete_parameters = lambda data: _delete_all(delete_all, data)
    ssm._label_parameter_version = lambda data: _label(label, data)


def _put(original: Any, data: dict[str, Any]) -> Answer:
    answer: Answer = original(data)
    name = str(data.get("Name"))
    if answer[0] == 200:
        is_new = json.loads(answer[2])["Version"] == 1
        _report("Create" if is_new else "Update", name, ssm._parameters[name])
    return answer


def _delete(original: Any, data: dict[str, Any]) -> Answer:
    gone = _records([data.get("Name")])
    answer: Answer = original(data)
    if answer[0] == 200:
        for name, record in gone:
            _report("Delete", name, record)
    return answer


def _delete_all(original: Any, data: dict[str, Any]) -> Answer:
    gone = _records(data.get("Names") or [])
    answer: Answer = original(data)
    deleted = json.loads(answer[2]).get("DeletedParameters", []) if answer[0] == 200 else []
    for name, record in gone:
        if name in deleted:
            _report("Delete", name, record)
    return answer


def _label(original: Any, data: dict[str, Any]) -> Answer:
    answer: Answer = original(data)
    record = ssm._parameters.get(data.get("Name"))
    if answer[0] == 200 and record is not None:
        _report("LabelParameterVersion", record["Name"], record)
    return answer


def _records(names: list[Any]) -> list[tuple[str, dict[str, Any]]]:
    found = [(str(name), ssm._parameters.get(name)) for name in names]
    return [(name, record) for name, record in found if record is not None]


def _report(operation: str, name: str, record: dict[str, Any]) -> None:
    """Sends the event. It holds the name and the type, never the value."""
    detail = {"operation": operation, "name": name, "type": record["Type"]}
    if operation != "Delete" and record.get("Description"):
        detail["description"] = record["Description"]
    service_events.publish(
        get_account_id(), get_region(), "aws.ssm", "Parameter Store Change", [record["ARN"]], detail
    )
