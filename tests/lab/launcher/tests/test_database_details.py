"""Settings of instances that are shown again: window, exported logs, key of the insights."""

from __future__ import annotations

from .running_lab import ACCOUNT, PRIMARY, LabTest

KEY = f"arn:aws:kms:{PRIMARY}:{ACCOUNT}:key/0a1b"


class DatabaseDetails(LabTest):
    """As Terraform sets, reads and changes them."""

    def test_what_a_creation_and_a_change_say_is_kept(self) -> None:
        rds = self.lab.client("rds", PRIMARY)
        made = rds.create_db_instance(
            DBInstanceIdentifier="detailed",
            Engine="postgres",
            DBInstanceClass="db.t4g.medium",
            AllocatedStorage=20,
            MasterUsername="lab",
            MasterUserPassword="not-a-secret",
            PreferredBackupWindow="02:00-02:30",
            EnableCloudwatchLogsExports=["postgresql", "upgrade"],
            EnablePerformanceInsights=True,
            PerformanceInsightsKMSKeyId=KEY,
        )["DBInstance"]
        for shown in (made, rds.describe_db_instances(DBInstanceIdentifier="detailed")["DBInstances"][0]):
            self.assertEqual(shown["PreferredBackupWindow"], "02:00-02:30")
            self.assertEqual(shown["EnabledCloudwatchLogsExports"], ["postgresql", "upgrade"])
            self.assertEqual(shown["PerformanceInsightsKMSKeyId"], KEY)
        change = {"DisableLogTypes": ["upgrade"]}
        rds.modify_db_instance(DBInstanceIdentifier="detailed", CloudwatchLogsExportConfiguration=change)
        shown = rds.describe_db_instances(DBInstanceIdentifier="detailed")["DBInstances"][0]
        self.assertEqual(shown["EnabledCloudwatchLogsExports"], ["postgresql"])

    def test_what_is_not_said_is_not_shown(self) -> None:
        rds = self.lab.client("rds", PRIMARY)
        made = rds.create_db_instance(
            DBInstanceIdentifier="plain",
            Engine="postgres",
            DBInstanceClass="db.t4g.micro",
            AllocatedStorage=20,
            MasterUsername="lab",
            MasterUserPassword="not-a-secret",
        )["DBInstance"]
        self.assertNotIn("PerformanceInsightsKMSKeyId", made)
        self.assertEqual(made.get("EnabledCloudwatchLogsExports", []), [])
