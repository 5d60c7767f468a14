"""Does a test notice when a line of what decides is wrong? Runs the mutants of cargo-mutants, and keeps what became of each.

    python3 tests/mutants.py run                    every mutant that has no result yet; cut short, it goes on where it was
    python3 tests/mutants.py run --shard 2/8        an eighth of them, for one of several machines
    python3 tests/mutants.py run --seconds 600      for ten minutes
    python3 tests/mutants.py run --file 'shared/protocol/src/graph.rs'
    python3 tests/mutants.py run --draw 200         of each area so many, drawn at random: the same ones each time
    python3 tests/mutants.py sample --seconds 240   what CI runs: changed files first, else some that were caught
    python3 tests/mutants.py report                 writes docs/proof/mutants.md
    python3 tests/mutants.py check                  says what is stale; fails where a survivor has no reason

Results are in docs/proof/mutants.tsv, one mutant a line, with the hash of the file that it was made of: a file that has
changed since is stale, and is not claimed for. Survivors are in tests/mutants.toml, each with its reason.

The mutants are made in a copy of the checkout (.lab/mutants/tree) that is built in a place of its own, never in the checkout.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import hashlib
import json
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from cargo_tool import ROOT, NotInstalled, ensure
from target_dir import target_dir

RESULTS = ROOT / "docs" / "proof" / "mutants.tsv"
PAGE = ROOT / "docs" / "proof" / "mutants.md"
REASONS = ROOT / "tests" / "mutants.toml"
PLACE = ROOT / ".lab" / "mutants"
TREE = PLACE / "tree"
TARGET = PLACE / "target"


@dataclass(frozen=True)
class Area:
    """Files of one kind, and how many of their viable mutants must be caught."""

    name: str
    patterns: tuple[str, ...]
    share_min: float


# A file is of the first area that has it.
AREAS = (
    Area(
        "what decides",
        (
            "shared/protocol/src/decide.rs",
            "shared/protocol/src/decide/*.rs",
            "shared/protocol/src/state.rs",
            "shared/protocol/src/state/*.rs",
            "shared/protocol/src/evidence.rs",
            "shared/protocol/src/graph.rs",
        ),
        0.9,
    ),
    Area("the rest of the core", ("shared/protocol/src/*.rs", "shared/protocol/src/*/*.rs", "shared/protocol/src/*/*/*.rs"), 0.9),
    Area("the engine", ("shared/engine/src/*.rs", "shared/engine/src/*/*.rs"), 0.8),
    Area("the functions", ("functions/*/src/*.rs",), 0.9),
)
SCOPE = tuple(pattern for area in AREAS for pattern in area.patterns)
# Wiring: it decides nothing, and the end-to-end tests run it.
EXCLUDED = ("functions/*/src/main.rs",)

# What is written into the copy. One function changes at a time, and compiling takes longer than what is run here. No
# optimisation: together with incremental compilation it has left programs that could not be linked. Other people's crates
# stay as they are, or what the checkout has built of them could not be borrowed.
CONFIGURATION = "[profile.lab]\nincremental = true\n" + "".join(
    f"[profile.lab.package.{name}]\nopt-level = 0\n" for name in ("protocol", "model", "ports", "twin", "engine", "simulation")
)

# Of so many viable mutants at least so many are caught.
SHARE_MIN = 0.9
# A sample that has more survivors than that share would have once in so often fails.
CHANCE_MAX = 0.005
# Mutants in one call of cargo-mutants: at most so many are lost when it is cut short.
BATCH = 8


@dataclass(frozen=True)
class Tests:
    """The tests that are run against a mutant: quick ones first, and the others only where those saw nothing."""

    name: str
    packages: tuple[str, ...]
    programs: tuple[str, ...]
    seconds_max: int
    # Parts of the names of tests: only those, or all but those.
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()

    def filters(self) -> list[str]:
        """As a test program takes them."""
        return [*self.only, *(f"--skip={part}" for part in self.without)]


# Without the functions' binaries, for no test here runs one: the SDK is not built for each mutant.
NO_SDK = ("--no-default-features",)

# Of the scenarios those that play hours, or everything with every harm.
HOURS = ("aftermath::", "alarms::", "attention::", "budgets::", "contract::", "snapshots::")

CORE = Tests("core", ("protocol",), ("quick",), 30)
RUNS = Tests("runs", ("scenarios", "engine", "ssm-replicator"), ("scenarios", "limits", "replicator"), 120, without=HOURS)
WHOLE = Tests("whole", ("protocol",), ("core",), 300)
LAWS = Tests("laws", ("protocol",), ("core",), 300, only=("golden::", "laws::", "envelopes::", "events::", "readiness::"))
LONG = Tests("long", ("scenarios",), ("scenarios", "secrets"), 600, only=(*HOURS, "secret", "values", "credentials"))
# Quick ones first.
EVERY = (CORE, WHOLE, RUNS, LAWS, LONG)


def area_of(file: str) -> Area | None:
    """The area of a file; none outside the scope."""
    return next((area for area in AREAS if any(fnmatch.fnmatch(file, pattern) for pattern in area.patterns)), None)


def tests_for(file: str) -> tuple[Tests, ...]:
    """The tests for the mutants of a file, in their order."""
    if not file.startswith("shared/protocol/"):
        return (RUNS, LONG)
    return (CORE, RUNS, LAWS, LONG) if area_of(file) == AREAS[0] else (WHOLE, RUNS, LONG)


@dataclass(frozen=True)
class Mutant:
    """One change of one place, as cargo-mutants names it."""

    file: str
    name: str

    @property
    def words(self) -> str:
        """Its name without the line and the column, which change with every line above."""
        return re.sub(r"^([^:]+):\d+:\d+: ", r"\1: ", self.name)


@dataclass(frozen=True)
class Result:
    """What became of a mutant."""

    mutant: Mutant
    digest: str
    outcome: str
    tests: str
    seconds: int

    @property
    def is_fresh(self) -> bool:
        """Whether its file is as it was when the mutant was made."""
        return self.digest == digest_of(self.mutant.file)

    @property
    def is_undecided(self) -> bool:
        """Whether some of its tests did not see it, and the rest of them were not asked. It counts as one that may survive: an
        interrupted run has run the quick tests alone, and those that these miss are no random part."""
        return self.outcome == PENDING and self.tests != "-" and self.is_fresh

    def line(self) -> str:
        """As it is kept."""
        return "\t".join([self.mutant.file, self.digest, self.outcome, self.tests, str(self.seconds), self.mutant.name])


OUTCOMES = {"CaughtMutant": "caught", "MissedMutant": "missed", "Unviable": "unviable", "Timeout": "timeout"}
# A mutant that there is and that was not run: a figure of a file must not hide what it leaves out.
PENDING = "pending"
HEAD = "file\thash\toutcome\ttests\tseconds\tmutant"


def digest_of(file: str) -> str:
    """The hash of a file; nothing where it is gone."""
    path = ROOT / file
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""


def read_results(path: Path = RESULTS) -> dict[Mutant, Result]:
    """The results that are kept."""
    results = {}
    if path.exists():
        for line in path.read_text(encoding="utf-8").splitlines()[1:]:
            file, digest, outcome, tests, seconds, name = line.split("\t")
            mutant = Mutant(file, name)
            results[mutant] = Result(mutant, digest, outcome, tests, int(seconds))
    return results


def write_results(results: Iterable[Result], path: Path = RESULTS) -> None:
    """Keeps results, whole or not at all."""
    unfinished = path.with_suffix(".part")
    lines = sorted(result.line() for result in results)
    unfinished.write_text("\n".join([HEAD, *lines]) + "\n", encoding="utf-8")
    os.replace(unfinished, path)


def place_of(mutant: Mutant) -> tuple[str, int, int]:
    """Where a mutant is, for an order that people can follow."""
    found = re.match(r"^[^:]+:(\d+):(\d+):", mutant.name)
    return (mutant.file, int(found[1]), int(found[2])) if found else (mutant.file, 0, 0)


def files_in_scope() -> list[str]:
    """The files that mutants are made of."""
    found = set()
    for pattern in SCOPE:
        found |= {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)}
    return sorted(file for file in found if not any(fnmatch.fnmatch(file, pattern) for pattern in EXCLUDED))


def every_mutant(program: Path, files: list[str]) -> list[Mutant]:
    """The mutants of some files, as cargo-mutants makes them."""
    command = [str(program), "mutants", "--no-config", "--list", "--json", "--dir", str(ROOT)]
    command += [f"--file={file}" for file in files]
    said = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if said.returncode != 0:
        sys.exit(f"mutants: cargo-mutants can't list them: {said.stderr.strip()[-300:]}")
    return sorted({Mutant(item["file"], item["name"]) for item in json.loads(said.stdout)}, key=place_of)


# The copy


def copy_checkout() -> None:
    """Makes the copy the same as the checkout; what is the same already keeps its time, and is not built again."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    said = subprocess.run(listed, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout
    wanted = {name for name in said.decode().split("\0") if name and (ROOT / name).is_file()}
    for name in wanted:
        source, copy = ROOT / name, TREE / name
        if copy.is_file() and copy.read_bytes() == source.read_bytes():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        # A new time: cargo goes by it, and what was put back after a mutant may be older than what was built.
        shutil.copyfile(source, copy)
        shutil.copymode(source, copy)
    for copy in [path for path in TREE.rglob("*") if path.is_file() or path.is_symlink()]:
        name = copy.relative_to(TREE).as_posix()
        if name not in wanted and name != ".cargo/config.toml":
            copy.unlink()
    configuration = TREE / ".cargo" / "config.toml"
    if not configuration.exists() or configuration.read_text(encoding="utf-8") != CONFIGURATION:
        configuration.parent.mkdir(parents=True, exist_ok=True)
        configuration.write_text(CONFIGURATION, encoding="utf-8")


