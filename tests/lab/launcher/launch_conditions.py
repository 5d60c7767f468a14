"""What may a region launch? Instance types by zone, EBS's own encryption and the account's quotas of vCPUs.

The emulator knows instance types and subnets, and none of these.
"""

from __future__ import annotations

import json
from typing import Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services import ec2


Answer = tuple[int, dict[str, str], bytes]

QUOTA_PREFIX = "ServiceQuotasV20190624"

OFFERED_FAMILIES = ("t2", "t3", "t3a", "t4g", "m5", "m6i", "m6g", "m7i", "m7g", "c5", "c6i", "r5", "r6i", "r6g")
"""What each zone here offers; every other type is one that the region lacks."""

VCPUS = {"nano": 2, "micro": 2, "small": 2, "medium": 2, "large": 2, "xlarge": 4}
"""By size; of `2xlarge` and more four for each."""

QUOTAS = {"L-1216C47A": 640.0, "L-74FC7D96": 64.0, "L-DB2E81BA": 64.0, "L-417A185B": 64.0, "L-7295265B": 64.0}
"""Of running On-Demand instances, in vCPUs."""

_by_default = AccountRegionScopedDict()


def install() -> None:
    """Registers the actions and the service."""
    ec2._ACTION_MAP["DescribeInstanceTypeOfferings"] = _offerings
    ec2._ACTION_MAP["DescribeInstanceTypes"] = _types(ec2._ACTION_MAP["DescribeInstanceTypes"])
    ec2._ACTION_MAP["GetEbsEncryptionByDefault"] = lambda _params: _encryption("Get")
    ec2._ACTION_MAP["EnableEbsEncryptionByDefault"] = lambda _params: _encryption("Enable", on=True)
    ec2._ACTION_MAP["DisableEbsEncryptionByDefault"] = lambda _params: _encryption("Disable", on=False)
    ec2._ACTION_MAP["GetEbsDefaultKmsKeyId"] = lambda _params: _default_key("Get")
    ec2._ACTION_MAP["ModifyEbsDefaultKmsKeyId"] = lambda params: _default_key("Modify", ec2._p(params, "KmsKeyId"))
    router.SERVICE_PATTERNS["servicequotas"] = {"target_prefixes": [QUOTA_PREFIX]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE["servicequotas"] = "servicequotas"
    app.SERVICE_HANDLERS["servicequotas"] = _quotas


def _is_offered(instance_type: str) -> bool:
    family, _, size = instance_type.partition(".")
    return family in OFFERED_FAMILIES and (size in VCPUS or size.removesuffix("xlarge").isdigit())


def _offerings(params: dict[str, Any]) -> Answer:
    """DescribeInstanceTypeOfferings by zone: of the types that are asked for, those that the zones offer."""
    if ec2._p(params, "LocationType") != "availability-zone":
        return ec2._error("InvalidParameterValue", "Here only the location type availability-zone is known", 400)
    filters = ec2._parse_filters(params)
    wanted = [name for name in filters.get("instance-type", []) if _is_offered(name)]
    zones = sorted({subnet["AvailabilityZone"] for subnet in ec2._subnets.values()})
    zones = [zone for zone in zones if "location" not in filters or zone in filters["location"]]
    items = "".join(
        f"<item><instanceType>{name}</instanceType><locationType>availability-zone</locationType>"
        f"<location>{zone}</location></item>"
        for name in wanted
        for zone in zones
    )
    answer: Answer = ec2._xml(
        200,
        "DescribeInstanceTypeOfferingsResponse",
        f"<instanceTypeOfferingSet>{items}</instanceTypeOfferingSet>",
    )
    return answer


def _vcpus(instance_type: str) -> int:
    size = instance_type.partition(".")[2]
    times = size.removesuffix("xlarge")
    return 4 * int(times) if times.isdigit() else VCPUS.get(size, 2)


def _types(original: Any) -> Any:
    """DescribeInstanceTypes with the vCPUs that the types have, and without types that are none."""

    def described(params: dict[str, Any]) -> Answer:
        asked = ec2._parse_member_list(params, "InstanceType")
        for name in asked:
            if not _is_offered(name):
                message = f"The following supplied instance types do not exist: [{name}]"
                return ec2._error("InvalidInstanceType", message, 400)
        status, headers, body = original(params)
        text = body.decode()
        for name in asked:
            before, found, after = text.partition(f"<instanceType>{name}</instanceType>")
            start, opening, rest = after.partition("<defaultVCpus>")
            _, closing, rest = rest.partition("</defaultVCpus>")
            if found and opening and closing:
                text = f"{before}{found}{start}{opening}{_vcpus(name)}{closing}{rest}"
        return status, headers, text.encode()

    return described


def _encryption(action: str, on: bool | None = None) -> Answer:
    if on is not None:
        _by_default["on"] = on
    value = "true" if _by_default.get("on") else "false"
    answer: Answer = ec2._xml(
        200,
        f"{action}EbsEncryptionByDefaultResponse",
        f"<ebsEncryptionByDefault>{value}</ebsEncryptionByDefault>",
    )
    return answer


def _default_key(action: str, key: str | None = None) -> Answer:
    if key:
        _by_default["key"] = key
    aws_key = f"arn:aws:kms:{get_region()}:{get_account_id()}:alias/aws/ebs"
    value = _by_default.get("key") or aws_key
    answer: Answer = ec2._xml(200, f"{action}EbsDefaultKmsKeyIdResponse", f"<kmsKeyId>{value}</kmsKeyId>")
    return answer


async def _quotas(_method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]) -> Any:
    action = headers.get("x-amz-target", "").rpartition(".")[2]
    request = json.loads(body or b"{}")
    code = request.get("QuotaCode")
    if action not in ("GetServiceQuota", "GetAWSDefaultServiceQuota"):
        status, answer = 400, {"__type": "UnknownOperationException", "Message": f"Unknown operation {action}"}
    elif request.get("ServiceCode") != "ec2" or code not in QUOTAS:
        status, answer = 400, {"__type": "NoSuchResourceException", "Message": "The resource does not exist."}
    else:
        arn = f"arn:aws:servicequotas:{get_region()}:{get_account_id()}:ec2/{code}"
        quota = {"ServiceCode": "ec2", "QuotaArn": arn, "QuotaCode": code, "Value": QUOTAS[code], "Unit": "None"}
        status, answer = 200, {"Quota": quota}
    return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()
