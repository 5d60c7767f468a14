"""What is kept of a Kubernetes node group: its launch template, how it is updated, its release?"""

from __future__ import annotations

import json
import re
from typing import Any

from ministack.core.responses import new_uuid
from ministack.services import ec2, eks

Group = dict[str, Any]

# The pattern of AWS's releases: version of Kubernetes, and the day.
RELEASE_DAY = "20260101"

_UPDATE = re.compile(r"^/clusters/[A-Za-z0-9_-]+/updates/([A-Za-z0-9-]+)$")
_GROUP = re.compile(r"^/clusters/([A-Za-z0-9_-]+)/node-groups/([A-Za-z0-9_-]+)/update-config$")


def install() -> None:
    """Registers what a creation keeps, and the change of sizes, with the emulator."""
    create, handle = eks._create_nodegroup, eks._handle_request_sync

    def handle_request(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
        found = _GROUP.match(path)
        if found and method == "POST":
            return _update(f"{found[1]}/{found[2]}", json.loads(body or b"{}"))
        found = _UPDATE.match(path)
        if found and method == "GET":
            return _shown(found[1])
        return handle(method, path, headers, body, query)

    eks._create_nodegroup = lambda cluster, body: _create(create, cluster, body)
    eks._handle_request_sync = handle_request


def _create(original: Any, cluster: str, body: dict[str, Any]) -> Any:
    name = f"{cluster}/{body.get('nodegroupName', '')}"
    is_new = name not in eks._nodegroups
    answer = original(cluster, body)
    group = eks._nodegroups.get(name)
    if not is_new or group is None:
        return answer
    group["updateConfig"] = body.get("updateConfig") or {"maxUnavailable": 1}
    group["releaseVersion"] = group["releaseVersion"] or f"{group['version']}.0-{RELEASE_DAY}"
    if template := body.get("launchTemplate"):
        group["launchTemplate"] = _template(template)
        # With a template the disk is the template's, and AWS says nothing of it.
        group.pop("diskSize", None)
    if not group.get("labels"):
        group.pop("labels", None)
    return eks._json_resp(200, {"nodegroup": group})


def _template(wanted: dict[str, Any]) -> dict[str, Any]:
    """A launch template by id and name, as AWS shows it, whichever of the two was given."""
    for template in ec2._launch_templates.values():
        if (
            wanted.get("id") == template["LaunchTemplateId"]
            or wanted.get("name") == template["LaunchTemplateName"]
        ):
            names = {"id": template["LaunchTemplateId"], "name": template["LaunchTemplateName"]}
            return {
                **names,
                "version": str(wanted.get("version") or template.get("DefaultVersionNumber") or 1),
            }
    return dict(wanted)


def _update(name: str, body: dict[str, Any]) -> Any:
    """UpdateNodegroupConfig."""
    group: Group | None = eks._nodegroups.get(name)
    if group is None:
        return eks._error(404, "ResourceNotFoundException", f"No node group found for name: {name}.")
    for member in ("scalingConfig", "updateConfig"):
        if body.get(member):
            group[member] = {**group.get(member, {}), **body[member]}
    return _shown(new_uuid())


def _shown(update: str) -> Any:
    """An update; each is over at once."""
    done = {"id": update, "status": "Successful", "type": "ConfigUpdate", "params": [], "errors": []}
    return eks._json_resp(200, {"update": done})