def borrow_builds() -> None:
    """Begins with what the checkout has built of other people's crates, without a copy of it: cargo never changes those."""
    built = target_dir() / "lab"
    if TARGET.exists() or not built.is_dir():
        return
    own = {"protocol", "ports", "engine", "aws", "scenarios", "simulation", "model", "lab", "gateway", "e2e", "bench"}
    own |= {path.parent.name for path in ROOT.glob("functions/*/Cargo.toml")}
    names = {name.replace("-", "_") for name in own}

    def is_ours(name: str) -> bool:
        stem = re.sub(r"-[0-9a-f]{16}.*$", "", name).removeprefix("lib").replace("-", "_")
        return stem in names

    unfinished = PLACE / "target.part"
    shutil.rmtree(unfinished, ignore_errors=True)
    for part in ("deps", ".fingerprint", "build"):
        for source in (built / part).rglob("*"):
            relative = source.relative_to(built)
            if source.is_file() and not is_ours(relative.parts[1]):
                copy = unfinished / "lab" / relative
                copy.parent.mkdir(parents=True, exist_ok=True)
                # Of a build script's output and of what cargo notes a copy: those are written over.
                (shutil.copy2 if part != "deps" else link)(source, copy)
    if unfinished.exists():
        unfinished.rename(TARGET)


