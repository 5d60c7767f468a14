"""Is a tool of cargo's there as it is pinned? Installs it into .lab/tools, or does nothing when it is.

    python3 tests/cargo_tool.py cargo-deny      prints the path of the program

The pinned version is installed, with the versions of its own lock file. A pin
changes in this file alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / ".lab" / "tools"

# Each builds with the Rust that the project asks for.
PINS = {"cargo-mutants": "27.1.0", "cargo-nextest": "0.9.151", "cargo-deny": "0.20.2"}

# The tools are built once and wait for the compiler or for files: quick to build matters more than quick to run.
PROFILE = {"OPT_LEVEL": "1", "LTO": "off", "CODEGEN_UNITS": "16", "DEBUG": "false", "STRIP": "symbols"}


class NotInstalled(Exception):
    """The tool can't be had; the message is one line that says what helps."""


def ensure(name: str) -> Path:
    """The program of the tool as pinned, installed if need be."""
    version = PINS[name]
    program, mark = TOOLS / "bin" / name, TOOLS / f"{name}.version"
    if program.exists() and mark.exists() and mark.read_text(encoding="utf-8").strip() == version:
        return program
    if shutil.which("cargo") is None:
        raise NotInstalled("cargo is missing: install Rust 1.95 or newer (rustup.rs)")
    print(f"installing {name} {version} into .lab/tools (some minutes, once)", file=sys.stderr, flush=True)
    build = TOOLS / f"build-{name}"
    environment = os.environ | {f"CARGO_PROFILE_RELEASE_{key}": value for key, value in PROFILE.items()}
    environment |= {"CARGO_TARGET_DIR": str(build), "CARGO_TERM_COLOR": "never"}
    command = ["cargo", "install", "--quiet", "--locked", "--force", "--root", str(TOOLS), f"{name}@{version}"]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    shutil.rmtree(build, ignore_errors=True)
    if done.returncode != 0:
        last = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no word")
        raise NotInstalled(f"{name} {version} can't be installed; is the registry of crates reachable? cargo says: {last.strip()}")
    mark.write_text(version + "\n", encoding="utf-8")
    return program


if __name__ == "__main__":
    try:
        print(ensure(sys.argv[1]))
    except NotInstalled as error:
        sys.exit(f"error: {error}")
