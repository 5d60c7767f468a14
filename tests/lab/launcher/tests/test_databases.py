"""Databases that hold data: real servers behind RDS's API, and wires that fall silent with a region."""

from __future__ import annotations

import itertools
import threading
import urllib.error
from datetime import UTC, datetime, timedelta
from typing import Any

from .real_databases import Problem, RealLab, RealPair, needs_postgres, place_of, session
from .running_lab import ACCOUNT, PRIMARY, RECOVERY, RunningLab, eventually
from .stack import make_database

RECEIVER_SECONDS = 3.0
"""How long either end of a replication waits for the other, at the scale of the tests."""


class Replication(RealLab):
    """A database and those that follow it."""

    def test_a_row_of_the_source_appears_at_its_replica_and_at_the_replicas_replica(self) -> None:
        source, replica = self.make(), self.replicate()
        second = self.replicate(f"{self.name}-2", self.replica)
        self.insert(source, 1, 2)
        for follower in (replica, second):
            self.arrives(follower, 1, 2)
            with self.assertRaises(Problem):
                self.insert(follower, 3)

    def test_a_promotion_makes_a_replica_writable_and_it_stays_so_after_the_reboot(self) -> None:
        source, replica = self.make(), self.replicate()
        second = self.replicate(f"{self.name}-2", self.replica)
        self.insert(source, 1)
        self.arrives(replica, 1)
        pid = self.documents()[self.replica]["pid"]
        self.there.promote_read_replica(DBInstanceIdentifier=self.replica)
        shown = self.until_available(self.there, self.replica)
        self.assertEqual((shown["Endpoint"]["Address"], shown["Endpoint"]["Port"]), replica)
        self.assertNotEqual(self.documents()[self.replica]["pid"], pid)
        self.insert(replica, 2)
        self.assertEqual((self.rows(replica), self.rows(source)), ([1, 2], [1]))
        # What followed it goes on to do so, on its new timeline.
        self.arrives(second, 1, 2)
        eventually(lambda: not self.slots(self.name))

    def test_a_deleted_replica_leaves_no_slot_at_its_source(self) -> None:
        self.make()
        self.replicate()
        self.assertEqual(len(self.slots(self.name)), 1)
        pid = self.documents()[self.replica]["pid"]
        self.there.delete_db_instance(DBInstanceIdentifier=self.replica, SkipFinalSnapshot=True)
        eventually(lambda: not self.slots(self.name))
        eventually(lambda: not is_process(pid))

    def documents(self) -> Any:
        """The real databases by name."""
        return {document["name"]: document for document in self.lab.control("GET", "databases")}

    def slots(self, name: str) -> list[str]:
        """The slots at a database of the primary region."""
        shown = self.show(self.here, name)["Endpoint"]
        with session((shown["Address"], shown["Port"])) as sql:
            return [slot for (slot,) in sql.run("SELECT slot_name FROM pg_replication_slots")]


