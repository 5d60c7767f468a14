"""What does an alarm say, in each of its three shapes, when it changes state?"""

from __future__ import annotations

import functools
import json
import logging
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.loaders import create_loader
from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region, new_uuid, request_scope
from ministack.services import lambda_svc, sns

from . import deliveries, service_events

logger = logging.getLogger("lab.alarm_notices")

Alarm = dict[str, Any]

_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
SUBJECT_CHARACTERS_MAX = 100

# The state each alarm was last put in, by ARN: what the next change calls its previous state.
_last_states: dict[str, dict[str, Any]] = {}


def stamp(epoch: float) -> str:
    """The time format of alarm messages, such as 2026-11-20T10:00:00.123+0000."""
    at = datetime.fromtimestamp(epoch, tz=UTC)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"


def iso(epoch: float) -> str:
    """The time format of the query protocol, such as 2026-11-20T10:00:00.123Z."""
    return stamp(epoch).replace("+0000", "Z")


@functools.cache
def display_name(region: str) -> str:
    """The region's display name, such as "US East (Ohio)"."""
    for partition in create_loader().load_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"]).replace("Europe (", "EU (")
    return region


def act(alarm: Alarm, old_state: str, new_state: str, reason: str) -> None:
    """Does what a state change does: the event on the default bus, and the actions for the new state."""
    now = round(time.time(), 3)
    previous = _last_states.get(alarm["AlarmArn"]) or {
        "value": old_state,
        "reason": "Unchecked: Initial alarm creation",
        "timestamp": stamp(alarm.get("AlarmConfigurationUpdatedTimestamp", now)),
    }
    alarm["StateUpdatedTimestamp"] = alarm["StateTransitionedTimestamp"] = now
    state = {"value": new_state, "reason": reason, "timestamp": stamp(now)}
    if alarm.get("StateReasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    _last_states[alarm["AlarmArn"]] = state

    detail = {
        "alarmName": alarm["AlarmName"],
        "state": state,
        "previousState": previous,
        "configuration": _configuration(alarm),
    }
    service_events.publish(
        get_account_id(),
        get_region(),
        "aws.cloudwatch",
        "CloudWatch Alarm State Change",
        [alarm["AlarmArn"]],
        detail,
    )
    if not alarm.get("ActionsEnabled", True):
        return
    for action in alarm.get(_ACTIONS[new_state]) or []:
        _take(action, alarm, detail, sns_message(alarm, old_state, new_state, reason, now))


def _take(action: str, alarm: Alarm, detail: dict[str, Any], message: dict[str, Any]) -> None:
    """Takes one action.

    Topics and functions must lie in the alarm's region, as on AWS; a topic may be another account's that
    admits the alarm. Other kinds of action do nothing here.
    """
    try:
        target = parse_arn(action)
    except ArnParseError:
        return
    if target.region != get_region():
        return
    if target.service == "sns" and _may_publish(action, alarm):
        subject = f'{message["NewStateValue"]}: "{alarm["AlarmName"]}" in {message["Region"]}'
        with request_scope(target.account_id, target.region):
            sns._fanout(action, new_uuid(), json.dumps(message), subject[:SUBJECT_CHARACTERS_MAX])
    elif target.service == "lambda" and target.account_id == get_account_id():
        event = {
            "source": "aws.cloudwatch",
            "alarmArn": alarm["AlarmArn"],
            "accountId": get_account_id(),
            "time": detail["state"]["timestamp"],
            "region": get_region(),
            "alarmData": detail,
        }
        if deliveries.may_invoke(action, "lambda.alarms.cloudwatch.amazonaws.com", alarm["AlarmArn"]):
            record, config, _name = lambda_svc._get_func_record_for_ref(action)
            lambda_svc.invoke_async_with_retry(lambda_svc._execution_record_for_config(record, config), event)


def _may_publish(topic_arn: str, alarm: Alarm) -> bool:
    """Whether CloudWatch gets a message into the topic: by the topic's policy, and by its key.

    The key `alias/aws/sns` lets no service principal in: an alarm's message to such a topic is lost, as on
    AWS.
    """
    topic = sns._topic_by_arn_any_scope(topic_arn) or {}
    if topic.get("attributes", {}).get("KmsMasterKeyId") == "alias/aws/sns":
        logger.warning("%s is encrypted with alias/aws/sns, which CloudWatch may not use", topic_arn)
        return False
    return bool(
        sns.topic_policy_allows(topic_arn, "cloudwatch.amazonaws.com", alarm["AlarmArn"], get_account_id())
    )


# ---- the shape SNS delivers -----------------------------------------------------------------------


def sns_message(alarm: Alarm, old_state: str, new_state: str, reason: str, at: float) -> dict[str, Any]:
    """The JSON document in the `Message` of an alarm's SNS notification."""
    message = {
        "AlarmName": alarm["AlarmName"],
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": get_account_id(),
        "AlarmConfigurationUpdatedTimestamp": stamp(alarm["AlarmConfigurationUpdatedTimestamp"]),
        "NewStateValue": new_state,
        "NewStateReason": reason,
        "StateChangeTime": stamp(at),
        "Region": display_name(get_region()),
        "AlarmArn": alarm["AlarmArn"],
        "OldStateValue": old_state,
        "OKActions": alarm.get("OKActions") or [],
        "AlarmActions": alarm.get("AlarmActions") or [],
        "InsufficientDataActions": alarm.get("InsufficientDataActions") or [],
    }
    if "AlarmRule" in alarm:
        return {**message, "AlarmRule": alarm["AlarmRule"], "TriggeringChildren": _triggering_children(alarm)}
    return {**message, "Trigger": _trigger(alarm)}


def _triggering_children(alarm: Alarm) -> list[dict[str, Any]]:
    data = json.loads(alarm.get("StateReasonData") or "{}")
    return [
        {
            "Arn": child["arn"],
            "State": {"Value": child["state"]["value"], "Timestamp": child["state"]["timestamp"]},
        }
        for child in data.get("triggeringAlarms", [])
    ]


def _trigger(alarm: Alarm) -> dict[str, Any]:
    common: dict[str, Any] = {
        "Period": alarm.get("Period") or _math_period(alarm),
        "EvaluationPeriods": alarm.get("EvaluationPeriods"),
        **({"DatapointsToAlarm": alarm["DatapointsToAlarm"]} if alarm.get("DatapointsToAlarm") else {}),
        "ComparisonOperator": alarm.get("ComparisonOperator"),
        **({"Threshold": alarm["Threshold"]} if alarm.get("Threshold") is not None else {}),
        **({"ThresholdMetricId": alarm["ThresholdMetricId"]} if alarm.get("ThresholdMetricId") else {}),
        "TreatMissingData": alarm.get("TreatMissingData") or "missing",
        "EvaluateLowSampleCountPercentile": alarm.get("EvaluateLowSampleCountPercentile") or "",
    }
    if alarm.get("Metrics"):
        return {**common, "Metrics": [_math_metric(metric) for metric in alarm["Metrics"]]}
    statistic: dict[str, Any] = {
        "StatisticType": "Statistic",
        "Statistic": _statistic_name(alarm.get("Statistic")),
    }
    if alarm.get("ExtendedStatistic"):
        statistic = {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": alarm["ExtendedStatistic"]}
    return {
        "MetricName": alarm.get("MetricName"),
        "Namespace": alarm.get("Namespace"),
        **statistic,
        "Unit": alarm.get("Unit"),
        "Dimensions": _dimensions(alarm.get("Dimensions")),
        **common,
    }


def _statistic_name(statistic: str | None) -> str:
    """SNS messages write SUM and SAMPLE_COUNT where the API says Sum and SampleCount."""
    return "SAMPLE_COUNT" if statistic == "SampleCount" else (statistic or "Average").upper()


def _dimensions(dimensions: list[dict[str, str]] | None) -> list[dict[str, str]]:
    """SNS messages write the members of a dimension in lower case, the value first."""
    return [{"value": dimension["Value"], "name": dimension["Name"]} for dimension in dimensions or []]


def _math_metric(metric: dict[str, Any]) -> dict[str, Any]:
    shown = {key: value for key, value in metric.items() if value is not None}
    if stat := shown.get("MetricStat"):
        inner = {**stat["Metric"], "Dimensions": _dimensions(stat["Metric"].get("Dimensions"))}
        shown["MetricStat"] = {**stat, "Metric": inner}
    return {**shown, "ReturnData": metric.get("ReturnData", True)}


def _math_period(alarm: Alarm) -> int:
    periods = [
        metric["MetricStat"]["Period"] for metric in alarm.get("Metrics") or [] if metric.get("MetricStat")
    ]
    return int(max(periods, default=60))


# ---- the shape EventBridge and direct actions deliver ---------------------------------------------


def _configuration(alarm: Alarm) -> dict[str, Any]:
    description = {"description": alarm["AlarmDescription"]} if alarm.get("AlarmDescription") else {}
    if "AlarmRule" in alarm:
        return {"alarmRule": alarm["AlarmRule"], **description}
    if alarm.get("Metrics"):
        return {"metrics": [_event_metric(metric) for metric in alarm["Metrics"]], **description}
    metric = {
        "namespace": alarm.get("Namespace"),
        "name": alarm.get("MetricName"),
        "dimensions": _dimension_map(alarm.get("Dimensions")),
    }
    stat = {
        "metric": metric,
        "period": alarm.get("Period"),
        "stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
    }
    identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"]))
    return {"metrics": [{"id": identifier, "metricStat": stat, "returnData": True}], **description}


def _event_metric(metric: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": metric.get("Id"), "returnData": metric.get("ReturnData", True)}
    for member, name in (("Expression", "expression"), ("Label", "label"), ("Period", "period")):
        if metric.get(member) is not None:
            shown[name] = metric[member]
    if stat := metric.get("MetricStat"):
        inner = stat["Metric"]
        shown["metricStat"] = {
            "metric": {
                "namespace": inner.get("Namespace"),
                "name": inner.get("MetricName"),
                "dimensions": _dimension_map(inner.get("Dimensions")),
            },
            "period": stat.get("Period"),
            "stat": stat.get("Stat"),
        }
    return shown


def _dimension_map(dimensions: list[dict[str, str]] | None) -> dict[str, str]:
    return {dimension["Name"]: dimension["Value"] for dimension in dimensions or []}
