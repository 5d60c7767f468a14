"""How does an Aurora global database fail over? In the time that AWS takes, with the states shown meanwhile.

Beyond the emulator: a failover takes time; an old primary is resynchronised once its region is back; a
secondary's instances write nothing; a cluster names its global database; its lag is a metric, and RDS tells
of it by an event.
"""

from __future__ import annotations

import random
import re
import threading
import time
from typing import Any

from ministack.core.arn import parse_arn
from ministack.core.responses import get_account_id, request_scope
from ministack.services import cloudwatch, rds

from . import service_events
from .heartbeat import Heartbeat
from .settings import GLOBAL_FAILOVER_SECONDS, RESYNCHRONISATION_SECONDS
from .world import World, rfc3339

Cluster = dict[str, Any]
GlobalCluster = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

LAG_INTERVAL_SECONDS = 5.0

_WRITES = re.compile(r"<IsClusterWriter>true</IsClusterWriter>")

_lock = threading.RLock()


def install(world: World, heartbeat: Heartbeat) -> None:
    """Registers the action with the emulator and starts the passing of time."""
    render, fail_over = rds._cluster_xml, rds._ACTION_MAP["FailoverGlobalCluster"]
    rds._cluster_xml = lambda cluster: _cluster_xml(render, cluster)
    rds._ACTION_MAP["FailoverGlobalCluster"] = lambda params: _fail_over(world, fail_over, params)
    heartbeat.every(0.1, lambda: _advance(world))
    heartbeat.every(0.2, lambda: _resynchronise(world))
    heartbeat.every(LAG_INTERVAL_SECONDS, lambda: _put_lag(world))


def _global_clusters() -> list[GlobalCluster]:
    """Those of every account; they belong to no region."""
    return list(rds._global_clusters._data.values())


def _members(found: GlobalCluster) -> list[dict[str, Any]]:
    members: list[dict[str, Any]] = found.get("GlobalClusterMembers", [])
    return members


def _region(arn: str) -> str:
    return parse_arn(arn).region


def _membership(cluster: Cluster) -> tuple[GlobalCluster | None, dict[str, Any] | None]:
    found: tuple[GlobalCluster | None, dict[str, Any] | None] = rds._global_cluster_member_for_cluster(
        cluster
    )
    return found


def _cluster_xml(render: Any, cluster: Cluster) -> str:
    """The emulator's rendering, with the global database, and a writer only where one is."""
    xml: str = render(cluster)
    found, member = _membership(cluster)
    if found is None or member is None:
        return xml
    # An old primary calls its own instance a writer until it is resynchronised.
    if not member.get("IsWriter") and member.get("SynchronizationStatus", "connected") == "connected":
        xml = _WRITES.sub("<IsClusterWriter>false</IsClusterWriter>", xml)
    if "<GlobalClusterIdentifier>" not in xml:
        xml += f"<GlobalClusterIdentifier>{found['GlobalClusterIdentifier']}</GlobalClusterIdentifier>"
    return xml


# ---- failover -------------------------------------------------------------------------------------


def _fail_over(world: World, original: Any, params: dict[str, Any]) -> Answer:
    """FailoverGlobalCluster with AllowDataLoss: accepted at once, done when it is available again."""
    if str(rds._p(params, "AllowDataLoss")).lower() != "true" or "Switchover" in params:
        answer: Answer = original(params)
        return answer
    target = rds._p(params, "TargetDbClusterIdentifier")
    with _lock:
        resolved, refusal = rds._resolve_global_writer_switch(params)
        code = _code(refusal)
        if refusal is None and "_lab_failover" in resolved[0]:
            code = "InvalidGlobalClusterStateFault"
            words = f"Global cluster {resolved[0]['GlobalClusterIdentifier']} is failing over already."
            refusal = rds._error(code, words, 400)
        world.record_promotion(target, code)
        if refusal is not None:
            failed: Answer = refusal
            return failed
        found, cluster, member, writer = resolved
        found["Status"] = "failing-over"
        found["FailoverState"] = {
            "Status": "failing-over",
            "FromDbClusterArn": writer["DBClusterArn"],
            "ToDbClusterArn": member["DBClusterArn"],
            "IsDataLossAllowed": True,
        }
        found["_lab_failover"] = {"started_at": time.time(), "account": get_account_id()}
        world.begin("promotion", member["DBClusterArn"], _region(member["DBClusterArn"]))
        body = f"<FailoverGlobalClusterResult><GlobalCluster>{rds._global_cluster_xml(found)}</GlobalCluster>"
    _event(cluster, "RDS-EVENT-0181", f"Global failover to DB cluster {_name(cluster)} started.")
    done: Answer = rds._xml(200, "FailoverGlobalClusterResponse", body + "</FailoverGlobalClusterResult>")
    return done


