"""Which tests are there, and did they pass? Runs every stage, shows its progress, and ends in one summary line.

    python3 tests/run.py             everything, in lanes where stages don't need one another
    python3 tests/run.py --list      the stages
    python3 tests/run.py rust infra  some stages, one after the other
    python3 tests/run.py --at 2028-02-29T23:58:00Z --zone Asia/Kolkata rust
                                     as if it were that moment, in that zone (see clock.py)

The output of each stage is kept in .lab/logs.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import clock
from target_dir import target_dir

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / ".lab" / "logs"
TARGET = target_dir()


@dataclass(frozen=True)
class Stage:
    """A group of tests: the commands that run it, one after the other, and how its output is counted."""

    name: str
    what: str
    commands: list[list[str]]
    count: Callable[[str], tuple[int, int]]


def count_cargo(text: str) -> tuple[int, int]:
    """Sums the result lines of cargo's test runner."""
    found = re.findall(r"test result: \w+\. (\d+) passed; (\d+) failed", text)
    return sum(int(passed) for passed, _ in found), sum(int(failed) for _, failed in found)


def count_unittest(text: str) -> tuple[int, int]:
    """Sums the result lines of Python's unittest."""
    ran = sum(int(number) for number in re.findall(r"^Ran (\d+) tests?", text, re.MULTILINE))
    broken = sum(int(number) for number in re.findall(r"(?:failures|errors)=(\d+)", text))
    return ran - broken, broken


def count_plain(text: str) -> tuple[int, int]:
    """Sums lines such as `12 passed, 0 failed`, with or without a word before them."""
    found = re.findall(r"(\d+) passed, (\d+) failed", text)
    return sum(int(passed) for passed, _ in found), sum(int(failed) for _, failed in found)


def stages() -> list[Stage]:
    """Every stage, the quickest first."""
    venv = ROOT / ".lab" / "test-venv"
    launcher = "tests/lab/launcher"
    # All at once: one set of features, so that no crate is compiled twice. A stage that is run alone must not find an older build.
    build = ["cargo", "build", "--profile", "lab", "--workspace", "--bins", "--tests", "--color", "never"]
    cargo = ["cargo", "test", "--profile", "lab", "--workspace", "--no-fail-fast", "--color", "never"]
    return [
        Stage(
            "commands",
            "the commands that people type, without a compiler; what is kept of the mutants",
            [
                [sys.executable, "-B", "-m", "unittest", "discover", "-v", "-b", "-s", "tests/commands", "-t", "tests"],
                [sys.executable, "-B", "tests/mutants.py", "check"],
            ],
            count_unittest,
        ),
        Stage("rust", "core, ports, engine, adapters, functions, scenarios, gateway", [build, cargo], count_cargo),
        Stage(
            "simulation",
            "ten thousand disturbed worlds keep every rule; what the orchestration costs",
            [build, [str(TARGET / "lab" / "simulate")]],
            count_plain,
        ),
        Stage(
            "mutants",
            "mutants of what decides: of changed files, else some that were caught; four minutes",
            [[sys.executable, "-B", "tests/mutants.py", "sample", "--seconds", "240"]],
            count_plain,
        ),
        Stage(
            "launcher",
            "the emulator with what the launcher adds to it",
            [
                [sys.executable, "tests/environment.py", str(venv), f"{launcher}/requirements.txt", f"{launcher}/requirements-test.txt"],
                [sys.executable, f"{launcher}/postgres_programs.py", "--install"],
                [str(venv / "bin/python"), "-B", "tests/launcher_tests.py"],
            ],
            count_unittest,
        ),
        Stage(
            "adapters",
            "the adapters, asked of two emulators; the witness, of real databases",
            [
                [sys.executable, "tests/environment.py", ".lab/moto-venv", "tests/lab/requirements-moto.txt"],
                [sys.executable, f"{launcher}/postgres_programs.py", "--install"],
                [sys.executable, "-B", "tests/adapters.py", str(venv / "bin/python"), ".lab/moto-venv/bin/moto_server"],
            ],
            count_plain,
        ),
        Stage(
            "upgrade",
            "the orchestrator's Terraform of an earlier commit, applied and upgraded",
            [
                [sys.executable, "tests/environment.py", str(venv), f"{launcher}/requirements.txt", f"{launcher}/requirements-test.txt"],
                [sys.executable, "-B", "tests/upgrade.py", str(venv / "bin/python")],
            ],
            count_plain,
        ),
        Stage(
            "infra",
            "terraform fmt, validate, test; policy assertions; checkov",
            [[sys.executable, "tests/environment.py", ".lab/checkov", "infra/tests/requirements.txt"], [sys.executable, "infra/tests/run.py"]],
            count_plain,
        ),
        Stage(
            "end-to-end",
            "Terraform applied, snapshots, readiness, a region cut off, five failovers with faults",
            [build, [str(TARGET / "lab" / "e2e"), "--prebuilt"]],
            count_plain,
        ),
        Stage(
            "truth",
            "a region lost under load, with real databases: what the run reports is what users saw",
            [
                build,
                [str(TARGET / "lab" / "truth"), "--prebuilt", "--seed", "9", "--watch", "5"],
            ],
            count_plain,
        ),
    ]


