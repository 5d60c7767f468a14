"""Which settings of an instance does the emulator forget? Backup window, exported logs, key of insights."""

from __future__ import annotations

from typing import Any

from ministack.services import rds

from .query_protocol import structure

Instance = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Registers the settings with the emulator, beyond what `rds` of this package has registered."""
    create, modify, render = rds._create_db_instance, rds._ACTION_MAP["ModifyDBInstance"], rds._instance_xml
    rds._create_db_instance = lambda params: _kept("CreateDBInstance", create, params)
    rds._ACTION_MAP["CreateDBInstance"] = rds._create_db_instance
    rds._ACTION_MAP["ModifyDBInstance"] = lambda params: _kept("ModifyDBInstance", modify, params)
    rds._instance_xml = lambda instance: _xml(render, instance)


def _kept(action: str, original: Any, params: dict[str, Any]) -> Answer:
    """The emulator's answer, with the forgotten settings kept and shown."""
    answer: Answer = original(params)
    instance = rds._resolve_instance(rds._p(params, "DBInstanceIdentifier"))
    if answer[0] != 200 or instance is None:
        return answer
    request = structure(params)
    if window := request.get("PreferredBackupWindow"):
        instance["PreferredBackupWindow"] = window
    if instance.get("PerformanceInsightsEnabled") and request.get("PerformanceInsightsKMSKeyId"):
        instance["PerformanceInsightsKMSKeyId"] = request["PerformanceInsightsKMSKeyId"]
    change = request.get("CloudwatchLogsExportConfiguration") or {}
    logs = set(instance.get("EnabledCloudwatchLogsExports") or [])
    logs |= set(request.get("EnableCloudwatchLogsExports") or []) | set(change.get("EnableLogTypes") or [])
    instance["EnabledCloudwatchLogsExports"] = sorted(logs - set(change.get("DisableLogTypes") or []))
    answer = rds._single_instance_response(f"{action}Response", f"{action}Result", instance)
    return answer


def _xml(render: Any, instance: Instance) -> str:
    xml: str = render(instance)
    if logs := instance.get("EnabledCloudwatchLogsExports"):
        listed = "".join(f"<member>{name}</member>" for name in logs)
        exports = f"<EnabledCloudwatchLogsExports>{listed}</EnabledCloudwatchLogsExports>"
        xml = xml.replace("<EnabledCloudwatchLogsExports/>", exports, 1)
    if key := instance.get("PerformanceInsightsKMSKeyId"):
        xml += f"<PerformanceInsightsKMSKeyId>{key}</PerformanceInsightsKMSKeyId>"
    return xml
