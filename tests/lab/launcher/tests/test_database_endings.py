"""How real databases end, however the launcher does, and as whom their servers run."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

from launcher import rack

from .real_databases import DATABASE, is_running, needs_postgres, place_of, session
from .running_lab import LAB_FOLDER, PATIENCE_SECONDS, PRIMARY, RunningLab, ended_launcher, eventually
from .stack import make_database

NOBODY = "nobody"


class Endings(unittest.TestCase):
    """Each test has a world of its own."""

    def lab_with_server(self, **settings: str) -> tuple[RunningLab, Any]:
        """A world with one real database, and what the control API says of that."""
        lab = RunningLab(LAB_POSTGRES=needs_postgres(), **settings)
        self.addCleanup(lab.end)
        make_database(lab.client("rds", PRIMARY), "ends", DBName=DATABASE)
        shown = lab.control("GET", "databases")[0]
        self.assertTrue(is_running(shown["pid"]))
        return lab, shown

    def assert_nothing_is_left(self, shown: Any) -> None:
        """Neither a process nor data."""
        eventually(lambda: not is_running(shown["pid"]))
        eventually(lambda: not os.path.exists(shown["data"]))

    def test_each_signal_ends_the_servers_and_removes_their_data(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with self.subTest(signal=number):
                lab, shown = self.lab_with_server()
                lab.process.send_signal(number)
                lab.process.wait(timeout=PATIENCE_SECONDS)
                self.assertFalse(is_running(shown["pid"]))
                self.assertFalse(os.path.exists(shown["data"]))

    def test_servers_end_with_the_process_that_the_world_was_started_for(self) -> None:
        parent = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        _lab, shown = self.lab_with_server(LAB_PARENT_PID=str(parent.pid))
        parent.kill()
        parent.communicate()
        self.assert_nothing_is_left(shown)

    def test_servers_end_when_the_launcher_is_killed(self) -> None:
        lab, shown = self.lab_with_server()
        lab.process.kill()
        lab.process.wait()
        self.assert_nothing_is_left(shown)

    def test_servers_end_when_the_launcher_and_the_rack_are_killed_and_the_next_start_removes_the_data(
        self,
    ) -> None:
        state = tempfile.mkdtemp(prefix="lab-")
        self.addCleanup(shutil.rmtree, state, ignore_errors=True)
        lab, shown = self.lab_with_server(LAB_STATE_DIR=state)
        keeper = int((rack.stat(shown["pid"]) or [])[1])
        for pid in (lab.process.pid, keeper):
            os.kill(pid, signal.SIGKILL)
        lab.process.wait()
        eventually(lambda: not is_running(shown["pid"]))
        self.assertTrue(os.path.exists(shown["data"]))
        _next, other = self.lab_with_server(LAB_STATE_DIR=state)
        self.assertFalse(os.path.exists(shown["data"]))
        self.assertNotEqual(other["data"], shown["data"])

    def test_the_world_ends_when_its_rack_does(self) -> None:
        lab, shown = self.lab_with_server()
        os.kill(int((rack.stat(shown["pid"]) or [])[1]), signal.SIGKILL)
        lab.process.wait(timeout=PATIENCE_SECONDS)
        self.assertEqual(lab.process.returncode, 1)
        self.assert_nothing_is_left(shown)

    def test_processes_of_an_earlier_launcher_are_ended_by_their_ids_and_no_others(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            records = Path(folder) / "processes"
            left = subprocess.Popen(["sleep", "600"])
            other = subprocess.Popen(["sleep", "600"])
            self.addCleanup(other.wait)
            self.addCleanup(other.kill)
            noted = [
                {"pid": left.pid, "identity": rack.identity(left.pid)},
                # The same id, but of a process that began at another time.
                {"pid": other.pid, "identity": f"{rack.identity(other.pid)}0"},
            ]
            records.write_text("".join(json.dumps(record) + "\n" for record in noted) + '{"pid": 1', "utf-8")
            self.assertEqual(rack.end_leftovers(records), 1)
            self.assertEqual(left.wait(), -signal.SIGKILL)
            self.assertIsNone(other.poll())
            self.assertFalse(records.exists())


class Templates(unittest.TestCase):
    """What one launcher has made the next ones need not make again."""

    def test_the_next_launcher_copies_an_empty_server_that_is_kept(self) -> None:
        folder = tempfile.mkdtemp(prefix="lab-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        made = []
        for _ in range(2):
            lab = RunningLab(LAB_POSTGRES=needs_postgres(), LAB_POSTGRES_TEMPLATES=folder)
            self.addCleanup(lab.end)
            place = place_of(make_database(lab.client("rds", PRIMARY), "copied", DBName=DATABASE))
            with session(place) as sql:
                self.assertEqual(sql.run("SELECT count(*) FROM pg_roles WHERE rolname = 'rds_iam'"), [[1]])
            made.append(os.path.exists(os.path.join(lab.folder, "state", "servers", "blank.log")))
        self.assertEqual(made, [True, False])
        self.assertEqual(len(os.listdir(folder)), 1)
        self.assertEqual(os.stat(os.path.join(folder, os.listdir(folder)[0])).st_mode & 0o077, 0)


class Users(unittest.TestCase):
    """PostgreSQL refuses to run as root, so the lab doesn't let it."""

    def owner(self, pid: int) -> str:
        """As whom a process runs."""
        return pwd.getpwuid(os.stat(f"/proc/{pid}").st_uid).pw_name

    @unittest.skipUnless(os.getuid() == 0, "only root can run servers as somebody else")
    def test_root_runs_servers_as_another_user_who_reaches_neither_the_state_nor_the_programs(self) -> None:
        # A folder that is root's alone, as a checkout in root's home is.
        hidden = Path(tempfile.mkdtemp(prefix="hidden-"))
        self.addCleanup(shutil.rmtree, hidden)
        programs = Path(needs_postgres())
        if programs.is_relative_to("/usr"):
            self.skipTest("the system's programs can't be moved; install the wheel")
        package = programs.parents[1]
        (hidden / package.name).mkdir()
        shutil.copytree(programs.parent, hidden / package.name / programs.parent.name, symlinks=True)
        for libraries in package.parent.glob("*.libs"):
            shutil.copytree(libraries, hidden / libraries.name, symlinks=True)
        lab = RunningLab(LAB_POSTGRES=str(hidden / package.name / programs.parent.name / "bin"))
        self.addCleanup(lab.end)
        made = make_database(lab.client("rds", PRIMARY), "of-root", DBName=DATABASE)
        shown = lab.control("GET", "databases")[0]
        self.assertEqual(self.owner(shown["pid"]), NOBODY)
        self.assertFalse(Path(shown["data"]).is_relative_to(lab.folder))
        self.assertEqual(Path(shown["data"]).stat().st_mode & 0o077, 0)
        with session(place_of(made)) as sql:
            self.assertEqual(sql.run("SELECT 1"), [[1]])

    def test_a_user_runs_servers_as_himself(self) -> None:
        programs = needs_postgres()
        who: dict[str, Any] = {}
        python, home = sys.executable, tempfile.mkdtemp(prefix="lab-")
        self.addCleanup(shutil.rmtree, home, ignore_errors=True)
        if os.getuid() == 0:
            user = pwd.getpwnam(NOBODY)
            who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
            os.chown(home, user.pw_uid, user.pw_gid)
            python = self.python_of_everybody(who, programs)
        lab = RunningLab(
            python,
            who,
            LAB_POSTGRES=programs,
            LAB_STATE_DIR=os.path.join(home, "state"),
            PYTHONPATH=":".join(path for path in sys.path if path.endswith("site-packages")),
        )
        self.addCleanup(lab.end)
        make_database(lab.client("rds", PRIMARY), "of-a-user", DBName=DATABASE)
        shown = lab.control("GET", "databases")[0]
        self.assertEqual(self.owner(shown["pid"]), self.owner(lab.process.pid))
        self.assertNotEqual(self.owner(shown["pid"]), "root")
        self.assertTrue(Path(shown["data"]).is_relative_to(home))

    def python_of_everybody(self, who: dict[str, Any], programs: str) -> str:
        """A Python of this version that another user can run, with the code and the programs; skips
        without."""
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        see = f"import os, sys; sys.exit(not (os.access({LAB_FOLDER!r}, 4) and os.access({programs!r}, 1)))"
        for python in (sys.executable, f"/usr/bin/python{version}"):
            try:
                if subprocess.run([python, "-c", see], cwd="/", check=False, **who).returncode == 0:
                    return python
            except OSError:
                continue
        return self.skipTest(f"no Python {version} with this checkout that {NOBODY} could run")

    def test_programs_and_users_that_can_not_be_used_are_named(self) -> None:
        common = {"LAB_PORT": "1000", "LAB_STATE_DIR": "/nowhere"}
        cases = [({"LAB_POSTGRES": "/nowhere"}, "LAB_POSTGRES='/nowhere' has no initdb")]
        if os.getuid() == 0:
            programs = needs_postgres()
            cases += [
                (
                    {"LAB_POSTGRES": programs, "LAB_POSTGRES_USER": "no-one-of-this-name"},
                    "is no user of this machine",
                ),
                ({"LAB_POSTGRES": programs, "LAB_POSTGRES_USER": "root"}, "is root"),
            ]
        for settings, complaint in cases:
            with self.subTest(settings=settings):
                ended = ended_launcher(**common, **settings)
                self.assertEqual(ended.returncode, 1)
                self.assertIn(complaint, ended.stderr)
                self.assertEqual(len(ended.stderr.splitlines()), 1)
