"""Does the Terraform hold? Layout, validation, the modules' own tests, and the rules on what is planned.

Usage: python3 infra/tests/run.py
Ends with `N passed, N failed`; exit code 1 if any failed. Works on a copy, so that the checkout stays clean.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

INFRA = Path(__file__).resolve().parents[1]


def run(what: str, command: list[str], cwd: Path) -> tuple[int, int]:
    """Runs one check; gives how many tests of it passed and failed. A check without a count is one test."""
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    text = done.stdout + done.stderr
    counted = re.findall(r"(\d+) passed, (\d+) failed", text)
    passed, failed = (int(counted[-1][0]), int(counted[-1][1])) if counted else (1, 0)
    if done.returncode != 0:
        failed = max(failed, 1)
        passed = passed if counted else 0
        print(text)
    # The words are not those of the summary line, which is counted once.
    print(f"{'ok' if done.returncode == 0 else 'FAILED'}: {what} ({passed} of {passed + failed})", flush=True)
    return passed, failed


def terraform_version() -> tuple[int, ...]:
    """Terraform's version; the modules' own tests need 1.11, what they test needs 1.9."""
    done = subprocess.run(["terraform", "version", "-json"], capture_output=True, text=True, check=True)
    return tuple(int(part) for part in json.loads(done.stdout)["terraform_version"].split("-")[0].split("."))


def main() -> int:
    """Runs every check."""
    with tempfile.TemporaryDirectory(prefix="infra-") as home:
        copy = Path(home) / "infra"
        shutil.copytree(INFRA, copy, ignore=shutil.ignore_patterns(".terraform", "*.tfstate*", "lab_override.tf"))
        module, example = copy / "modules" / "orchestrator", copy / "examples" / "pilot-light"
        init = ["terraform", "init", "-input=false", "-no-color", "-backend=false"]
        checks = [
            ("terraform fmt", ["terraform", "fmt", "-check", "-recursive", "-no-color"], copy),
            ("module: init", init, module),
            ("module: test", ["terraform", "test", "-no-color"], module),
            ("example: init", init, example),
            # The module takes its providers from outside, so it is validated as the example uses it.
            ("example and module: validate", ["terraform", "validate", "-no-color"], example),
        ]
        checks += [(path.stem.replace("_", " "), [sys.executable, str(path)], copy) for path in sorted(copy.glob("tests/*_test.py"))]
        if terraform_version() < (1, 11):
            # Its mocks can't give values that are known while planning, which the assertions are about.
            print("skipped: module test and the rules on its plans need Terraform 1.11 or newer", flush=True)
            checks = [check for check in checks if "test" not in check[0]]
        counts = [run(*check) for check in checks]
    passed, failed = sum(count[0] for count in counts), sum(count[1] for count in counts)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
