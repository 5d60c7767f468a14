"""Which parameters of its group does a real database follow? `rds.force_ssl`; the rest is only kept and shown."""

from __future__ import annotations

from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import rds as emulated

Instance = dict[str, Any]

GROUP = "_lab_parameter_group"
"""In an instance: the group whose values it runs with. Another one counts from the next reboot on."""


def take_group(instance: Instance) -> None:
    """The server starts with the parameters of the group that the instance has now."""
    groups = instance.get("DBParameterGroups") or [{}]
    groups[0]["ParameterApplyStatus"] = "in-sync"
    instance[GROUP] = groups[0].get("DBParameterGroupName", "")


def forces_tls(instance: Instance) -> bool:
    """Whether nobody logs in without TLS. A default group doesn't ask for it here; on RDS it does since
    version 15."""
    arn = parse_arn(instance["DBInstanceArn"])
    group = emulated._param_groups.get_scoped(arn.account_id, arn.region, instance.get(GROUP, "")) or {}
    parameter = group.get("Parameters", {}).get("rds.force_ssl", {})
    return str(parameter.get("ParameterValue")) in ("1", "on", "true")
