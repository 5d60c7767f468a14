"""Which processes stand for the instances of Auto Scaling groups, and do they pass their health checks?

With LAB_APPLICATION=1 each instance in service is one process of `application`. It learns its database as the
machines of the examples do, at its start: the tag `lab:database` of its group names an instance of RDS in its
region; without a tag it is the region's only real one. Its address is the region's own wire to that name, and
user and password are those of the master user.
"""

from __future__ import annotations

import http.client
import logging
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import launches, rds
from .databases import OUTSIDE, Databases, Way
from .free_ports import free_port
from .heartbeat import Heartbeat
from .postgres import PORTS
from .settings import shifted_clock
from .world import World

logger = logging.getLogger("lab.applications")

DATABASE_TAG = "lab:database"

RESTART_SECONDS = 1.0
"""After which a process that has ended by itself is started again."""

CHECK_INTERVAL_SECONDS = 10.0
"""How often a target group asks; scaled by LAB_SCALE, and at most twice a second."""

CHECK_SECONDS = 5.0
FAILURES_TO_UNHEALTHY = 2
CHECKERS = 8


@dataclass
class Application:
    """One process."""

    instance_id: str
    group: str
    region: str
    database: str
    port: int
    address: tuple[str, int]
    pid: int
    started_at: float
    failures: int = 0
    last_status: int | None = None
    """What /health answered last; None: nothing."""