# What runs after what, when all stages run. Lanes of one row run at the same time: in the one a compiler or Terraform works, in
# the others most of the time is spent waiting for worlds.
ROWS = (
    (("commands",),),
    (("rust",),),
    (("simulation", "infra"), ("launcher", "adapters", "upgrade", "mutants"), ("end-to-end", "truth")),
)

# The commands that are under way: who is interrupted ends them.
UNDER_WAY: set[subprocess.Popen[str]] = set()
LOCK = threading.Lock()


def environment(command: list[str], shift: dict[str, str]) -> dict[str, str]:
    """The environment of a command: under the stage's clock, if it tests something. What builds or installs is not."""
    prepares = command[1:2] in (["build"], ["tests/environment.py"], ["tests/lab/launcher/postgres_programs.py"])
    return {**os.environ, **({} if prepares else shift)}


def failures(stage: str) -> list[str]:
    """The lines of a stage's log that name what failed, without what a test printed meanwhile; its last ones, if no line does."""
    named = re.compile(r"\bFAILED\b|^failed: |^(FAIL|ERROR): |\bpanicked at\b|^error\b|\bError: ")
    log = LOGS / f"{stage}.log"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    found = [line for line in lines if named.search(line)][:20] or [line for line in lines if line.strip()][-12:]
    return [line.strip()[:400] for line in found]


def run(stage: Stage, shift: dict[str, str]) -> tuple[int, int]:
    """Runs a stage; gives how many tests passed and failed. A stage that breaks counts as a failed test."""
    log_path = LOGS / f"{stage.name}.log"
    lines: list[str] = []
    last_sign = time.monotonic()
    with log_path.open("w", encoding="utf-8") as log:
        for command in stage.commands:
            if not (shutil.which(command[0]) or Path(command[0]).exists()):
                print(f"  {stage.name}: {command[0]} is not there; run the stage before it first", flush=True)
                return 0, 1
            with LOCK:
                process = subprocess.Popen(
                    command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                    errors="replace", env=environment(command, shift),
                )
                UNDER_WAY.add(process)
            assert process.stdout is not None
            for line in process.stdout:
                log.write(line)
                log.flush()
                lines.append(line)
                is_news = re.match(r"test result|\[ *\d|Ran |.*FAILED|.*panicked|error|mutants: stale", line)
                if is_news or time.monotonic() - last_sign > 30:
                    # In one piece: lanes print at the same time, and a line must not end in the middle of another's.
                    print(f"  {stage.name}: {line.rstrip()[:160]}\n", end="", flush=True)
                    last_sign = time.monotonic()
            code = process.wait()
            UNDER_WAY.discard(process)
            if code != 0:
                passed, failed = stage.count("".join(lines))
                print("".join(f"{stage.name}: {line}" for line in lines[-80:]), flush=True)
                print(f"  {stage.name}: {' '.join(command)} exited {code}; see {log_path.relative_to(ROOT)}", flush=True)
                return passed, max(failed, 1)
    passed, failed = stage.count("".join(lines))
    if passed + failed == 0:
        print(f"  {stage.name}: no test was run", flush=True)
        return 0, 1
    return passed, failed