def _code(refusal: Answer | None) -> str | None:
    if refusal is None:
        return None
    found = re.search(r"<Code>([^<]+)</Code>", refusal[2].decode())
    return found.group(1) if found else "InternalFailure"


def _advance(world: World) -> None:
    """Ends every failover whose time has come."""
    duration = world.settings.scaled(GLOBAL_FAILOVER_SECONDS)
    for found in _global_clusters():
        failover = found.get("_lab_failover")
        if failover is not None and time.time() - failover["started_at"] >= duration:
            _finish(world, failover["account"], found)


def _finish(world: World, account: str, found: GlobalCluster) -> None:
    with _lock:
        found.pop("_lab_failover", None)
        state = found.pop("FailoverState", {})
        target, old = state["ToDbClusterArn"], state["FromDbClusterArn"]
        for member in _members(found):
            member["IsWriter"] = member["DBClusterArn"] == target
            if member["DBClusterArn"] == old:
                member["SynchronizationStatus"] = "pending-resync"
                member["_lab_pending_since"] = time.time()
        found["Status"] = "available"
        world.finish("promotion", target)
    with request_scope(account, _region(target)):
        cluster = rds._resolve_cluster(target)
        _event(cluster, "RDS-EVENT-0238", f"Global failover to DB cluster {_name(cluster)} completed.")


def _resynchronise(world: World) -> None:
    """Makes an old primary a follower of the new writer, a while after its region is back."""
    duration = world.settings.scaled(RESYNCHRONISATION_SECONDS)
    for found in _global_clusters():
        for member in _members(found):
            since = member.get("_lab_pending_since")
            region = _region(member["DBClusterArn"])
            if since is None or world.is_lost(region):
                continue
            began = max(since, world.returned_at.get(region, 0.0))
            if time.time() - began >= duration:
                member.pop("_lab_pending_since", None)
                member["SynchronizationStatus"] = "connected"


# ---- what it shows of itself ----------------------------------------------------------------------


def _put_lag(world: World) -> None:
    """AuroraGlobalDBReplicationLag of each follower, in its own region, while its writer's region lives."""
    for found in _global_clusters():
        writer = next((member for member in _members(found) if member.get("IsWriter")), None)
        if writer is None or "_lab_failover" in found or world.is_lost(_region(writer["DBClusterArn"])):
            continue
        for member in _members(found):
            if member is writer or member.get("SynchronizationStatus", "connected") != "connected":
                continue
            arn = parse_arn(member["DBClusterArn"])
            dimensions = {
                "DBClusterIdentifier": arn.resource.partition(":")[2],
                "SourceRegion": _region(writer["DBClusterArn"]),
            }
            with request_scope(arn.account_id, arn.region):
                cloudwatch.record_metric(
                    "AWS/RDS",
                    "AuroraGlobalDBReplicationLag",
                    round(random.uniform(200.0, 900.0), 1),
                    "Milliseconds",
                    dimensions,
                )


def _name(cluster: Cluster) -> str:
    return f"{cluster['DBClusterIdentifier']} in Region {_region(cluster['DBClusterArn'])}"


def _event(cluster: Cluster, event_id: str, message: str) -> None:
    """Sends an "RDS DB Cluster Event" (ids and messages: Aurora user guide, event categories)."""
    arn = parse_arn(cluster["DBClusterArn"])
    with request_scope(arn.account_id, arn.region):
        service_events.publish(
            arn.account_id,
            arn.region,
            "aws.rds",
            "RDS DB Cluster Event",
            [str(arn)],
            {
                "EventCategories": ["global-failover"],
                "SourceType": "CLUSTER",
                "SourceArn": str(arn),
                "Date": rfc3339(time.time()),
                "Message": message,
                "SourceIdentifier": cluster["DBClusterIdentifier"],
                "EventID": event_id,
            },
        )
