"""Was every merge finished?"""

from __future__ import annotations

import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Merges(unittest.TestCase):
    """What git writes into a file where two changes meet."""

    def test_no_file_has_the_marks_of_an_open_merge(self) -> None:
        """Code with them does not compile; a page with them is only read wrong."""
        asked = ["git", "grep", "-nE", "^(<{7} |>{7} )"]
        found = subprocess.run(asked, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertIn(found.returncode, (0, 1), found.stderr)
        self.assertEqual(found.stdout, "")


if __name__ == "__main__":
    unittest.main()
