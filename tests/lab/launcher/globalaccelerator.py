"""What does Global Accelerator answer?"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack import app
from ministack.core import iam_actions, router
from ministack.core.responses import get_account_id, get_region

from . import attachments, target_health
from .world import World

HOME_REGION = "us-west-2"
"""The only region in which the service's API answers."""

TARGET_PREFIX = "GlobalAccelerator_V20180706"

Document = dict[str, Any]

HEALTH_REASONS = {"INITIAL": "InitialHealthChecking", "UNHEALTHY": "Failed"}
"""What the service says of an endpoint that isn't healthy."""

accelerators: dict[str, Document] = {}
listeners: dict[str, Document] = {}
endpoint_groups: dict[str, Document] = {}
tags: dict[str, dict[str, str]] = {}


class Refusal(Exception):
    """An error answer of the service."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def install(world: World) -> None:
    """Registers the service with the emulator's router, IAM names and handlers."""
    router.SERVICE_PATTERNS["globalaccelerator"] = {"target_prefixes": [TARGET_PREFIX]}
    iam_actions.SERVICE_TO_IAM_NAMESPACE["globalaccelerator"] = "globalaccelerator"

    async def handle(
        _method: str, _path: str, headers: dict[str, str], body: bytes, _query: dict[str, Any]
    ) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        try:
            if get_region() != HOME_REGION:
                raise Refusal(
                    "InvalidSignatureException",
                    f"Credential should be scoped to a valid region, not '{get_region()}'.",
                    403,
                )
            handler = ACTIONS.get(action)
            if handler is None:
                raise Refusal("UnknownOperationException", f"Unknown operation {action}")
            answer, status = handler(world, json.loads(body or b"{}")), 200
        except Refusal as refusal:
            answer, status = {"__type": refusal.code, "Message": refusal.message}, refusal.status
        return status, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()

    app.SERVICE_HANDLERS["globalaccelerator"] = handle


def resource_arn(request: Document) -> str:
    """The resource that IAM checks for a request: the most specific ARN it names, else "*"."""
    for member in ("EndpointGroupArn", "ListenerArn", "AcceleratorArn", "ResourceArn"):
        if request.get(member):
            return str(request[member])
    return "*"


def control_documents(world: World) -> list[Document]:
    """The accelerators as the control API shows them."""
    return [
        {
            "arn": accelerator["AcceleratorArn"],
            "dns_name": accelerator["DnsName"],
            "enabled": accelerator["Enabled"],
            "listeners": [
                {
                    "arn": listener["ListenerArn"],
                    "endpoint_groups": [
                        {
                            "arn": group["EndpointGroupArn"],
                            "region": group["EndpointGroupRegion"],
                            "traffic_dial": group["TrafficDialPercentage"],
                            "endpoints": [
                                {
                                    "id": endpoint["EndpointId"],
                                    "weight": endpoint["Weight"],
                                    "health": _health(world, endpoint["EndpointId"]),
                                }
                                for endpoint in group["_endpoints"]
                            ],
                        }
                        for group in endpoint_groups.values()
                        if group["_listener"] == listener["ListenerArn"]
                    ],
                }
                for listener in listeners.values()
                if listener["_accelerator"] == accelerator["AcceleratorArn"]
            ],
        }
        for accelerator in accelerators.values()
    ]


# ---- look-ups and shapes --------------------------------------------------------------------------


def _accelerator(request: Document) -> Document:
    arn = request.get("AcceleratorArn")
    if arn not in accelerators:
        raise Refusal("AcceleratorNotFoundException", f"The accelerator {arn} doesn't exist.")
    return accelerators[arn]


def _listener(request: Document) -> Document:
    arn = request.get("ListenerArn")
    if arn not in listeners:
        raise Refusal("ListenerNotFoundException", f"The listener {arn} doesn't exist.")
    return listeners[arn]


def _group(request: Document) -> Document:
    arn = request.get("EndpointGroupArn")
    if arn not in endpoint_groups:
        raise Refusal("EndpointGroupNotFoundException", f"The endpoint group {arn} doesn't exist.")
    return endpoint_groups[arn]


def _shown(record: Document) -> Document:
    return {key: value for key, value in record.items() if not key.startswith("_") and value is not None}


def _health(world: World, endpoint_id: str) -> str:
    """A load balancer is healthy while every one of its target groups has a healthy target: an empty one spoils it. It is in
    its initial state while those that have none are still in their first checks."""
    groups = target_health.load_balancer_groups(world, endpoint_id)
    if groups and all(healthy for healthy, _ in groups):
        return "HEALTHY"
    if groups and all(healthy or is_initial for healthy, is_initial in groups):
        return "INITIAL"
    return "UNHEALTHY"


