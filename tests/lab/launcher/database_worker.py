"""What does one real database do, one thing after the other, and what does its server say meanwhile?"""

from __future__ import annotations

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import pg8000.exceptions

from .postgres import Server

logger = logging.getLogger("lab.databases")

LOOK_SECONDS = 0.5

ENGINE_WRITE_SECONDS = 300.0
"""How often RDS itself writes into a PostgreSQL that takes writes. Not scaled: lag is measured in real
seconds."""

# Positions: of a standby what it has received, because that is what it can pass on.
_LOOK = """
SELECT pg_is_in_recovery(),
    extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8,
    (SELECT count(*) FROM pg_stat_activity
        WHERE backend_type = 'client backend' AND usename <> 'rdsadmin')::int,
    (SELECT extract(epoch FROM clock_timestamp() - last_msg_receipt_time)
        FROM pg_stat_wal_receiver WHERE status = 'streaming')::float8,
    (SELECT max(pg_wal_lsn_diff(
        CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() ELSE pg_current_wal_lsn() END,
        restart_lsn)) FROM pg_replication_slots)::float8
"""

_IDLE_SLOTS = "SELECT slot_name FROM pg_replication_slots WHERE NOT active AND slot_name LIKE 'rds\\_%'"


@dataclass(frozen=True)
class Reading:
    """What a server said of itself at one moment."""

    at: float
    """On the monotonic clock."""
    is_standby: bool
    replay_age_seconds: float | None
    """How long ago the newest transaction that it has replayed was committed at its source: what RDS calls
    lag."""
    sessions: int
    contact_age_seconds: float | None
    """How long ago its receiver heard of its source; None while nothing streams."""
    slot_lag_bytes: float | None
    """How far its furthest standby is behind; None without any."""


class Worker:
    """The thread of one database: jobs in the order in which they were given, and a look at the server in
    between."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.reading: Reading | None = None
        self.contact_at = time.monotonic()
        """When the receiver last heard of its source, on the monotonic clock."""
        self.kept_slots: Callable[[], set[str] | None] = lambda: None
        """Which slots have a standby; every other is dropped. None: who knows."""
        self._jobs: queue.Queue[tuple[Callable[[], Any], Future[Any]] | None] = queue.Queue()
        self._session: Any = None
        self._written_at = time.monotonic()
        self._thread = threading.Thread(target=self._run, name=f"database {server.name}", daemon=True)
        self._thread.start()

    def do(self, job: Callable[[], Any]) -> Future[Any]:
        """Does the job when its turn comes; one that fails is logged too."""
        future: Future[Any] = Future()
        self._jobs.put((job, future))
        return future

    def end(self) -> None:
        """Lets the thread end after the jobs that it has."""
        self._jobs.put(None)

    def _run(self) -> None:
        looked_at = 0.0
        while True:
            try:
                entry = self._jobs.get(timeout=max(0.0, looked_at + LOOK_SECONDS - time.monotonic()))
            except queue.Empty:
                looked_at = time.monotonic()
                self._look()
                continue
            if entry is None:
                self._hang_up()
                return
            job, future = entry
            try:
                future.set_result(job())
            except Exception as problem:
                logger.exception("a job of %s failed", self.server.name)
                future.set_exception(problem)

    def _look(self) -> None:
        if self.server.is_off or self.server.pid is None:
            return
        try:
            if self._session is None:
                self._session = self.server.session()
            standby, age, sessions, contact, slots = self._session.run(_LOOK)[0]
            now = time.monotonic()
            self.reading = Reading(now, standby, age, sessions, contact, slots)
            if contact is not None:
                self.contact_at = max(self.contact_at, now - contact)
            self._drop_slots()
            if not standby and now - self._written_at >= ENGINE_WRITE_SECONDS:
                self.write()
        except (OSError, pg8000.exceptions.Error):
            # It restarts, or was killed: the next look tells.
            self._hang_up()

    def forget(self) -> None:
        """Its server goes back to an earlier state: what was read of it is no longer true."""
        self._hang_up()
        self.reading = None
        self.contact_at = time.monotonic()

    def write(self) -> None:
        """RDS's own write."""
        self.server.write()
        self._written_at = time.monotonic()

    def _drop_slots(self) -> None:
        kept = self.kept_slots()
        if kept is None:
            return
        for (name,) in self._session.run(_IDLE_SLOTS):
            if name not in kept:
                self._session.run("SELECT pg_drop_replication_slot(:name)", name=name)

    def _hang_up(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(OSError, pg8000.exceptions.Error):
                session.close()
