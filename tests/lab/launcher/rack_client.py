"""How does the launcher ask the rack for wires and processes?"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .rack import end_leftovers

logger = logging.getLogger("lab.rack")

ENDING_SECONDS = 10.0


class RackError(RuntimeError):
    """The rack could not do what it was asked, or is gone."""


class Rack:
    """The launcher's side of the rack. Safe to use from any thread; a request takes milliseconds."""

    def __init__(self, state_dir: str) -> None:
        self.log_dir = Path(state_dir) / "servers"
        self.log_dir.mkdir(parents=True, exist_ok=True)
        records = Path(state_dir) / "processes"
        if left := end_leftovers(records):
            logger.warning("ended %d processes that an earlier launcher had left", left)
        self._lock = threading.Lock()
        self.answer: Callable[[dict[str, Any]], dict[str, Any]] = lambda _question: {"accepted": False}
        """What the launcher answers the rack's questions."""
        ours, theirs = socket.socketpair()
        with theirs, open(self.log_dir / "rack.log", "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", f"{__package__}.rack", str(records), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                cwd=Path(__file__).resolve().parents[1],
                env=dict(os.environ),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        threading.Thread(target=self._answer_all, args=(ours,), name="rack's questions", daemon=True).start()

    def _answer_all(self, line: socket.socket) -> None:
        """Answers each question until the rack is gone; no where it can't tell."""
        with line, line.makefile("rwb") as file, contextlib.suppress(OSError):
            for question in file:
                try:
                    answer = self.answer(json.loads(question))
                except Exception:
                    logger.exception("a question of the rack could not be answered")
                    answer = {"accepted": False}
                file.write(json.dumps(answer).encode() + b"\n")
                file.flush()

    @property
    def is_there(self) -> bool:
        """Whether the rack still runs; nothing of its kind can be had again."""
        return self._process.poll() is None

    def ask(self, do: str, **members: Any) -> dict[str, Any]:
        """One request and its answer."""
        line = json.dumps({"do": do, **members}).encode() + b"\n"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
                answer = self._process.stdout.readline()
            except (OSError, ValueError) as problem:
                raise RackError(f"{do}: the rack is gone: {problem}") from None
        if not answer:
            raise RackError(f"{do}: the rack is gone; see {self.log_dir / 'rack.log'}")
        document: dict[str, Any] = json.loads(answer)
        if "error" in document:
            raise RackError(f"{do}: {document['error']}")
        return document

    def wire(
        self, name: str, port: int, target: int | None, *, of_replication: bool = False
    ) -> tuple[str, int]:
        """A wire by its name, made when it isn't there: where its clients connect."""
        made = self.ask("wire", name=name, port=port, target=target, of_replication=of_replication)
        host, its_port = made["address"]
        return host, its_port

    def start(
        self,
        name: str,
        command: list[str],
        environment: dict[str, str],
        ends_by: int,
        user: int | None = None,
        group: int | None = None,
    ) -> int:
        """Starts a process that ends with the rack: the id of it. Its output goes into a log named after
        it."""
        log = str(self.log_dir / f"{name}.log")
        pid: int = self.ask(
            "start",
            command=command,
            environment=environment,
            log=log,
            user=user,
            group=group,
            ends_by=int(ends_by),
        )["pid"]
        return pid

    def is_running(self, pid: int) -> bool:
        """Whether a process that was started here has not ended."""
        return bool(self.ask("running", pid=pid)["running"])

    def end(self) -> None:
        """Ends all that it holds, and waits for it."""
        with self._lock:
            if self._process.stdin is not None:
                with contextlib.suppress(OSError):
                    self._process.stdin.close()
            try:
                self._process.wait(timeout=ENDING_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
