"""Where does a registry copy its images to? The emulator knows no replication; here it is kept.

Nothing is copied.
"""

from __future__ import annotations

import json
from typing import Any

from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)
from ministack.services import ecr

RULES_MAX = 10

_configurations: Any = AccountRegionScopedDict()
_KEY = "registry"


def install() -> None:
    """Registers the actions with the emulator, which looks its handler up at each request."""
    handle = ecr.handle_request

    async def handle_request(
        method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
    ) -> Any:
        action = headers.get("x-amz-target", "").rpartition(".")[2]
        if action == "PutReplicationConfiguration":
            return _put(json.loads(body or b"{}"))
        if action == "DescribeRegistry":
            return json_response(
                {"registryId": get_account_id(), "replicationConfiguration": _configuration()}
            )
        return await handle(method, path, headers, body, query)

    ecr.handle_request = handle_request


def _configuration() -> dict[str, Any]:
    found: dict[str, Any] = _configurations.get(_KEY) or {"rules": []}
    return found


def _put(request: dict[str, Any]) -> Any:
    configuration = request.get("replicationConfiguration") or {}
    rules = configuration.get("rules")
    if not isinstance(rules, list) or len(rules) > RULES_MAX:
        return _refuse(f"replicationConfiguration.rules: a list of {RULES_MAX} rules at most")
    for rule in rules:
        destinations = rule.get("destinations") or []
        if not destinations:
            return _refuse("replicationConfiguration.rules: each needs a destination")
        for destination in destinations:
            here = (get_region(), get_account_id())
            if (destination.get("region"), destination.get("registryId")) == here:
                return _refuse("a registry can't be replicated to itself")
    _configurations[_KEY] = {"rules": rules}
    return json_response({"replicationConfiguration": {"rules": rules}})


def _refuse(message: str) -> Any:
    return error_response_json("InvalidParameterException", message, 400)
