"""What does RDS do beyond the emulator: replicas in another region, their promotion, and its events?"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from ministack.core.arn import ArnParseError, parse_arn
from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import rds

from . import service_events
from .heartbeat import Heartbeat
from .settings import FIRST_BACKUP_SECONDS, PROMOTION_SECONDS, REPLICATION_BREAK_SECONDS
from .world import World, rfc3339

Instance = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]

SOURCE = "ReadReplicaSourceDBInstanceIdentifier"
REPLICAS = "ReadReplicaDBInstanceIdentifiers"

REBOOT_AT = 0.6
"""The share of a promotion after which the instance reboots."""

# Members that AWS leaves out when they have no value; the emulator writes them empty, which reads as "".
_ABSENT_WHEN_EMPTY = re.compile(
    r"<(ReadReplicaSourceDBInstanceIdentifier|ReplicaMode|DBClusterIdentifier|KmsKeyId"
    r"|EnhancedMonitoringResourceArn|MonitoringRoleArn)></\1>"
)

# RDS handlers run on worker threads, the heartbeat on the event loop.
_lock = threading.RLock()


def install(world: World, heartbeat: Heartbeat) -> None:
    """Registers the actions with the emulator and starts the passing of time."""
    render, delete, modify = rds._instance_xml, rds._delete_db_instance, rds._modify_db_instance
    filter_instances = rds._apply_instance_filters

    rds._instance_xml = lambda instance: _instance_xml(render, instance)
    rds._apply_instance_filters = lambda instances, filters: _filter(filter_instances, instances, filters)
    rds._ACTION_MAP["CreateDBInstanceReadReplica"] = _create_read_replica
    rds._ACTION_MAP["PromoteReadReplica"] = lambda params: _promote(world, params)
    rds._ACTION_MAP["DeleteDBInstance"] = lambda params: _delete(delete, params)
    rds._ACTION_MAP["ModifyDBInstance"] = lambda params: _modify(modify, params)
    heartbeat.every(0.1, lambda: _advance_promotions(world))
    heartbeat.every(0.2, lambda: _watch_replication(world))


def instances() -> Iterator[tuple[str, str, Instance]]:
    """Every instance with the account and region it lives in."""
    for (account, region, _name), instance in list(rds._instances.all_items()):
        yield account, region, instance


def source_of(instance: Instance, region: str) -> tuple[str, str] | None:
    """Region and name of the source of a replica; None for an instance that is no replica."""
    name = instance.get(SOURCE)
    if not name:
        return None
    try:
        arn = parse_arn(name)
    except ArnParseError:
        return region, name
    return arn.region, arn.resource.partition(":")[2]


def is_replicating(instance: Instance) -> bool:
    """Whether the replica still follows its source."""
    return bool(instance.get(SOURCE)) and "_lab_broken" not in instance and "_lab_promotion" not in instance


@dataclass(frozen=True)
class Disturbance:
    """What the control API can do to an instance; what is not given stays as it is."""

    status: str | None = None
    """A state such as `backing-up`."""
    replication: str | None = None
    """Whether a replica follows its source: `error`, or `replicating`."""
    lag_seconds: float | str | None = None
    """How far a replica is behind, until it is `measured` again."""

    snapshots: str | None = None
    """Whether snapshots of it come to be: `failing`, or `working`."""

    replication_bytes_per_second: float | str | None = None
    """How much the replication of a real replica carries, until it is `unlimited` again."""

    FIELDS: ClassVar[dict[str, tuple[type, ...]]] = {
        "status": (str,),
        "replication": (str,),
        "lag_seconds": (int, float, str),
        "snapshots": (str,),
        "replication_bytes_per_second": (int, float, str),
    }

    def problem(self) -> str | None:
        """What can't be done, if anything."""
        if self.replication not in (None, "error", "replicating"):
            return "replication must be error or replicating"
        if self.snapshots not in (None, "failing", "working"):
            return "snapshots must be failing or working"
        if isinstance(self.lag_seconds, str) and self.lag_seconds != "measured":
            return "lag_seconds must be a number or measured"
        rate = self.replication_bytes_per_second
        if rate is not None and rate != "unlimited" and (isinstance(rate, str) or rate <= 0):
            return "replication_bytes_per_second must be a number above 0, or unlimited"
        return None


def disturb(region: str, name: str, disturbance: Disturbance) -> bool:
    """Disturbs an instance, or mends it; False when there is no such instance."""
    for _account, instance_region, instance in instances():
        if (instance_region, instance["DBInstanceIdentifier"]) == (region, name):
            _apply(instance, disturbance)
            return True
    return False


