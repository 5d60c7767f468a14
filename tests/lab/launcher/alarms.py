"""How are CloudWatch alarms stored and described, and when do they change state?"""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.services import cloudwatch

from . import alarm_evaluation, alarm_notices
from .query_protocol import structure, to_xml

Alarm = dict[str, Any]

_INTEGERS = ("Period", "EvaluationPeriods", "DatapointsToAlarm")
_FLOATS = ("Threshold",)
_BOOLEANS = ("ActionsEnabled", "ReturnData")

# Request members that the emulator's store drops or fills with defaults of its own.
_OPTIONAL = (
    "MetricName",
    "Namespace",
    "Statistic",
    "ExtendedStatistic",
    "Dimensions",
    "Period",
    "Unit",
    "DatapointsToAlarm",
    "Threshold",
    "EvaluateLowSampleCountPercentile",
    "Metrics",
    "ThresholdMetricId",
)

_METRIC_MEMBERS = (
    *_OPTIONAL,
    "AlarmName",
    "AlarmArn",
    "AlarmDescription",
    "AlarmConfigurationUpdatedTimestamp",
    "ActionsEnabled",
    "OKActions",
    "AlarmActions",
    "InsufficientDataActions",
    "StateValue",
    "StateReason",
    "StateReasonData",
    "StateUpdatedTimestamp",
    "EvaluationPeriods",
    "ComparisonOperator",
    "TreatMissingData",
    "StateTransitionedTimestamp",
)
_COMPOSITE_MEMBERS = (
    "ActionsEnabled",
    "AlarmActions",
    "AlarmArn",
    "AlarmConfigurationUpdatedTimestamp",
    "AlarmDescription",
    "AlarmName",
    "AlarmRule",
    "InsufficientDataActions",
    "OKActions",
    "StateReason",
    "StateReasonData",
    "StateUpdatedTimestamp",
    "StateValue",
    "StateTransitionedTimestamp",
    "ActionsSuppressor",
    "ActionsSuppressorWaitPeriod",
    "ActionsSuppressorExtensionPeriod",
)


def install() -> None:
    """Registers the changes with the emulator.

    The emulator's own evaluation is replaced: it takes one datapoint for three, ignores dimensions and
    never acts on missing data, so it would raise and clear alarms that AWS would not. In the lab an alarm
    changes state by SetAlarmState, by data of a metric of one's own, a composite one by its rule.
    """
    cloudwatch._evaluate_alarm = lambda _alarm: None
    cloudwatch._evaluate_all_alarms = alarm_evaluation.evaluate_all
    cloudwatch._dispatch_alarm_actions = alarm_notices.act
    put_metric, put_composite = cloudwatch._put_metric_alarm, cloudwatch._put_composite_alarm
    describe, set_state = cloudwatch._describe_alarms, cloudwatch._set_alarm_state

    # The emulator looks its handlers up by these names at each request.
    cloudwatch._put_metric_alarm = lambda *request: _put_metric_alarm(put_metric, *request)
    cloudwatch._put_composite_alarm = lambda *request: _put_composite_alarm(put_composite, *request)
    cloudwatch._describe_alarms = lambda *request: _describe_alarms(describe, *request)
    cloudwatch._set_alarm_state = lambda *request: _set_alarm_state(set_state, *request)


def _members(params: dict[str, Any], data: dict[str, Any], is_cbor: bool, is_json: bool) -> dict[str, Any]:
    """The request's members with their types, whatever protocol they came by."""
    return data if is_cbor or is_json else _typed(structure(params))


def _typed(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _typed(child, key) for key, child in value.items()}
    if isinstance(value, list):
        return [_typed(child) for child in value]
    if name in _INTEGERS:
        return int(value)
    if name in _FLOATS:
        return float(value)
    if name in _BOOLEANS:
        return value == "true"
    return value


