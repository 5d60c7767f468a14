"""Aurora global databases: failover, who writes, resynchronisation, lag."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, LabTest, eventually

# One that the emulator knows.
VERSION = "15.13"


class GlobalClusters(LabTest):
    """Each test makes a global database with a cluster and an instance in each region."""

    def setUp(self) -> None:
        self.name = f"g-{self._testMethodName[5:40].replace('_', '-').rstrip('-')}"
        self.primary, self.recovery = self.lab.client("rds", PRIMARY), self.lab.client("rds", RECOVERY)
        self.recovery.create_global_cluster(
            GlobalClusterIdentifier=self.name, Engine="aurora-postgresql", EngineVersion=VERSION
        )
        for rds, cluster, extra in (
            (self.primary, self.name, {"MasterUsername": "lab", "MasterUserPassword": "not-a-secret"}),
            (self.recovery, f"{self.name}-r", {}),
        ):
            rds.create_db_cluster(
                DBClusterIdentifier=cluster,
                Engine="aurora-postgresql",
                EngineVersion=VERSION,
                GlobalClusterIdentifier=self.name,
                **extra,
            )
            rds.create_db_instance(
                DBInstanceIdentifier=f"{cluster}-0",
                DBClusterIdentifier=cluster,
                DBInstanceClass="db.r6g.large",
                Engine="aurora-postgresql",
            )
        self.old = f"arn:aws:rds:{PRIMARY}:{ACCOUNT}:cluster:{self.name}"
        self.target = f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:cluster:{self.name}-r"

    def show(self) -> Any:
        """The global database as it is now."""
        return self.recovery.describe_global_clusters(GlobalClusterIdentifier=self.name)["GlobalClusters"][0]

    def members(self) -> dict[str, tuple[bool, str]]:
        """Who writes, and how each cluster stands."""
        return {
            member["DBClusterArn"]: (member["IsWriter"], member["SynchronizationStatus"])
            for member in self.show()["GlobalClusterMembers"]
        }

    def writes(self, rds: Any, cluster: str) -> list[bool]:
        """Whether each instance of a cluster writes, by the cluster's own word."""
        found = rds.describe_db_clusters(DBClusterIdentifier=cluster)["DBClusters"][0]
        return [member["IsClusterWriter"] for member in found["DBClusterMembers"]]

    def fail_over(self) -> Any:
        """Fails over to the recovery region's cluster."""
        return self.recovery.failover_global_cluster(
            GlobalClusterIdentifier=self.name, TargetDbClusterIdentifier=self.target, AllowDataLoss=True
        )

    def test_only_the_primary_cluster_writes_and_both_name_their_global_database(self) -> None:
        self.assertEqual(self.members(), {self.old: (True, "connected"), self.target: (False, "connected")})
        self.assertEqual(self.writes(self.primary, self.name), [True])
        self.assertEqual(self.writes(self.recovery, f"{self.name}-r"), [False])
        found = self.recovery.describe_db_clusters(DBClusterIdentifier=f"{self.name}-r")["DBClusters"][0]
        self.assertEqual(found["GlobalClusterIdentifier"], self.name)

    def test_a_failover_takes_its_time_and_a_second_one_is_refused(self) -> None:
        self.fail_over()
        found = self.show()
        self.assertEqual(found["Status"], "failing-over")
        self.assertEqual(found["FailoverState"]["ToDbClusterArn"], self.target)
        self.assert_refused("InvalidGlobalClusterStateFault", self.fail_over)
        eventually(lambda: self.show()["Status"] == "available")
        self.assertEqual(self.members()[self.target], (True, "connected"))
        self.assertEqual(self.writes(self.recovery, f"{self.name}-r"), [True])
        self.assert_refused("InvalidGlobalClusterStateFault", self.fail_over)
        calls = [c["accepted"] for c in self.lab.control("GET", "promotions") if c["resource"] == self.target]
        self.assertEqual(calls, [True, False, False])

    def test_an_old_primary_follows_only_a_while_after_its_region_is_back(self) -> None:
        self.lab.control("PUT", f"regions/{PRIMARY}", {"lost": True})
        try:
            self.fail_over()
            eventually(lambda: self.show()["Status"] == "available")
            self.assertEqual(self.members()[self.old], (False, "pending-resync"))
            self.assertEqual(self.writes(self.primary, self.name), [True], "it was not told of the failover")
        finally:
            self.lab.control("PUT", f"regions/{PRIMARY}", {"lost": False})
        eventually(lambda: self.members()[self.old] == (False, "connected"))
        self.assertEqual(self.writes(self.primary, self.name), [False])

    def test_the_lag_of_a_follower_is_in_milliseconds_by_its_source(self) -> None:
        def samples() -> list[Any]:
            now = datetime.now(UTC)
            found = self.lab.client("cloudwatch").get_metric_statistics(
                Namespace="AWS/RDS",
                MetricName="AuroraGlobalDBReplicationLag",
                Dimensions=[
                    {"Name": "DBClusterIdentifier", "Value": f"{self.name}-r"},
                    {"Name": "SourceRegion", "Value": PRIMARY},
                ],
                StartTime=now - timedelta(minutes=5),
                EndTime=now + timedelta(minutes=1),
                Period=60,
                Statistics=["Maximum"],
            )
            points: list[Any] = found["Datapoints"]
            return points

        newest = eventually(samples)[-1]
        self.assertTrue(200.0 <= newest["Maximum"] <= 900.0, newest)