def _shown_group(world: World, group: Document) -> Document:
    descriptions = []
    for endpoint in group["_endpoints"]:
        health = _health(world, endpoint["EndpointId"])
        description = {**endpoint, "HealthState": health}
        if health != "HEALTHY":
            description["HealthReason"] = HEALTH_REASONS[health]
        descriptions.append(description)
    return {**_shown(group), "EndpointDescriptions": descriptions}


def _touch(accelerator_arn: str) -> None:
    accelerators[accelerator_arn]["LastModifiedTime"] = _now()


def _now() -> float:
    return round(time.time(), 3)


def _endpoints(configurations: list[Document]) -> list[Document]:
    """The endpoint list of a request, checked and with defaults."""
    found: dict[str, Document] = {}
    for configuration in configurations:
        endpoint_id = configuration.get("EndpointId")
        if not endpoint_id:
            raise Refusal("InvalidArgumentException", "EndpointId is missing.")
        weight = configuration.get("Weight", 128)
        if not isinstance(weight, int) or isinstance(weight, bool) or not 0 <= weight <= 255:
            raise Refusal("InvalidArgumentException", f"Weight {weight} must be between 0 and 255.")
        if endpoint_id in found:
            raise Refusal("InvalidArgumentException", f"Endpoint {endpoint_id} is given twice.")
        found[endpoint_id] = {
            "EndpointId": endpoint_id,
            "Weight": weight,
            "ClientIPPreservationEnabled": configuration.get("ClientIPPreservationEnabled", True),
        }
    return list(found.values())


# ---- accelerators ---------------------------------------------------------------------------------