def link(source: Path, copy: Path) -> None:
    """The same file under another name; a copy where that can't be."""
    try:
        os.link(source, copy)
    except OSError:
        shutil.copy2(source, copy)


# Running


@dataclass
class Run:
    """Runs mutants until there are none, or until the time is over."""

    program: Path
    ends_at: float
    results: dict[Mutant, Result]
    keeps: bool
    # It stops at the first test that fails. Without it all tests are run, which a sample's few are quicker with.
    nextest: Path | None = None

    def is_over(self) -> bool:
        """Whether no more may be begun."""
        return time.monotonic() >= self.ends_at

    def baseline(self, tests: Tests) -> None:
        """The tests must pass without any mutant, else they catch everything."""
        mark = PLACE / f"baseline-{tests.name}.txt"
        state = hashlib.sha256("".join(f"{name}{digest_of(name)}" for name in sources()).encode()).hexdigest()
        if mark.exists() and mark.read_text(encoding="utf-8") == state:
            return
        print(f"mutants: building and running the tests {tests.name} without a mutant", flush=True)
        chosen = [*NO_SDK, *(f"--package={package}" for package in tests.packages)]
        chosen += [f"--test={program}" for program in tests.programs]
        chosen += ["--", *tests.filters()]
        done = self.call(["cargo", "test", "--profile=lab", "--color=never", *chosen], PLACE / "baseline.log")
        if done != 0:
            tail = (PLACE / "baseline.log").read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
            sys.exit("\n".join(["mutants: the tests fail without any mutant:", *tail]))
        mark.write_text(state, encoding="utf-8")

    def call(self, command: list[str], log: Path) -> int:
        """Runs a command in the copy; ends it, and all that it started, when this program is ended."""
        environment = {name: value for name, value in os.environ.items() if name != "RUSTFLAGS"}
        environment |= {"CARGO_TARGET_DIR": str(TARGET), "CARGO_TERM_COLOR": "never", "RUST_BACKTRACE": "0"}
        if self.nextest:
            environment["PATH"] = os.pathsep.join([str(self.nextest.parent), environment.get("PATH", "")])
        with log.open("w", encoding="utf-8") as out:
            process = subprocess.Popen(
                command, cwd=TREE, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                return process.wait()
            except BaseException:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)
                process.wait()
                raise

    def batch(self, mutants: list[Mutant], tests: Tests) -> list[Result]:
        """Runs some mutants of one file against some tests."""
        output = PLACE / "out"
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir(parents=True)
        exact = [f"--re=^{exactly(mutant.name)}$" for mutant in mutants]
        command = [str(self.program), "mutants", "--no-config", "--in-place", "--baseline=skip", "--profile=lab"]
        command += ["--no-shuffle", "--colors=never", f"--test-tool={'nextest' if self.nextest else 'cargo'}"]
        command += [f"--timeout={tests.seconds_max}", "--build-timeout=900", f"--output={output}"]
        command += [f"--file={mutants[0].file}", *exact]
        command += [*NO_SDK, *(f"--test-package={package}" for package in tests.packages)]
        command += [f"--cargo-arg=--test={program}" for program in tests.programs]
        command += ["--", "--", *tests.filters()]
        self.call(command, PLACE / "mutants.log")
        found = outcomes(output / "mutants.out" / "outcomes.json", mutants, tests)
        if not found:
            tail = (PLACE / "mutants.log").read_text(encoding="utf-8", errors="replace").splitlines()[-10:]
            sys.exit("\n".join(["mutants: cargo-mutants ran none of them:", *tail]))
        return found

    def carry_out(self, mutants: list[Mutant]) -> Iterator[Result]:
        """Gives a result for each mutant that was judged by all its tests, and keeps it at once.

        All mutants meet the quick tests before any of them meets the slow ones: programs are built for one kind at a time.
        """
        for tests in EVERY:
            for file in dict.fromkeys(mutant.file for mutant in mutants):
                left = [mutant for mutant in mutants if mutant.file == file and self.next_tests(mutant) == tests]
                for first in range(0, len(left), BATCH):
                    if self.is_over():
                        return
                    self.baseline(tests)
                    decided = self.batch(left[first : first + BATCH], tests)
                    is_last = tests == tests_for(file)[-1]
                    final = [result for result in decided if is_last or result.outcome != "missed"]
                    # What these tests did not see waits for the next ones.
                    self.results |= {result.mutant: replace(result, outcome=PENDING) for result in decided}
                    self.results |= {result.mutant: result for result in final}
                    if self.keeps:
                        write_results(self.results.values())
                    yield from final

    def next_tests(self, mutant: Mutant) -> Tests | None:
        """The tests that a mutant meets next; none where it was judged."""
        result, order = self.results.get(mutant), tests_for(mutant.file)
        if result is None or not result.is_fresh:
            return order[0]
        if result.outcome != PENDING:
            return None
        passed = [tests.name for tests in order]
        return order[passed.index(result.tests) + 1] if result.tests in passed[:-1] else order[0]


