"""Does each case of docs/proof/cases.md have a test, and is the test where the page says?"""

from __future__ import annotations

import re
import unittest

from commands.checkout import ROOT

PAGE = ROOT / "docs" / "proof" / "cases.md"
CASE = re.compile(r"^\| (?!case \||---)(?P<name>.+?) \| (?P<right>.+?) \| (?P<tests>.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(?P<path>[^`:]+)::(?P<name>[^`]+)`(?: \(rows? (?P<rows>`[^)]+`)\))?")
# How a test of a name is written, by how its file's name ends.
WRITTEN = {
    ".rs": r"#\[(?:tokio::)?test\b[^\]]*\]\s*(?:#\[[^\]]*\]\s*)*(?:async )?fn {name}\(",
    ".py": r"^\s*def {name}\(",
    ".tftest.hcl": r'^run "{name}"',
}
# Cases that no test holds, by their names in the page.
WITHOUT: frozenset[str] = frozenset()


class Cases(unittest.TestCase):
    """The rows of the page."""

    def setUp(self) -> None:
        self.page = PAGE.read_text(encoding="utf-8")
        self.cases = [match.group("name", "tests") for match in CASE.finditer(self.page)]

    def test_every_row_of_every_table_is_read_and_stands_once(self) -> None:
        """A row that is written in another way would be checked by nobody."""
        lines = [line for line in self.page.splitlines() if line.startswith("|") and not line.startswith(("| case |", "| --- |"))]
        self.assertEqual(len(self.cases), len(lines))
        self.assertGreater(len(lines), 150)
        for table in self.page.split("| case |")[1:]:
            names = [match["name"] for match in CASE.finditer(table)]
            self.assertEqual(len(names), len(set(names)), names)

    def test_every_case_names_tests_and_nothing_else(self) -> None:
        """What is no test's name would be checked by nobody."""
        for name, tests in self.cases:
            with self.subTest(name):
                if name in WITHOUT:
                    self.assertEqual(tests, "no test")
                else:
                    self.assertIsNotNone(TEST.search(tests), tests)
                    self.assertRegex(TEST.sub("", tests), r"^[, ]*$")
        self.assertLessEqual(WITHOUT, {name for name, _ in self.cases})

    def test_every_test_is_in_its_file(self) -> None:
        """A test that is renamed or moved takes its case along."""
        for name, tests in self.cases:
            for test in TEST.finditer(tests):
                with self.subTest(name, test=test[0]):
                    path = ROOT / test["path"]
                    self.assertTrue(path.is_file(), f"{test['path']} does not exist")
                    text = path.read_text(encoding="utf-8")
                    written = next(pattern for end, pattern in WRITTEN.items() if path.name.endswith(end))
                    pattern = re.compile(written.replace("{name}", re.escape(test["name"])), re.MULTILINE)
                    self.assertIsNotNone(pattern.search(text), f"{test['path']} has no test {test['name']}")
                    for row in re.findall(r"`([^`]+)`", test["rows"] or ""):
                        self.assertTrue(row in text, f"{test['path']} has no row {row}")


if __name__ == "__main__":
    unittest.main()
