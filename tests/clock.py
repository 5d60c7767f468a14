"""Which date is it for the tests? That of the machine, or another one: clock.c shifts it for every process of a stage.

The clock goes on at its own pace, and only what tells the date is shifted: nothing that measures how long something
takes, and no time of a file. Programs that don't use the C library (Terraform) see the real date. On Linux, with a C
compiler, which Rust needs for linking as well.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

# The variables that carry a shifted clock to a process; the lab and the launcher hand them on. Their names stand in
# tests/lab/src/world/process.rs and tests/lab/launcher/settings.py too.
VARIABLES = ("LD_PRELOAD", "LAB_CLOCK_OFFSET_SECONDS")

_SOURCE = Path(__file__).resolve().parent / "clock.c"
_LIBRARY = _SOURCE.parents[1] / ".lab" / "clock.so"


class NoClock(Exception):
    """The clock can't be shifted; the message says why and what to do."""


def shifted(at: str, now: datetime | None = None) -> dict[str, str]:
    """The environment in which it is this date now, like 2028-02-29T23:58:00Z."""
    try:
        wanted = datetime.fromisoformat(at)
    except ValueError:
        raise NoClock(f"--at {at}: not a date and time like 2028-02-29T23:58:00Z") from None
    if wanted.tzinfo is None:
        raise NoClock(f"--at {at}: say in which zone, as in {at}Z")
    seconds = (wanted - (now or datetime.now(UTC))).total_seconds()
    # An offset, not a date: every process of the stage must see the same one, whenever it is started.
    return dict(zip(VARIABLES, (str(_library()), f"{seconds:.0f}"), strict=True))


def in_zone(zone: str) -> dict[str, str]:
    """The environment whose local time is that of a zone, like Asia/Kolkata."""
    if not (Path("/usr/share/zoneinfo") / zone).is_file():
        raise NoClock(f"--zone {zone}: no such zone in /usr/share/zoneinfo")
    return {"TZ": zone}


def _library() -> Path:
    if not sys.platform.startswith("linux"):
        raise NoClock("--at: the date can be shifted on Linux alone")
    if not _LIBRARY.exists() or _LIBRARY.stat().st_mtime < _SOURCE.stat().st_mtime:
        _LIBRARY.parent.mkdir(parents=True, exist_ok=True)
        unfinished = _LIBRARY.with_suffix(".part")
        command = ["cc", "-std=c11", "-O1", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", str(unfinished), str(_SOURCE), "-ldl"]
        try:
            subprocess.run(command, check=True, capture_output=True, text=True)
        except FileNotFoundError:
            raise NoClock("--at: there is no C compiler (cc)") from None
        except subprocess.CalledProcessError as problem:
            raise NoClock(f"--at: {_SOURCE.name} can't be compiled:\n{problem.stderr}") from None
        unfinished.rename(_LIBRARY)
    return _LIBRARY
