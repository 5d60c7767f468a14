"""Do the pages name files that exist?"""

from __future__ import annotations

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where the files lie. A page may leave out how a path begins.
TREES = ("shared", "functions", "tests", "infra", "events")


class Files(unittest.TestCase):
    """The files that pages name between backticks."""

    def test_every_source_that_a_page_names_exists(self) -> None:
        """A page that names a file by its old name leads nowhere."""
        files = [path.as_posix() for tree in TREES for path in (ROOT / tree).rglob("*") if path.suffix in (".rs", ".py", ".tf", ".sh")]
        pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "tests" / "README.md", *(ROOT / "docs").glob("*.md")]
        named = 0
        for page in pages:
            for path in re.findall(r"`([A-Za-z0-9_./-]+\.(?:rs|py|tf|sh))`", page.read_text(encoding="utf-8")):
                named += 1
                with self.subTest(page=page.name, path=path):
                    self.assertTrue(any(file.endswith(f"/{path}") for file in files))
        self.assertGreater(named, 100, "no page names a file")


if __name__ == "__main__":
    unittest.main()