class Applications:
    """The processes by instance id. `keep` belongs to the event loop, the checks have a thread."""

    def __init__(self, world: World, databases: Databases) -> None:
        self._world = world
        self._databases = databases
        self._processes: dict[str, Application] = {}
        self._chosen: dict[str, str] = {}
        self._killed: set[str] = set()
        self._ended_at: dict[str, float] = {}
        threading.Thread(target=self._check_all, name="health checks", daemon=True).start()

    # ---- processes ----

    def keep(self) -> None:
        """Starts and ends processes so that there is one for each instance in service."""
        wanted = {
            instance["InstanceId"]: (account, region, group)
            for account, region, group in launches.groups()
            for instance in group["Instances"]
            if instance["LifecycleState"] in ("InService", "Terminating") and region not in self._killed
        }
        for instance_id, application in list(self._processes.items()):
            if application.region in self._killed:
                continue  # its wire stays, and is silent: nobody learns that nobody is there
            if instance_id not in wanted:
                self._end(application)
            elif not self._databases.rack.is_running(application.pid):
                logger.warning("the application of %s has ended by itself", instance_id)
                self._end(application)
                self._ended_at[instance_id] = time.monotonic()
        for instance_id, (account, region, group) in wanted.items():
            rested = time.monotonic() - self._ended_at.get(instance_id, 0.0) >= RESTART_SECONDS
            if instance_id not in self._processes and rested:
                self._start(instance_id, account, region, group)

    def _start(self, instance_id: str, account: str, region: str, group: dict[str, Any]) -> None:
        found = self._database_of(account, region, group)
        if found is None:
            return
        name, instance = found
        host, port = self._databases.address(region, account, region, name, int(instance["Endpoint"]["Port"]))
        own_port = free_port(PORTS)
        way = Way(f"application>{instance_id}", OUTSIDE, region, None)
        address = self._databases.open_way(way, 8080, own_port)
        environment = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path.endswith("site-packages")),
            "PYTHONDONTWRITEBYTECODE": "1",
            "REGION": region,
            "PORT": str(own_port),
            "DATABASE_HOST": host,
            "DATABASE_PORT": str(port),
            "DATABASE_NAME": instance["DBName"] or "postgres",
            "DATABASE_USER": instance["MasterUsername"],
            "DATABASE_PASSWORD": instance["_MasterUserPassword"],
            **shifted_clock(os.environ),
        }
        program = str(Path(__file__).with_name("application.py"))
        pid = self._databases.rack.start(
            instance_id, [sys.executable, "-P", program], environment, signal.SIGKILL
        )
        self._processes[instance_id] = Application(
            instance_id, group["AutoScalingGroupName"], region, name, own_port, address, pid, time.monotonic()
        )
        self._world.target_checks[instance_id] = "initial"

    def _database_of(
        self, account: str, region: str, group: dict[str, Any]
    ) -> tuple[str, rds.Instance] | None:
        """The database that a group's tag names, else the one that it has had, else the only one of its
        region."""
        here = {
            instance["DBInstanceIdentifier"]: instance
            for its_account, its_region, instance in rds.instances()
            if (its_account, its_region) == (account, region) and self._databases.of(instance)
        }
        tags = {tag["Key"]: tag["Value"] for tag in group.get("Tags") or []}
        name = str(tags.get(DATABASE_TAG) or self._chosen.get(group["AutoScalingGroupARN"], ""))
        if name not in here:
            if DATABASE_TAG in tags or len(here) != 1:
                return None
            name = next(iter(here))
        self._chosen[group["AutoScalingGroupARN"]] = name
        return (name, here[name]) if "_MasterUserPassword" in here[name] else None

    def _end(self, application: Application, number: int = signal.SIGTERM) -> None:
        self._processes.pop(application.instance_id, None)
        self._world.target_checks.pop(application.instance_id, None)
        self._databases.rack.ask("signal", pid=application.pid, number=int(number))
        self._databases.drop_way(f"application>{application.instance_id}")

    # ---- regions, and another world ----

    def lose(self, region: str, killed: bool) -> None:
        """A region that is only cut off leaves its processes at work; one that is killed ends them at one
        stroke."""
        if killed:
            self._killed.add(region)
            pids = [found.pid for found in self._processes.values() if found.region == region]
            self._databases.rack.ask("kill", pids=pids)

    def bring_back(self, region: str) -> None:
        """The machines of a killed region start again, and on them the applications."""
        if region in self._killed:
            self._killed.discard(region)
            for found in [found for found in self._processes.values() if found.region == region]:
                self._end(found)

    def end_all(self) -> None:
        """Ends every process; those that are wanted are started again."""
        self._killed.clear()
        self._chosen.clear()
        self._ended_at.clear()
        for application in list(self._processes.values()):
            self._end(application, signal.SIGKILL)

    def documents(self) -> list[dict[str, Any]]:
        """The processes as the control API shows them."""
        return [
            {
                "instance": found.instance_id,
                "group": found.group,
                "region": found.region,
                "database": found.database,
                "address": "{}:{}".format(*found.address),
                "server_port": found.port,
                "pid": found.pid,
                "health": self._world.target_checks.get(found.instance_id, "unhealthy"),
                "health_status": found.last_status,
            }
            for found in sorted(self._processes.values(), key=lambda one: (one.region, one.instance_id))
        ]

    # ---- health checks ----

    def _check_all(self) -> None:
        interval = max(0.5, self._world.settings.scaled(CHECK_INTERVAL_SECONDS))
        with ThreadPoolExecutor(CHECKERS) as checkers:
            while True:
                time.sleep(interval)
                list(checkers.map(self._check, list(self._processes.values())))

    def _check(self, application: Application) -> None:
        """One check, from within the region, as its load balancer makes it."""
        application.last_status = _status(application.port)
        application.failures = 0 if application.last_status == 200 else application.failures + 1
        if self._processes.get(application.instance_id) is not application:
            return
        checks = self._world.target_checks
        if application.failures == 0:
            checks[application.instance_id] = "healthy"
        elif application.failures >= FAILURES_TO_UNHEALTHY:
            checks[application.instance_id] = "unhealthy"


def _status(port: int) -> int | None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=CHECK_SECONDS)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def install(world: World, databases: Databases | None, heartbeat: Heartbeat) -> Applications | None:
    """Starts the keeping of processes, if a setting asks for them."""
    if databases is None or not world.settings.application:
        return None
    applications = Applications(world, databases)
    heartbeat.every(0.1, applications.keep)
    world.on_loss.append(applications.lose)
    world.on_return.append(applications.bring_back)
    return applications
