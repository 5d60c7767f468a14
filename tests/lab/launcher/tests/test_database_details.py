"""Settings of databases that are shown again: window, exported logs, key of insights, names of clusters."""

from __future__ import annotations

from typing import Any

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, LabTest
from .stack import make_database

KEY = f"arn:aws:kms:{PRIMARY}:{ACCOUNT}:key/0a1b"


class DatabaseDetails(LabTest):
    """As Terraform sets, reads and changes them."""

    def test_what_a_creation_and_a_change_say_is_kept(self) -> None:
        rds = self.lab.client("rds", PRIMARY)
        made = make_database(
            rds,
            "detailed",
            PreferredBackupWindow="02:00-02:30",
            EnableCloudwatchLogsExports=["postgresql", "upgrade"],
            EnablePerformanceInsights=True,
            PerformanceInsightsKMSKeyId=KEY,
        )
        for shown in (made, rds.describe_db_instances(DBInstanceIdentifier="detailed")["DBInstances"][0]):
            self.assertEqual(shown["PreferredBackupWindow"], "02:00-02:30")
            self.assertEqual(shown["EnabledCloudwatchLogsExports"], ["postgresql", "upgrade"])
            self.assertEqual(shown["PerformanceInsightsKMSKeyId"], KEY)
        change = {"DisableLogTypes": ["upgrade"]}
        rds.modify_db_instance(DBInstanceIdentifier="detailed", CloudwatchLogsExportConfiguration=change)
        shown = rds.describe_db_instances(DBInstanceIdentifier="detailed")["DBInstances"][0]
        self.assertEqual(shown["EnabledCloudwatchLogsExports"], ["postgresql"])

    def test_what_is_not_said_is_not_shown(self) -> None:
        made = make_database(self.lab.client("rds", PRIMARY), "plain")
        self.assertNotIn("PerformanceInsightsKMSKeyId", made)
        self.assertEqual(made.get("EnabledCloudwatchLogsExports", []), [])


class ClusterDetails(LabTest):
    """The same of Aurora clusters, of a global database too."""

    def cluster(self, rds: Any, name: str) -> Any:
        """A cluster as it is now."""
        return rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]

    def test_the_logs_of_a_cluster_are_kept_and_changed(self) -> None:
        rds = self.lab.client("rds", PRIMARY)
        made = rds.create_db_cluster(
            DBClusterIdentifier="logged",
            Engine="aurora-postgresql",
            MasterUsername="lab",
            MasterUserPassword="not-a-secret",
            EnableCloudwatchLogsExports=["postgresql"],
        )["DBCluster"]
        for shown in (made, self.cluster(rds, "logged")):
            self.assertEqual(shown["EnabledCloudwatchLogsExports"], ["postgresql"])
        change = {"EnableLogTypes": ["instance"], "DisableLogTypes": ["postgresql"]}
        changed = rds.modify_db_cluster(
            DBClusterIdentifier="logged", CloudwatchLogsExportConfiguration=change
        )["DBCluster"]
        for shown in (changed, self.cluster(rds, "logged")):
            self.assertEqual(shown["EnabledCloudwatchLogsExports"], ["instance"])
        rds.modify_db_cluster(DBClusterIdentifier="logged", BackupRetentionPeriod=3)
        self.assertEqual(self.cluster(rds, "logged")["EnabledCloudwatchLogsExports"], ["instance"])

    def test_both_clusters_of_a_global_database_keep_their_names_once_they_have_instances(self) -> None:
        primary, recovery = self.lab.client("rds", PRIMARY), self.lab.client("rds", RECOVERY)
        recovery.create_global_cluster(GlobalClusterIdentifier="named", Engine="aurora-mysql")
        common = {"GlobalClusterIdentifier": "named", "Engine": "aurora-mysql"}
        primary.create_db_cluster(
            DBClusterIdentifier="named", MasterUsername="lab", MasterUserPassword="not-a-secret", **common
        )
        names = {}
        for rds, name in ((primary, "named"), (recovery, "named-replica")):
            if rds is recovery:
                rds.create_db_cluster(DBClusterIdentifier=name, **common)
            names[name] = self.cluster(rds, name)["Endpoint"]
            rds.create_db_instance(
                DBInstanceIdentifier=f"{name}-0",
                DBClusterIdentifier=name,
                Engine="aurora-mysql",
                DBInstanceClass="db.r6g.large",
            )
            self.assertEqual(self.cluster(rds, name)["Endpoint"], names[name])
        self.assertRegex(names["named"], rf"^named\.cluster-.+\.{PRIMARY}\.rds\.amazonaws\.com$")
        self.assertRegex(names["named-replica"], rf"^named-replica\.cluster-.+\.{RECOVERY}\.rds\.")
