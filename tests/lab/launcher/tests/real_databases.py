"""How does a test get a world whose databases hold data, and how does it reach them?"""

from __future__ import annotations

import atexit
import contextlib
import unittest
from collections.abc import Iterator
from typing import Any

import pg8000.exceptions
import pg8000.native

from launcher import rack
from launcher.postgres_programs import REMEDY, find

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, RunningLab, eventually
from .stack import make_database

USER, PASSWORD, DATABASE = "lab", "not-a-secret", "orders"

CONNECT_SECONDS = 2.0
"""How long a connect waits before it counts as unanswered."""

Problem = (OSError, pg8000.exceptions.Error)


def needs_postgres() -> str:
    """The folder of the programs; skips the test, and says what to install, when there is none."""
    folder = find()
    if folder is None:
        raise unittest.SkipTest(REMEDY)
    return str(folder)


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    return rack.identity(pid) is not None


def place_of(database: Any) -> tuple[str, int]:
    """The address that RDS shows of an instance."""
    return database["Endpoint"]["Address"], database["Endpoint"]["Port"]


@contextlib.contextmanager
def session(place: tuple[str, int], seconds: float = 20.0) -> Iterator[Any]:
    """A session of the master user in the database of orders."""
    opened = pg8000.native.Connection(
        USER, host=place[0], port=place[1], database=DATABASE, password=PASSWORD, timeout=seconds
    )
    try:
        yield opened
    finally:
        with contextlib.suppress(*Problem):
            opened.close()


_shared: list[RunningLab] = []


def shared_real_lab() -> RunningLab:
    """The world that these tests share; started by the first, ended with the test run."""
    programs = needs_postgres()
    if not _shared:
        _shared.append(RunningLab(LAB_POSTGRES=programs, LAB_SNAPSHOT_SCALE="0.002"))
        atexit.register(_shared[0].end)
    return _shared[0]


class RealLab(unittest.TestCase):
    """Tests on the shared world, with a database in the primary region and its replica in the recovery
    region."""

    lab: RunningLab
    here: Any
    there: Any
    name: str
    replica: str

    @classmethod
    def setUpClass(cls) -> None:
        cls.use(shared_real_lab())

    @classmethod
    def use(cls, lab: RunningLab) -> None:
        """The tests of this class run on this world."""
        cls.lab, cls.here, cls.there = lab, lab.client("rds", PRIMARY), lab.client("rds", RECOVERY)

    def setUp(self) -> None:
        self.name = self._testMethodName[5:40].replace("_", "-").strip("-")
        self.replica = f"{self.name}-r"

    def make(self, name: str | None = None, **settings: Any) -> tuple[str, int]:
        """A database of the primary region with a table of orders; where it is reached."""
        made = make_database(
            self.here, name or self.name, DBName=DATABASE, BackupRetentionPeriod=7, **settings
        )
        self.addCleanup(self.drop, self.here, made["DbiResourceId"])
        with session(place_of(made)) as sql:
            sql.run("CREATE TABLE orders (number bigint PRIMARY KEY)")
        return place_of(made)

    def replicate(
        self, name: str | None = None, source: str | None = None, rds: Any = None
    ) -> tuple[str, int]:
        """A replica of it; where that is reached."""
        rds = rds or self.there
        made = rds.create_db_instance_read_replica(
            DBInstanceIdentifier=name or self.replica,
            SourceDBInstanceIdentifier=source or self.arn(PRIMARY, self.name),
        )["DBInstance"]
        self.addCleanup(self.drop, rds, made["DbiResourceId"])
        return place_of(made)

    @staticmethod
    def drop(rds: Any, resource_id: str) -> None:
        """Deletes an instance, whatever it is called now."""
        filters = [{"Name": "dbi-resource-id", "Values": [resource_id]}]
        for found in rds.describe_db_instances(Filters=filters)["DBInstances"]:
            rds.delete_db_instance(DBInstanceIdentifier=found["DBInstanceIdentifier"], SkipFinalSnapshot=True)

    @staticmethod
    def arn(region: str, name: str) -> str:
        """The ARN of an instance."""
        return f"arn:aws:rds:{region}:{ACCOUNT}:db:{name}"

    def show(self, rds: Any, name: str) -> Any:
        """An instance as it is now."""
        return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def until_available(self, rds: Any, name: str) -> Any:
        """The same once it is available and follows nobody."""

        def shown() -> Any:
            found = self.show(rds, name)
            is_done = "ReadReplicaSourceDBInstanceIdentifier" not in found
            return found if found["DBInstanceStatus"] == "available" and is_done else None

        return eventually(shown)

    def lose(self, region: str, **how: Any) -> None:
        """Loses a region for the rest of the test."""
        self.addCleanup(self.bring_back, region)
        self.lab.control("PUT", f"regions/{region}", {"lost": True, **how})

    def bring_back(self, region: str) -> None:
        """The region returns."""
        self.lab.control("PUT", f"regions/{region}", {"lost": False})

    def insert(self, place: tuple[str, int], *numbers: int) -> None:
        """Writes orders, one transaction each."""
        with session(place) as sql:
            for number in numbers:
                sql.run("INSERT INTO orders VALUES (:number)", number=number)

    def rows(self, place: tuple[str, int]) -> list[int]:
        """The orders that a database holds."""
        with session(place) as sql:
            return [number for (number,) in sql.run("SELECT number FROM orders ORDER BY number")]

    def arrives(self, place: tuple[str, int], *numbers: int) -> None:
        """Waits until a database holds these orders and no other."""

        def arrived() -> bool:
            try:
                return self.rows(place) == list(numbers)
            except Problem as problem:
                raise OSError(str(problem)) from problem

        eventually(arrived)

    def assert_silent(self, place: tuple[str, int]) -> None:
        """A connect gets no answer: it isn't refused, it times out."""
        with self.assertRaises(pg8000.exceptions.InterfaceError) as refusal, session(place, CONNECT_SECONDS):
            pass
        self.assertIsInstance(refusal.exception.__cause__, TimeoutError)


class RealPair(RealLab):
    """Tests that share a database and its replica: each finds both empty, in step, and all regions there."""

    source: tuple[str, int]
    follower: tuple[str, int]

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.make_pair()

    @classmethod
    def make_pair(cls) -> None:
        """The database and its replica."""
        cls.name = f"pair-{cls.__name__.lower()}"
        cls.replica = f"{cls.name}-r"
        made = make_database(cls.here, cls.name, DBName=DATABASE, BackupRetentionPeriod=7)
        cls.addClassCleanup(cls.drop, cls.here, made["DbiResourceId"])
        cls.source = place_of(made)
        with session(cls.source) as sql:
            sql.run("CREATE TABLE orders (number bigint PRIMARY KEY)")
        replica = cls.there.create_db_instance_read_replica(
            DBInstanceIdentifier=cls.replica, SourceDBInstanceIdentifier=cls.arn(PRIMARY, cls.name)
        )["DBInstance"]
        cls.addClassCleanup(cls.drop, cls.there, replica["DbiResourceId"])
        cls.follower = place_of(replica)

    def setUp(self) -> None:
        with session(self.source) as sql:
            sql.run("TRUNCATE orders")
        self.arrives(self.follower)
