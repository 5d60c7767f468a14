"""Do the adapters and two emulators of AWS understand each other? Starts one after the other, and has shared/aws ask it.

    python3 tests/adapters.py LAUNCHER_PYTHON MOTO_SERVER
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_SECONDS_MAX = 30

# The very selection of the stage `rust`, so that nothing is compiled anew.
TESTS = ["cargo", "test", "--profile", "lab", "--workspace", "--lib", "--color", "never", "emulator::", "--", "--ignored"]

# Tests that log in to a database.
REAL_DATABASES = "postgres::emulator::"


@dataclass(frozen=True)
class Emulator:
    """One that the adapters are tried on, and what it can't be asked."""

    name: str
    command: list[str]
    folder: Path = ROOT
    settings: dict[str, str] = field(default_factory=dict)
    lacks: dict[str, str] = field(default_factory=dict)


def postgres() -> tuple[Path | None, str]:
    """The folder of PostgreSQL's programs, or none and what to install."""
    programs = [sys.executable, "-B", str(ROOT / "tests" / "lab" / "launcher" / "postgres_programs.py")]
    ended = subprocess.run(programs, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    said = ended.stdout.strip()
    return (None, said) if ended.returncode else (Path(said), "")


def emulators(launcher: str, moto: str, port: int, scratch: str) -> list[Emulator]:
    """The lab's own, which must know everything, and another one that was written by others."""
    programs, remedy = postgres()
    settings = {
        "LAB_PORT": str(port),
        "LAB_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "LAB_STATE_DIR": scratch,
        "LAB_SCALE": "0.01",
        "LAB_PARENT_PID": str(os.getpid()),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if programs:
        # Only the witness logs in to its databases. The others are as quick as they were.
        settings |= {"LAB_POSTGRES": str(programs), "LAB_REAL_DATABASES": "witness-*"}
    return [
        Emulator(
            "ministack",
            [launcher, "-m", "launcher"],
            ROOT / "tests" / "lab",
            settings,
            lacks={} if programs else {REAL_DATABASES: f"has {remedy}"},
        ),
        Emulator(
            "moto",
            [moto, "-H", "127.0.0.1", "-p", str(port)],
            lacks={
                REAL_DATABASES: "has databases that hold no data",
                "aurora::emulator::": "fails no global database over",
                "no_other_function_does": "denies nobody anything",
                "alarms_are_described_in_both_regions_whatever_they_are_called": "makes no composite alarms",
                "an_endpoint_of_another_account_is_closed": "knows no Global Accelerator",
                "two_guards_read_each_others_words_and_an_older_one_never_takes_the_place_of_a_newer": "gives tables no ids",
                "a_topic_tells_its_subscriptions_and_one_that_is_gone_is_nothing": "counts no subscriptions",
                "two_writers_at_one_number_end_with_one_record": "lets two at once pass one condition",
                "an_alert_is_claimed_once_an_hour_and_again_when_nobody_was_told": "lets two at once pass one condition",
                "a_snapshot_is_taken_copied_to_the_other_region_and_deleted": "copies under keys of its own making only",
            },
        ),
    ]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_for(emulator: Emulator, server: subprocess.Popen[bytes], port: int) -> None:
    """Waits until the emulator listens."""
    deadline = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise RuntimeError(f"{emulator.name} ended by itself with {server.returncode}")
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"{emulator.name} did not listen within {START_SECONDS_MAX} s")


def ask(emulator: Emulator, port: int) -> tuple[int, int]:
    """Runs the tests against an emulator that listens; gives how many passed and failed."""
    skipped = [argument for test in emulator.lacks for argument in ("--skip", test)]
    environment = {**os.environ, "PILOTLIGHT_EMULATOR_URL": f"http://127.0.0.1:{port}"}
    ended = subprocess.run(
        TESTS + skipped, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        errors="replace", check=False,
    )
    found = re.findall(r"test result: \w+\. (\d+) passed; (\d+) failed", ended.stdout)
    passed, failed = (sum(int(pair[place]) for pair in found) for place in (0, 1))
    if ended.returncode or not passed:
        print(ended.stdout[-8000:], ended.stderr[-4000:], flush=True)
        failed = max(failed, 1)
    return passed, failed


def main(launcher: str, moto: str) -> int:
    """Tries the adapters on each emulator."""
    any_failed = False
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("ministack", "moto"):
            port = free_port()
            emulator = next(one for one in emulators(launcher, moto, port, scratch) if one.name == name)
            with open(Path(scratch) / f"{name}.log", "w+b") as log:
                server = subprocess.Popen(
                    emulator.command, cwd=emulator.folder, env={**os.environ, **emulator.settings},
                    stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                )
                try:
                    wait_for(emulator, server, port)
                    passed, failed = ask(emulator, port)
                except RuntimeError as error:
                    log.seek(0)
                    print(log.read()[-4000:].decode(errors="replace"), error, flush=True)
                    passed, failed = 0, 1
                finally:
                    server.terminate()
                    server.wait()
            for test, why in emulator.lacks.items():
                print(f"  {name} is not asked {test}: it {why}", flush=True)
            print(f"{name}: {passed} passed, {failed} failed", flush=True)
            any_failed = any_failed or failed > 0
    return 1 if any_failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(*(str(Path(argument).absolute()) for argument in sys.argv[1:])))
