"""Is each decision record in the index, with the title and the status that it has itself?"""

from __future__ import annotations

import re
import unittest
from pathlib import Path

RECORDS = Path(__file__).resolve().parent.parent.parent / "docs" / "decisions"
ROW = re.compile(r"^\| \[(\d{4})\]\(([^)]+)\) \| (.+) \| (accepted|amended by [\d, ]+|superseded by \d{4}) \| .+ \|$", re.MULTILINE)
HEAD = re.compile(r"# (\d{4}): (.+)\n\nStatus: (.+)\n\n## Context\n")


def others(status: str, word: str) -> list[str]:
    """The records that a status names after a word such as `amended by`."""
    part = next((part for part in status.split("; ") if part.startswith(word)), "")
    return re.findall(r"\[(\d{4})\]", part)


class Decisions(unittest.TestCase):
    """The records and their index."""

    def setUp(self) -> None:
        self.records = {path.name: path.read_text(encoding="utf-8") for path in sorted(RECORDS.glob("0*.md"))}
        self.rows = ROW.findall((RECORDS / "README.md").read_text(encoding="utf-8"))

    def test_each_record_has_its_head_and_one_row(self) -> None:
        """Number, title and status are the same in both."""
        self.assertGreater(len(self.records), 80)
        self.assertEqual(sorted(row[1] for row in self.rows), sorted(self.records))
        for number, name, title, status in self.rows:
            with self.subTest(name):
                head = HEAD.match(self.records[name])
                self.assertIsNotNone(head, "the head is not: title, status, context")
                self.assertEqual((head[1], head[2]), (number, title.replace("\\|", "|")))
                amended, superseded = others(head[3], "amended by"), others(head[3], "superseded by")
                said = "superseded by " + superseded[0] if superseded else "amended by " + ", ".join(amended) if amended else "accepted"
                self.assertEqual(status, said)

    def test_what_amends_and_what_is_amended_name_each_other(self) -> None:
        """A reader of either finds the other."""
        heads = {name[:4]: HEAD.match(text)[3] for name, text in self.records.items()}
        amends = {(number, other) for number, status in heads.items() for other in others(status, "amends")}
        amended = {(other, number) for number, status in heads.items() for other in others(status, "amended by")}
        self.assertTrue(amends)
        self.assertEqual(amends, amended)


if __name__ == "__main__":
    unittest.main()
