"""What becomes of snapshots as days go by? The virtual clock of the local world.

Functions read the real clock, and a day can't be waited for. So it is the snapshots that grow older: every
time that they hold is moved back, those in names and tags too. Moved by whole days, that looks to whoever
reads it just as if the days had passed.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from ministack.services import rds

from .rds import _lock

# The two shapes of a time in a snapshot: 2026-11-20T03:00:00.123Z, and 20261120t030000z where only letters
# and digits may be.
_TIMES = re.compile(r"\b(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?=(?:\.\d+)?Z)|(?<![0-9a-z])(\d{8}t\d{6})(?=z)")
_LONG, _SHORT = "%Y-%m-%dT%H:%M:%S", "%Y%m%dt%H%M%S"


def make_older(seconds: int, instance: str | None = None) -> int:
    """Makes snapshots of every region older: all, or those of one instance. Gives how many."""
    with _lock:
        kept: dict[tuple[str, str, str], dict[str, Any]] = {}
        aged: dict[tuple[str, str, str], dict[str, Any]] = {}
        for (account, region, name), snapshot in rds._snapshots.all_items():
            if instance not in (None, snapshot["DBInstanceIdentifier"]):
                kept[account, region, name] = snapshot
                continue
            rds._tags._data.pop((account, snapshot["DBSnapshotArn"]), None)
            older = _older(snapshot, seconds)
            aged[account, region, older["DBSnapshotIdentifier"]] = older
            rds._tags._data[account, older["DBSnapshotArn"]] = older.setdefault("TagList", [])
        # All at once: a listing meanwhile sees all of them, as they were or as they are.
        rds._snapshots._data = {**kept, **aged}
    return len(aged)


def _older(value: Any, seconds: int) -> Any:
    """The same with every time in it moved back."""
    if isinstance(value, str):
        return _TIMES.sub(lambda found: _moved(found, seconds), value)
    if isinstance(value, dict):
        return {key: _older(part, seconds) for key, part in value.items()}
    if isinstance(value, list):
        return [_older(part, seconds) for part in value]
    return value


def _moved(found: re.Match[str], seconds: int) -> str:
    shape = _LONG if found.group(1) else _SHORT
    at = datetime.strptime(found.group(), shape).replace(tzinfo=UTC)
    return (at - timedelta(seconds=seconds)).strftime(shape)
