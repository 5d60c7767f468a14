"""Which date is it for the tests? That of the machine, or another one: libfaketime shifts the clock of every process of a stage.

The clock goes on at its own pace, and only what tells the date is shifted: nothing that measures how long something
takes, and no time of a file. Programs that don't use the C library (Terraform) see the real date.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

# The variables that carry a shifted clock to a process; the lab and the launcher hand them on. Their names stand in
# tests/lab/src/process.rs and tests/lab/launcher/settings.py too.
VARIABLES = ("LD_PRELOAD", "FAKETIME", "FAKETIME_DONT_FAKE_MONOTONIC", "NO_FAKE_STAT")

_LIBRARY = "faketime/libfaketimeMT.so.1"
_FOLDERS = ("/usr/lib", "/usr/local/lib", "/usr/lib64")


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
    values = (str(_library()), f"{seconds:+.0f}", "1", "1")
    return dict(zip(VARIABLES, values, strict=True))


def in_zone(zone: str) -> dict[str, str]:
    """The environment whose local time is that of a zone, like Asia/Kolkata."""
    if not (Path("/usr/share/zoneinfo") / zone).is_file():
        raise NoClock(f"--zone {zone}: no such zone in /usr/share/zoneinfo")
    return {"TZ": zone}


def _library() -> Path:
    for folder in _FOLDERS:
        for found in sorted(Path(folder).glob(f"*/{_LIBRARY}")) + [Path(folder) / _LIBRARY]:
            if found.is_file():
                return found
    raise NoClock(f"libfaketime is not there (Debian: apt-get install faketime); looked for {_LIBRARY} in {', '.join(_FOLDERS)}")
