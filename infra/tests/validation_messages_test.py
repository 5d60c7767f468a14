"""Does every rule of the module's variables fire, alone, with its own message?

`terraform test` can say that a variable is refused, but not with which words. So this takes the cases of
`modules/orchestrator/tests/validation.tftest.hcl`, runs each without `expect_failures`, and reads what Terraform
says. It demands that each case breaks exactly one rule, of the variable the case names, and that no rule of
variables.tf is without a case. A rule of a variable speaks of variables alone, so these cases meet variables.tf without the rest
of the module, and no provider is started for them. The refused cases of `rules.tftest.hcl` meet the whole module: each must be
refused with the one line that it says. Offline: the provider is mocked.

Usage: python3 infra/tests/validation_messages_test.py
Exit code: 0, or 1 with one line per violation.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from policy_test import copied

MODULE = Path(__file__).resolve().parents[1] / "modules" / "orchestrator"
CASES = "validation.tftest.hcl"
# Terraform test runs one case after the other; two processes use two cores.
PROCESSES = 2

_RUN = re.compile(r'^run "(?P<name>[^"]+)" \{\n(?P<body>.*?)^\}\n', re.MULTILINE | re.DOTALL)
_PROVIDER = re.compile(r"^mock_provider .*?^\}\n", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"^  expect_failures = \[var\.(?P<variable>[a-z_]+)\]\n", re.MULTILINE)
_SAYS = re.compile(r"^  # says: (?P<line>.*)\n", re.MULTILINE)
_VARIABLE = re.compile(r'^variable "(?P<name>[a-z_]+)" \{\n(?P<body>.*?)^\}\n', re.MULTILINE | re.DOTALL)
_MESSAGE = re.compile(r'^    error_message = "(?P<text>(?:\\.|[^"\\]|"(?=[^\n]*"\n))*)"$', re.MULTILINE)


@dataclass(frozen=True)
class Rule:
    """One `validation` block: its variable, and the message with every `${…}` standing for any text."""

    variable: str
    text: str

    def says(self, message: str) -> bool:
        return re.fullmatch(_pattern(self.text), " ".join(message.split()), re.DOTALL) is not None


@dataclass(frozen=True)
class Case:
    """One run of the cases' file."""

    name: str
    variable: str
    source: str
    says: str = ""  # the one line that is heard, or how it begins, `${…}` standing for any text; of a rule of rules.tf


@dataclass
class Heard:
    """What Terraform said about one case."""

    errors: list[str] = field(default_factory=list)


def _pattern(template: str) -> str:
    """The template's literal text as a pattern, blanks collapsed, interpolations as `.*`."""
    pattern, literal, depth, i = [], [], 0, 0
    while i < len(template):
        if depth == 0 and template.startswith("${", i):
            pattern.append(re.escape(" ".join("".join(literal).split(" "))) + ".*")
            literal, depth, i = [], 1, i + 2
            continue
        if depth:
            depth += {"{": 1, "}": -1}.get(template[i], 0)
        else:
            literal.append(template[i])
        i += 1
    pattern.append(re.escape("".join(literal)))
    return "".join(pattern)


def rules(source: str) -> list[Rule]:
    """The rules of a variables.tf."""
    return [
        Rule(variable["name"], message["text"].replace('\\"', '"').replace("\\\\", "\\"))
        for variable in _VARIABLE.finditer(source)
        for message in _MESSAGE.finditer(variable["body"])
    ]


def cases(source: str) -> tuple[str, list[Case]]:
    """What stands before the runs, and the runs."""
    found = []
    for run in _RUN.finditer(source):
        expected = _EXPECTED.search(run["body"])
        if expected is None:
            raise SystemExit(f"{CASES}: the run {run['name']} names no variable in expect_failures")
        found.append(Case(run["name"], expected["variable"], _EXPECTED.sub("", run[0])))
    return source[: source.index('\nrun "')], found


def refused_by_the_whole(source: str) -> tuple[str, list[Case]]:
    """What stands before the runs of a file, and those of them that say with which line they are refused."""
    found = []
    for run in _RUN.finditer(source):
        said = _SAYS.search(run["body"])
        if said:
            found.append(Case(run["name"], "plan", re.sub(r"^  expect_failures = .*\n", "", run[0], flags=re.MULTILINE), said["line"]))
    return source[: source.index('\nrun "')], found


