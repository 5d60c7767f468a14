"""What RDS itself does at a database, on a server that only counts."""

from __future__ import annotations

import time
import unittest
from typing import Any
from unittest.mock import patch

from launcher import database_worker
from launcher.database_worker import ENGINE_WRITE_SECONDS, Worker

from .running_lab import eventually


class CountingServer:
    """A server that says that it is one kind or the other, and counts what is written."""

    name, is_off, pid = "counting", False, 1

    def __init__(self, *, is_standby: bool) -> None:
        self.writes = 0
        self.looks = 0
        self._is_standby = is_standby

    def session(self) -> Any:
        """It is its own session."""
        return self

    def run(self, _statement: str, **_values: Any) -> Any:
        """The answer to a look."""
        self.looks += 1
        return [(self._is_standby, None, 0, None, None)]

    def close(self) -> None:
        """Nothing is open."""

    def write(self) -> None:
        """RDS's own write."""
        self.writes += 1


class EngineWrites(unittest.TestCase):
    """Every five minutes of real time, whatever LAB_SCALE is, and nowhere but where writes are taken."""

    def writes_after(self, seconds: float, *, is_standby: bool = False) -> int:
        """How often a server was written to, of which the last write is so long ago."""
        server: Any = CountingServer(is_standby=is_standby)
        with patch.object(database_worker, "LOOK_SECONDS", 0.01):
            worker = Worker(server)
            worker._written_at = time.monotonic() - seconds
            looks = server.looks
            eventually(lambda: server.looks > looks + 3)
            worker.end()
            worker._thread.join()
        return int(server.writes)

    def test_a_primary_is_written_to_once_after_five_minutes(self) -> None:
        self.assertEqual(ENGINE_WRITE_SECONDS, 300.0)
        self.assertEqual(self.writes_after(ENGINE_WRITE_SECONDS - 60.0), 0)
        self.assertEqual(self.writes_after(ENGINE_WRITE_SECONDS), 1)

    def test_a_standby_is_never_written_to(self) -> None:
        self.assertEqual(self.writes_after(10 * ENGINE_WRITE_SECONDS, is_standby=True), 0)