def exactly(text: str) -> str:
    """A regular expression of the regex crate for a text and no other."""
    return re.sub(r"([\\.+*?()|\[\]{}^$#&~-])", r"\\\1", text)


def sources() -> list[str]:
    """Everything that the tests are built of."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.rs", "*.toml", "*.json", "*.jsonl", "Cargo.lock"]
    said = subprocess.run(listed, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout
    return sorted(set(said.splitlines()))


def outcomes(path: Path, mutants: list[Mutant], tests: Tests) -> list[Result]:
    """What cargo-mutants says became of some mutants."""
    if not path.exists():
        return []
    known, found = {mutant.name: mutant for mutant in mutants}, []
    for item in json.loads(path.read_text(encoding="utf-8"))["outcomes"]:
        scenario = item["scenario"]
        mutant = known.get(scenario["Mutant"]["name"]) if isinstance(scenario, dict) else None
        outcome = OUTCOMES.get(item["summary"])
        if mutant is None or outcome is None:
            continue
        seconds = sum(phase["duration"] for phase in item["phase_results"])
        found.append(Result(mutant, digest_of(mutant.file), outcome, tests.name, round(seconds)))
    return found


# Judging


def read_reasons(path: Path = REASONS) -> dict[str, str]:
    """Why each survivor may survive, by the mutant's words."""
    reasons: dict[str, str] = {}
    if path.exists():
        for item in tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", []):
            reasons[item["mutant"]] = item["reason"]
    return reasons


