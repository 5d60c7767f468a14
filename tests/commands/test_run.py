"""Does the runner run every stage, in lanes, and end what it started?"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
import unittest
import unittest.mock
from pathlib import Path

import run

ROOT = Path(__file__).resolve().parents[2]


class Rows(unittest.TestCase):
    """The order of the stages."""

    def test_every_stage_is_in_one_lane(self) -> None:
        """A stage that no lane has would never run."""
        in_lanes = [name for lanes in run.ROWS for lane in lanes for name in lane]
        self.assertEqual(sorted(in_lanes), sorted(stage.name for stage in run.stages()))

    def test_what_installs_or_builds_comes_before_what_uses_it(self) -> None:
        """The launcher's stage installs the environment that the next ones of its lane start; `rust` builds for all."""
        *_, (first, second, third) = run.ROWS
        self.assertEqual(second[0], "launcher")
        self.assertIn("adapters", second)
        self.assertIn("upgrade", second)
        self.assertNotIn("rust", first + second + third)


class Failures(unittest.TestCase):
    """What the end of a long output says of a stage that failed."""

    def said_of(self, log: str) -> list[str]:
        """What is said of a stage with this log."""
        with tempfile.TemporaryDirectory() as folder, unittest.mock.patch.object(run, "LOGS", Path(folder)):
            (Path(folder) / "one.log").write_text(log)
            return run.failures("one")

    def test_lines_that_name_a_failure_are_said(self) -> None:
        """Whoever wrote them: a test runner, Terraform, a compiler."""
        self.assertEqual(
            self.said_of("fine\nFAILED: a check\n  Error: creating a queue: timeout\nerror: no such crate\nwith, aws_sqs_queue.this\n"),
            ["FAILED: a check", "Error: creating a queue: timeout", "error: no such crate"],
        )

    def test_a_log_that_names_none_is_said_by_its_end(self) -> None:
        """Else a stage that broke off is red without a word."""
        log = "".join(f"line {number}\n\n" for number in range(40))
        self.assertEqual(self.said_of(log), [f"line {number}" for number in range(28, 40)])


class Interrupted(unittest.TestCase):
    """The runner as a program of its own, with stages of this test."""

    def test_a_signal_ends_the_commands_of_every_lane(self) -> None:
        """Both lanes sleep; after the signal neither process is left."""
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number.name):
                self.ends_by(number)

    def ends_by(self, number: signal.Signals) -> None:
        """Starts two lanes, and ends them by a signal to the runner alone: a terminal tells its children too."""
        program = textwrap.dedent("""
            import sys
            sys.path.insert(0, sys.argv[1])
            from pathlib import Path
            import run
            folder = Path(sys.argv[2])
            run.LOGS = folder
            says = "import os, sys, time; print('[1] pid', os.getpid(), flush=True); time.sleep(600)"
            run.stages = lambda: [run.Stage(name, name, [[sys.executable, "-c", says]], run.count_plain) for name in ("one", "two")]
            run.heed_signals()
            run.run_rows(((("one",), ("two",)),), {})
        """)
        with tempfile.TemporaryDirectory() as folder:
            started = subprocess.Popen(
                [sys.executable, "-c", program, str(ROOT / "tests"), folder], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
                start_new_session=True,
            )
            assert started.stdout is not None
            pids: list[int] = []
            while len(pids) < 2:
                line = started.stdout.readline()
                self.assertTrue(line, "the runner ended before both lanes ran")
                pids += [int(pid) for pid in re.findall(r" pid (\d+)", line)]
            os.kill(started.pid, number)
            started.stdout.read()
            started.stdout.close()
            self.assertEqual(started.wait(), 130)
            for pid in pids:
                with self.assertRaises(ProcessLookupError):
                    os.kill(pid, 0)


if __name__ == "__main__":
    unittest.main()
