"""A tool of cargo's is installed once, as pinned; one that can't be had is one line."""

from __future__ import annotations

import contextlib
import io
import os
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from commands.checkout import program

cargo_tool = program("tests/cargo_tool.py")

# Stands in for `cargo install`: writes the program down, or fails as cargo does.
CARGO = """#!/usr/bin/env bash
echo "$*" >>"$CALLS"
if [ -n "$FAILS" ]; then
    printf 'error: first\\n\\nerror: the last word\\n' >&2
    exit 101
fi
while [ $# -gt 0 ]; do
    case $1 in
    --root) root=$2 ;;
    *@*) name=${1%@*} ;;
    esac
    shift
done
mkdir -p "$root/bin"
echo >"$root/bin/$name"
"""


class Installed(unittest.TestCase):
    """With a stand-in for cargo."""

    def setUp(self) -> None:
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.place = Path(place.name)
        cargo = self.place / "bin" / "cargo"
        cargo.parent.mkdir()
        cargo.write_text(CARGO, encoding="utf-8")
        cargo.chmod(0o755)
        self.calls = self.place / "calls"
        path = f"{cargo.parent}{os.pathsep}{os.environ['PATH']}"
        for patch in (
            mock.patch.dict(os.environ, {"PATH": path, "CALLS": str(self.calls), "FAILS": ""}),
            mock.patch.object(cargo_tool, "TOOLS", self.place / "tools"),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            patch.__enter__()
            self.addCleanup(patch.__exit__, None, None, None)

    def test_it_is_installed_once(self) -> None:
        found = cargo_tool.ensure("cargo-deny")
        self.assertTrue(found.exists())
        self.assertEqual(cargo_tool.ensure("cargo-deny"), found)
        [call] = self.calls.read_text(encoding="utf-8").splitlines()
        self.assertIn(f"cargo-deny@{cargo_tool.PINS['cargo-deny']}", call)
        self.assertIn("--locked", call)

    def test_another_pin_installs_it_anew(self) -> None:
        cargo_tool.ensure("cargo-deny")
        with mock.patch.dict(cargo_tool.PINS, {"cargo-deny": "99.0.0"}):
            cargo_tool.ensure("cargo-deny")
        calls = self.calls.read_text(encoding="utf-8").splitlines()
        self.assertEqual(len(calls), 2)
        self.assertIn("cargo-deny@99.0.0", calls[1])

    def test_what_fails_is_one_line_and_is_tried_again(self) -> None:
        os.environ["FAILS"] = "yes"
        for _ in range(2):
            with self.assertRaises(cargo_tool.NotInstalled) as caught:
                cargo_tool.ensure("cargo-mutants")
            words = str(caught.exception)
            self.assertEqual(len(words.splitlines()), 1)
            self.assertIn("cargo-mutants 27.1.0 can't be installed", words)
            self.assertIn("error: the last word", words)
        self.assertEqual(len(self.calls.read_text(encoding="utf-8").splitlines()), 2)


if __name__ == "__main__":
    unittest.main()
