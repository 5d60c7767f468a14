"""Which RDS instances have a real PostgreSQL behind them, and by which wires is it reached?"""

from __future__ import annotations

import fnmatch
import functools
import re
import shutil
import threading
from dataclasses import dataclass
from typing import Any

from ministack.core.arn import parse_arn
from ministack.services import ec2
from ministack.services import rds as emulated

from . import rds
from .database_worker import Worker
from .postgres import Machine, Server
from .rack_client import Rack
from .settings import RealDatabases
from .world import World

Instance = dict[str, Any]

OUTSIDE = "outside"
"""The place of whoever stands in no region: a person, a user, a ledger."""


@dataclass
class Database:
    """An instance's server. It keeps its DbiResourceId for life, whatever the instance is called."""

    account: str
    region: str
    resource_id: str
    server: Server
    worker: Worker
    has_rebooted: bool = True
    """Whether the reboot of the promotion that runs is done, or asked for."""

    @property
    def slot(self) -> str:
        """The slot that it has at its source, named as RDS names it."""
        return slot_name(self.region, self.resource_id)

    @property
    def replication_way(self) -> str:
        """The name of the wire to its source."""
        return f"replication>{self.resource_id}"


@dataclass(frozen=True)
class Way:
    """From where to where a wire leads."""

    name: str
    origin: str
    region: str
    resource_id: str | None
    """Of the replica, for the wire of a replication; None for a wire of clients."""
    account: str = ""
    identifier: str = ""


def slot_name(region: str, resource_id: str) -> str:
    """The replication slot of a replica."""
    return re.sub(r"[^a-z0-9]", "_", f"rds_{region}_{resource_id}".lower())