@dataclass(frozen=True)
class Outcome:
    """What came of a stage."""

    name: str
    passed: int
    failed: int
    seconds: float


def heed_signals() -> None:
    """Ctrl-C ends everything, and so does who asks the program to end; also where it was started in the background."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def run_one(stage: Stage, shift: dict[str, str]) -> Outcome:
    """Runs a stage, and times it."""
    print(f"test: {stage.name} ({stage.what})", flush=True)
    began = time.monotonic()
    passed, failed = run(stage, shift)
    return Outcome(stage.name, passed, failed, time.monotonic() - began)


def run_rows(rows: tuple[tuple[tuple[str, ...], ...], ...], shift: dict[str, str]) -> list[Outcome]:
    """Runs rows of lanes, the lanes of a row at the same time; gives what came of the stages, in the order of the list."""
    by_name = {stage.name: stage for stage in stages()}
    outcomes: list[Outcome] = []
    for lanes in rows:
        with ThreadPoolExecutor(len(lanes)) as pool:
            try:
                running = [pool.submit(lambda lane: [run_one(by_name[name], shift) for name in lane], lane) for lane in lanes]
                outcomes += [outcome for lane in running for outcome in lane.result()]
            except BaseException as why:
                if not isinstance(why, KeyboardInterrupt):
                    traceback.print_exc()
                with LOCK:
                    # Nothing begins any more: who would begin waits for the lock, and the program ends.
                    left = list(UNDER_WAY)
                    for process in left:
                        process.terminate()
                    for process in left:
                        process.wait()
                    os._exit(130)
    order = list(by_name)
    return sorted(outcomes, key=lambda outcome: order.index(outcome.name))


def main(arguments: list[str]) -> int:
    """Runs the stages that are asked for."""
    every = stages()
    parser = argparse.ArgumentParser(description="Runs the stages of the tests: all, or those that are named.")
    parser.add_argument("stages", nargs="*", metavar="STAGE")
    parser.add_argument("--list", action="store_true", help="say which stages there are")
    parser.add_argument("--at", metavar="MOMENT", help="as if it were this moment, like 2028-02-29T23:58:00Z")
    parser.add_argument("--zone", metavar="ZONE", help="as if the machine stood in this zone, like Asia/Kolkata")
    asked = parser.parse_args(arguments)
    if asked.list:
        for stage in every:
            print(f"{stage.name:<12} {stage.what}")
        return 0
    unknown = set(asked.stages) - {stage.name for stage in every}
    if unknown:
        print(f"unknown stage: {', '.join(sorted(unknown))}; see --list", file=sys.stderr)
        return 2
    try:
        shift = {**(clock.shifted(asked.at) if asked.at else {}), **(clock.in_zone(asked.zone) if asked.zone else {})}
    except clock.NoClock as problem:
        print(problem, file=sys.stderr)
        return 2
    heed_signals()
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    outcomes = run_rows(tuple(((stage.name,),) for stage in every if stage.name in asked.stages) if asked.stages else ROWS, shift)
    print(f"\nall of it took {time.monotonic() - began:.0f} s")
    print(f"\n{'stage':<12} {'passed':>7} {'failed':>7} {'seconds':>8}")
    for outcome in outcomes:
        print(f"{outcome.name:<12} {outcome.passed:>7} {outcome.failed:>7} {outcome.seconds:>8.0f}")
    passed, failed = sum(outcome.passed for outcome in outcomes), sum(outcome.failed for outcome in outcomes)
    # Last, because who reads the end of a long log wants to know this.
    for outcome in outcomes:
        for line in failures(outcome.name) if outcome.failed else []:
            print(f"{outcome.name}: {line}")
    print(f"\n{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
