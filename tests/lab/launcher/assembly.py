"""Which additions make up the lab's world, and in which order are they registered?"""

from __future__ import annotations

from ministack import app

from . import (
    addresses,
    alarms,
    authorization,
    autoscaling,
    clusters,
    database_details,
    deliveries,
    event_buses,
    flow_logs,
    functions,
    global_clusters,
    globalaccelerator,
    interface_endpoints,
    key_pairs,
    launch_conditions,
    launches,
    listener_certificates,
    machine_images,
    node_groups,
    parameter_events,
    rds,
    registry_replication,
    replica_lag,
    schedules,
    security_groups,
    simulation,
    snapshots,
    target_health,
)
from .control import Asgi, with_control
from .heartbeat import Heartbeat
from .settings import Settings
from .world import World


def assemble(settings: Settings) -> tuple[Asgi, Heartbeat]:
    """The emulator with everything registered, and the heartbeat that must run beside it."""
    world, heartbeat = World(settings), Heartbeat()
    rds.install(world, heartbeat)
    database_details.install()
    global_clusters.install(world, heartbeat)
    snapshots.install(world, heartbeat)
    replica_lag.install(world, heartbeat)
    addresses.install(settings)
    target_health.install(world)
    listener_certificates.install()
    autoscaling.install(world)
    launches.install(world, heartbeat)
    globalaccelerator.install(world)
    alarms.install()
    deliveries.install()
    event_buses.install(world)
    parameter_events.install()
    schedules.install(settings)
    functions.install(settings)
    security_groups.install()
    machine_images.install()
    launch_conditions.install()
    flow_logs.install()
    interface_endpoints.install()
    key_pairs.install()
    clusters.install()
    node_groups.install()
    registry_replication.install()
    simulation.install()
    authorization.install()
    return with_control(app.app, world), heartbeat
