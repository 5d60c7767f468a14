"""Replicas in another region: creation, replication, lag, promotion."""

from __future__ import annotations

import json
import time
import urllib.error
from datetime import UTC, datetime, timedelta
from typing import Any

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, SCALE, Function, LabTest, eventually
from .stack import make_database


class ReplicaTest(LabTest):
    """Each test makes its own pair of instances."""

    def setUp(self) -> None:
        self.name = f"db-of-{self._testMethodName[:40].replace('_', '-').rstrip('-')}"
        self.replica = f"{self.name}-r"
        self.primary_rds, self.rds = self.lab.client("rds", PRIMARY), self.lab.client("rds", RECOVERY)
        make_database(self.primary_rds, self.name, BackupRetentionPeriod=7)
        self.source_arn = f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:db:{self.name}"
        self.rds.create_db_instance_read_replica(
            DBInstanceIdentifier=self.replica,
            SourceDBInstanceIdentifier=self.source_arn,
            VpcSecurityGroupIds=["sg-1"],
        )

    def show(self, rds: Any = None, name: str | None = None) -> Any:
        """One instance as it is now."""
        found = (rds or self.rds).describe_db_instances(DBInstanceIdentifier=name or self.replica)
        return found["DBInstances"][0]


class Replicas(ReplicaTest):
    """What RDS shows and refuses."""

    def test_a_replica_names_its_source_by_arn_and_the_source_names_it(self) -> None:
        replica = self.show()
        self.assertEqual(replica["ReadReplicaSourceDBInstanceIdentifier"], self.source_arn)
        self.assertEqual((replica["Engine"], replica["BackupRetentionPeriod"]), ("postgres", 0))
        self.assertEqual(replica["AvailabilityZone"][:-1], RECOVERY)
        self.assertEqual(
            replica["StatusInfos"],
            [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}],
        )
        source = self.show(self.primary_rds, self.name)
        self.assertEqual(source["ReadReplicaDBInstanceIdentifiers"], [replica["DBInstanceArn"]])
        self.assertNotIn("ReadReplicaSourceDBInstanceIdentifier", source)

    def test_a_promotion_takes_its_time_and_is_done_when_the_source_is_gone(self) -> None:
        started = time.monotonic()
        accepted = self.rds.promote_read_replica(DBInstanceIdentifier=self.replica, BackupRetentionPeriod=9)
        self.assertEqual(accepted["DBInstance"]["DBInstanceStatus"], "modifying")
        seen = []

        def promoted() -> bool:
            shown = self.show()
            seen.append((shown["DBInstanceStatus"], "ReadReplicaSourceDBInstanceIdentifier" in shown))
            return seen[-1] == ("available", False)

        eventually(promoted)
        self.assertGreaterEqual(time.monotonic() - started, 240 * SCALE)
        steps = [("modifying", True), ("rebooting", True), ("backing-up", False), ("available", False)]
        self.assertEqual(list(dict.fromkeys(seen)), steps)
        shown = self.show()
        self.assertEqual((shown["BackupRetentionPeriod"], shown["StatusInfos"]), (9, []))
        self.assertEqual(self.show(self.primary_rds, self.name)["ReadReplicaDBInstanceIdentifiers"], [])
        timing = next(entry for entry in self.lab.control("GET", "timings") if entry["name"] == self.replica)
        self.assertEqual((timing["kind"], timing["region"]), ("promotion", RECOVERY))
        self.assertGreater(timing["finished_at"], timing["started_at"])

    def test_neither_a_replica_nor_its_source_can_be_stopped_before_the_promotion_is_done(self) -> None:
        source, replica = {"DBInstanceIdentifier": self.name}, {"DBInstanceIdentifier": self.replica}
        for rds, which in ((self.rds, replica), (self.primary_rds, source)):
            self.assert_refused("InvalidDBInstanceState", rds.stop_db_instance, **which)
            self.assert_refused("InvalidDBInstanceState", rds.start_db_instance, **which)
            self.assertEqual(self.show(rds, which["DBInstanceIdentifier"])["DBInstanceStatus"], "available")
        self.rds.promote_read_replica(**replica)
        self.assert_refused("InvalidDBInstanceState", self.primary_rds.stop_db_instance, **source)
        eventually(lambda: self.show()["DBInstanceStatus"] == "available" and not self.show()["StatusInfos"])
        for rds, which in ((self.rds, replica), (self.primary_rds, source)):
            rds.stop_db_instance(**which)
            self.assertEqual(self.show(rds, which["DBInstanceIdentifier"])["DBInstanceStatus"], "stopped")
            self.assert_refused("InvalidDBInstanceState", rds.stop_db_instance, **which)
            rds.start_db_instance(**which)
            self.assertEqual(self.show(rds, which["DBInstanceIdentifier"])["DBInstanceStatus"], "available")

    def test_a_second_promotion_is_refused_and_both_calls_are_recorded(self) -> None:
        self.rds.promote_read_replica(DBInstanceIdentifier=self.replica)
        self.assert_refused(
            "InvalidDBInstanceState", self.rds.promote_read_replica, DBInstanceIdentifier=self.replica
        )
        eventually(lambda: "ReadReplicaSourceDBInstanceIdentifier" not in self.show())
        self.assert_refused(
            "InvalidDBInstanceState", self.rds.promote_read_replica, DBInstanceIdentifier=self.replica
        )
        calls = [
            call
            for call in self.lab.control("GET", "promotions")
            if call["resource"].endswith(f":{self.replica}")
        ]
        self.assertEqual(
            [(call["accepted"], call["error"]) for call in calls],
            [(True, None), (False, "InvalidDBInstanceState"), (False, "InvalidDBInstanceState")],
        )

    def test_a_replica_that_is_backing_up_is_not_promoted(self) -> None:
        self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}", {"status": "backing-up"})
        self.assert_refused(
            "InvalidDBInstanceState", self.rds.promote_read_replica, DBInstanceIdentifier=self.replica
        )
        self.assert_refused(
            "DBInstanceNotFound", self.rds.promote_read_replica, DBInstanceIdentifier="no-such-db"
        )
        self.assert_refused(
            "InvalidParameterValue",
            self.rds.promote_read_replica,
            DBInstanceIdentifier=self.replica,
            BackupRetentionPeriod=36,
        )

    def test_replication_breaks_with_the_sources_region_and_resumes_with_it(self) -> None:
        self.lose(PRIMARY)
        eventually(lambda: self.show()["StatusInfos"][0]["Status"] == "error")
        self.assertFalse(self.show()["StatusInfos"][0]["Normal"])
        self.lab.control("PUT", f"regions/{PRIMARY}", {"lost": False})
        eventually(lambda: self.show()["StatusInfos"][0]["Status"] == "replicating")

    def test_replication_of_one_replica_can_be_cut_and_mended(self) -> None:
        self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}", {"replication": "error"})
        eventually(lambda: self.show()["StatusInfos"][0]["Status"] == "error")
        self.assertEqual(self.show()["DBInstanceStatus"], "available")
        self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}", {"replication": "replicating"})
        eventually(lambda: self.show()["StatusInfos"][0]["Status"] == "replicating")

    def test_what_the_control_api_can_not_do_to_an_instance_is_refused_with_its_name(self) -> None:
        for body, words in (
            ({"stauts": "x"}, "stauts is not known"),
            ({"status": 1}, "status must be str"),
            ({"replication": "off"}, "replication must be error or replicating"),
            ({"snapshots": "none"}, "snapshots must be failing or working"),
            ({"lag_seconds": "much"}, "lag_seconds must be a number or measured"),
        ):
            with self.assertRaises(urllib.error.HTTPError) as refusal:
                self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}", body)
            self.assertEqual(refusal.exception.code, 400)
            self.assertIn(words, json.load(refusal.exception)["error"])

    def test_deleting_the_source_terminates_replication(self) -> None:
        self.primary_rds.delete_db_instance(DBInstanceIdentifier=self.name, SkipFinalSnapshot=True)
        eventually(lambda: self.show()["StatusInfos"][0]["Status"] == "terminated")

    def test_a_deleted_replica_leaves_its_sources_list(self) -> None:
        self.rds.delete_db_instance(DBInstanceIdentifier=self.replica, SkipFinalSnapshot=True)
        self.assertEqual(self.show(self.primary_rds, self.name)["ReadReplicaDBInstanceIdentifiers"], [])

    def test_security_groups_of_the_primary_can_be_replaced(self) -> None:
        self.primary_rds.modify_db_instance(
            DBInstanceIdentifier=self.name, VpcSecurityGroupIds=["sg-quarantine"], ApplyImmediately=True
        )
        groups = self.show(self.primary_rds, self.name)["VpcSecurityGroups"]
        self.assertEqual([group["VpcSecurityGroupId"] for group in groups], ["sg-quarantine"])

    def test_filters_find_one_instance_or_none(self) -> None:
        def names(filter_name: str, value: str) -> list[str]:
            found = self.rds.describe_db_instances(Filters=[{"Name": filter_name, "Values": [value]}])
            return [instance["DBInstanceIdentifier"] for instance in found["DBInstances"]]

        shown = self.show()
        self.assertEqual(names("db-instance-id", self.replica), [self.replica])
        self.assertEqual(names("db-instance-id", shown["DBInstanceArn"]), [self.replica])
        self.assertEqual(names("dbi-resource-id", shown["DbiResourceId"]), [self.replica])
        self.assertEqual(names("db-instance-id", "no-such-db"), [])
        self.assert_refused(
            "DBInstanceNotFound", self.rds.describe_db_instances, DBInstanceIdentifier="no-such-db"
        )

    def test_promotion_sends_rds_events(self) -> None:
        rule = f"arn:aws:events:{RECOVERY}:{ACCOUNT}:rule/rds-wake"
        function = Function(self.lab, "rds-wake", permit=(rule,))
        events = self.lab.client("events")
        pattern = {"source": ["aws.rds"], "detail": {"SourceIdentifier": [self.replica]}}
        events.put_rule(Name="rds-wake", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="rds-wake", Targets=[{"Id": "f", "Arn": function.arn}])
        self.rds.promote_read_replica(DBInstanceIdentifier=self.replica)

        def finished() -> Any:
            return next(
                (event for event in function.received() if event["detail"]["EventID"] == "RDS-EVENT-0006"),
                None,
            )

        event = eventually(finished)
        self.assertEqual(
            (event["detail-type"], event["source"], event["region"]),
            ("RDS DB Instance Event", "aws.rds", RECOVERY),
        )
        self.assertEqual(event["resources"], [f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:db:{self.replica}"])
        self.assertEqual(event["detail"]["SourceType"], "DB_INSTANCE")


class ReplicaLag(ReplicaTest):
    """The lag is a metric of the replica's region."""

    def datapoints(self) -> list[Any]:
        """The replica's lag over the last minutes."""
        now = datetime.now(UTC)
        answer = self.lab.binary_client("cloudwatch", RECOVERY).get_metric_statistics(
            Namespace="AWS/RDS",
            MetricName="ReplicaLag",
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=1),
            Period=60,
            Statistics=["Maximum", "SampleCount"],
            Dimensions=[{"Name": "DBInstanceIdentifier", "Value": self.replica}],
        )
        return list(answer["Datapoints"])

    def test_a_replica_can_be_put_behind(self) -> None:
        self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}", {"lag_seconds": 321})
        eventually(lambda: any(point["Maximum"] == 321 for point in self.datapoints()))
        self.lab.control("PUT", f"databases/{RECOVERY}/{self.replica}", {"lag_seconds": "measured"})

    def test_a_replica_has_a_lag_until_its_sources_region_is_lost(self) -> None:
        eventually(self.datapoints)
        for point in self.datapoints():
            self.assertTrue(0.2 <= point["Maximum"] <= 0.9)
            self.assertEqual(point["Unit"], "Seconds")
        self.lose(PRIMARY)
        before = sum(point["SampleCount"] for point in self.datapoints())
        time.sleep(5.5)
        self.assertEqual(sum(point["SampleCount"] for point in self.datapoints()), before)