def _apply(instance: Instance, disturbance: Disturbance) -> None:
    with _lock:
        if disturbance.status is not None:
            instance["DBInstanceStatus"] = disturbance.status
        if disturbance.replication == "error":
            instance["_lab_cut"] = True
        elif disturbance.replication is not None:
            instance.pop("_lab_cut", None)
        if disturbance.snapshots is not None:
            instance["_lab_snapshots_fail"] = disturbance.snapshots == "failing"
        if isinstance(disturbance.replication_bytes_per_second, str):
            instance.pop("_lab_bytes_per_second", None)
        elif disturbance.replication_bytes_per_second is not None:
            instance["_lab_bytes_per_second"] = float(disturbance.replication_bytes_per_second)
        if isinstance(disturbance.lag_seconds, str):
            instance.pop("_lab_lag_seconds", None)
        elif disturbance.lag_seconds is not None:
            instance["_lab_lag_seconds"] = disturbance.lag_seconds


def _instance_xml(render: Any, instance: Instance) -> str:
    """The emulator's rendering, with StatusInfos and without empty members."""
    xml = _ABSENT_WHEN_EMPTY.sub("", render(instance))
    if not instance.get(SOURCE):
        return xml
    status, normal, message = "replicating", "true", ""
    if broken := instance.get("_lab_broken"):
        status, normal = broken, "false"
        message = f"<Message>The source of {instance['DBInstanceIdentifier']} can't be reached.</Message>"
    info = (
        "<StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType>"
        f"<Normal>{normal}</Normal><Status>{status}</Status>{message}</DBInstanceStatusInfo></StatusInfos>"
    )
    return xml.replace("<StatusInfos/>", info, 1)


def _filter(original: Any, found: list[Instance], filters: dict[str, list[str]]) -> list[Instance]:
    """The emulator's filters, plus dbi-resource-id and ARNs for db-instance-id."""
    names = filters.get("db-instance-id")
    if names is not None:
        filters = {
            **filters,
            "db-instance-id": [n.rpartition(":")[2] if n.startswith("arn:") else n for n in names],
        }
    ids = filters.get("dbi-resource-id")
    if ids is not None:
        found = [instance for instance in found if instance.get("DbiResourceId") in ids]
    return original(found, filters)


def _find(params: dict[str, Any]) -> tuple[Instance | None, Answer | None]:
    name = rds._p(params, "DBInstanceIdentifier")
    instance = rds._resolve_instance(name)
    if instance is None:
        return None, rds._error("DBInstanceNotFound", f"DBInstance {name} not found.", 404)
    return instance, None


# ---- creation -------------------------------------------------------------------------------------

_COPIED_FROM_SOURCE = (
    "Engine",
    "EngineVersion",
    "DBInstanceClass",
    "MasterUsername",
    "AllocatedStorage",
    "StorageType",
    "DBName",
)


def _create_read_replica(params: dict[str, Any]) -> Answer:
    """CreateDBInstanceReadReplica, from a source of this region (by name) or of another (by ARN)."""
    wanted = rds._p(params, "SourceDBInstanceIdentifier")
    source = rds._regional_get(rds._instances, wanted, "db")
    if source is None:
        return rds._error("DBInstanceNotFound", f"DBInstance {wanted} not found.", 404)
    source_region = parse_arn(source["DBInstanceArn"]).region
    foreign = source_region != get_region()
    if refusal := _refuse_replica_of(source, foreign, params):
        return refusal

    request = {key: value for key, value in params.items() if key != "SourceDBInstanceIdentifier"}
    for key in _COPIED_FROM_SOURCE:
        if not rds._p(request, key) and source.get(key):
            request[key] = [str(source[key])]
    request.setdefault("Port", [str(source["Endpoint"]["Port"])])
    request["BackupRetentionPeriod"] = ["0"]  # a replica has no automated backups until it is given some
    status, headers, body = rds._create_db_instance(request)
    if status != 200:
        return status, headers, body

    replica = rds._instances[rds._p(params, "DBInstanceIdentifier")]
    with _lock:
        replica[SOURCE] = source["DBInstanceArn"] if foreign else source["DBInstanceIdentifier"]
        replica["StorageEncrypted"] = source.get("StorageEncrypted", False)
        if not foreign:
            replica["KmsKeyId"] = source.get("KmsKeyId", "")
            replica["VpcSecurityGroups"] = replica["VpcSecurityGroups"] or list(source["VpcSecurityGroups"])
        source.setdefault(REPLICAS, []).append(
            replica["DBInstanceArn"] if foreign else replica["DBInstanceIdentifier"]
        )
    _event(replica, "RDS-EVENT-0005", ["creation"], "DB instance created.")
    return rds._single_instance_response(
        "CreateDBInstanceReadReplicaResponse", "CreateDBInstanceReadReplicaResult", replica
    )


