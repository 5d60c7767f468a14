"""May everything in the dependency tree be there? Licences, bans and sources always; advisories where their database can be had.

    python3 tests/deny.py

The database of advisories lies on GitHub. Where that can't be reached, one line says that they were not checked, and
everything else still holds.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cargo_tool import ROOT, NotInstalled, ensure

ALWAYS = ["licenses", "bans", "sources"]


def ask(program: Path, checks: list[str]) -> tuple[int, str]:
    """What cargo-deny says of some checks."""
    command = [str(program), "--color", "never", "check", *checks]
    done = subprocess.run(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.returncode, done.stdout


def has_no_database(said: str) -> bool:
    """Whether the advisories could not be checked at all, which is no finding."""
    return "failed to fetch advisory database" in said


def deny(program: Path) -> int:
    """Checks, and says what came of it; 0 when nothing was found."""
    code, said = ask(program, ALWAYS)
    if code != 0:
        print(said)
        print("deny: see deny.toml for what may come in and why")
        return 1
    print(f"deny: {', '.join(ALWAYS)}: ok", flush=True)
    code, said = ask(program, ["advisories"])
    if code == 0:
        print("deny: advisories: ok")
        return 0
    if has_no_database(said):
        print("deny: advisories: not checked, the database (github.com/RustSec/advisory-db) can't be fetched from here")
        return 0
    print(said)
    print("deny: advisories: update what has one (cargo update --package NAME), or ignore it in deny.toml with the reason")
    return 1


if __name__ == "__main__":
    try:
        sys.exit(deny(ensure("cargo-deny")))
    except NotInstalled as error:
        sys.exit(f"error: {error}")
