"""Do the pages name files that exist?"""

from __future__ import annotations

import re
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Where a path without its beginning lies: the core, a crate of `shared`, a function, a test.
PLACES = ("", "shared/protocol/src", "shared", "functions", "tests", "infra")
# A name without a folder may be of any of them.
TREES = ("shared", "functions", "tests", "infra", "events")


class Files(unittest.TestCase):
    """The files that pages name between backticks."""

    def test_every_source_that_a_page_names_exists(self) -> None:
        """A page that names a file by its old name leads nowhere."""
        known = {path.name for tree in TREES for path in (ROOT / tree).rglob("*") if path.suffix in (".rs", ".py", ".tf", ".sh")}
        pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "tests" / "README.md", *(ROOT / "docs").glob("*.md")]
        named = 0
        for page in pages:
            for path in re.findall(r"`([A-Za-z0-9_./-]+\.(?:rs|py|tf|sh))`", page.read_text(encoding="utf-8")):
                named += 1
                with self.subTest(page=page.name, path=path):
                    exists = path in known if "/" not in path else any((ROOT / place / path).is_file() for place in PLACES)
                    self.assertTrue(exists or self.is_below_another(path))
        self.assertGreater(named, 100, "no page names a file")

    def is_below_another(self, path: str) -> bool:
        """Whether a path with a folder is the end of exactly such a path in some tree."""
        return any(found.as_posix().endswith(f"/{path}") for tree in TREES for found in (ROOT / tree).rglob(Path(path).name))


if __name__ == "__main__":
    unittest.main()