@dataclass(frozen=True)
class FileFigures:
    """What became of the mutants of one file."""

    file: str
    is_stale: bool
    caught: int
    missed: int
    unviable: int
    # Of those that some of their tests did not see, and that wait for the rest of them: they may survive.
    undecided: int
    pending: int

    @property
    def viable(self) -> int:
        """Those that could be built."""
        return self.caught + self.missed + self.undecided

    @property
    def judged(self) -> int:
        """Those that were run, built or not."""
        return self.viable + self.unviable

    @property
    def share(self) -> str:
        """How many of the viable ones were caught."""
        return f"{100 * self.caught / self.viable:.0f} %" if self.viable else "-"


def figures(results: Iterable[Result]) -> list[FileFigures]:
    """The figures of each file that has results."""
    by_file: dict[str, list[Result]] = {}
    for result in results:
        by_file.setdefault(result.mutant.file, []).append(result)
    rows = []
    for file, found in sorted(by_file.items()):
        count = lambda *wanted: sum(result.outcome in wanted for result in found)  # noqa: B023, E731
        is_stale = any(not result.is_fresh for result in found if result.outcome != PENDING)
        caught = count("caught", "timeout")
        undecided = sum(result.is_undecided for result in found)
        pending = count(PENDING) - undecided
        rows.append(FileFigures(file, is_stale, caught, count("missed"), count("unviable"), undecided, pending))
    return rows


def areas(rows: Iterable[FileFigures]) -> Iterator[str]:
    """A row for each area: of results of files that are as they were run."""
    rows = list(rows)
    for area in AREAS:
        found = [row for row in rows if area_of(row.file) == area]
        fresh = [row for row in found if not row.is_stale]
        every = sum(row.judged + row.pending for row in found)
        judged_ones = sum(row.judged for row in fresh)
        caught, viable = sum(row.caught for row in fresh), sum(row.viable for row in fresh)
        share = f"{100 * caught / viable:.1f} %" if viable else "-"
        yield f"| {area.name} | {every} | {judged_ones} | {viable} | {caught} | {share} | {100 * area.share_min:.0f} % |"


def problems(results: dict[Mutant, Result], reasons: dict[str, str]) -> list[str]:
    """What is wrong with what is kept: a survivor without a reason, a reason without a survivor, a file out of scope."""
    survivors = {result.mutant.words for result in results.values() if result.outcome == "missed"}
    fresh = {
        result.mutant.words
        for result in results.values()
        if result.outcome == "missed" and result.is_fresh
    }
    found = [f"survives without a reason in tests/mutants.toml: {words}" for words in sorted(fresh - set(reasons))]
    found += [f"tests/mutants.toml has a reason for what does not survive: {words}" for words in sorted(set(reasons) - survivors)]
    found += [f"tests/mutants.toml gives no reason for: {words}" for words, why in reasons.items() if len(why.strip()) < 10]
    scope = set(files_in_scope())
    found += [f"docs/proof/mutants.tsv has results of {row.file}, which is not in the scope" for row in figures(results.values()) if row.file not in scope]
    return found


