"""Where does cargo put what it builds? Asked of cargo itself: the environment and its configuration may both say.

    python3 tests/target_dir.py     prints the directory
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def target_dir() -> Path:
    """The target directory of the checkout."""
    command = [os.environ.get("CARGO") or "cargo", "metadata", "--no-deps", "--offline", "--format-version", "1"]
    try:
        said = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
        return Path(json.loads(said)["target_directory"])
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError):
        # Without cargo nothing is built; what is missing is said by whoever needs it.
        return ROOT / os.environ.get("CARGO_TARGET_DIR", "target")


if __name__ == "__main__":
    print(target_dir())
