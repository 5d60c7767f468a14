"""What do the snapshots of a real database hold? Its data as of the call, which a restore brings back."""

from __future__ import annotations

import logging
import shutil
import uuid
from pathlib import Path
from typing import Any

from ministack.core.responses import get_account_id, get_region
from ministack.services import rds as emulated

from . import database_parameters, snapshots
from .databases import Database, Databases
from .postgres import ServerError

logger = logging.getLogger("lab.databases")

Answer = tuple[int, dict[str, str], bytes]
Snapshot = dict[str, Any]

DATA = "_lab_data"
"""In a snapshot: the folder of its data. Copies of it have the same, because nothing changes it."""

COPYING = "_lab_copying"
"""In a snapshot: that its data are being copied. It isn't available before."""


def install(databases: Databases | None) -> None:
    """Puts data into the snapshots of real databases."""
    if databases is None:
        return
    actions = emulated._ACTION_MAP
    for action, around in {
        "CreateDBSnapshot": _create,
        "CopyDBSnapshot": _copy,
        "DeleteDBSnapshot": _delete,
        "DeleteDBInstance": _delete_instance,
        "RestoreDBInstanceFromDBSnapshot": _restore,
    }.items():
        original = actions[action]
        actions[action] = lambda params, act=around, original=original: act(databases, original, params)


def _named(params: dict[str, Any], member: str) -> Snapshot | None:
    return snapshots._resolve(emulated._p(params, member))


def _create(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    """CreateDBSnapshot: what is committed after the answer isn't in it."""
    instance = emulated._resolve_instance(emulated._p(params, "DBInstanceIdentifier"))
    database = databases.of(instance)
    answer: Answer = original(params)
    if answer[0] == 200 and database is not None:
        _fill(databases, database, instance, emulated._snapshots[emulated._p(params, "DBSnapshotIdentifier")])
    return answer


def _fill(databases: Databases, database: Database, instance: Any, snapshot: Snapshot) -> None:
    snapshot[COPYING] = True
    folder = databases.machine.home / "snapshots" / uuid.uuid4().hex
    server = database.server
    try:
        database.worker.do(lambda: server.back_up(("127.0.0.1", server.port), folder)).result()
        snapshot.update({DATA: str(folder), "_MasterUserPassword": instance["_MasterUserPassword"]})
    except (ServerError, OSError):
        snapshots.fail(database.region, snapshot["DBSnapshotIdentifier"])
    finally:
        snapshot.pop(COPYING)


def _copy(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    source = _named(params, "SourceDBSnapshotIdentifier")
    answer: Answer = original(params)
    if answer[0] == 200 and source is not None and DATA in source:
        emulated._snapshots[emulated._p(params, "TargetDBSnapshotIdentifier")][DATA] = source[DATA]
    return answer


def _delete(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    snapshot = emulated._snapshots.get(emulated._p(params, "DBSnapshotIdentifier"))
    answer: Answer = original(params)
    if answer[0] == 200 and snapshot is not None and DATA in snapshot:
        still_used = any(other.get(DATA) == snapshot[DATA] for _account, _region, other in snapshots._all())
        if not still_used:
            shutil.rmtree(snapshot[DATA], ignore_errors=True)
    return answer


def _delete_instance(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    """DeleteDBInstance: a final snapshot is taken of the server before it ends."""
    instance = emulated._resolve_instance(emulated._p(params, "DBInstanceIdentifier"))
    database = databases.of(instance)
    final = emulated._p(params, "FinalDBSnapshotIdentifier")
    is_taken = final and emulated._p(params, "SkipFinalSnapshot") != "true"
    if database is None or not is_taken or instance.get("DeletionProtection"):
        answer: Answer = original(params)
        return answer
    taken: Snapshot = {"DBSnapshotIdentifier": final}
    _fill(databases, database, instance, taken)
    answer = original(params)
    snapshot = emulated._snapshots.get(final)
    if answer[0] == 200 and snapshot is not None:
        snapshot.update(taken)
    return answer


def _restore(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    """RestoreDBInstanceFromDBSnapshot: a server of its own with the rows of the snapshot's moment."""
    snapshot = _named(params, "DBSnapshotIdentifier")
    if snapshot is None or DATA not in snapshot:
        answer: Answer = original(params)
        return answer
    if snapshot["Status"] != "available":
        message = f"Snapshot {snapshot['DBSnapshotIdentifier']} is in {snapshot['Status']} state."
        return emulated._error("InvalidDBSnapshotState", message, 400)
    name = snapshot["DBSnapshotIdentifier"]
    answer = original({**params, "DBSnapshotIdentifier": [name]})
    instance = emulated._instances.get(emulated._p(params, "DBInstanceIdentifier"))
    if answer[0] != 200 or instance is None:
        return answer
    groups = emulated._parse_member_list(params, "VpcSecurityGroupIds")
    instance["VpcSecurityGroups"] = [{"VpcSecurityGroupId": group, "Status": "active"} for group in groups]
    instance["_MasterUserPassword"] = snapshot["_MasterUserPassword"]
    # Settings of the restore's own: a snapshot has none of them.
    takes_tokens = emulated._p(params, "EnableIAMDatabaseAuthentication") == "true"
    instance["IAMDatabaseAuthenticationEnabled"] = takes_tokens
    if group := emulated._p(params, "DBParameterGroupName"):
        instance["DBParameterGroups"] = [{"DBParameterGroupName": group}]
    database_parameters.take_group(instance)
    database = databases.add(instance)
    database.server.forces_tls = database_parameters.forces_tls(instance)
    try:
        database.worker.do(lambda: database.server.restore(Path(snapshot[DATA]))).result()
        instance["Endpoint"]["Port"] = int(emulated._p(params, "Port") or snapshot.get("Port") or 5432)
        databases.show_endpoint(instance)
    except (ServerError, OSError) as problem:
        logger.exception("the restore of %s failed", name)
        databases.remove(database)
        emulated._instances.pop(instance["DBInstanceIdentifier"], None)
        return emulated._error("InternalFailure", f"{get_account_id()}/{get_region()}: {problem}", 500)
    return emulated._single_instance_response(
        "RestoreDBInstanceFromDBSnapshotResponse", "RestoreDBInstanceFromDBSnapshotResult", instance
    )