def page(results: dict[Mutant, Result], reasons: dict[str, str]) -> str:
    """The report, from what is kept alone."""
    rows = figures(results.values())
    fresh = [row for row in rows if not row.is_stale]
    stale = [row.file for row in rows if row.is_stale]
    pending = sorted(set(files_in_scope()) - {row.file for row in rows})
    caught, viable = sum(row.caught for row in fresh), sum(row.viable for row in fresh)
    waiting = sum(row.pending for row in rows)
    total = f"{caught} of {viable} viable mutants are caught ({100 * caught / viable:.1f} %)" if viable else "none was run yet"
    undecided = sum(row.undecided for row in fresh)
    total += f", and {undecided} that the quick tests missed wait for the slow ones and count as not caught" if undecided else ""
    total += f"; {waiting} are not run yet" if waiting else ""
    lines = [
        "# Mutants",
        "",
        "Written by `python3 tests/mutants.py report`; what it is made of is in `mutants.tsv` beside it. Do not edit.",
        "",
        "[cargo-mutants](https://mutants.rs) changes one place of the source and runs the tests: a mutant that no test notices",
        "is a line that no test holds. `make mutants` runs those that have no result, in a copy of the checkout, and goes on",
        "where it was cut short. Results are kept by the hash of the file: of a file that has changed since, nothing is claimed.",
        "",
        "Scope: the core (`shared/protocol`; what decides apart: `decide`, `state`, `evidence` and `graph`), the engine, and what only",
        "one function does (`functions/*/src`, without the wiring in `main.rs`). What takes longer than its time is caught too: it",
        "does not end. Where not all mutants of an area were run, those that were are drawn by the hash of their name (`--draw`).",
        "",
        f"Of the files below that are as they were run, {total}.",
        "",
        "| area | mutants | run | viable | caught | share | wanted |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *areas(rows),
        "",
        "| file | viable | caught | share | survive | undecided | do not build | not run yet | |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        note = "stale: it has changed since" if row.is_stale else ""
        lines.append(
            f"| `{row.file}` | {row.viable} | {row.caught} | {row.share} | {row.missed} | {row.undecided} | {row.unviable} "
            f"| {row.pending} | {note} |"
        )
    if pending:
        lines += ["", f"No mutant is known of: {', '.join(f'`{file}`' for file in pending)}."]
    if stale:
        lines += ["", f"Stale: {', '.join(f'`{file}`' for file in stale)}."]
    lines += ["", "## Survivors", ""]
    missed = sorted({result.mutant.words for result in results.values() if result.outcome == "missed"})
    if missed:
        lines += ["| mutant | why it may survive |", "| --- | --- |"]
        lines += [f"| `{words.replace('|', chr(92) + '|')}` | {reasons.get(words, 'no reason yet')} |" for words in missed]
    else:
        lines += ["None."]
    return "\n".join(lines) + "\n"


def check() -> int:
    """Says what is stale, and what is wrong; a stale file is no failure."""
    results, reasons = read_results(), read_reasons()
    stale = [row.file for row in figures(results.values()) if row.is_stale]
    if stale:
        print(f"mutants: stale, nothing is claimed of: {', '.join(stale)} (make mutants)")
    found = problems(results, reasons)
    if not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page(results, reasons):
        found.append("docs/proof/mutants.md is not what docs/proof/mutants.tsv and the files say: python3 tests/mutants.py report")
    for problem in found:
        print(f"mutants: {problem}")
    return 1 if found else 0


# Commands


def shard_of(mutant: Mutant, count: int) -> int:
    """The shard of a mutant, the same on every machine."""
    return int(hashlib.sha256(mutant.name.encode()).hexdigest(), 16) % count


def drawn_of_each_area(mutants: list[Mutant], count: int) -> list[Mutant]:
    """So many of each area, as if drawn at random; the same ones on every machine, and more with a higher count."""
    by_area: dict[str, list[Mutant]] = {}
    for mutant in mutants:
        if area := area_of(mutant.file):
            by_area.setdefault(area.name, []).append(mutant)
    order = lambda mutant: hashlib.sha256(mutant.words.encode()).digest()  # noqa: E731
    chosen = {mutant for found in by_area.values() for mutant in sorted(found, key=order)[:count]}
    return [mutant for mutant in mutants if mutant in chosen]


def stale_mutants(mutants: list[Mutant], results: dict[Mutant, Result]) -> list[Mutant]:
    """Those that have no result for the file as it is."""
    digests = {file: digest_of(file) for file in {mutant.file for mutant in mutants}}
    results = {mutant: result for mutant, result in results.items() if result.outcome != PENDING}
    return [mutant for mutant in mutants if mutant not in results or results[mutant].digest != digests[mutant.file]]


def with_pending(results: dict[Mutant, Result], mutants: list[Mutant]) -> dict[Mutant, Result]:
    """The results, and a line for each mutant that has none."""
    pending = {mutant: Result(mutant, digest_of(mutant.file), PENDING, "-", 0) for mutant in mutants}
    # One that waits, of a file that has changed since, waits anew.
    return pending | {mutant: result for mutant, result in results.items() if result.outcome != PENDING or result.is_fresh}


def without_leftovers(results: dict[Mutant, Result], mutants: list[Mutant]) -> dict[Mutant, Result]:
    """Results of mutants that there are; of a file that was run anew nothing older stays."""
    known, files = set(mutants), {mutant.file for mutant in mutants}
    return {mutant: result for mutant, result in results.items() if mutant in known or mutant.file not in files}


def progress(result: Result, number: int, of: int) -> None:
    """One line for each result."""
    print(f"[{number:>4}/{of}] {result.outcome:<8} {result.seconds:>4} s  {result.mutant.name}", flush=True)


def run(wishes: argparse.Namespace) -> int:
    """Runs what has no result."""
    program = ensure("cargo-mutants")
    files = [file for file in files_in_scope() if not wishes.file or any(fnmatch.fnmatch(file, glob) for glob in wishes.file)]
    if not files:
        print(f"mutants: no file of the scope is named so; the scope: {', '.join(SCOPE)}", file=sys.stderr)
        return 2
    mutants = every_mutant(program, files)
    results = with_pending(without_leftovers(read_results(), mutants), mutants)
    wanted = stale_mutants(drawn_of_each_area(mutants, wishes.draw) if wishes.draw else mutants, results)
    if wishes.shard:
        number, count = (int(part) for part in wishes.shard.split("/"))
        wanted = [mutant for mutant in wanted if shard_of(mutant, count) == number - 1]
    print(f"mutants: {len(wanted)} of {len(mutants)} have no result", flush=True)
    began = time.monotonic()
    ends_at = float("inf") if wishes.seconds is None else began + wishes.seconds
    work = Run(program, ends_at, results, keeps=True, nextest=ensure("cargo-nextest"))
    done = 0
    write_results(results.values())
    if wanted and not work.is_over():
        copy_checkout()
        borrow_builds()
        try:
            for done, result in enumerate(work.carry_out(wanted), start=1):
                progress(result, done, len(wanted))
        finally:
            write_results(results.values())
    PAGE.write_text(page(results, read_reasons()), encoding="utf-8")
    print(f"mutants: {done} run in {time.monotonic() - began:.0f} s, {len(wanted) - done} left; see docs/proof/mutants.md")
    return 0


def drawn(mutants: list[Mutant], results: dict[Mutant, Result], seed: str) -> list[Mutant]:
    """What a sample takes, in its order: changed files first, else what was caught and must be again. By seed."""
    chance = random.Random(seed)
    # A mutant that was never judged, of a file that is as it was, is the full run's.
    waits = {mutant for mutant, result in results.items() if result.outcome == PENDING and result.is_fresh}
    changed = [mutant for mutant in stale_mutants(mutants, results) if mutant not in waits]
    caught = [mutant for mutant in mutants if mutant in results and results[mutant].outcome in ("caught", "timeout")]
    pool = changed or caught or mutants
    # Those of the core come first: their tests take seconds, the others' minutes.
    order = [mutant for mutant in pool if tests_for(mutant.file)[0] == CORE] or pool
    chance.shuffle(order)
    return order


def by_chance(survivors: int, count: int) -> float:
    """How likely so many survivors, or more, are among so many mutants where the wanted share of all is caught."""
    rest = 1 - SHARE_MIN
    return sum(math.comb(count, n) * rest**n * SHARE_MIN ** (count - n) for n in range(survivors, count + 1))


def judged(results: list[Result], before: dict[Mutant, Result], reasons: dict[str, str]) -> tuple[int, list[str]]:
    """How many mutants of a sample are as they should be, and what is wrong with the others."""
    once_caught = {result.mutant.words for result in before.values() if result.outcome in ("caught", "timeout")}
    once_caught -= {result.mutant.words for result in before.values() if result.outcome == "missed"}
    viable = [result for result in results if result.outcome != "unviable"]
    missed = [result for result in viable if result.outcome == "missed" and result.mutant.words not in reasons]
    wrong = [f"was caught once, and survives: {result.mutant.name}" for result in missed if result.mutant.words in once_caught]
    new = [result for result in missed if result.mutant.words not in once_caught]
    for result in new:
        print(f"  survives, and is not in tests/mutants.toml: {result.mutant.name}")
    if new and by_chance(len(new), len(viable)) < CHANCE_MAX:
        wrong.append(f"{len(new)} of {len(viable)} survive: that is no chance where {SHARE_MIN:.0%} of all are caught")
    return len(results) - len(wrong), wrong


def sampled(work: Run, order: list[Mutant], seconds: float) -> Iterator[Result]:
    """As many as fit into the time. What is built before the first is not of it; and the first is judged by all its tests, for which
    more may have to be built, however long that takes."""
    began = 0.0
    for mutant in order:
        work.baseline(tests_for(mutant.file)[0])
        if mutant is order[0]:
            began = time.monotonic()
        elif work.is_over():
            return
        yield from work.carry_out([mutant])
        work.ends_at = began + seconds


def sample(wishes: argparse.Namespace) -> int:
    """Runs as many as fit into the time, chosen by the commit, and says whether they are as they should be."""
    program = ensure("cargo-mutants")
    before, reasons = read_results(), read_reasons()
    mutants = every_mutant(program, files_in_scope())
    seed = wishes.seed or subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    ).stdout.strip()
    order = drawn(mutants, without_leftovers(before, mutants), seed)
    print(f"mutants: a sample of {len(order)}, by seed {seed[:12] or 'none'}, for {wishes.seconds} s", flush=True)
    copy_checkout()
    borrow_builds()
    chosen = set(order)
    others = {mutant: result for mutant, result in before.items() if mutant not in chosen}
    work = Run(program, float("inf"), others, keeps=False)
    results: list[Result] = []
    for result in sampled(work, order, wishes.seconds):
        results.append(replace(result))
        progress(result, len(results), len(order))
    good, wrong = judged(results, before, reasons)
    for words in wrong:
        print(f"FAILED {words}")
    print(f"{good} passed, {len(wrong)} failed")
    return 1 if wrong else 0