def _refuse_replica_of(source: Instance, foreign: bool, params: dict[str, Any]) -> Answer | None:
    if int(source.get("BackupRetentionPeriod") or 0) < 1 and not source.get(SOURCE):
        return rds._error(
            "InvalidDBInstanceState",
            "Automated backups are not enabled for this database instance. To enable automated backups, "
            "use ModifyDBInstance to set the backup retention period to a non-zero value.",
            400,
        )
    if source.get("DBInstanceStatus") not in ("available", "backing-up", "modifying"):
        return rds._error(
            "InvalidDBInstanceState",
            f"DB Instance {source['DBInstanceIdentifier']} is not in the available state.",
            400,
        )
    if foreign and source.get("StorageEncrypted") and not rds._p(params, "KmsKeyId"):
        return rds._error(
            "InvalidParameterCombination",
            "A KMS key of the destination region is needed for a replica of an encrypted instance.",
            400,
        )
    return None


# ---- promotion ------------------------------------------------------------------------------------


def _promote(world: World, params: dict[str, Any]) -> Answer:
    """PromoteReadReplica: accepted at once, done when the status is available and the source's name gone."""
    name = rds._p(params, "DBInstanceIdentifier").rpartition(":")[2]
    arn = f"arn:aws:rds:{get_region()}:{get_account_id()}:db:{name}"
    with _lock:
        code, refusal = _refuse_promotion(params)
        world.record_promotion(arn, code)
        if refusal is not None:
            return refusal
        instance = rds._resolve_instance(rds._p(params, "DBInstanceIdentifier"))
        instance["DBInstanceStatus"] = "modifying"
        instance["_lab_promotion"] = {
            "started_at": time.time(),
            "backup_retention": int(rds._p(params, "BackupRetentionPeriod") or 1),
            "backup_window": rds._p(params, "PreferredBackupWindow"),
        }
        world.begin("promotion", arn, get_region())
        answer = rds._single_instance_response(
            "PromoteReadReplicaResponse", "PromoteReadReplicaResult", instance
        )
    _event(instance, "RDS-EVENT-0057", ["read replica"], "Replication on the read replica was terminated.")
    return answer


def _refuse_promotion(params: dict[str, Any]) -> tuple[str | None, Answer | None]:
    instance, missing = _find(params)
    if instance is None:
        return "DBInstanceNotFound", missing
    retention = rds._p(params, "BackupRetentionPeriod")
    if retention and not (retention.isdigit() and int(retention) <= 35):
        code = "InvalidParameterValue"
        return code, rds._error(
            code, f"Invalid backup retention period: {retention}. Must be between 0 and 35.", 400
        )
    code = "InvalidDBInstanceState"
    if not instance.get(SOURCE):
        return code, rds._error(code, "DB Instance is not a read replica.", 400)
    status = instance.get("DBInstanceStatus")
    if status != "available":
        return code, rds._error(
            code,
            f"DB Instance {instance['DBInstanceIdentifier']} is in {status} state but expected it to be "
            "one of available.",
            400,
        )
    return None, None


def _advance_promotions(world: World) -> None:
    """Moves every running promotion on: modifying, rebooting, then writable and backing-up, available."""
    duration = world.settings.scaled(PROMOTION_SECONDS)
    for account, region, instance in instances():
        if time.time() >= instance.get("_lab_backup_until", float("inf")):
            del instance["_lab_backup_until"]
            instance["DBInstanceStatus"] = "available"
            _event(instance, "RDS-EVENT-0002", ["backup"], "Finished DB instance backup.")
        promotion = instance.get("_lab_promotion")
        if promotion is None:
            continue
        elapsed = time.time() - promotion["started_at"]
        # A real server shows that it is done (`databases`).
        if elapsed >= duration and "_lab_server_at_work" not in instance:
            _finish_promotion(world, account, region, instance)
        elif elapsed >= duration * REBOOT_AT and instance["DBInstanceStatus"] != "rebooting":
            instance["DBInstanceStatus"] = "rebooting"
            _event(instance, "RDS-EVENT-0004", ["availability"], "DB instance shutdown.")


