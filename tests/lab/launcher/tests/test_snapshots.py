"""Snapshots: taken, copied across regions, listed in pages, deleted."""

from __future__ import annotations

import time
import urllib.error
from datetime import timedelta
from typing import Any

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, SCALE, LabTest, eventually
from .stack import make_database

KEY = f"arn:aws:kms:{RECOVERY}:{ACCOUNT}:key/0a1b"


class Snapshots(LabTest):
    """Each test makes its own instance."""

    def setUp(self) -> None:
        self.name = f"snap-of-{self._testMethodName[5:40].replace('_', '-').rstrip('-')}"
        self.here, self.there = self.lab.client("rds", PRIMARY), self.lab.client("rds", RECOVERY)
        make_database(self.here, self.name, StorageEncrypted=True)

    def take(self, snapshot: str, **options: Any) -> Any:
        """Takes a snapshot of the instance."""
        return self.here.create_db_snapshot(
            DBSnapshotIdentifier=snapshot, DBInstanceIdentifier=self.name, **options
        )["DBSnapshot"]

    def show(self, rds: Any, snapshot: str) -> Any:
        """A snapshot as it is now."""
        return rds.describe_db_snapshots(DBSnapshotIdentifier=snapshot)["DBSnapshots"][0]

    def taken(self, snapshot: str) -> Any:
        """Takes a snapshot and waits for it."""
        self.take(snapshot)
        eventually(lambda: self.show(self.here, snapshot)["Status"] == "available")
        return self.show(self.here, snapshot)

    def copy(self, arn: str, name: str, **options: Any) -> Any:
        """Copies a snapshot to the recovery region."""
        return self.there.copy_db_snapshot(
            SourceDBSnapshotIdentifier=arn, TargetDBSnapshotIdentifier=name, **options
        )["DBSnapshot"]

    def test_a_snapshot_takes_its_time_and_its_instance_backs_up_meanwhile(self) -> None:
        started = time.monotonic()
        taken = self.take(f"{self.name}-1", Tags=[{"Key": "pilotlight:plan", "Value": "shop"}])
        self.assertEqual((taken["Status"], taken["PercentProgress"]), ("creating", 0))
        self.assertNotIn("SnapshotCreateTime", taken)
        instance = self.here.describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"][0]
        self.assertEqual(instance["DBInstanceStatus"], "backing-up")
        self.assert_refused("InvalidDBInstanceState", self.take, snapshot=f"{self.name}-2")
        self.assert_refused("DBSnapshotAlreadyExists", self.take, snapshot=f"{self.name}-1")
        self.assert_refused(
            "InvalidDBSnapshotState", self.here.delete_db_snapshot, DBSnapshotIdentifier=f"{self.name}-1"
        )
        eventually(lambda: self.show(self.here, f"{self.name}-1")["Status"] == "available")
        self.assertGreaterEqual(time.monotonic() - started, 300 * SCALE)
        shown = self.show(self.here, f"{self.name}-1")
        self.assertEqual(shown["TagList"], [{"Key": "pilotlight:plan", "Value": "shop"}])
        self.assertEqual((shown["PercentProgress"], shown["SnapshotType"]), (100, "manual"))
        self.assertIn("OriginalSnapshotCreateTime", shown)
        instance = self.here.describe_db_instances(DBInstanceIdentifier=self.name)["DBInstances"][0]
        self.assertEqual(instance["DBInstanceStatus"], "available")

    def test_a_copy_crosses_regions_with_its_own_key_and_tags_and_as_old_as_its_original(self) -> None:
        original = self.taken(f"{self.name}-1")
        arn = original["DBSnapshotArn"]
        self.assert_refused("InvalidParameterCombination", self.copy, arn=arn, name="c")
        self.assert_refused(
            "KMSKeyNotAccessibleFault", self.copy, arn=arn, name="c", KmsKeyId=KEY.replace(RECOVERY, PRIMARY)
        )
        for tag in ({"Key": "aws:x", "Value": "1"}, {"Key": "x", "Value": "[$LATEST]"}):
            self.assert_refused(
                "InvalidParameterValue", self.copy, arn=arn, name="c", KmsKeyId=KEY, Tags=[tag]
            )
        started = time.monotonic()
        copy = self.copy(arn, f"{self.name}-c", KmsKeyId=KEY, Tags=[{"Key": "team", "Value": "orders"}])
        self.assertEqual((copy["Status"], copy["SourceRegion"]), ("copying", PRIMARY))
        eventually(lambda: self.show(self.there, f"{self.name}-c")["Status"] == "available")
        self.assertGreaterEqual(time.monotonic() - started, 900 * SCALE)
        shown = self.show(self.there, f"{self.name}-c")
        self.assertEqual(shown["SourceDBSnapshotIdentifier"], arn)
        self.assertEqual((shown["KmsKeyId"], shown["Encrypted"]), (KEY, True))
        self.assertEqual(shown["TagList"], [{"Key": "team", "Value": "orders"}])
        self.assertEqual(shown["OriginalSnapshotCreateTime"], original["OriginalSnapshotCreateTime"])
        self.assertGreater(shown["SnapshotCreateTime"], original["SnapshotCreateTime"])
        self.assert_refused(
            "DBSnapshotAlreadyExists", self.copy, arn=arn, name=f"{self.name}-c", KmsKeyId=KEY
        )

    def test_a_copy_fails_when_its_original_goes_away_and_when_its_region_is_lost(self) -> None:
        arn = self.taken(f"{self.name}-1")["DBSnapshotArn"]
        self.copy(arn, f"{self.name}-lost", KmsKeyId=KEY)
        self.lose(PRIMARY)
        eventually(lambda: self.show(self.there, f"{self.name}-lost")["Status"] == "failed")
        self.lab.control("PUT", f"regions/{PRIMARY}", {"lost": False})
        self.copy(arn, f"{self.name}-gone", KmsKeyId=KEY)
        self.here.delete_db_snapshot(DBSnapshotIdentifier=f"{self.name}-1")
        self.assertEqual(self.show(self.there, f"{self.name}-gone")["Status"], "failed")
        self.assert_refused("DBSnapshotNotFound", self.copy, arn=arn, name="c", KmsKeyId=KEY)

    def test_what_is_under_way_can_be_made_to_fail(self) -> None:
        self.take(f"{self.name}-1")
        self.lab.control("PUT", f"snapshots/{PRIMARY}/{self.name}-1", {"status": "failed"})
        self.assertEqual(self.show(self.here, f"{self.name}-1")["Status"], "failed")
        arn = self.taken(f"{self.name}-2")["DBSnapshotArn"]
        self.copy(arn, f"{self.name}-c", KmsKeyId=KEY)
        self.lab.control("PUT", f"snapshots/{RECOVERY}/{self.name}-c", {"status": "failed"})
        self.assertEqual(self.show(self.there, f"{self.name}-c")["Status"], "failed")
        with self.assertRaises(urllib.error.HTTPError):
            self.lab.control("PUT", f"snapshots/{PRIMARY}/{self.name}-2", {"status": "failed"})

    def test_every_snapshot_of_an_instance_fails_until_it_is_mended(self) -> None:
        self.lab.control("PUT", f"databases/{PRIMARY}/{self.name}", {"snapshots": "failing"})
        self.take(f"{self.name}-1")
        eventually(lambda: self.show(self.here, f"{self.name}-1")["Status"] == "failed")
        self.lab.control("PUT", f"databases/{PRIMARY}/{self.name}", {"snapshots": "working"})
        self.taken(f"{self.name}-2")

    def test_as_days_go_by_every_time_of_a_snapshot_moves_back(self) -> None:
        tags = [{"Key": "slot", "Value": "2026-03-01T03:00:00Z"}, {"Key": "team", "Value": "orders"}]
        self.take(f"{self.name}-20260301t030000z-2", Tags=tags)
        eventually(lambda: self.show(self.here, f"{self.name}-20260301t030000z-2")["Status"] == "available")
        before = self.show(self.here, f"{self.name}-20260301t030000z-2")
        self.copy(before["DBSnapshotArn"], f"{self.name}-20260301t030000z", KmsKeyId=KEY)
        others = self.lab.control("PUT", "snapshots", {"older_by_seconds": 86_400, "instance": "another"})
        self.assertEqual(others, {"aged": 0})
        self.lab.control("PUT", "snapshots", {"older_by_seconds": 86_400, "instance": self.name})
        after = self.show(self.here, f"{self.name}-20260228t030000z-2")
        day = timedelta(days=1)
        for member in ("SnapshotCreateTime", "OriginalSnapshotCreateTime"):
            self.assertEqual(after[member], before[member] - day)
        self.assertTrue(after["DBSnapshotArn"].endswith(f":{self.name}-20260228t030000z-2"))
        slot = {"Key": "slot", "Value": "2026-02-28T03:00:00Z"}
        self.assertEqual(after["TagList"], [slot, tags[1]])
        listed = self.here.list_tags_for_resource(ResourceName=after["DBSnapshotArn"])["TagList"]
        self.assertEqual(listed, after["TagList"])
        copy = self.show(self.there, f"{self.name}-20260228t030000z")
        self.assertEqual(copy["SourceDBSnapshotIdentifier"], after["DBSnapshotArn"])
        eventually(lambda: self.show(self.there, f"{self.name}-20260228t030000z")["Status"] == "available")
        self.assert_refused(
            "DBSnapshotNotFound", self.show, rds=self.here, snapshot=f"{self.name}-20260301t030000z-2"
        )

    def twenty_at_once(self, arn: str) -> str:
        """Twenty copies that are under way at the same time; what the names of all begin with."""
        for attempt in range(10):
            name, began = f"{self.name}-{attempt}", time.monotonic()
            for number in range(20):
                self.copy(arn, f"{name}-{number:02}", KmsKeyId=KEY)
            if time.monotonic() - began < 900 * SCALE / 2:
                return name
            # On a busy machine the first are ready before the last has begun: once more, when all are.
            for number in range(20):
                ready = f"{name}-{number:02}"
                eventually(lambda ready=ready: self.show(self.there, ready)["Status"] == "available")  # type: ignore[misc]
        self.fail("no twenty copies could be begun within the time of one")

    def test_only_twenty_copies_are_under_way_and_the_listing_comes_in_pages(self) -> None:
        arn = self.taken(f"{self.name}-1")["DBSnapshotArn"]
        name = self.twenty_at_once(arn)
        self.assert_refused("SnapshotQuotaExceeded", self.copy, arn=arn, name="c", KmsKeyId=KEY)
        eventually(lambda: self.show(self.there, f"{name}-19")["Status"] == "available")
        self.copy(arn, f"{name}-20", KmsKeyId=KEY)
        first = self.there.describe_db_snapshots(SnapshotType="manual", MaxRecords=20)
        self.assertEqual(len(first["DBSnapshots"]), 20)
        pages = self.there.get_paginator("describe_db_snapshots").paginate(
            SnapshotType="manual", PaginationConfig={"PageSize": 20}
        )
        names = [found["DBSnapshotIdentifier"] for page in pages for found in page["DBSnapshots"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertTrue({f"{name}-{number:02}" for number in range(21)} <= set(names))
        self.assert_refused("InvalidParameterValue", self.there.describe_db_snapshots, MaxRecords=5)
