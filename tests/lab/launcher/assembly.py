"""Which additions make up the lab's world, and in which order are they registered?"""

from __future__ import annotations

from dataclasses import dataclass

from ministack import app

from . import (
    addresses,
    alarms,
    applications,
    authorization,
    autoscaling,
    clusters,
    database_calls,
    database_details,
    database_metrics,
    database_snapshots,
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
from .control import Asgi, Extras, with_control
from .databases import Databases
from .heartbeat import Heartbeat
from .saved_worlds import SavedWorlds
from .settings import Settings
from .world import World


@dataclass(frozen=True)
class Assembly:
    """The emulator with everything registered, and what runs beside it."""

    application: Asgi
    heartbeat: Heartbeat
    databases: Databases | None

    @property
    def is_whole(self) -> bool:
        """Whether everything that it needs still runs."""
        return self.databases is None or self.databases.rack.is_there

    def end(self) -> None:
        """Ends what does not end with the launcher's own process."""
        if self.databases is not None:
            self.databases.end()


def assemble(settings: Settings) -> Assembly:
    """The emulator with everything registered; its heartbeat must be run."""
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
    real = database_calls.install(world, heartbeat)
    database_metrics.install(real, heartbeat)
    database_snapshots.install(real)
    fleets, saved = applications.install(world, real, heartbeat), SavedWorlds(world, real)
    if fleets is not None:
        saved.on_reset.append(fleets.end_all)
    return Assembly(with_control(app.app, world, Extras(saved, real, fleets)), heartbeat, real)
