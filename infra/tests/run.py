"""Does the Terraform hold? Layout, validation, the modules' own tests, and the rules on what is planned.

Usage: python3 infra/tests/run.py [WORD ...]     only checks whose name holds one of the words
Ends with `N passed, N failed`; exit code 1 if any failed. Works on a copy, so that the checkout stays clean. Two checks
run at a time. Providers are kept in .lab/terraform, checkov in .lab/checkov (made by tests/environment.py).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import module_policy_test

INFRA = Path(__file__).resolve().parents[1]
LAB = INFRA.parent / ".lab"
AT_ONCE = 2
INIT = ["terraform", "init", "-input=false", "-no-color", "-backend=false"]


@dataclass(frozen=True)
class Check:
    """Commands that run one after the other in a folder; the last one's count is the check's."""

    what: str
    folder: Path
    commands: list[list[str]]
    plans: Path | None = None  # where the plans of a `terraform test -json -verbose` are kept


def run(check: Check, environment: dict[str, str]) -> tuple[int, int]:
    """Runs one check; gives how many tests of it passed and failed. A check without a count is one test."""
    began, text, code = time.monotonic(), "", 0
    for command in check.commands:
        done = subprocess.run(command, cwd=check.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        text, code = done.stdout + done.stderr, done.returncode
        if code != 0:
            break
    if check.plans and '"test_summary"' in text:
        module_policy_test.record(text, check.folder, check.plans)
        text = readable(text)
    counted = re.findall(r"(\d+) passed, (\d+) failed", text)
    passed, failed = (int(counted[-1][0]), int(counted[-1][1])) if counted else (1, 0)
    if code != 0:
        failed, passed = max(failed, 1), passed if counted else 0
        print(text[-6000:])
    # The words are not those of the summary line, which is counted once.
    print(f"{'ok' if code == 0 else 'FAILED'}: {check.what} ({passed} of {passed + failed}, {time.monotonic() - began:.0f} s)", flush=True)
    return passed, failed


def readable(output: str) -> str:
    """What a person needs of a `terraform test -json`: what went wrong, and the count."""
    lines = []
    for line in output.splitlines():
        if not line.startswith("{") or line.endswith('"type":"test_plan"}'):
            continue
        event = json.loads(line)
        if event["type"] == "diagnostic" and event["diagnostic"]["severity"] == "error":
            found = event["diagnostic"]
            lines.append(f"{event.get('@testrun', '')}: {found['summary']}: {found.get('detail', '')} ({found.get('range', {}).get('filename', '')})")
        if event["type"] == "test_summary":
            summary = event["test_summary"]
            lines.append(f"{summary['passed']} passed, {summary['failed'] + summary['errored'] + summary['skipped']} failed")
    return "\n".join(lines)


def terraform_version() -> tuple[int, ...]:
    """Terraform's version; the modules' own tests need 1.11, what they test needs 1.9."""
    done = subprocess.run(["terraform", "version", "-json"], capture_output=True, text=True, check=True)
    return tuple(int(part) for part in json.loads(done.stdout)["terraform_version"].split("-")[0].split("."))


def with_shared_providers() -> dict[str, str]:
    """The environment in which a provider is fetched once for all folders, also without lock files."""
    cache = Path(os.environ.get("TF_PLUGIN_CACHE_DIR") or LAB / "terraform")
    cache.mkdir(parents=True, exist_ok=True)
    return {**os.environ, "TF_PLUGIN_CACHE_DIR": str(cache), "TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE": "1"}


def judge() -> str:
    """The functions' reader of plans, for the tests that hold Terraform's rules against it."""
    build = ["cargo", "build", "--quiet", "--profile", "lab", "--package", "protocol", "--example", "judge-plan"]
    subprocess.run(build, cwd=INFRA.parent, check=True, stdin=subprocess.DEVNULL)
    asked = [sys.executable, "tests/target_dir.py"]
    target = subprocess.run(asked, cwd=INFRA.parent, check=True, stdin=subprocess.DEVNULL, capture_output=True, text=True).stdout
    return str(Path(target.strip()) / "lab" / "examples" / "judge-plan")


def checkov_checks(copy: Path) -> list[Check]:
    """Checkov on either set of rules, if it is there."""
    checkov = LAB / "checkov" / "bin" / "checkov"
    found = str(checkov) if checkov.exists() else shutil.which("checkov")
    if not found:
        print("skipped: checkov isn't installed; `make infra-test` installs it", flush=True)
        return []
    return [
        Check("checkov: orchestrator", copy, [[found, "--config-file", ".checkov.yaml", "-d", "modules/orchestrator", "-d", "modules/guard", "-d", "modules/topics"]]),
        Check("checkov: modules and examples", copy, [[found, "--config-file", ".checkov.modules.yaml", "-d", "."]]),
    ]


def checks(copy: Path, plans: Path) -> tuple[list[Check], list[Check]]:
    """All checks: those that may run at once, the longest first, and those that read what these left."""
    tested = terraform_version() >= (1, 11)
    test = ["terraform", "test", "-json", "-verbose"]
    small = copy / "tests" / "fixtures" / "small-stack"
    python = {path.stem: Check(path.stem.replace("_", " "), copy, [[sys.executable, str(path)]]) for path in sorted(copy.glob("tests/*_test.py"))}
    last = [python.pop("module_policy_test")]
    first = [
        Check("terraform fmt", copy, [["terraform", "fmt", "-check", "-recursive", "-no-color"]]),
        # The module takes its providers from outside, so it is validated as the end-to-end tests use it.
        Check("small stack and orchestrator: validate", small, [INIT, ["terraform", "validate", "-no-color"]]),
    ]
    if not tested:
        # Its mocks can't give values that are known while planning, and it lacks write-only arguments.
        print("skipped: tests of modules and examples, and the rules on their plans, need Terraform 1.11 or newer", flush=True)
        return [*first, python["module_readme_test"], *checkov_checks(copy)], []
    # The validation messages test runs the cases of validation.tftest.hcl, and demands more of them.
    filters = [f"-filter={file.relative_to(file.parents[1])}" for file in sorted((copy / "modules/orchestrator/tests").glob("*.tftest.hcl")) if file.name != "validation.tftest.hcl"]
    ours = [
        Check(f"{name}: test", copy / "modules" / name, [INIT, ["terraform", "test", "-no-color", *(filters if name == "orchestrator" else [])]])
        for name in ("orchestrator", "guard", "topics")
    ]
    first = [*python.values(), *ours, *first]
    # They are applied, and have no tests of their own.
    for what, folder in (("what exists before brownfield", "examples/brownfield/existing"), ("what no example uses", "tests/fixtures/other-modules")):
        first.append(Check(f"{what}: validate", copy / folder, [INIT, ["terraform", "validate", "-no-color"]]))
    for folder in module_policy_test.tested_folders(copy):
        validate = [["terraform", "validate", "-no-color"]] if folder.parent.name == "examples" else []
        first.append(Check(f"{module_policy_test.label(folder)}: test", folder, [INIT, *validate, test], plans))
    return [*first, *checkov_checks(copy)], last


def main(words: list[str]) -> int:
    """Runs every check, or those that are asked for."""
    environment = with_shared_providers()
    with tempfile.TemporaryDirectory(prefix="infra-") as home:
        copy, plans = Path(home) / "infra", Path(home) / "plans"
        plans.mkdir()
        environment["INFRA_PLANS"] = str(plans)
        if not words or any("agreement" in word for word in words):
            environment["JUDGE_PLAN"] = judge()
        shutil.copytree(INFRA, copy, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*", "lab_override.tf"))
        # The fields that the agreement test holds its plans against.
        (Path(home) / "docs").mkdir()
        shutil.copy(INFRA.parent / "docs" / "plan.schema.json", Path(home) / "docs")
        counts = []
        for together in checks(copy, plans):
            wanted = [check for check in together if not words or any(word in check.what for word in words)]
            with ThreadPoolExecutor(AT_ONCE) as pool:
                counts += pool.map(lambda check: run(check, environment), wanted)
    passed, failed = sum(count[0] for count in counts), sum(count[1] for count in counts)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not counts else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