def _finish_promotion(world: World, account: str, region: str, instance: Instance) -> None:
    with _lock:
        promotion = instance.pop("_lab_promotion")
        _forget_replica(account, region, instance)
        instance[SOURCE] = ""
        instance.pop("_lab_broken", None)
        instance["BackupRetentionPeriod"] = promotion["backup_retention"]
        if promotion["backup_window"]:
            instance["PreferredBackupWindow"] = promotion["backup_window"]
        # Backups that are switched on begin with one.
        if promotion["backup_retention"]:
            instance["DBInstanceStatus"] = "backing-up"
            instance["_lab_backup_until"] = time.time() + world.settings.scaled(FIRST_BACKUP_SECONDS)
        else:
            instance["DBInstanceStatus"] = "available"
        world.finish("promotion", instance["DBInstanceArn"])
    _event(instance, "RDS-EVENT-0006", ["availability"], "DB instance restarted.")


def _forget_replica(account: str, region: str, replica: Instance) -> None:
    """Takes the replica off its source's list."""
    source_place = source_of(replica, region)
    source = source_place and rds._instances.get_scoped(account, *source_place)
    if source:
        names = (replica["DBInstanceArn"], replica["DBInstanceIdentifier"])
        source[REPLICAS] = [name for name in source.get(REPLICAS, []) if name not in names]


# ---- replication, changes and deletion ------------------------------------------------------------


def _watch_replication(world: World) -> None:
    """Breaks and resumes replication with the source's region, and ends it with the source itself."""
    patience = world.settings.scaled(REPLICATION_BREAK_SECONDS)
    for account, region, instance in instances():
        place = source_of(instance, region)
        if place is None or instance.get("_lab_broken") == "terminated" or "_lab_promotion" in instance:
            continue
        # Cut by the control API: since the epoch, so that it shows at once.
        lost_since = 0.0 if "_lab_cut" in instance else world.lost_since.get(place[0])
        # A real server has noticed by itself, or has not (`databases`).
        receiver = instance.get("_lab_receiver")
        if receiver is not None:
            lost_since = 0.0 if receiver == "silent" else None
        if rds._instances.get_scoped(account, *place) is None:
            instance["_lab_broken"] = "terminated"
            _event(
                instance,
                "RDS-EVENT-0057",
                ["read replica"],
                "Replication on the read replica was terminated.",
            )
        elif lost_since is not None and (receiver or place[0] != region) and time.time() - lost_since >= patience:
            if instance.setdefault("_lab_broken", "") != "error":
                instance["_lab_broken"] = "error"
                _event(instance, "RDS-EVENT-0045", ["read replica"], "Replication has stopped.")
        elif lost_since is None and instance.pop("_lab_broken", None):
            _event(instance, "RDS-EVENT-0046", ["read replica"], "Replication for the Read Replica resumed.")


def _modify(original: Any, params: dict[str, Any]) -> Answer:
    """ModifyDBInstance; refused while a promotion runs, as AWS refuses it then."""
    instance, _missing = _find(params)
    if instance is not None and "_lab_promotion" in instance:
        return rds._error(
            "InvalidDBInstanceState",
            f"Database instance is not in available state: {instance['DBInstanceIdentifier']}",
            400,
        )
    return original(params)


def _delete(original: Any, params: dict[str, Any]) -> Answer:
    """DeleteDBInstance; a deleted replica leaves its source's list."""
    instance, _missing = _find(params)
    answer = original(params)
    if answer[0] == 200 and instance is not None:
        _forget_replica(get_account_id(), get_region(), instance)
    return answer


def _event(instance: Instance, event_id: str, categories: list[str], message: str) -> None:
    """Sends an "RDS DB Instance Event" (ids and messages: RDS user guide, event categories and messages)."""
    arn = parse_arn(instance["DBInstanceArn"])
    with request_scope(arn.account_id, arn.region):
        service_events.publish(
            arn.account_id,
            arn.region,
            "aws.rds",
            "RDS DB Instance Event",
            [str(arn)],
            {
                "EventCategories": categories,
                "SourceType": "DB_INSTANCE",
                "SourceArn": str(arn),
                "Date": rfc3339(time.time()),
                "Message": message,
                "SourceIdentifier": instance["DBInstanceIdentifier"],
                "EventID": event_id,
            },
        )
