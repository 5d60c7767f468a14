"""What is kept of a VPC's flow logs: where they go, by which role, how often, in what form?"""

from __future__ import annotations

import re
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

Answer = tuple[int, dict[str, str], bytes]

DEFAULT_FORMAT = (
    "${version} ${account-id} ${interface-id} ${srcaddr} ${dstaddr} ${srcport} ${dstport} ${protocol} "
    "${packets} ${bytes} ${start} ${end} ${action} ${log-status}"
)
DEFAULT_SECONDS = "600"


def install() -> None:
    """Registers the actions with the emulator."""
    create, describe = ec2._create_flow_logs, ec2._describe_flow_logs
    ec2._ACTION_MAP["CreateFlowLogs"] = lambda params: _create(create, params)
    ec2._ACTION_MAP["DescribeFlowLogs"] = lambda params: _describe(describe, params)


def _create(original: Any, params: dict[str, Any]) -> Answer:
    before = set(ec2._flow_logs.keys())
    answer: Answer = original(params)
    for name in set(ec2._flow_logs.keys()) - before:
        log = ec2._flow_logs[name]
        destination = log["LogDestination"] or ""
        if log["LogDestinationType"] == "cloud-watch-logs":
            log["_lab_group"] = destination.removesuffix(":*").rpartition("log-group:")[2] or destination
            if not destination.startswith("arn:"):
                log["LogDestination"] = (
                    f"arn:aws:logs:{get_region()}:{get_account_id()}:log-group:{destination}"
                )
        log["_lab_role"] = ec2._p(params, "DeliverLogsPermissionArn")
        log["_lab_seconds"] = ec2._p(params, "MaxAggregationInterval") or DEFAULT_SECONDS
        log["_lab_format"] = ec2._p(params, "LogFormat") or DEFAULT_FORMAT
        # The emulator reads tags of "flow-log"; the API says "vpc-flow-log".
        ec2._parse_tag_specs(params, "vpc-flow-log", name)
    return answer


def _describe(original: Any, params: dict[str, Any]) -> Answer:
    status, headers, body = original(params)
    text = re.sub(r"<flowLogId>([^<]+)</flowLogId>", _with_details, body.decode())
    return status, headers, text.encode()


def _with_details(found: re.Match[str]) -> str:
    log = ec2._flow_logs.get(found[1]) or {}
    details = {
        "deliverLogsPermissionArn": log.get("_lab_role"),
        "logGroupName": log.get("_lab_group"),
        "maxAggregationInterval": log.get("_lab_seconds"),
        "logFormat": log.get("_lab_format"),
        "deliverLogsStatus": "SUCCESS",
    }
    return found[0] + "".join(f"<{key}>{ec2._esc(value)}</{key}>" for key, value in details.items() if value)
