"""Is a virtual environment as its pins say? Makes it, or makes it anew when the pins have changed.

    python3 tests/environment.py DIRECTORY REQUIREMENTS...

Prints nothing when there is nothing to do.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path


def ensure(home: Path, requirements: list[Path]) -> None:
    """Makes the environment unless it was made from the very same pins by the very same Python."""
    wanted = sys.version + "".join(path.read_text(encoding="utf-8") for path in requirements)
    mark = home / "made-from.txt"
    if mark.exists() and mark.read_text(encoding="utf-8") == wanted:
        return
    print(f"installing {', '.join(path.name for path in requirements)} into {home.name}", flush=True)
    venv.create(home, with_pip=True, clear=True)
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for path in requirements:
        pip += ["--requirement", str(path)]
    subprocess.run(pip, check=True, stdin=subprocess.DEVNULL)
    mark.write_text(wanted, encoding="utf-8")


if __name__ == "__main__":
    try:
        ensure(Path(sys.argv[1]).resolve(), [Path(argument) for argument in sys.argv[2:]])
    except subprocess.CalledProcessError as error:
        sys.exit(f"installing with pip failed (exit {error.returncode}); is a package index reachable?")
