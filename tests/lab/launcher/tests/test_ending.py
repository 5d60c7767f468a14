"""How the world ends: with every function process, on each signal, and with its parent."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import unittest
import urllib.error

from .running_lab import PATIENCE_SECONDS, Function, RunningLab, ended_launcher, eventually


def is_alive(pid: int) -> bool:
    """Whether a process exists and is no zombie."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def all_ended(pids: list[int]) -> bool:
    """Whether none of the processes is left."""
    return not any(is_alive(pid) for pid in pids)


class Ending(unittest.TestCase):
    """Each test has a world of its own."""

    def busy_lab(self, **settings: str) -> tuple[RunningLab, list[int]]:
        """A world with one idle and one working function process."""
        lab = RunningLab(**settings)
        self.addCleanup(lab.end)
        function = Function(lab, "works")
        function.invoke({})
        working = Function(lab, "sleeps")
        working.client.invoke(
            FunctionName="sleeps", InvocationType="Event", Payload=b'{"do": "sleep", "seconds": 60}'
        )
        eventually(working.received)
        pids = function.process_ids() + working.process_ids()
        self.assertEqual(len(pids), 2)
        return lab, pids

    def test_each_signal_ends_the_world_and_its_functions(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number):
                lab, pids = self.busy_lab()
                lab.process.send_signal(number)
                lab.process.wait(timeout=PATIENCE_SECONDS)
                self.assertEqual(lab.process.returncode, 0)
                eventually(functools.partial(all_ended, pids))

    def test_the_world_ends_with_the_process_it_was_started_for(self) -> None:
        parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        lab, pids = self.busy_lab(LAB_PARENT_PID=str(parent.pid))
        parent.kill()
        parent.communicate()
        lab.process.wait(timeout=PATIENCE_SECONDS)
        eventually(functools.partial(all_ended, pids))


class Refusals(unittest.TestCase):
    """Settings and requests that can't be used."""

    def test_settings_that_can_not_be_used_are_named(self) -> None:
        for settings, complaint in (
            ({}, "LAB_PORT is not set"),
            ({"LAB_PORT": "1000"}, "LAB_STATE_DIR is not set"),
            ({"LAB_PORT": "1000", "LAB_STATE_DIR": "/nowhere", "LAB_SCALE": "fast"}, "LAB_SCALE='fast'"),
            (
                {"LAB_PORT": "1000", "LAB_STATE_DIR": "/nowhere", "LAB_SITE_PORTS": "x"},
                "LAB_SITE_PORTS has 'x'",
            ),
        ):
            with self.subTest(settings=settings):
                ended = ended_launcher(**settings)
                self.assertEqual(ended.returncode, 1)
                self.assertIn(complaint, ended.stderr)

    def test_a_port_in_use_is_a_failure(self) -> None:
        lab = RunningLab()
        self.addCleanup(lab.end)
        second = ended_launcher(LAB_PORT=str(lab.port), LAB_STATE_DIR=os.path.join(lab.folder, "second"))
        self.assertEqual(second.returncode, 1)

    def test_control_requests_that_can_not_be_used_are_refused(self) -> None:
        lab = RunningLab()
        self.addCleanup(lab.end)
        for method, path, body, status in (
            ("PUT", "regions/us-east-2", {"lost": "yes"}, 400),
            ("PUT", "databases/us-east-2/none", {"status": "backing-up"}, 404),
            ("GET", "nothing", None, 404),
        ):
            with self.subTest(path=path), self.assertRaises(urllib.error.HTTPError) as refusal:
                lab.control(method, path, body)
            self.assertEqual(refusal.exception.code, status)
            refusal.exception.close()
