"""The rack: a process that holds the wires and servers of the world, and ends them with the launcher.

The emulator's work can't delay what goes through it, and nothing that it started outlives it: when its
standard input ends, because the launcher has ended in whatever way, it ends every process by its id. Should
it be killed itself, the kernel ends them. It reads one JSON object a line and answers each with one;
`rack_client` is the other side.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from .wires import Addresses, Wire

Request = dict[str, Any]

LINE_BYTES_MAX = 4 * 1024 * 1024
GRACE_SECONDS = 3.0
"""How long a process may take to end by itself once it is asked."""

_PR_SET_PDEATHSIG = 1


# ---- processes, by their ids ----------------------------------------------------------------------


def stat(pid: int) -> list[str] | None:
    """What /proc says of a process after its name: state, parent and so on; None when it is gone."""
    try:
        return (
            Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        )
    except (FileNotFoundError, ProcessLookupError):
        return None


def identity(pid: int) -> str | None:
    """What tells a process from every other that ever had its id: when it began, since which start of the
    machine."""
    fields = stat(pid)
    if fields is None or fields[0] == "Z":
        return None
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{fields[19]}"


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and theirs."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit() and (fields := stat(int(entry))):
            parents.setdefault(int(fields[1]), []).append(int(entry))
    found, front = [], [pid]
    while front:
        front = [child for parent in front for child in parents.get(parent, [])]
        found += front
    return found


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_tree(pid: int) -> None:
    """Ends a process and all that it started, at one stroke: stopped first, so that it starts nothing
    more."""
    _signal(pid, signal.SIGSTOP)
    for child in descendants(pid):
        _signal(child, signal.SIGKILL)
    _signal(pid, signal.SIGKILL)


def end_leftovers(records: Path) -> int:
    """Ends what an earlier launcher has left behind, by the ids that it noted. Gives how many processes were
    left."""
    if not records.exists():
        return 0
    left = 0
    for line in records.read_text(encoding="utf-8").splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue  # a line that was being written when it ended
        if identity(record["pid"]) == record["identity"]:
            kill_tree(record["pid"])
            left += 1
            while identity(record["pid"]) is not None:
                time.sleep(0.01)
    records.unlink()
    return left


def _dying_with_parent(number: int) -> Callable[[], None]:
    libc = ctypes.CDLL(None, use_errno=True)

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)

    return prepare


# ---- the rack -------------------------------------------------------------------------------------


class Rack:
    """Wires and processes by name and id."""

    def __init__(self, records: Path) -> None:
        self._records = records
        self._addresses = Addresses()
        self._wires: dict[str, Wire] = {}
        self._processes: dict[int, tuple[subprocess.Popen[bytes], int]] = {}
        self._folders: list[str] = []
        self._actions: dict[str, Callable[..., Awaitable[Request]]] = {
            "wire": self._wire,
            "states": self._states,
            "drop": self._drop,
            "start": self._start,
            "signal": self._send_signal,
            "kill": self._kill,
            "running": self._running,
            "owns": self._owns,
        }

    async def answer(self, line: bytes) -> bytes:
        """Does what one line asks for."""
        try:
            request = json.loads(line)
            answer = await self._actions[request.pop("do")](**request)
        except Exception as problem:
            answer = {"error": f"{type(problem).__name__}: {problem}"}
        return json.dumps(answer).encode() + b"\n"

    async def _wire(self, name: str, port: int, target: int | None) -> Request:
        """Makes a wire, or leads it to another port."""
        wire = self._wires.get(name)
        if wire is None:
            wire = self._wires[name] = Wire(self._addresses.listen(port), target)
        wire.target = target
        return {"address": wire.address, "connections": wire.connections}

    async def _states(self, states: dict[str, list[Any]]) -> Request:
        for name, (silent, closed, bytes_per_second) in states.items():
            if wire := self._wires.get(name):
                wire.set_state(silent=silent, closed=closed, bytes_per_second=bytes_per_second)
        return {}

    async def _drop(self, name: str) -> Request:
        if wire := self._wires.pop(name, None):
            await wire.end()
        return {}

    async def _start(
        self,
        command: list[str],
        environment: dict[str, str],
        log: str,
        user: int | None,
        group: int | None,
        ends_by: int,
    ) -> Request:
        with open(log, "ab") as output:
            process = subprocess.Popen(
                command,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_dying_with_parent(ends_by),  # noqa: PLW1509 - this process has one thread
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )
        self._processes[process.pid] = process, ends_by
        with open(self._records, "a", encoding="utf-8") as records:
            records.write(json.dumps({"pid": process.pid, "identity": identity(process.pid)}) + "\n")
        return {"pid": process.pid}

    async def _send_signal(self, pid: int, number: int) -> Request:
        if self._is_running(pid):
            _signal(pid, number)
        return {}

    async def _kill(self, pids: list[int]) -> Request:
        for pid in pids:
            if self._is_running(pid):
                kill_tree(pid)
                self._processes[pid][0].wait()
        return {}

    async def _running(self, pid: int) -> Request:
        return {"running": self._is_running(pid)}

    async def _owns(self, folder: str) -> Request:
        self._folders.append(folder)
        return {}

    def _is_running(self, pid: int) -> bool:
        return pid in self._processes and self._processes[pid][0].poll() is None

    def end(self) -> None:
        """Ends every process, asked first, and removes the folders that were theirs."""
        for pid, (_process, ends_by) in self._processes.items():
            if self._is_running(pid):
                _signal(pid, ends_by)
        deadline = time.monotonic() + GRACE_SECONDS
        for pid, (process, _) in self._processes.items():
            try:
                process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                kill_tree(pid)
                process.wait()
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._records.unlink(missing_ok=True)


async def _serve(rack: Rack) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LINE_BYTES_MAX)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)

    async def serve() -> None:
        while line := await reader.readline():
            sys.stdout.buffer.write(await rack.answer(line))
            sys.stdout.buffer.flush()
        ended.set()

    serving = asyncio.create_task(serve())
    await ended.wait()
    serving.cancel()


def main(records: str) -> None:
    """Serves until its standard input ends."""
    # Whoever types Ctrl-C ends the launcher, and the launcher ends this.
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    rack = Rack(Path(records))
    try:
        asyncio.run(_serve(rack))
    except BrokenPipeError:
        pass  # the launcher went while it waited for an answer
    finally:
        rack.end()
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