def _answer(
    result: tuple[int, Any, bytes], action: str, is_cbor: bool, is_json: bool
) -> tuple[int, Any, bytes]:
    """A JSON answer of the emulator, in the protocol of the request."""
    if is_json or result[0] != 200:
        if result[0] == 200 or is_json:
            return result
        problem = json.loads(result[2])
        return cloudwatch._error(problem["__type"], problem["message"], result[0], use_cbor=is_cbor)
    if is_cbor:
        return cloudwatch._cbor_ok({})
    return cloudwatch._xml(200, f"{action}Response", "")


def _put_metric_alarm(original: Any, params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
    """PutMetricAlarm with every member kept, metric math included, and none made up."""
    request = _members(params, data, is_cbor, is_json)
    name = request.get("AlarmName", "")
    result = original({}, request, False, True)
    alarm = cloudwatch._alarms.get(name)
    if result[0] == 200 and alarm is not None:
        for member in _OPTIONAL:
            if request.get(member) is None:
                alarm.pop(member, None)
            else:
                alarm[member] = request[member]
        alarm["AlarmDescription"] = request.get("AlarmDescription")
        alarm["AlarmConfigurationUpdatedTimestamp"] = _now()
        alarm.setdefault("StateTransitionedTimestamp", alarm["StateUpdatedTimestamp"])
        if alarm["TreatMissingData"] is None:
            alarm["TreatMissingData"] = "missing"
    return _answer(result, "PutMetricAlarm", is_cbor, is_json)


def _put_composite_alarm(original: Any, params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
    """PutCompositeAlarm with its description and suppressor kept."""
    request = _members(params, data, is_cbor, is_json)
    result = original({}, request, False, True)
    alarm = cloudwatch._composite_alarms.get(request.get("AlarmName", ""))
    if result[0] == 200 and alarm is not None:
        alarm["AlarmDescription"] = request.get("AlarmDescription")
        for member in (
            "ActionsSuppressor",
            "ActionsSuppressorWaitPeriod",
            "ActionsSuppressorExtensionPeriod",
        ):
            if request.get(member) is not None:
                alarm[member] = request[member]
    return _answer(result, "PutCompositeAlarm", is_cbor, is_json)


def _set_alarm_state(original: Any, params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
    """SetAlarmState; a state that doesn't exist is refused, as on AWS."""
    state = _members(params, data, is_cbor, is_json).get("StateValue")
    if state not in ("OK", "ALARM", "INSUFFICIENT_DATA"):
        return cloudwatch._error(
            "ValidationError",
            f"1 validation error detected: Value '{state}' at 'stateValue' failed to satisfy "
            "constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]",
            400,
            use_json=is_json,
            use_cbor=is_cbor,
        )
    return original(params, data, is_cbor, is_json)


def _describe_alarms(original: Any, params: Any, data: Any, is_cbor: bool, is_json: bool = False) -> Any:
    """DescribeAlarms: all members over every protocol."""
    if is_cbor or is_json:
        return original(params, data, is_cbor, is_json)
    request = _typed(structure(params))
    if request.get("MaxRecords"):
        request["MaxRecords"] = int(request["MaxRecords"])
    result = original({}, request, False, True)
    if result[0] != 200:
        return _answer(result, "DescribeAlarms", is_cbor, is_json)
    found = json.loads(result[2])
    shown = {
        "MetricAlarms": [_shown(alarm, _METRIC_MEMBERS) for alarm in found["MetricAlarms"]],
        "CompositeAlarms": [_shown(alarm, _COMPOSITE_MEMBERS) for alarm in found["CompositeAlarms"]],
        "NextToken": found.get("NextToken"),
    }
    return cloudwatch._xml(200, "DescribeAlarmsResponse", to_xml({"DescribeAlarmsResult": shown}))


def _shown(alarm: Alarm, members: tuple[str, ...]) -> Alarm:
    shown = {member: alarm.get(member) for member in members}
    for member, value in shown.items():
        if member.endswith("Timestamp") and isinstance(value, (int, float)):
            shown[member] = alarm_notices.iso(value)
        elif value == "" or (value == [] and member == "Metrics"):
            shown[member] = None
    return shown


def _now() -> float:
    return round(time.time(), 3)