def main(arguments: list[str]) -> int:
    """Does what is asked for."""
    parser = argparse.ArgumentParser(description="Runs mutants of what decides, and keeps what became of them.")
    commands = parser.add_subparsers(dest="command", required=True)
    everything = commands.add_parser("run", help="run every mutant that has no result")
    everything.add_argument("--file", action="append", default=[], help="only files that match this")
    everything.add_argument("--shard", help="only one of several shares, as 1/4", type=shard)
    everything.add_argument("--seconds", type=int, help="begin nothing after so many seconds")
    everything.add_argument("--draw", type=int, help="only so many of each area, drawn at random")
    some = commands.add_parser("sample", help="run as many as fit into the time")
    some.add_argument("--seconds", type=int, default=240)
    some.add_argument("--seed", default="", help="which ones; without it, by the commit")
    commands.add_parser("report", help="write docs/proof/mutants.md")
    commands.add_parser("check", help="say what is stale, and what is wrong")
    wishes = parser.parse_args(arguments)
    if wishes.command == "report":
        PAGE.write_text(page(read_results(), read_reasons()), encoding="utf-8")
        return 0
    if wishes.command == "check":
        return check()
    PLACE.mkdir(parents=True, exist_ok=True)
    try:
        return run(wishes) if wishes.command == "run" else sample(wishes)
    except NotInstalled as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def shard(text: str) -> str:
    """A share, such as 2/8."""
    found = re.fullmatch(r"(\d+)/(\d+)", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise argparse.ArgumentTypeError(f"{text}: say which of how many, as 2/8")
    return text


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1:]))
