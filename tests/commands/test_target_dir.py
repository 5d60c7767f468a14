"""Every command works wherever cargo builds: with CARGO_TARGET_DIR, with a configuration, with neither."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from commands.checkout import ROOT, program

# Stands in for cargo: names a target directory, and "builds" programs that write down how they were called.
CARGO = """#!/usr/bin/env bash
target=${CARGO_TARGET_DIR:-$FAKE_TARGET}
case $1 in
metadata) echo "{\\"target_directory\\": \\"$target\\"}" ;;
build)
    mkdir -p "$target/lab"
    for name in lab simulate prove; do
        printf '#!/usr/bin/env bash\\necho "%s $*" >>"%s/called"\\n' "$name" "$target" >"$target/lab/$name"
        chmod +x "$target/lab/$name"
    done
    ;;
esac
"""

COMMANDS = {
    "demo": "lab demo --mode automatic",
    "lab": "lab up --mode approve",
    "lab-lose": "lab lose",
    "lab-return": "lab give-back",
    "lab-down": "lab down",
    "infra-apply": "lab apply ",
    "simulate": "simulate --seeds 10000",
    "prove": "prove ",
}


class TargetDirectory(unittest.TestCase):
    """The target directory, asked for and used."""

    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory(prefix="target dir ")
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)
        self.cargo = self.place / "cargo"
        self.cargo.write_text(CARGO, encoding="utf-8")
        self.cargo.chmod(0o755)

    def make(self, command: str, environment: dict[str, str]) -> None:
        """Runs a command of the Makefile with the stand-in for cargo."""
        known = {name: value for name, value in os.environ.items() if not name.startswith("CARGO")}
        link = self.place.parent / f"cargo-{os.getpid()}"
        if not link.exists():
            link.symlink_to(self.cargo)
            self.addCleanup(link.unlink)
        # Prerequisites are looked for by tools.sh, which is not what is tested here.
        arguments = ["make", "--no-print-directory", "-o", "tools", f"CARGO={link}", command]
        done = subprocess.run(
            arguments, cwd=ROOT, env=known | environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def check_all(self, target: Path, environment: dict[str, str]) -> None:
        self.make("prove", environment)
        for command, expected in COMMANDS.items():
            with self.subTest(command=command):
                (target / "called").unlink(missing_ok=True)
                self.make(command, environment)
                called = (target / "called").read_text(encoding="utf-8").splitlines()
                self.assertEqual([line.strip() for line in called], [expected.strip()])

    def test_every_command_runs_what_was_built_where_the_environment_says(self) -> None:
        target = self.place / "by environment"
        self.check_all(target, {"CARGO_TARGET_DIR": str(target), "FAKE_TARGET": "/nowhere"})

    def test_every_command_runs_what_was_built_where_a_configuration_says(self) -> None:
        target = self.place / "by configuration"
        self.check_all(target, {"FAKE_TARGET": str(target)})

    def test_the_directory_is_cargos_own_word(self) -> None:
        found = program("tests/target_dir.py")
        self.assertTrue(found.target_dir().is_absolute())
        before = os.environ.get("CARGO_TARGET_DIR")
        try:
            os.environ["CARGO_TARGET_DIR"] = "elsewhere"
            self.assertEqual(found.target_dir(), ROOT / "elsewhere")
        finally:
            if before is None:
                del os.environ["CARGO_TARGET_DIR"]
            else:
                os.environ["CARGO_TARGET_DIR"] = before

    def test_nothing_else_guesses_where_cargo_builds(self) -> None:
        """`target/lambda` is where the packages go, by `make build`, and where Terraform looks for them."""
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        names = [name for name in listed.splitlines() if re.search(r"(^Makefile|\.(sh|py|rs))$", name)]
        self.assertGreater(len(names), 100)
        guess = re.compile(r"target/(?!lambda)(lab|debug|release)\b|CARGO_TARGET_DIR|join\(\"target\"\)")
        # These ask for it, or build in a place of their own.
        known = {"tests/target_dir.py", "tests/cargo_tool.py", "tests/mutants.py", "tests/commands/test_target_dir.py"}
        guesses = [
            f"{name}:{number}: {line.strip()}"
            for name in names
            if name not in known and (ROOT / name).is_file()
            for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), start=1)
            if guess.search(line) and not line.lstrip().startswith(("#", "//"))
        ]
        self.assertEqual(guesses, [])


if __name__ == "__main__":
    unittest.main()
