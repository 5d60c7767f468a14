"""What becomes of a real server with each call of RDS's API, and as time passes?

Off unless LAB_POSTGRES names the programs. What RDS shows, refuses and takes its time for stays as `rds` and
`snapshots` have it; here the servers follow.
"""

from __future__ import annotations

import logging
import re
import signal
import time
from collections.abc import Callable
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import rds as emulated
from pg8000.native import identifier, literal

from . import database_parameters, rds
from .databases import Database, Databases
from .heartbeat import Heartbeat
from .postgres import ServerError
from .world import World

logger = logging.getLogger("lab.databases")

Instance = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

RECEIVER, AT_WORK = "_lab_receiver", "_lab_server_at_work"
"""What `rds` looks at: what a replica's server says of its source, and that a promotion isn't done yet."""


def install(world: World, heartbeat: Heartbeat) -> Databases | None:
    """Puts servers behind the calls of RDS; None, and nothing changes, when no programs are named."""
    if world.settings.databases is None:
        return None
    databases = Databases(world, world.settings.databases)
    for action, after in {
        "CreateDBInstance": _created,
        "CreateDBInstanceReadReplica": _replicated,
    }.items():
        emulated._ACTION_MAP[action] = _followed(databases, action, emulated._ACTION_MAP[action], after)
    for action, around in {
        "DeleteDBInstance": _delete,
        "ModifyDBInstance": _modify,
        "PromoteReadReplica": _promote,
        "RebootDBInstance": _reboot,
        "StartDBInstance": _start,
        "StopDBInstance": _stop,
    }.items():
        emulated._ACTION_MAP[action] = _around(databases, emulated._ACTION_MAP[action], around)
    heartbeat.every(0.1, databases.apply_states)
    heartbeat.every(0.1, databases.apply_parameters)
    heartbeat.every(0.1, lambda: _watch(databases))
    world.on_loss.append(lambda region, killed: databases.lose(region, killed=killed))
    world.on_return.append(databases.bring_back)
    return databases


def _around(databases: Databases, original: Any, around: Callable[..., Answer]) -> Any:
    return lambda params: around(databases, original, params)


def _followed(
    databases: Databases, action: str, original: Any, after: Callable[[Databases, Instance], None]
) -> Any:
    """The action, and when it is accepted what the server does then; the answer shows the instance after
    that."""

    def act(params: dict[str, Any]) -> Answer:
        answer: Answer = original(params)
        instance = emulated._instances.get(emulated._p(params, "DBInstanceIdentifier").rpartition(":")[2])
        if answer[0] != 200 or instance is None:
            return answer
        try:
            after(databases, instance)
        except (ServerError, OSError) as problem:
            logger.exception("%s of %s failed", action, instance["DBInstanceIdentifier"])
            _discard(databases, instance)
            return emulated._error("InternalFailure", str(problem), 500)
        return emulated._single_instance_response(f"{action}Response", f"{action}Result", instance)

    return act


def _discard(databases: Databases, instance: Instance) -> None:
    """Forgets an instance whose server did not come to be."""
    rds._forget_replica(get_account_id(), get_region(), instance)
    emulated._instances.pop(instance["DBInstanceIdentifier"], None)
    if database := databases.of(instance):
        databases.remove(database)


def _created(databases: Databases, instance: Instance) -> None:
    if not databases.is_wanted(instance):
        return
    database = databases.add(instance)
    database_parameters.take_group(instance)
    database.server.forces_tls = database_parameters.forces_tls(instance)
    user, password = instance["MasterUsername"], instance["_MasterUserPassword"]
    database.worker.do(lambda: database.server.create(user, password, instance["DBName"])).result()
    databases.show_endpoint(instance)


