"""The session that a function's process has, asked for by somebody else: it may what the role may."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, Function, LabTest
from .stack import make_database


class Credentials(LabTest):
    """A role that may take and tag snapshots with a name of its own."""

    def session(self, function: str) -> Any:
        """RDS of the primary region with a function's own credentials."""
        keys = self.lab.control("GET", f"functions/{RECOVERY}/{function}/credentials")
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return self.lab.client_with("rds", PRIMARY, tuple(keys[name] for name in names))

    def test_a_snapshot_is_tagged_where_the_role_names_it_and_nowhere_else(self) -> None:
        arn = f"arn:aws:rds:{PRIMARY}:{ACCOUNT}"
        allow = {
            "Effect": "Allow",
            "Action": ["rds:CreateDBSnapshot", "rds:AddTagsToResource"],
            "Resource": [f"{arn}:db:tagged-orders", f"{arn}:snapshot:own-*"],
        }
        Function(self.lab, "tagger", policy=[allow])
        make_database(self.lab.client("rds", PRIMARY), "tagged-orders")
        mine = self.session("tagger")
        mine.create_db_snapshot(DBSnapshotIdentifier="own-1", DBInstanceIdentifier="tagged-orders")
        tags = [{"Key": "a", "Value": "b"}]
        mine.add_tags_to_resource(ResourceName=f"{arn}:snapshot:own-1", Tags=tags)
        self.assert_refused(
            "AccessDenied", mine.add_tags_to_resource, ResourceName=f"{arn}:snapshot:by-hand", Tags=tags
        )
        self.assert_refused(
            "AccessDenied",
            mine.create_db_snapshot,
            DBSnapshotIdentifier="foreign",
            DBInstanceIdentifier="tagged-orders",
        )
        with self.assertRaises(ClientError):
            mine.delete_db_snapshot(DBSnapshotIdentifier="own-1")

    def test_a_function_that_is_not_there_has_none(self) -> None:
        with self.assertRaisesRegex(Exception, "404"):
            self.session("nobody")
