"""What comes of a check of the dependencies, whatever cargo-deny says."""

from __future__ import annotations

import contextlib
import io
import tempfile
import unittest
from pathlib import Path

from commands.checkout import program

deny = program("tests/deny.py")

NO_DATABASE = "[ERROR] failed to fetch advisory database https://github.com/RustSec/advisory-db with cli"


class Deny(unittest.TestCase):
    """A stand-in for cargo-deny answers with a status and words for each question."""

    def check(self, always: tuple[int, str], advisories: tuple[int, str]) -> tuple[int, str]:
        with tempfile.TemporaryDirectory() as place:
            tool = Path(place) / "cargo-deny"
            answers = [f"echo '{words}'; exit {code}" for code, words in (always, advisories)]
            tool.write_text(
                f'#!/usr/bin/env bash\nif [ "${{!#}}" = advisories ]; then {answers[1]}; fi\n{answers[0]}\n', encoding="utf-8"
            )
            tool.chmod(0o755)
            said = io.StringIO()
            with contextlib.redirect_stdout(said):
                code = deny.deny(tool)
            return code, said.getvalue()

    def test_all_well_is_said(self) -> None:
        code, said = self.check((0, "ok"), (0, "ok"))
        self.assertEqual(code, 0)
        self.assertEqual(said, "deny: licenses, bans, sources: ok\ndeny: advisories: ok\n")

    def test_a_licence_that_may_not_come_in_fails_and_shows(self) -> None:
        code, said = self.check((4, "rejected: GPL-3.0"), (0, "ok"))
        self.assertEqual(code, 1)
        self.assertIn("rejected: GPL-3.0", said)

    def test_an_advisory_fails_and_shows(self) -> None:
        code, said = self.check((0, "ok"), (1, "RUSTSEC-2025-0001"))
        self.assertEqual(code, 1)
        self.assertIn("RUSTSEC-2025-0001", said)

    def test_a_database_that_cannot_be_had_is_one_line_and_no_failure(self) -> None:
        code, said = self.check((0, "ok"), (1, NO_DATABASE))
        self.assertEqual(code, 0)
        self.assertIn("advisories: not checked", said)
        self.assertNotIn("ERROR", said)

    def test_a_database_that_cannot_be_had_hides_no_licence(self) -> None:
        code, _ = self.check((4, NO_DATABASE), (1, NO_DATABASE))
        self.assertEqual(code, 1)


if __name__ == "__main__":
    unittest.main()