def _replicated(databases: Databases, instance: Instance) -> None:
    """CreateDBInstanceReadReplica: a base backup over the way that replication takes from then on."""
    source = databases.source_of(instance, get_account_id(), get_region())
    if source is None or not databases.is_wanted(instance):
        return
    source_instance = databases.instance_of(source) or {}
    for member in ("MasterUsername", "_MasterUserPassword", "DBName"):
        instance[member] = source_instance[member]
    replica = databases.add(instance)
    database_parameters.take_group(instance)
    replica.server.forces_tls = database_parameters.forces_tls(instance)
    address = databases.replication_address(replica, source)
    replica.worker.do(lambda: replica.server.clone(address, replica.slot)).result()
    if not rds.source_of(source_instance, source.region):
        # Whatever the replica replays first gives it a lag.
        source.worker.do(source.worker.write)
    instance[RECEIVER] = "streaming"
    databases.show_endpoint(instance)


# ---- promotion ----


def _promote(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    """PromoteReadReplica: promoted at once, rebooted when its status says so, and not done before both
    are."""
    instance = emulated._resolve_instance(emulated._p(params, "DBInstanceIdentifier"))
    database = databases.of(instance)
    if database is None or AT_WORK in instance:
        answer: Answer = original(params)
        return answer
    instance[AT_WORK] = True
    database.has_rebooted = False
    answer = original(params)
    if answer[0] != 200:
        instance.pop(AT_WORK)
        return answer

    def promote() -> None:
        database.server.promote()
        database.server.configure()
        databases.drop_way(database.replication_way)

    database.worker.do(promote)
    return answer


def _watch(databases: Databases) -> None:
    """Reboots what is being promoted, and shows what the servers say of their replication."""
    for _account, _region, instance in rds.instances():
        database = databases.of(instance)
        if database is None:
            continue
        if AT_WORK in instance and instance["DBInstanceStatus"] == "rebooting" and not database.has_rebooted:
            database.has_rebooted = True
            _afterwards(database, instance, database.server.restart)
        if instance.get(rds.SOURCE) and AT_WORK not in instance:
            waited = time.monotonic() - database.worker.contact_at
            is_broken = waited > databases.machine.receiver_seconds and not database.server.is_off
            instance[RECEIVER] = "silent" if is_broken else "streaming"
        else:
            instance.pop(RECEIVER, None)


def _afterwards(database: Database, instance: Instance, job: Callable[[], None]) -> None:
    """Does a job, after which the server is no longer at work."""

    def work() -> None:
        try:
            job()
        finally:
            instance.pop(AT_WORK, None)

    database.worker.do(work)


# ---- deletion, changes, power ----


def _delete(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    instance = emulated._resolve_instance(emulated._p(params, "DBInstanceIdentifier"))
    database = databases.of(instance)
    answer: Answer = original(params)
    if answer[0] == 200 and database is not None:
        databases.remove(database)
        databases.retarget(get_account_id(), get_region(), instance["DBInstanceIdentifier"])
    return answer


def _modify(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    """ModifyDBInstance: security groups count at once, a password too; a new name reboots."""
    instance = emulated._resolve_instance(emulated._p(params, "DBInstanceIdentifier"))
    database = databases.of(instance)
    if database is None:
        answer: Answer = original(params)
        return answer
    name = emulated._p(params, "NewDBInstanceIdentifier").lower()
    if name and (refusal := _refuse_name(instance, name)):
        return refusal
    answer = original(params)
    if answer[0] != 200:
        return answer
    if password := emulated._p(params, "MasterUserPassword"):
        database.worker.do(lambda: _set_password(database, instance["MasterUsername"], password)).result()
    databases.apply_states()
    if name and name != instance["DBInstanceIdentifier"]:
        _rename(databases, database, instance, name)
        answer = emulated._single_instance_response(
            "ModifyDBInstanceResponse", "ModifyDBInstanceResult", instance
        )
    return answer


def _set_password(database: Database, user: str, password: str) -> None:
    with database.server.connect() as admin:
        admin.run(f"ALTER ROLE {identifier(user)} PASSWORD {literal(password)}")


def _refuse_name(instance: Instance, name: str) -> Answer | None:
    if not re.fullmatch(r"[a-z](-?[a-z0-9]){0,62}", name):
        return emulated._error("InvalidParameterValue", f"{name} is no identifier of a DB instance.", 400)
    if name in emulated._instances and name != instance["DBInstanceIdentifier"]:
        return emulated._error("DBInstanceAlreadyExists", f"DB instance {name} already exists.", 400)
    if instance["DBInstanceStatus"] != "available":
        message = f"DB instance is in {instance['DBInstanceStatus']} state."
        return emulated._error("InvalidDBInstanceState", message, 400)
    return None


def _rename(databases: Databases, database: Database, instance: Instance, name: str) -> None:
    """A new name, and with it a new endpoint, after a reboot; the data and the resource id stay."""
    instance["DBInstanceStatus"] = "renaming"

    def rename() -> None:
        old_name = instance["DBInstanceIdentifier"]
        with request_scope(database.account, database.region), rds._lock:
            _take_name(instance, name)
        databases.retarget(database.account, database.region, old_name)
        database.server.restart()
        with request_scope(database.account, database.region):
            databases.show_endpoint(instance)
        databases.retarget(database.account, database.region, name)
        instance["DBInstanceStatus"] = "available"

    database.worker.do(rename)


def _take_name(instance: Instance, name: str) -> None:
    """Gives the emulator's record its new name, wherever the old one stands."""
    old_name, old_arn = instance["DBInstanceIdentifier"], instance["DBInstanceArn"]
    arn = f"{old_arn.rpartition(':')[0]}:{name}"
    emulated._instances.pop(old_name)
    instance.update(DBInstanceIdentifier=name, DBInstanceArn=arn)
    emulated._instances[name] = instance
    if (tags := emulated._tags.pop(old_arn, None)) is not None:
        emulated._tags[arn] = tags
    new = {old_name: name, old_arn: arn}
    for _account, region, other in rds.instances():
        source = other.get(rds.SOURCE)
        if source == old_arn or (source == old_name and region == get_region()):
            other[rds.SOURCE] = new[source]
        if region == get_region():
            other[rds.REPLICAS] = [new.get(entry, entry) for entry in other.get(rds.REPLICAS, [])]
        else:
            other[rds.REPLICAS] = [
                arn if entry == old_arn else entry for entry in other.get(rds.REPLICAS, [])
            ]


def _reboot(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    """RebootDBInstance: it ends every session, and is available when the server answers again."""
    instance = emulated._resolve_instance(emulated._p(params, "DBInstanceIdentifier"))
    database = databases.of(instance)
    if database is None or instance["DBInstanceStatus"] != "available":
        answer: Answer = original(params)
        return answer
    instance["DBInstanceStatus"] = "rebooting"
    database_parameters.take_group(instance)
    answer = emulated._single_instance_response(
        "RebootDBInstanceResponse", "RebootDBInstanceResult", instance
    )

    def reboot() -> None:
        database.server.forces_tls = database_parameters.forces_tls(instance)
        database.server.restart()
        with request_scope(database.account, database.region):
            emulated._record_reboot_event(instance)
        if instance["DBInstanceStatus"] == "rebooting":
            instance["DBInstanceStatus"] = "available"

    database.worker.do(reboot)
    return answer


def _start(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    """StartDBInstance: available once the server answers."""
    instance = emulated._resolve_instance(emulated._p(params, "DBInstanceIdentifier"))
    database = databases.of(instance)
    answer: Answer = original(params)
    if answer[0] != 200 or database is None:
        return answer
    instance["DBInstanceStatus"] = "starting"
    database_parameters.take_group(instance)
    database.worker.do(database.server.start).result()
    instance["DBInstanceStatus"] = "available"
    return answer


def _stop(databases: Databases, original: Any, params: dict[str, Any]) -> Answer:
    database = databases.of(emulated._resolve_instance(emulated._p(params, "DBInstanceIdentifier")))
    answer: Answer = original(params)
    if answer[0] == 200 and database is not None:
        database.worker.do(lambda: database.server.stop(signal.SIGINT)).result()
    return answer
