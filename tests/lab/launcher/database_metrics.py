"""What does CloudWatch show of a real database: replica lag, slots, sessions, all measured at its server?"""

from __future__ import annotations

import time

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from . import rds
from .database_worker import Reading
from .databases import Databases
from .heartbeat import Heartbeat
from .replica_lag import INTERVAL_SECONDS

FRESH_SECONDS = 3.0
"""How old a reading may be; of a server that doesn't answer there is no data."""

NOT_REPLICATING = -1.0
"""The lag that RDS shows of a replica that receives nothing any more."""


def install(databases: Databases | None, heartbeat: Heartbeat) -> None:
    """Puts the metrics of each real database into its own region, while that isn't lost."""
    if databases is not None:
        heartbeat.every(INTERVAL_SECONDS, lambda: _put(databases))


def _put(databases: Databases) -> None:
    for account, region, instance in rds.instances():
        database = databases.of(instance)
        reading = None if database is None else database.worker.reading
        if (
            reading is None
            or time.monotonic() - reading.at > FRESH_SECONDS
            or databases.world.is_lost(region)
        ):
            continue
        with request_scope(account, region):
            for name, value, unit in _metrics(instance, reading):
                dimensions = {"DBInstanceIdentifier": instance["DBInstanceIdentifier"]}
                cloudwatch.record_metric("AWS/RDS", name, value, unit, dimensions)


def _metrics(instance: rds.Instance, reading: Reading) -> list[tuple[str, float, str]]:
    found = [("DatabaseConnections", float(reading.sessions), "Count")]
    if reading.slot_lag_bytes is not None:
        found.append(("OldestReplicationSlotLag", max(0.0, reading.slot_lag_bytes), "Bytes"))
    lag = _lag(instance, reading)
    if lag is not None:
        found.append(("ReplicaLag", lag, "Seconds"))
    return found


def _lag(instance: rds.Instance, reading: Reading) -> float | None:
    """RDS's formula for PostgreSQL, now() - pg_last_xact_replay_timestamp(): on an idle source it grows by
    itself.

    None, no data: of what is no replica, or is being promoted, or has replayed nothing since it started.
    """
    if not instance.get(rds.SOURCE) or "_lab_promotion" in instance:
        return None
    if "_lab_broken" in instance:
        return NOT_REPLICATING
    told = instance.get("_lab_lag_seconds")
    if told is not None:
        return float(told)
    age = reading.replay_age_seconds
    return None if age is None else max(0.0, age)
