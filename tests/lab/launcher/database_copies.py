"""How are the folders of all real databases kept together, and brought back together?"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ministack.services import rds as emulated

from . import database_parameters
from .databases import Database, Databases


@dataclass(frozen=True)
class Copy:
    """One database as it was."""

    account: str
    region: str
    resource_id: str
    source: str | None
    """The resource id of the database that it follows."""
    was_running: bool


@dataclass(frozen=True)
class Copies:
    """All real databases of one moment, in step with each other: every standby has what its source had."""

    folder: Path
    copies: list[Copy]

    @staticmethod
    def take(databases: Databases, name: str) -> Copies:
        """Stops the servers, sources before those that follow them, copies their folders, and starts them."""
        found = list(databases.by_resource.values())
        folder = databases.machine.home / "saved" / name
        folder.mkdir(mode=0o711)
        copies = [_describe(databases, database) for database in found]
        depths = {copy.resource_id: _depth(copy, copies) for copy in copies}
        # A server that ends as it should has sent all to those that follow it.
        for depth in sorted(set(depths.values())):
            level = [database for database in found if depths[database.resource_id] == depth]
            _each(level, lambda database: database.server.stop)
        _each(
            found,
            lambda database: (
                lambda: databases.machine.copy(database.server.folder, folder / database.resource_id)
            ),
        )
        running = {copy.resource_id for copy in copies if copy.was_running}
        _each(
            [database for database in found if database.resource_id in running],
            lambda database: database.server.start,
        )
        return Copies(folder, copies)

    def bring_back(self, databases: Databases) -> None:
        """Kills the servers that there are, puts the kept folders in their places, and starts what ran."""
        databases.paces.clear()
        kept = {copy.resource_id for copy in self.copies}
        for database in list(databases.by_resource.values()):
            database.server.power_off()
            if database.resource_id not in kept:
                databases.remove(database)
        back = [_restored(databases, copy) for copy in self.copies]
        by_id = {database.resource_id: database for database in back}
        pairs = {copy.resource_id: by_id.get(copy.source or "") for copy in self.copies}
        _each(back, lambda database: lambda: self._put_back(databases, database, pairs[database.resource_id]))
        for way in list(databases.ways.values()):
            if way.identifier:
                databases.retarget(way.account, way.region, way.identifier)
        running = {copy.resource_id for copy in self.copies if copy.was_running}
        started = [database for database in back if database.resource_id in running]
        _each(started, lambda database: lambda: database.server.power_on(database.server.outages))
        # What a standby replays first gives it a lag.
        _each([one for one in started if pairs[one.resource_id] is None], lambda one: one.worker.write)

    def _put_back(self, databases: Databases, database: Database, source: Database | None) -> None:
        server = database.server
        shutil.rmtree(server.folder, ignore_errors=True)
        databases.machine.copy(self.folder / database.resource_id, server.folder)
        instance = databases.instance_of(database)
        server.forces_tls = instance is not None and database_parameters.forces_tls(instance)
        if source is None:
            server.configure()
        else:
            server.follow(databases.replication_address(database, source), database.slot)
        database.has_rebooted = True
        database.worker.forget()

    def remove(self) -> None:
        """Deletes the copies."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _describe(databases: Databases, database: Database) -> Copy:
    instance = databases.instance_of(database)
    source = None
    if instance is not None and (database.server.folder / "standby.signal").exists():
        source = databases.source_of(instance, database.account, database.region)
    return Copy(
        database.account,
        database.region,
        database.resource_id,
        None if source is None else source.resource_id,
        database.server.is_running(),
    )


def _depth(copy: Copy, copies: list[Copy]) -> int:
    """How many servers stand above one."""
    above = next((other for other in copies if other.resource_id == copy.source), None)
    return 0 if above is None else 1 + _depth(above, copies)


def _restored(databases: Databases, copy: Copy) -> Database:
    """The server of a kept database: the one that is there, or another when that was deleted since."""
    if database := databases.by_resource.get(copy.resource_id):
        return database
    instance = next(
        found
        for found in emulated._instances._data.values()
        if found.get("DbiResourceId") == copy.resource_id
    )
    made = databases.add(instance)
    made.server.power_off()
    return made


def _each(databases: list[Database], job: Callable[[Database], Callable[[], Any]]) -> None:
    """Does the job of each at the same time, and waits for all; raises what the first raised."""
    futures = [database.worker.do(job(database)) for database in databases]
    wait(futures)
    for future in futures:
        future.result()
