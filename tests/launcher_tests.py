"""Runs the launcher's tests in a few processes at a time, because most of them wait.

    .lab/test-venv/bin/python tests/launcher_tests.py            all of them
    .lab/test-venv/bin/python tests/launcher_tests.py -k lag     those whose names contain the word

A class of tests is one piece of work. Each process has worlds of its own, and its classes share them.
"""

from __future__ import annotations

import argparse
import inspect
import io
import itertools
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

LAB = Path(__file__).resolve().parent / "lab"
PROCESSES = min(4, (os.cpu_count() or 1) + 1)
WORKER = "--worker"


def loader(words: list[str]) -> unittest.TestLoader:
    """A loader of the tests whose names contain one of these words; of all without any."""
    found = unittest.TestLoader()
    found.testNamePatterns = [f"*{word}*" for word in words] or None
    return found


def classes(words: list[str]) -> list[str]:
    """The classes of tests by their full names. First those on real databases, which take longest."""

    def of(suite: unittest.TestSuite) -> Iterator[type]:
        for entry in suite:
            if isinstance(entry, unittest.TestSuite):
                yield from of(entry)
            else:
                yield type(entry)

    tests = loader(words)
    suite = tests.discover(str(LAB / "launcher" / "tests"), top_level_dir=str(LAB))
    if tests.errors:
        sys.exit("\n".join(f"ERROR: {error}" for error in tests.errors))
    found = dict.fromkeys(of(suite))
    first = sorted(found, key=lambda kind: not _needs_a_server(kind))
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in first]


def _needs_a_server(kind: type) -> bool:
    return "real_databases" in inspect.getsource(sys.modules[kind.__module__])


# ---- a worker -------------------------------------------------------------------------------------


def work(words: list[str]) -> None:
    """Runs the classes whose names come in, one a line, and answers each with what came of it."""
    # What a test prints must not get between the answers.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.path.insert(0, str(LAB))
    for line in sys.stdin:
        text = io.StringIO()
        suite = loader(words).loadTestsFromName(line.strip())
        result = unittest.TextTestRunner(text, verbosity=2).run(suite)
        was_there = bool(result.testsRun or result.skipped)
        answer = {"text": text.getvalue(), "passed": was_there and result.wasSuccessful()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


# ---- all of them ----------------------------------------------------------------------------------


class Run:
    """One run of all classes over the workers."""

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.names: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.passed = True
        self._print = threading.Lock()
        self._workers: list[subprocess.Popen[str]] = []

    def all(self) -> bool:
        """Runs them, and says whether all have passed."""
        names = classes(self.words)
        for name in names:
            self.names.put(name)
        began = time.monotonic()
        # By its variable, as launcher.tests.running_lab has it: a folder that all workers share.
        folder = tempfile.TemporaryDirectory(prefix="lab-")
        os.environ["LAB_TEST_TEMPLATES"] = folder.name
        threads = [threading.Thread(target=self._feed, args=(self._worker(),)) for _ in range(PROCESSES)]
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            # Without work, as after Ctrl-C or when every worker is gone, a worker ends its worlds and itself.
            left = self._forget_the_rest()
            for worker in self._workers:
                worker.wait()
            folder.cleanup()
        seconds = time.monotonic() - began
        print(f"{len(names)} classes of tests in {seconds:.0f} s, {PROCESSES} at a time; {left} were not run")
        return self.passed and bool(names) and not left

    def _forget_the_rest(self) -> int:
        for left in itertools.count():
            try:
                self.names.get_nowait()
            except queue.Empty:
                return left
        raise AssertionError

    def _worker(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-B", __file__, WORKER]
        for word in self.words:
            command += ["-k", word]
        worker = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._workers.append(worker)
        return worker

    def _feed(self, worker: subprocess.Popen[str]) -> None:
        with worker:
            while True:
                try:
                    name = self.names.get_nowait()
                except queue.Empty:
                    return
                answer = self._ask(worker, name)
                if answer is None:
                    # As unittest says it of a test.
                    text = f"ERROR: {name}: its process has ended\n\nRan 1 test\n\nFAILED (errors=1)\n"
                    self._report(name, {"passed": False, "text": text})
                    return
                self._report(name, answer)

    def _ask(self, worker: subprocess.Popen[str], name: str) -> dict[str, Any] | None:
        """What came of a class; None when the worker is gone."""
        assert worker.stdin is not None
        assert worker.stdout is not None
        try:
            worker.stdin.write(name + "\n")
            worker.stdin.flush()
            answer = worker.stdout.readline()
        except OSError:
            return None
        return dict(json.loads(answer)) if answer else None

    def _report(self, name: str, answer: dict[str, Any]) -> None:
        with self._print:
            self.passed = self.passed and answer["passed"]
            print(f"{name}\n{answer['text']}", flush=True)


def main() -> int:
    """0 if all have passed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-k", dest="words", action="append", default=[], help="only tests that are named so")
    parser.add_argument(WORKER, action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments.words)
        return 0
    return 0 if Run(arguments.words).all() else 1


if __name__ == "__main__":
    sys.exit(main())