def is_process(pid: int) -> bool:
    """Whether a process is there."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Blackouts(RealPair):
    """What a lost region does to connections."""

    def test_a_lost_region_is_silent_and_its_standing_connections_go_on_when_it_is_back(self) -> None:
        source, replica = self.source, self.follower
        with session(source, 60.0) as standing:
            standing.run("INSERT INTO orders VALUES (1)")
            self.arrives(replica, 1)
            self.lose(PRIMARY)
            self.assert_silent(source)
            answered = threading.Event()

            def write() -> None:
                standing.run("INSERT INTO orders VALUES (2)")
                answered.set()

            writer = threading.Thread(target=write)
            writer.start()
            self.assertFalse(answered.wait(1.0))
            self.assertEqual(self.rows(replica), [1])
            self.bring_back(PRIMARY)
            writer.join(timeout=60.0)
            self.assertTrue(answered.is_set())
        self.arrives(replica, 1, 2)

    def test_within_a_lost_region_clients_reach_their_database(self) -> None:
        source, replica = self.source, self.follower
        inside = self.from_place(PRIMARY, PRIMARY, self.name)
        across = self.from_place(PRIMARY, RECOVERY, self.replica)
        self.lose(PRIMARY)
        self.insert(inside, 1)
        self.assert_silent(source)
        self.assert_silent(across)
        self.assertEqual(self.rows(replica), [])

    def test_a_replica_notices_that_its_source_is_silent_and_catches_up_when_it_is_back(self) -> None:
        source, replica = self.source, self.follower
        eventually(lambda: self.replication() == "replicating")
        self.lose(PRIMARY)
        inside = self.from_place(PRIMARY, PRIMARY, self.name)
        self.insert(inside, 1)
        eventually(lambda: self.replication() == "error")
        self.assertEqual(self.rows(replica), [])
        self.bring_back(PRIMARY)
        eventually(lambda: self.replication() == "replicating")
        self.arrives(replica, 1)
        self.assertEqual(self.rows(source), [1])

    def test_a_slow_replication_falls_behind_without_an_error_and_catches_up(self) -> None:
        source, replica = self.source, self.follower
        eventually(lambda: self.replication() == "replicating")
        path = f"databases/{RECOVERY}/{self.replica}/lag"
        self.addCleanup(self.lab.control, "DELETE", path)
        self.lab.control("PUT", path, {"bytes_per_second": 100_000})
        with session(source) as sql:
            # It takes minutes to pass, in messages of 128 KiB.
            filled = "SELECT n, repeat('x', 100) AS x FROM generate_series(1, 300000) n"
            sql.run(f"CREATE TABLE ballast AS {filled}")
            sql.run("INSERT INTO orders VALUES (1)")
        with session(replica) as sql:
            received = "SELECT pg_last_wal_receive_lsn() - '0/0'::pg_lsn"
            [[began]] = sql.run(received)
            eventually(lambda: sql.run(received)[0][0] > began)
        self.assertEqual((self.rows(replica), self.replication()), ([], "replicating"))
        self.lab.control("DELETE", path)
        self.arrives(replica, 1)
        with session(source) as sql:
            sql.run("DROP TABLE ballast")

    def test_one_replica_can_be_cut_and_mended(self) -> None:
        source, replica = self.source, self.follower
        self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}", {"replication": "error"})
        eventually(lambda: self.replication() == "error")
        self.insert(source, 1)
        self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}", {"replication": "replicating"})
        self.arrives(replica, 1)
        eventually(lambda: self.replication() == "replicating")

    def test_a_killed_region_comes_back_with_all_that_was_committed(self) -> None:
        source, replica = self.source, self.follower
        self.insert(source, *range(50))
        with session(source) as standing:
            self.lose(PRIMARY, how="killed")
            self.assert_silent(source)
            pid = {entry["name"]: entry["pid"] for entry in self.lab.control("GET", "databases")}[self.name]
            self.assertFalse(is_process(pid))
            self.bring_back(PRIMARY)
            with self.assertRaises(Problem):
                standing.run("SELECT 1")
        self.arrives(source, *range(50))
        self.insert(source, 50)
        self.arrives(replica, *range(51))

    def from_place(self, origin: str, region: str, name: str) -> tuple[str, int]:
        """Where clients of a region reach a database."""
        address = self.lab.control("GET", f"databases/{region}/{name}/from/{origin}")["address"]
        host, _, port = address.partition(":")
        return host, int(port)

    def replication(self) -> str:
        """What RDS says of the replica."""
        return str(self.show(self.there, self.replica)["StatusInfos"][0]["Status"])


class Calls(RealLab):
    """What else the API does to a server."""

    def test_a_reboot_ends_sessions_and_keeps_data(self) -> None:
        source = self.make()
        self.insert(source, 1)
        with session(source) as standing:
            self.here.reboot_db_instance(DBInstanceIdentifier=self.name)
            self.until_available(self.here, self.name)
            with self.assertRaises(Problem):
                standing.run("SELECT 1")
        self.assertEqual(self.rows(source), [1])

    def test_a_renamed_instance_keeps_its_resource_id_its_data_and_its_replica(self) -> None:
        source, replica = self.make(), self.replicate()
        self.insert(source, 1)
        resource_id = self.show(self.here, self.name)["DbiResourceId"]
        new = f"{self.name}-new"
        self.here.modify_db_instance(
            DBInstanceIdentifier=self.name, NewDBInstanceIdentifier=new, ApplyImmediately=True
        )
        eventually(lambda: self.show(self.here, new)["DBInstanceStatus"] == "available")
        shown = self.show(self.here, new)
        self.assertEqual(
            (shown["DbiResourceId"], shown["DBInstanceArn"]), (resource_id, self.arn(PRIMARY, new))
        )
        self.assertEqual(
            self.show(self.there, self.replica)["ReadReplicaSourceDBInstanceIdentifier"],
            self.arn(PRIMARY, new),
        )
        place = shown["Endpoint"]["Address"], shown["Endpoint"]["Port"]
        self.assertNotEqual(place, source)
        with self.assertRaises(Problem):
            self.rows(source)  # nobody has the old name
        self.insert(place, 2)
        self.arrives(replica, 1, 2)

    def test_a_stopped_instance_answers_nobody_until_it_is_started(self) -> None:
        source = self.make()
        self.insert(source, 1)
        self.here.stop_db_instance(DBInstanceIdentifier=self.name)
        with self.assertRaises(Problem):
            self.rows(source)
        self.here.start_db_instance(DBInstanceIdentifier=self.name)
        self.assertEqual(self.rows(source), [1])

    def test_a_new_password_counts_for_new_sessions(self) -> None:
        source = self.make()
        with session(source) as standing:
            self.here.modify_db_instance(
                DBInstanceIdentifier=self.name, MasterUserPassword="another-one", ApplyImmediately=True
            )
            standing.run("SELECT 1")
        with self.assertRaises(Problem):
            self.rows(source)


class SecurityGroups(RealLab):
    """A group without rules admits nobody anew."""

    def test_a_group_without_rules_leaves_new_connects_unanswered_and_standing_sessions_alone(self) -> None:
        ec2 = self.lab.client("ec2", PRIMARY)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        groups = {}
        for group in ("open", "closed"):
            groups[group] = ec2.create_security_group(GroupName=group, Description=group, VpcId=vpc)[
                "GroupId"
            ]
        rule = {
            "IpProtocol": "tcp", "FromPort": 5432, "ToPort": 5432, "IpRanges": [{"CidrIp": "10.0.0.0/8"}],
        }  # fmt: skip
        ec2.authorize_security_group_ingress(GroupId=groups["open"], IpPermissions=[rule])
        source = self.make(VpcSecurityGroupIds=[groups["open"]])
        replica = self.replicate()

        def change(group: str) -> None:
            self.here.modify_db_instance(
                DBInstanceIdentifier=self.name, VpcSecurityGroupIds=[groups[group]], ApplyImmediately=True
            )

        with session(source) as standing:
            change("closed")
            self.assert_silent(source)
            standing.run("INSERT INTO orders VALUES (1)")
            # RDS's own replication is not cut by a group of the user's.
            self.arrives(replica, 1)
            change("open")
            self.insert(source, 2)
            change("closed")
            self.here.reboot_db_instance(DBInstanceIdentifier=self.name)
            self.until_available(self.here, self.name)
            with self.assertRaises(Problem):
                standing.run("SELECT 1")
        self.assert_silent(source)
        # Rules of a group count as they change, too.
        ec2.authorize_security_group_ingress(GroupId=groups["closed"], IpPermissions=[rule])
        self.arrives(source, 1, 2)


class Choice(RealLab):
    """Which instances get a server."""

    @classmethod
    def setUpClass(cls) -> None:
        lab = RunningLab(LAB_POSTGRES=needs_postgres(), LAB_REAL_DATABASES="orders-*, billing")
        cls.addClassCleanup(lab.end)
        cls.use(lab)

    def test_only_instances_whose_identifier_matches_hold_data(self) -> None:
        self.make("orders-1")
        plain = make_database(self.here, "plain", BackupRetentionPeriod=7)
        self.assertEqual(plain["Endpoint"]["Address"], "127.0.0.1")
        make_database(self.here, "billing", Engine="mysql")
        self.assertEqual([entry["name"] for entry in self.lab.control("GET", "databases")], ["orders-1"])


def newest(lab: RunningLab, region: str, name: str, metric: str) -> float:
    """The newest datum of a metric of a database."""
    now = datetime.now(UTC)
    answer = lab.client("cloudwatch", region).get_metric_data(
        MetricDataQueries=[
            {
                "Id": "m",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/RDS",
                        "MetricName": metric,
                        "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": name}],
                    },
                    "Period": 1,
                    "Stat": "Maximum",
                },
            }
        ],
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=1),
    )["MetricDataResults"][0]
    return float(dict(sorted(zip(answer["Timestamps"], answer["Values"], strict=True))).popitem()[1])


class Metrics(RealPair):
    """What CloudWatch shows is what the servers say."""

    def newest(self, region: str, name: str, metric: str) -> float:
        """The newest datum of a metric."""
        return newest(self.lab, region, name, metric)

    def test_lag_slots_and_sessions_are_measured(self) -> None:
        source, replica = self.source, self.follower
        numbers = itertools.count(1)
        self.insert(source, next(numbers))
        self.arrives(replica, 1)
        with session(source), session(source):
            eventually(lambda: self.newest(PRIMARY, self.name, "DatabaseConnections") == 2.0)
            # The source is idle: the lag grows by real time though nothing is missing.
            first = self.newest(RECOVERY, self.replica, "ReplicaLag")
            eventually(lambda: self.newest(RECOVERY, self.replica, "ReplicaLag") > first + 3.0)
            eventually(lambda: self.newest(PRIMARY, self.name, "OldestReplicationSlotLag") == 0.0)

        def is_down_while_written_to() -> bool:
            # Whenever it is measured, a write came a moment before.
            self.insert(source, next(numbers))
            return bool(self.newest(RECOVERY, self.replica, "ReplicaLag") < first + 3.0)

        eventually(is_down_while_written_to)
        eventually(lambda: self.newest(PRIMARY, self.name, "DatabaseConnections") == 0.0)
        # A replica that receives nothing any more has no lag, and its slot falls behind.
        self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}", {"replication": "error"})
        self.insert(self.source, next(numbers))
        eventually(lambda: self.newest(RECOVERY, self.replica, "ReplicaLag") == -1.0)
        eventually(lambda: self.newest(PRIMARY, self.name, "OldestReplicationSlotLag") > 0.0)


class Lags(RealPair):
    """A replica that is made to lag: its source sends, and what it sends arrives late."""

    def slow(self, **pace: float) -> None:
        """Slows the replica, for the rest of the test at most."""
        self.addCleanup(self.mend)
        self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}/lag", pace)

    def mend(self) -> None:
        """Lets it catch up."""
        self.lab.control("DELETE", f"databases/{RECOVERY}/{self.replica}/lag")

    def shown(self) -> Any:
        """What the control API says of the replica."""
        return next(one for one in self.lab.control("GET", "databases") if one["name"] == self.replica)

    def test_the_lag_of_a_slow_replica_grows_while_its_source_is_busy_and_ends_at_once(self) -> None:
        numbers = itertools.count(1)
        self.insert(self.source, next(numbers))
        self.arrives(self.follower, 1)
        self.slow(seconds=3600)
        self.assertEqual(self.shown()["lag"], {"seconds": 3600})
        seen = []

        def has_grown() -> bool:
            # A source that is written to has no lag of its idleness.
            self.insert(self.source, next(numbers))
            seen.append(self.show(self.there, self.replica)["StatusInfos"][0]["Status"])
            lag = newest(self.lab, RECOVERY, self.replica, "ReplicaLag")
            return lag > 2 * RECEIVER_SECONDS

        eventually(has_grown)
        self.assertEqual(set(seen), {"replicating"})
        self.assertEqual(self.rows(self.follower), [1])
        self.mend()
        self.assertIsNone(self.shown()["lag"])
        self.arrives(self.follower, *range(1, next(numbers)))

    def test_a_slow_replica_receives_so_much_in_a_second(self) -> None:
        self.slow(bytes_per_second=1)
        self.insert(self.source, 1, 2)
        # Two transactions, of which the wire carries hardly the first in a minute.
        eventually(lambda: newest(self.lab, PRIMARY, self.name, "OldestReplicationSlotLag") > 0.0)
        self.assertNotEqual(self.rows(self.follower), [1, 2])
        self.slow(bytes_per_second=1e8)
        self.arrives(self.follower, 1, 2)

    def test_a_lag_that_is_none_is_refused(self) -> None:
        for body in ({}, {"seconds": 0}, {"seconds": 1, "bytes_per_second": 1}, {"minutes": 1}):
            self.assert_control_refuses(400, "PUT", f"databases/{RECOVERY}/{self.replica}/lag", body)
        for method, body in (("PUT", {"seconds": 1}), ("DELETE", None)):
            for path in (f"{PRIMARY}/{self.name}", f"{RECOVERY}/nobody"):
                self.assert_control_refuses(404, method, f"databases/{path}/lag", body)

    def test_a_world_with_a_replica_that_lags_is_not_saved(self) -> None:
        self.slow(seconds=3600)
        self.assert_control_refuses(400, "POST", "save", {"name": "lagging"})
        self.mend()

    def assert_control_refuses(self, code: int, method: str, path: str, body: Any) -> None:
        """The control API refuses with this status."""
        with self.assertRaises(urllib.error.HTTPError) as refusal:
            self.lab.control(method, path, body)
        self.assertEqual(refusal.exception.code, code)
        refusal.exception.close()


class LostOnTheWay(RealLab):
    """What a lagging replica has not received is lost with its source."""

    def test_a_promotion_loses_what_is_on_its_way_to_the_replica(self) -> None:
        source, replica = self.make(), self.replicate()
        self.insert(source, 1)
        self.arrives(replica, 1)
        self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}/lag", {"seconds": 3600})
        self.insert(source, 2)
        self.there.promote_read_replica(DBInstanceIdentifier=self.replica)
        self.until_available(self.there, self.replica)
        self.assertEqual((self.rows(source), self.rows(replica)), ([1, 2], [1]))
        self.assertEqual([entry["lag"] for entry in self.lab.control("GET", "databases") if entry["lag"]], [])


class Snapshots(RealLab):
    """A snapshot holds the rows of its moment, in every copy."""

    def test_a_restore_brings_back_the_rows_of_the_snapshots_moment(self) -> None:
        source = self.make()
        self.insert(source, 1, 2)
        self.here.create_db_snapshot(DBInstanceIdentifier=self.name, DBSnapshotIdentifier=f"{self.name}-s")
        self.insert(source, 3)
        self.until_taken(self.here, f"{self.name}-s")
        self.there.copy_db_snapshot(
            SourceDBSnapshotIdentifier=f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:snapshot:{self.name}-s",
            TargetDBSnapshotIdentifier=f"{self.name}-c",
        )
        self.until_taken(self.there, f"{self.name}-c")
        self.here.delete_db_snapshot(DBSnapshotIdentifier=f"{self.name}-s")
        made = self.there.restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=f"{self.name}-x", DBSnapshotIdentifier=f"{self.name}-c"
        )["DBInstance"]
        self.addCleanup(self.drop, self.there, made["DbiResourceId"])
        self.assertEqual(self.rows(place_of(made)), [1, 2])
        self.insert(place_of(made), 4)
        self.assertEqual((self.rows(place_of(made)), self.rows(source)), ([1, 2, 4], [1, 2, 3]))

    def test_a_final_snapshot_holds_all_that_was_written(self) -> None:
        source = self.make()
        self.insert(source, 1)
        self.here.delete_db_instance(
            DBInstanceIdentifier=self.name, FinalDBSnapshotIdentifier=f"{self.name}-f"
        )
        made = self.here.restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=f"{self.name}-x", DBSnapshotIdentifier=f"{self.name}-f"
        )["DBInstance"]
        self.addCleanup(self.drop, self.here, made["DbiResourceId"])
        self.assertEqual(self.rows(place_of(made)), [1])

    def until_taken(self, rds: Any, name: str) -> None:
        """Waits until a snapshot is available."""
        eventually(
            lambda: (
                rds.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0]["Status"]
                == "available"
            )
        )
