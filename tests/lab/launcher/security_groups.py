"""When are two security group rules the same? For all protocols (-1) ports mean nothing, as on AWS.

The provider removes a new group's allow-all rule by naming ports 0 to 0; taken literally, nothing would be
removed.
"""

from __future__ import annotations

from typing import Any

from ministack.services import ec2


def install() -> None:
    """Registers the reading of permissions with the emulator."""
    parse = ec2._parse_ip_permissions

    def permissions(params: Any, prefix: str) -> list[dict[str, Any]]:
        rules: list[dict[str, Any]] = parse(params, prefix)
        for rule in rules:
            if rule.get("IpProtocol") == "-1":
                rule.pop("FromPort", None)
                rule.pop("ToPort", None)
        return rules

    ec2._parse_ip_permissions = permissions
