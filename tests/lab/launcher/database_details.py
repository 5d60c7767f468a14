"""Which settings does the emulator forget? Backup window, logs, key of insights, cluster names."""

from __future__ import annotations

from typing import Any

from ministack.services import rds

from .query_protocol import structure

Database = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]


def install() -> None:
    """Registers the settings with the emulator, beyond what `rds` of this package has registered."""
    create, modify, render = rds._create_db_instance, rds._ACTION_MAP["ModifyDBInstance"], rds._instance_xml
    rds._create_db_instance = lambda params: _kept("CreateDBInstance", create, params)
    rds._ACTION_MAP["CreateDBInstance"] = rds._create_db_instance
    rds._ACTION_MAP["ModifyDBInstance"] = lambda params: _kept("ModifyDBInstance", modify, params)
    rds._instance_xml = lambda instance: _xml(render, instance)

    render_cluster = rds._cluster_xml
    for action in ("CreateDBCluster", "ModifyDBCluster"):
        rds._ACTION_MAP[action] = _keeping_of_cluster(action, rds._ACTION_MAP[action])
    rds._cluster_xml = lambda cluster: _cluster_xml(render_cluster, cluster)
    # With its first instance a cluster would answer at an address of this machine. On AWS it keeps its names.
    rds._sync_cluster_endpoints = lambda _cluster: None


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
    _keep_exports(instance, request)
    return rds._single_instance_response(f"{action}Response", f"{action}Result", instance)


def _keeping_of_cluster(action: str, original: Any) -> Any:
    """The action on a cluster, with the exported logs kept and shown."""

    def kept(params: dict[str, Any]) -> Answer:
        answer: Answer = original(params)
        cluster = rds._resolve_cluster_in_request_region(rds._p(params, "DBClusterIdentifier"))
        if answer[0] != 200 or cluster is None:
            return answer
        _keep_exports(cluster, structure(params))
        shown = f"<{action}Result><DBCluster>{rds._cluster_xml(cluster)}</DBCluster></{action}Result>"
        return rds._xml(200, f"{action}Response", shown)

    return kept


def _keep_exports(database: Database, request: dict[str, Any]) -> None:
    """Which logs go to CloudWatch Logs: named at first, changed by name later."""
    change = request.get("CloudwatchLogsExportConfiguration") or {}
    logs = set(database.get("EnabledCloudwatchLogsExports") or [])
    logs |= set(request.get("EnableCloudwatchLogsExports") or []) | set(change.get("EnableLogTypes") or [])
    database["EnabledCloudwatchLogsExports"] = sorted(logs - set(change.get("DisableLogTypes") or []))


def _exports_xml(database: Database) -> str:
    listed = "".join(
        f"<member>{name}</member>" for name in database.get("EnabledCloudwatchLogsExports") or []
    )
    return f"<EnabledCloudwatchLogsExports>{listed}</EnabledCloudwatchLogsExports>" if listed else ""


def _xml(render: Any, instance: Database) -> str:
    xml: str = render(instance)
    if exports := _exports_xml(instance):
        xml = xml.replace("<EnabledCloudwatchLogsExports/>", exports, 1)
    if key := instance.get("PerformanceInsightsKMSKeyId"):
        xml += f"<PerformanceInsightsKMSKeyId>{key}</PerformanceInsightsKMSKeyId>"
    return xml


def _cluster_xml(render: Any, cluster: Database) -> str:
    return f"{render(cluster)}{_exports_xml(cluster)}"
