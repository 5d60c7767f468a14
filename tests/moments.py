"""Do the tests hang on the date? Plays stages at every class of moments, in one zone and another, and prints one table.

    python3 tests/moments.py                    the stages that take minutes, at every moment
    python3 tests/moments.py end-to-end leap    some stages, at the moments whose names hold a word that is given

It takes as long as the stages together at each moment, so that no other command calls it. See clock.py for what is shifted.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import run

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("rust", "simulation", "launcher", "adapters", "infra")

# What is special, the moment, and the zone of the machine. Each stage lasts minutes: where an hour matters it comes meanwhile.
MOMENTS = (
    ("monday", "2026-11-30T12:00:00Z", "UTC"),
    ("tuesday, a month begins", "2026-12-01T09:00:00Z", "Asia/Kolkata"),
    ("wednesday", "2026-12-02T15:00:00Z", "America/Los_Angeles"),
    ("thursday", "2026-12-03T06:00:00Z", "UTC"),
    ("friday", "2026-12-04T18:00:00Z", "Asia/Kolkata"),
    ("saturday", "2026-12-05T12:00:00Z", "UTC"),
    ("sunday", "2026-11-29T02:00:00Z", "UTC"),
    ("sunday turns monday", "2026-11-29T23:58:00Z", "America/Los_Angeles"),
    ("a month turns", "2026-11-30T23:58:00Z", "UTC"),
    ("a year turns, in week 53", "2026-12-31T23:58:00Z", "Asia/Kolkata"),
    ("the first minute of a year", "2027-01-01T00:01:00Z", "America/Los_Angeles"),
    ("a leap day comes", "2028-02-28T23:58:00Z", "UTC"),
    ("a leap day goes", "2028-02-29T23:58:00Z", "Asia/Kolkata"),
    ("before three", "2026-12-09T02:58:00Z", "UTC"),
    ("after three", "2026-12-09T03:01:00Z", "America/Los_Angeles"),
)


def main(words: list[str]) -> int:
    """Plays the stages at the moments, and says how each ended."""
    known = [stage.name for stage in run.stages()]
    stages = [word for word in words if word in known] or list(STAGES)
    parts = [word for word in words if word not in known]
    moments = [row for row in MOMENTS if not parts or any(part in row[0] for part in parts)]
    if not moments:
        print(f"no moment has {' or '.join(parts)} in its name", file=sys.stderr)
        return 2
    rows = []
    for name, moment, zone in moments:
        began = time.monotonic()
        command = [sys.executable, "tests/run.py", "--at", moment, "--zone", zone, *stages]
        ended = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
        rows.append((name, moment, zone, ended.returncode, time.monotonic() - began))
    print(f"\n{'what is special':<28} {'moment':<21} {'zone':<20} {'':<6} {'seconds':>8}")
    for name, moment, zone, code, seconds in rows:
        print(f"{name:<28} {moment:<21} {zone:<20} {'FAILED' if code else 'ok':<6} {seconds:>8.0f}")
    failed = sum(1 for row in rows if row[3])
    print(f"\n{len(rows) - failed} passed, {failed} failed ({' '.join(stages)})")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