def _create_accelerator(world: World, request: Document) -> Document:
    name = request.get("Name")
    if not name:
        raise Refusal("InvalidArgumentException", "Name is missing.")
    number = uuid.uuid4()
    arn = f"arn:aws:globalaccelerator::{get_account_id()}:accelerator/{number}"
    port = world.settings.accelerator_port
    dns_name = f"127.0.0.1:{port}" if port else f"a{number.hex[:16]}.awsglobalaccelerator.com"
    accelerators[arn] = {
        "AcceleratorArn": arn,
        "Name": name,
        "IpAddressType": request.get("IpAddressType", "IPV4"),
        "Enabled": request.get("Enabled", True),
        "IpSets": [
            {
                "IpFamily": "IPv4",
                "IpAddressFamily": "IPv4",
                "IpAddresses": request.get("IpAddresses") or ["192.0.2.10", "198.51.100.10"],
            }
        ],
        "DnsName": dns_name,
        "Status": "DEPLOYED",
        "CreatedTime": _now(),
        "LastModifiedTime": _now(),
        "_attributes": {"FlowLogsEnabled": False},
    }
    tags[arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
    return {"Accelerator": _shown(accelerators[arn])}


def _describe_accelerator(_world: World, request: Document) -> Document:
    return {"Accelerator": _shown(_accelerator(request))}


def _update_accelerator(_world: World, request: Document) -> Document:
    accelerator = _accelerator(request)
    for member in ("Name", "IpAddressType", "Enabled"):
        if member in request:
            accelerator[member] = request[member]
    _touch(accelerator["AcceleratorArn"])
    return {"Accelerator": _shown(accelerator)}


def _delete_accelerator(_world: World, request: Document) -> Document:
    accelerator = _accelerator(request)
    arn = accelerator["AcceleratorArn"]
    if accelerator["Enabled"]:
        raise Refusal(
            "AcceleratorNotDisabledException", "The accelerator must be disabled before it is deleted."
        )
    if any(listener["_accelerator"] == arn for listener in listeners.values()):
        raise Refusal("AssociatedListenerFoundException", "The accelerator still has a listener.")
    del accelerators[arn]
    tags.pop(arn, None)
    return {}


def _list_accelerators(_world: World, _request: Document) -> Document:
    return {"Accelerators": [_shown(accelerator) for accelerator in accelerators.values()]}


def _describe_attributes(_world: World, request: Document) -> Document:
    return {"AcceleratorAttributes": _accelerator(request)["_attributes"]}


def _update_attributes(_world: World, request: Document) -> Document:
    attributes = _accelerator(request)["_attributes"]
    for member in ("FlowLogsEnabled", "FlowLogsS3Bucket", "FlowLogsS3Prefix"):
        if member in request:
            attributes[member] = request[member]
    return {"AcceleratorAttributes": attributes}


# ---- listeners ------------------------------------------------------------------------------------


def _create_listener(_world: World, request: Document) -> Document:
    accelerator = _accelerator(request)
    if not request.get("PortRanges"):
        raise Refusal("InvalidPortRangeException", "PortRanges is missing.")
    arn = f"{accelerator['AcceleratorArn']}/listener/{uuid.uuid4().hex[:8]}"
    listeners[arn] = {
        "ListenerArn": arn,
        "PortRanges": request["PortRanges"],
        "Protocol": request.get("Protocol", "TCP"),
        "ClientAffinity": request.get("ClientAffinity", "NONE"),
        "_accelerator": accelerator["AcceleratorArn"],
    }
    _touch(accelerator["AcceleratorArn"])
    return {"Listener": _shown(listeners[arn])}


def _describe_listener(_world: World, request: Document) -> Document:
    return {"Listener": _shown(_listener(request))}


def _update_listener(_world: World, request: Document) -> Document:
    listener = _listener(request)
    for member in ("PortRanges", "Protocol", "ClientAffinity"):
        if member in request:
            listener[member] = request[member]
    _touch(listener["_accelerator"])
    return {"Listener": _shown(listener)}


def _delete_listener(_world: World, request: Document) -> Document:
    listener = _listener(request)
    arn = listener["ListenerArn"]
    if any(group["_listener"] == arn for group in endpoint_groups.values()):
        raise Refusal("AssociatedEndpointGroupFoundException", "The listener still has an endpoint group.")
    del listeners[arn]
    return {}


def _list_listeners(_world: World, request: Document) -> Document:
    arn = _accelerator(request)["AcceleratorArn"]
    return {"Listeners": [_shown(entry) for entry in listeners.values() if entry["_accelerator"] == arn]}


# ---- endpoint groups ------------------------------------------------------------------------------

_GROUP_MEMBERS = (
    "TrafficDialPercentage",
    "HealthCheckPort",
    "HealthCheckProtocol",
    "HealthCheckPath",
    "HealthCheckIntervalSeconds",
    "ThresholdCount",
    "PortOverrides",
)


def _create_group(world: World, request: Document) -> Document:
    listener = _listener(request)
    region = request.get("EndpointGroupRegion")
    if not region:
        raise Refusal("InvalidArgumentException", "EndpointGroupRegion is missing.")
    if any(
        (group["_listener"], group["EndpointGroupRegion"]) == (listener["ListenerArn"], region)
        for group in endpoint_groups.values()
    ):
        raise Refusal(
            "EndpointGroupAlreadyExistsException", f"The listener has an endpoint group in {region} already."
        )
    arn = f"{listener['ListenerArn']}/endpoint-group/{uuid.uuid4().hex[:12]}"
    group = {
        "EndpointGroupArn": arn,
        "EndpointGroupRegion": region,
        "TrafficDialPercentage": 100.0,
        "HealthCheckPort": listener["PortRanges"][0]["FromPort"],
        "HealthCheckProtocol": "TCP",
        "HealthCheckIntervalSeconds": 30,
        "ThresholdCount": 3,
        "PortOverrides": [],
        "_listener": listener["ListenerArn"],
        "_endpoints": _admitted(listener["_accelerator"], request.get("EndpointConfigurations", [])),
    }
    group.update({member: request[member] for member in _GROUP_MEMBERS if member in request})
    if group["HealthCheckProtocol"] != "TCP":
        group.setdefault("HealthCheckPath", "/")
    endpoint_groups[arn] = group
    _touch(listener["_accelerator"])
    return {"EndpointGroup": _shown_group(world, group)}


def _describe_group(world: World, request: Document) -> Document:
    return {"EndpointGroup": _shown_group(world, _group(request))}


def _update_group(world: World, request: Document) -> Document:
    """UpdateEndpointGroup: a given endpoint list replaces the whole list; what isn't given stays."""
    group = _group(request)
    if "EndpointConfigurations" in request:
        group["_endpoints"] = _admitted(_accelerator_of(group), request["EndpointConfigurations"])
    group.update({member: request[member] for member in _GROUP_MEMBERS if member in request})
    _touch(listeners[group["_listener"]]["_accelerator"])
    return {"EndpointGroup": _shown_group(world, group)}


def _delete_group(_world: World, request: Document) -> Document:
    group = _group(request)
    del endpoint_groups[group["EndpointGroupArn"]]
    return {}


def _list_groups(world: World, request: Document) -> Document:
    arn = _listener(request)["ListenerArn"]
    return {
        "EndpointGroups": [
            _shown_group(world, group) for group in endpoint_groups.values() if group["_listener"] == arn
        ]
    }


def _add_endpoints(world: World, request: Document) -> Document:
    group = _group(request)
    added = _admitted(_accelerator_of(group), request.get("EndpointConfigurations", []))
    names = {endpoint["EndpointId"] for endpoint in added}
    group["_endpoints"] = [entry for entry in group["_endpoints"] if entry["EndpointId"] not in names] + added
    shown = _shown_group(world, group)
    return {
        "EndpointGroupArn": group["EndpointGroupArn"],
        "EndpointDescriptions": shown["EndpointDescriptions"],
    }


def _remove_endpoints(_world: World, request: Document) -> Document:
    group = _group(request)
    names = {identifier["EndpointId"] for identifier in request.get("EndpointIdentifiers", [])}
    if missing := names - {endpoint["EndpointId"] for endpoint in group["_endpoints"]}:
        raise Refusal("EndpointNotFoundException", f"The endpoint {min(missing)} is not in the group.")
    group["_endpoints"] = [entry for entry in group["_endpoints"] if entry["EndpointId"] not in names]
    return {}


# ---- endpoints of other accounts ------------------------------------------------------------------


def _accelerator_of(group: Document) -> str:
    return str(listeners[group["_listener"]]["_accelerator"])


def _admitted(accelerator: str, configurations: list[Document]) -> list[Document]:
    """The endpoints, if each is the accelerator's own account's or comes with its owner's attachment."""
    for configuration in configurations:
        if not attachments.is_admitted(accelerator, configuration):
            name = configuration["EndpointId"]
            raise Refusal("AccessDeniedException", f"No attachment given shares {name} with the accelerator.")
    return _endpoints(configurations)


def _attachment(request: Document) -> Document:
    found = attachments.attachments.get(request.get("AttachmentArn", ""))
    if found is None:
        raise Refusal("AttachmentNotFoundException", "The attachment doesn't exist.")
    return found


def _create_attachment(_world: World, request: Document) -> Document:
    return {"CrossAccountAttachment": attachments.create(get_account_id(), request)}


def _describe_attachment(_world: World, request: Document) -> Document:
    return {"CrossAccountAttachment": _attachment(request)}


def _delete_attachment(_world: World, request: Document) -> Document:
    del attachments.attachments[_attachment(request)["AttachmentArn"]]
    return {}


def _list_cross_account_resources(_world: World, request: Document) -> Document:
    wanted = request.get("ResourceOwnerAwsAccountId")
    shared = attachments.shared_with(request.get("AcceleratorArn", "") or f"::::{get_account_id()}:")
    return {
        "CrossAccountResources": [
            {"EndpointId": endpoint, "AttachmentArn": arn}
            for owner, endpoint, arn in shared
            if owner == wanted
        ]
    }


# ---- tags -----------------------------------------------------------------------------------------


def _tagged(request: Document) -> dict[str, str]:
    arn = request.get("ResourceArn")
    if arn not in accelerators:
        raise Refusal("AcceleratorNotFoundException", f"The accelerator {arn} doesn't exist.")
    return tags.setdefault(arn, {})


def _list_tags(_world: World, request: Document) -> Document:
    return {"Tags": [{"Key": key, "Value": value} for key, value in _tagged(request).items()]}


def _tag(_world: World, request: Document) -> Document:
    _tagged(request).update({tag["Key"]: tag["Value"] for tag in request.get("Tags", [])})
    return {}


def _untag(_world: World, request: Document) -> Document:
    known = _tagged(request)
    for key in request.get("TagKeys", []):
        known.pop(key, None)
    return {}


ACTIONS: dict[str, Callable[[World, Document], Document]] = {
    "CreateAccelerator": _create_accelerator,
    "DescribeAccelerator": _describe_accelerator,
    "UpdateAccelerator": _update_accelerator,
    "DeleteAccelerator": _delete_accelerator,
    "ListAccelerators": _list_accelerators,
    "DescribeAcceleratorAttributes": _describe_attributes,
    "UpdateAcceleratorAttributes": _update_attributes,
    "CreateListener": _create_listener,
    "DescribeListener": _describe_listener,
    "UpdateListener": _update_listener,
    "DeleteListener": _delete_listener,
    "ListListeners": _list_listeners,
    "CreateEndpointGroup": _create_group,
    "DescribeEndpointGroup": _describe_group,
    "UpdateEndpointGroup": _update_group,
    "DeleteEndpointGroup": _delete_group,
    "ListEndpointGroups": _list_groups,
    "AddEndpoints": _add_endpoints,
    "RemoveEndpoints": _remove_endpoints,
    "CreateCrossAccountAttachment": _create_attachment,
    "DescribeCrossAccountAttachment": _describe_attachment,
    "DeleteCrossAccountAttachment": _delete_attachment,
    "ListCrossAccountResources": _list_cross_account_resources,
    "ListTagsForResource": _list_tags,
    "TagResource": _tag,
    "UntagResource": _untag,
}
