"""What is kept of an interface endpoint: its security groups, and whether it takes the service's own name?"""

from __future__ import annotations

from typing import Any

from ministack.services import ec2

Answer = tuple[int, dict[str, str], bytes]
Endpoint = dict[str, Any]


def install() -> None:
    """Registers the settings with the emulator."""
    create, modify, render = ec2._create_vpc_endpoint, ec2._modify_vpc_endpoint, ec2._vpce_fields_xml
    ec2._ACTION_MAP["CreateVpcEndpoint"] = lambda params: _create(create, params)
    ec2._ACTION_MAP["ModifyVpcEndpoint"] = lambda params: _modify(modify, params)
    ec2._vpce_fields_xml = lambda endpoint, tag="item": _xml(render, endpoint, tag)


def _create(original: Any, params: dict[str, Any]) -> Answer:
    before = set(ec2._vpc_endpoints.keys())
    answer: Answer = original(params)
    for name in set(ec2._vpc_endpoints.keys()) - before:
        endpoint = ec2._vpc_endpoints[name]
        if endpoint["VpcEndpointType"] == "Interface":
            endpoint["_lab_groups"] = ec2._parse_member_list(params, "SecurityGroupId")
            # On AWS it is true unless the request says otherwise.
            endpoint["_lab_private_dns"] = ec2._p(params, "PrivateDnsEnabled", "true")
        rendered = ec2._vpce_fields_xml(endpoint, tag="vpcEndpoint")
        answer = ec2._xml(200, "CreateVpcEndpointResponse", rendered)
    return answer


def _modify(original: Any, params: dict[str, Any]) -> Answer:
    answer: Answer = original(params)
    endpoint = ec2._vpc_endpoints.get(ec2._p(params, "VpcEndpointId"))
    if endpoint is not None and "_lab_groups" in endpoint:
        gone = ec2._parse_member_list(params, "RemoveSecurityGroupId")
        kept = [group for group in endpoint["_lab_groups"] if group not in gone]
        endpoint["_lab_groups"] = kept + ec2._parse_member_list(params, "AddSecurityGroupId")
        private_dns = ec2._p(params, "PrivateDnsEnabled")
        endpoint["_lab_private_dns"] = private_dns or endpoint["_lab_private_dns"]
    return answer


def _xml(render: Any, endpoint: Endpoint, tag: str) -> str:
    xml: str = render(endpoint, tag)
    if "_lab_groups" not in endpoint:
        return xml
    groups = "".join(f"<item><groupId>{group}</groupId></item>" for group in endpoint["_lab_groups"])
    more = (
        f"<groupSet>{groups}</groupSet><privateDnsEnabled>{endpoint['_lab_private_dns']}</privateDnsEnabled>"
    )
    return xml.replace("<ownerId>", f"{more}<ownerId>", 1)
