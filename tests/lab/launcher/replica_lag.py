"""Which ReplicaLag does CloudWatch show for each replica?"""

from __future__ import annotations

import random

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from . import rds
from .heartbeat import Heartbeat
from .world import World

INTERVAL_SECONDS = 5.0


def install(world: World, heartbeat: Heartbeat) -> None:
    """Puts AWS/RDS ReplicaLag into the replica's region while it replicates and its source's region lives."""
    heartbeat.every(INTERVAL_SECONDS, lambda: _put(world))


def _put(world: World) -> None:
    for account, region, instance in rds.instances():
        source = rds.source_of(instance, region)
        if source is None or world.is_lost(source[0]) or not rds.is_replicating(instance):
            continue  # no datapoint at all: a missing lag is unknown, never 0
        if "_lab_receiver" in instance:
            continue  # measured at its server: `database_metrics`
        lag = instance.get("_lab_lag_seconds", round(random.uniform(0.2, 0.9), 3))
        with request_scope(account, region):
            cloudwatch.record_metric(
                "AWS/RDS",
                "ReplicaLag",
                lag,
                "Seconds",
                {"DBInstanceIdentifier": instance["DBInstanceIdentifier"]},
            )
