"""In which state do its data put an alarm? M of the last N periods, missing periods as the alarm says.

AWS looks once a minute; here alarms are looked at when data come in their region. So time alone changes no
state: an alarm whose data stop stays as it is. Metrics of AWS's own services (`AWS/...`) are never looked at:
nothing here measures them, so an alarm on them would say that everything is missing.
"""

from __future__ import annotations

import json
import time
from typing import Any

from ministack.services import cloudwatch

from . import alarm_notices

Alarm = dict[str, Any]

EXTRA_PERIODS = 2
"""How many periods beyond N data may come from: CloudWatch looks further back when some are missing."""

_DATE = "%d/%m/%y %H:%M:%S"

_BREACHES = {
    "GreaterThanOrEqualToThreshold": (">=", "greater than or equal to"),
    "GreaterThanThreshold": (">", "greater than"),
    "LessThanOrEqualToThreshold": ("<=", "less than or equal to"),
    "LessThanThreshold": ("<", "less than"),
}


def evaluate_all() -> None:
    """Looks at every alarm of the request's region."""
    for alarm in list(cloudwatch._alarms.values()):
        evaluate(alarm)


def evaluate(alarm: Alarm) -> None:
    """Puts a metric alarm in the state that its data say, if they say one."""
    if not _is_looked_at(alarm):
        return
    found = _datapoints(alarm, time.time())
    state = decide(
        [_breaches(alarm, value) for _, value in found],
        wanted=int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"]),
        periods=int(alarm["EvaluationPeriods"]),
        missing=alarm["TreatMissingData"],
    )
    if state is not None and state != alarm["StateValue"]:
        _change(alarm, state, found)


def decide(breaching: list[bool], *, wanted: int, periods: int, missing: str) -> str | None:
    """The state for what is there of the last periods; None where it hangs on what is not there."""
    if not breaching:
        return None
    absent = max(0, periods - len(breaching))
    certain = sum(breaching) + (absent if missing == "breaching" else 0)
    possible = certain + (absent if missing in ("missing", "ignore") else 0)
    if certain >= wanted:
        return "ALARM"
    return "OK" if possible < wanted else None


def _is_looked_at(alarm: Alarm) -> bool:
    """Whether it is on one metric of somebody's own, against a fixed threshold."""
    namespace = alarm.get("Namespace") or ""
    is_own = bool(namespace) and not namespace.startswith("AWS/")
    return is_own and bool(alarm.get("MetricName")) and alarm.get("ComparisonOperator") in _BREACHES


def _datapoints(alarm: Alarm, now: float) -> list[tuple[float, float]]:
    """Begin and value of the newest periods with data, the newest first, at most as many as are evaluated."""
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm.get("Dimensions") or []}
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    period, periods = int(alarm["Period"]), int(alarm["EvaluationPeriods"])
    newest = now // period * period
    by_period: dict[float, list[Any]] = {}
    for point in cloudwatch._metrics.get(key) or []:
        begin = point["Timestamp"] // period * period
        is_recent = newest - begin < (periods + EXTRA_PERIODS) * period and begin <= newest
        if is_recent and alarm.get("Unit") in (None, point["Unit"]):
            by_period.setdefault(begin, []).append(point)
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    values = []
    for begin in sorted(by_period, reverse=True)[:periods]:
        points = by_period[begin]
        value = cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)
        if value is not None:
            values.append((begin, value))
    return values


def _breaches(alarm: Alarm, value: float) -> bool:
    threshold = alarm["Threshold"]
    return bool(
        {">=": value >= threshold, ">": value > threshold, "<=": value <= threshold, "<": value < threshold}[
            _BREACHES[alarm["ComparisonOperator"]][0]
        ]
    )


def _change(alarm: Alarm, state: str, found: list[tuple[float, float]]) -> None:
    """Does what CloudWatch does when it changes the state of an alarm by itself."""
    old, words = alarm["StateValue"], _BREACHES[alarm["ComparisonOperator"]][1]
    agreeing = [(begin, value) for begin, value in found if _breaches(alarm, value) == (state == "ALARM")]
    shown = ", ".join(f"{value} ({time.strftime(_DATE, time.gmtime(at))})" for at, value in agreeing)
    were = f"{'was' if len(agreeing) == 1 else 'were'} {'' if state == 'ALARM' else 'not '}{words}"
    alarm["StateValue"] = state
    alarm["StateReason"] = (
        f"Threshold Crossed: {len(agreeing)} out of the last {alarm['EvaluationPeriods']} datapoints "
        f"[{shown}] {were} the threshold ({alarm['Threshold']})."
    )
    alarm["StateReasonData"] = json.dumps(
        {
            "version": "1.0",
            "queryDate": alarm_notices.stamp(time.time()),
            "statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
            "period": alarm["Period"],
            "recentDatapoints": [value for _, value in reversed(found)],
            "threshold": alarm["Threshold"],
        }
    )
    cloudwatch._record_history(alarm["AlarmName"], old, state, alarm["StateReason"])
    cloudwatch._dispatch_alarm_actions(alarm, old, state, alarm["StateReason"])
    cloudwatch._evaluate_parent_alarms(alarm)
