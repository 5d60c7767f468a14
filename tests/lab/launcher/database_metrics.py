"""What does CloudWatch show of a real database: replica lag, slots, sessions, all measured at its server?"""

from __future__ import annotations

import time
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
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

MINUTE_SECONDS = 60.0

Point = dict[str, Any]

waiting: dict[tuple[str, str, tuple[str, str, str]], list[Point]] = {}
"""By account, region and metric: samples that CloudWatch doesn't show yet."""


def install(databases: Databases | None, heartbeat: Heartbeat) -> None:
    """Puts the metrics of each real database into its own region, while that isn't lost."""
    if databases is not None:
        heartbeat.every(INTERVAL_SECONDS, lambda: _put(databases))
        delay_seconds = databases.world.settings.metric_delay_seconds
        if delay_seconds is not None:
            heartbeat.every(1.0, lambda: publish(time.time(), delay_seconds))


def record(name: str, value: float, unit: str, dimensions: dict[str, str], at: float) -> None:
    """Keeps a sample until its minute is over and published."""
    key = ("AWS/RDS", name, cloudwatch._dims_key(dimensions))
    point = {"Timestamp": at, "Value": value, "Unit": unit, "Dimensions": dimensions}
    waiting.setdefault((get_account_id(), get_region(), key), []).append(point)


def publish(now: float, delay_seconds: float) -> None:
    """Shows what is due: all of a minute at once, so long after its end. Then its average and its maximum are
    there, and nothing of the minute after."""
    for (account, region, key), points in list(waiting.items()):
        due = [point for point in points if _minute_end(point["Timestamp"]) + delay_seconds <= now]
        if due:
            with request_scope(account, region):
                cloudwatch._metric_bucket(key).extend(due)
            waiting[account, region, key] = points[len(due) :]


def _minute_end(at: float) -> float:
    return (at // MINUTE_SECONDS + 1) * MINUTE_SECONDS


def move_on(seconds: float) -> None:
    """A world that is brought back has its samples as if no time had passed since it was saved: lag is looked
    for in the last minutes."""
    of_rds = [points for (_, _, key), points in cloudwatch._metrics.all_items() if key[0] == "AWS/RDS"]
    for points in [*of_rds, *waiting.values()]:
        for point in points:
            point["Timestamp"] += seconds


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
                if databases.world.settings.metric_delay_seconds is None:
                    cloudwatch.record_metric("AWS/RDS", name, value, unit, dimensions)
                else:
                    record(name, value, unit, dimensions, time.time())


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