class Databases:
    """The real databases of the world, by resource id, and the wires to them."""

    def __init__(self, world: World, settings: RealDatabases) -> None:
        self.world = world
        self.rack = Rack(world.settings.state_dir)
        self.machine = Machine(self.rack, world.settings, settings)
        self.settings = settings
        self.by_resource: dict[str, Database] = {}
        self.ways: dict[str, Way] = {}
        self._states: dict[str, list[Any]] = {}
        self._lock = threading.RLock()

    # ---- who is real ----

    def is_wanted(self, instance: Instance) -> bool:
        """Whether an instance that comes to be gets a server."""
        return instance.get("Engine") == "postgres" and any(
            fnmatch.fnmatchcase(instance["DBInstanceIdentifier"], pattern)
            for pattern in self.settings.identifiers
        )

    def of(self, instance: Instance | None) -> Database | None:
        """The server of an instance, if it has one."""
        return None if instance is None else self.by_resource.get(instance.get("DbiResourceId", ""))

    def instance_of(self, database: Database) -> Instance | None:
        """The instance of a server, whatever it is called now."""
        for _account, _region, instance in rds.instances():
            if instance.get("DbiResourceId") == database.resource_id:
                return instance
        return None

    def source_of(self, instance: Instance, account: str, region: str) -> Database | None:
        """The server that a replica follows."""
        place = rds.source_of(instance, region)
        return None if place is None else self.of(emulated._instances.get_scoped(account, *place))

    def add(self, instance: Instance) -> Database:
        """A server for an instance; it has no data yet."""
        arn, resource_id = parse_arn(instance["DBInstanceArn"]), instance["DbiResourceId"]
        server = Server(self.machine, resource_id.lower())
        database = Database(arn.account_id, arn.region, resource_id, server, Worker(server))
        database.worker.kept_slots = lambda: self._kept_slots(database)
        with self._lock:
            self.by_resource[resource_id] = database
        return database

    def remove(self, database: Database) -> None:
        """Ends a server for good. Its source drops its slot by itself; its own standbys find nobody."""
        with self._lock:
            self.by_resource.pop(database.resource_id, None)
        self.drop_way(database.replication_way)
        database.worker.do(database.server.remove)
        database.worker.end()

    def _kept_slots(self, source: Database) -> set[str] | None:
        """The slots of the instances that name it as their source. None while its region is lost: RDS doesn't
        reach it."""
        if self.world.is_lost(source.region):
            return None
        return {
            slot_name(region, instance["DbiResourceId"])
            for account, region, instance in rds.instances()
            if self.source_of(instance, account, region) is source
        }

    # ---- wires ----

    def address(
        self, origin: str, account: str, region: str, identifier: str, port: int = 5432
    ) -> tuple[str, int]:
        """Where clients of a place reach the instance of this name, as its DNS name would lead them: it goes
        with the name."""
        way = Way(f"{origin}>{account}/{region}/{identifier}", origin, region, None, account, identifier)
        instance = emulated._instances.get_scoped(account, region, identifier)
        database = self.of(instance)
        return self.open_way(way, port, None if database is None else database.server.port)

    def open_way(self, way: Way, port: int, target: int | None) -> tuple[str, int]:
        """Makes a wire, or leads it to another port; it has its state before anybody knows its address."""
        with self._lock:
            self.ways[way.name] = way
        address = self.rack.wire(way.name, port, target)
        self.apply_states()
        return address

    def address_from(self, origin: str, region: str, name: str) -> str | None:
        """Where clients of a region, or from `outside`, reach a real database; None when there is none of
        this name."""
        for account, its_region, instance in rds.instances():
            if (its_region, instance["DBInstanceIdentifier"]) == (region, name) and self.of(instance):
                host, port = self.address(origin, account, region, name)
                return f"{host}:{port}"
        return None

    def replication_address(self, replica: Database, source: Database) -> tuple[str, int]:
        """Where a replica reaches its source, on the way that RDS makes for the two alone."""
        way = Way(replica.replication_way, replica.region, source.region, replica.resource_id)
        return self.open_way(way, 5432, source.server.port)

    def show_endpoint(self, instance: Instance) -> None:
        """Gives an instance the address at which clients from outside get through."""
        arn, endpoint = parse_arn(instance["DBInstanceArn"]), instance["Endpoint"]
        name, port = instance["DBInstanceIdentifier"], int(endpoint.get("Port") or 5432)
        host, port = self.address(OUTSIDE, arn.account_id, arn.region, name, port)
        instance["Endpoint"] = {**endpoint, "Address": host, "Port": port}

    def retarget(self, account: str, region: str, identifier: str) -> None:
        """Leads the wires of a name to the server that bears it now, or to nobody."""
        database = self.of(emulated._instances.get_scoped(account, region, identifier))
        for way in list(self.ways.values()):
            if (way.account, way.region, way.identifier) == (account, region, identifier):
                self.rack.wire(way.name, 0, None if database is None else database.server.port)

    def drop_way(self, name: str) -> None:
        """Takes a wire down, and with it what it carries."""
        with self._lock:
            self.ways.pop(name, None)
            self._states.pop(name, None)
        self.rack.ask("drop", name=name)

    def apply_states(self) -> None:
        """Puts every wire into the state that follows from lost regions, disturbed replicas and security
        groups."""
        with self._lock:
            states = {
                name: [self._is_silent(way), self._is_closed(way), self._bytes_per_second(way)]
                for name, way in self.ways.items()
            }
            changed = {name: state for name, state in states.items() if self._states.get(name) != state}
            if changed:
                self.rack.ask("states", states=changed)
                self._states = states

    def _is_silent(self, way: Way) -> bool:
        replica = self.by_resource.get(way.resource_id or "")
        if replica is not None and "_lab_cut" in (self.instance_of(replica) or {}):
            return True
        crosses = way.origin != way.region
        return crosses and (self.world.is_lost(way.origin) or self.world.is_lost(way.region))

    def _bytes_per_second(self, way: Way) -> float | None:
        """How much a slow replication carries; None: as much as comes."""
        replica = self.by_resource.get(way.resource_id or "")
        instance = None if replica is None else self.instance_of(replica)
        return None if instance is None else instance.get("_lab_bytes_per_second")

    def _is_closed(self, way: Way) -> bool:
        """Whether the security groups of a client's target admit nobody; RDS's own replication is none of
        theirs."""
        if way.resource_id is not None:
            return False
        instance = emulated._instances.get_scoped(way.account, way.region, way.identifier)
        return instance is not None and not _admits(way.account, way.region, instance)

    # ---- regions ----

    def lose(self, region: str, *, killed: bool) -> None:
        """A region is lost: silence at once, and if it is killed, SIGKILL to every server in it."""
        self.apply_states()
        if killed:
            for database in list(self.by_resource.values()):
                if database.region == region:
                    database.server.power_off()

    def bring_back(self, region: str) -> None:
        """A region returns: its wires carry, and servers that lost their power start."""
        self.apply_states()
        for database in list(self.by_resource.values()):
            if database.region == region and database.server.is_off:
                server = database.server
                database.worker.do(functools.partial(server.power_on, server.outages))

    def end(self) -> None:
        """Ends every server and removes all data, also where the rack can't any more."""
        self.rack.end()
        shutil.rmtree(self.machine.home, ignore_errors=True)

    def documents(self) -> list[dict[str, Any]]:
        """The real databases as the control API shows them."""
        documents = []
        for account, region, instance in rds.instances():
            database = self.of(instance)
            if database is None:
                continue
            reading = database.worker.reading
            documents.append(
                {
                    "name": instance["DBInstanceIdentifier"],
                    "region": region,
                    "account": account,
                    "resource_id": database.resource_id,
                    "role": "standby" if reading and reading.is_standby else "primary",
                    "address": f"{instance['Endpoint']['Address']}:{instance['Endpoint']['Port']}",
                    "server_port": database.server.port,
                    "pid": database.server.pid,
                    "data": str(database.server.folder),
                }
            )
        return sorted(documents, key=lambda document: (document["region"], document["name"]))


def _admits(account: str, region: str, instance: Instance) -> bool:
    """Whether a security group of the instance has a rule for its port. From where is left open: here all is
    one machine."""
    names = [group["VpcSecurityGroupId"] for group in instance.get("VpcSecurityGroups") or []]
    groups = [ec2._security_groups.get_scoped(account, region, name) for name in names]
    if not groups or None in groups or any(group["GroupName"] == "default" for group in groups):
        return True  # a default group admits its members, and one that the emulator doesn't know says nothing
    port = int(instance["Endpoint"]["Port"])
    return any(_covers(rule, port) for group in groups for rule in group["IpPermissions"])


def _covers(rule: dict[str, Any], port: int) -> bool:
    if rule.get("IpProtocol") == "-1":
        return True
    return rule.get("IpProtocol") in ("tcp", "6") and int(rule["FromPort"]) <= port <= int(rule["ToPort"])