def whole(directory: Path) -> Path:
    """The module and what it is made of, but for its tests."""
    return copied(directory, ".terraform*", "*.tftest.hcl")


def variables_alone(directory: Path) -> Path:
    """The module's variables, without anything that needs a provider."""
    shutil.copy(MODULE / "variables.tf", directory)
    shutil.copytree(MODULE / "tests", directory / "tests", ignore=shutil.ignore_patterns("*.tftest.hcl"))
    return directory


def hear(module: Callable[[Path], Path], head: str, part: list[Case]) -> dict[str, Heard]:
    """Runs cases, one file each: after an error Terraform skips the rest of a file."""
    with tempfile.TemporaryDirectory() as directory:
        copy = module(Path(directory))
        for case in part:
            (copy / "tests" / f"{case.name}.tftest.hcl").write_text(f"{head}\n{case.source}")
        subprocess.run(["terraform", "init", "-input=false", "-no-color"], cwd=copy, check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(["terraform", "test", "-json"], cwd=copy, capture_output=True, text=True, check=False)
    heard = {case.name: Heard() for case in part}
    for line in done.stdout.splitlines():
        event = json.loads(line)
        name = event.get("@testrun")
        if event.get("type") == "diagnostic" and event["diagnostic"]["severity"] == "error" and name in heard:
            heard[name].errors.append(event["diagnostic"].get("detail") or event["diagnostic"]["summary"])
    return heard


def without_providers(head: str) -> str:
    """What stands before the runs, but for the mocked providers."""
    return _PROVIDER.sub("", head)


def violations(known: list[Rule], found: list[Case], heard: dict[str, Heard]) -> list[str]:
    """One line for each case that breaks none, several or another variable's rule, and for each rule without a case."""
    lines, fired = [], set()
    for case in found:
        broken = {rule for rule in known for error in heard[case.name].errors if rule.says(_own_words(error))}
        fired |= broken
        if {rule.variable for rule in broken} != {case.variable}:
            lines.append(f"{case.name}: refused for {sorted({rule.variable for rule in broken})} instead of {case.variable}: {heard[case.name].errors}")
        elif len(broken) > 1:
            lines.append(f"{case.name}: breaks {len(broken)} rules instead of one: {sorted(rule.text for rule in broken)}")
    lines += [f"variables.tf: no case breaks the rule of {rule.variable}: {rule.text}" for rule in known if rule not in fired]
    return lines


def unsaid(found: list[Case], heard: dict[str, Heard]) -> list[str]:
    """One line for each case that is refused with other words than its own, or with more."""
    lines = []
    for case in found:
        errors = heard[case.name].errors
        if len(errors) != 1 or re.match(_pattern(case.says), errors[0], re.DOTALL) is None:
            lines.append(f"{case.name}: heard {errors} instead of {case.says}")
    return lines


def _own_words(error: str) -> str:
    """The message alone, without Terraform's note about where the rule stands."""
    return error.split("\n\nThis was checked by the validation rule")[0]


def main() -> int:
    known = rules((MODULE / "variables.tf").read_text())
    written = (MODULE / "variables.tf").read_text().count("\n  validation {\n")
    if len(known) != written:
        print(f"variables.tf: {written} rules are written, {len(known)} messages are understood")
        return 1
    head, found = cases((MODULE / "tests" / CASES).read_text())
    heard: dict[str, Heard] = {}
    with ThreadPoolExecutor(PROCESSES) as pool:
        for part in pool.map(lambda n: hear(variables_alone, without_providers(head), found[n::PROCESSES]), range(PROCESSES)):
            heard |= part
    head, of_whole = refused_by_the_whole((MODULE / "tests" / "rules.tftest.hcl").read_text())
    with ThreadPoolExecutor(PROCESSES) as pool:
        for part in pool.map(lambda n: hear(whole, head, of_whole[n::PROCESSES]), range(PROCESSES)):
            heard |= part
    lines = violations(known, found, heard) + unsaid(of_whole, heard)
    for line in lines:
        print(line)
    print(f"{len(known)} rules, {len(found) + len(of_whole)} cases, {len(lines)} violations", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
