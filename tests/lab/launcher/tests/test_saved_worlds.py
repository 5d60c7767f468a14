"""The world goes back to a saved state: memory, functions' journals, rows."""

from __future__ import annotations

import unittest
import urllib.error
from typing import Any

from .real_databases import Problem, RealLab, needs_postgres
from .running_lab import PRIMARY, RECOVERY, Function, RunningLab, eventually
from .stack import Fleet, make_database


class SavedWithoutData(unittest.TestCase):
    """The memory alone, without a real database."""

    lab: RunningLab

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = RunningLab()
        cls.addClassCleanup(cls.lab.end)

    def test_everything_in_memory_comes_back_and_what_was_made_since_is_gone(self) -> None:
        lab = self.lab
        function = Function(lab, "kept")
        table, queue, rds = lab.client("dynamodb"), lab.client("sqs"), lab.client("rds", PRIMARY)
        table.create_table(
            TableName="journal",
            KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        table.put_item(TableName="journal", Item={"k": {"S": "1"}, "v": {"S": "before"}})
        url = queue.create_queue(QueueName="q")["QueueUrl"]
        key = lab.client("kms").create_key()["KeyMetadata"]["KeyId"]
        secret = lab.client("kms").encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        fleet = Fleet(lab, RECOVERY, "kept", desired=1)
        eventually(lambda: fleet.health() == ["healthy"])
        accelerator = lab.client("globalaccelerator", "us-west-2").create_accelerator(
            Name="kept", IdempotencyToken="t"
        )["Accelerator"]
        make_database(rds, "kept", BackupRetentionPeriod=7, Tags=[{"Key": "a", "Value": "1"}])
        before = lab.control("GET", "inventory")

        self.assertEqual(lab.control("POST", "save", {"name": "ready"})["name"], "ready")
        table.put_item(TableName="journal", Item={"k": {"S": "1"}, "v": {"S": "after"}})
        table.put_item(TableName="journal", Item={"k": {"S": "2"}})
        queue.send_message(QueueUrl=url, MessageBody="late")
        fleet.scale(0, 3, 4)
        rds.delete_db_instance(DBInstanceIdentifier="kept", SkipFinalSnapshot=True)
        make_database(rds, "new")
        lab.client("lambda").delete_function(FunctionName="kept")
        lab.client("globalaccelerator", "us-west-2").update_accelerator(
            AcceleratorArn=accelerator["AcceleratorArn"], Enabled=False
        )
        lab.client("secretsmanager").create_secret(Name="new", SecretString="x")
        lab.control("PUT", f"regions/{PRIMARY}", {"lost": True})

        lab.control("POST", "reset", {"name": "ready"})
        self.assertEqual(lab.control("GET", "inventory"), before)
        self.assertEqual(lab.control("GET", "regions"), [])
        items = table.scan(TableName="journal")["Items"]
        self.assertEqual(items, [{"k": {"S": "1"}, "v": {"S": "before"}}])
        self.assertNotIn("Messages", queue.receive_message(QueueUrl=url))
        self.assertEqual(lab.client("kms").decrypt(CiphertextBlob=secret)["Plaintext"], b"x")
        self.assertEqual((fleet.lifecycle(), fleet.health()), (["InService"], ["healthy"]))
        shown = lab.client("globalaccelerator", "us-west-2").describe_accelerator(
            AcceleratorArn=accelerator["AcceleratorArn"]
        )["Accelerator"]
        self.assertTrue(shown["Enabled"])
        arn = rds.describe_db_instances()["DBInstances"][0]["DBInstanceArn"]
        tags = rds.list_tags_for_resource(ResourceName=arn)["TagList"]
        self.assertEqual(tags, [{"Key": "a", "Value": "1"}])
        self.assertEqual(function.invoke({}), ({}, None))
        # And once more: what is brought back is a copy.
        table.put_item(TableName="journal", Item={"k": {"S": "2"}})
        lab.control("POST", "reset", {"name": "ready"})
        self.assertEqual(table.scan(TableName="journal")["Items"], items)

    def test_a_world_that_can_not_be_saved_or_brought_back_is_refused(self) -> None:
        self.assert_refused("there is no saved world none", "reset", "none")
        self.assert_refused("name must be", "save", "../x")
        self.lab.control("PUT", f"regions/{PRIMARY}", {"lost": True})
        self.addCleanup(self.lab.control, "PUT", f"regions/{PRIMARY}", {"lost": False})
        self.assert_refused(f"{PRIMARY} is lost", "save", "x")

    def assert_refused(self, words: str, call: str, name: str) -> None:
        """The control API refuses, and says why."""
        with self.assertRaises(urllib.error.HTTPError) as refusal:
            self.lab.control("POST", call, {"name": name})
        self.assertEqual(refusal.exception.code, 400)
        self.assertIn(words, refusal.exception.read().decode())
        refusal.exception.close()


class SavedDatabases(RealLab):
    """Rows, roles and replication come back too."""

    @classmethod
    def setUpClass(cls) -> None:
        lab = RunningLab(LAB_POSTGRES=needs_postgres())
        cls.addClassCleanup(lab.end)
        cls.use(lab)

    def test_after_a_failover_the_pair_is_back_with_its_rows_and_replicates(self) -> None:
        source, replica = self.make(), self.replicate()
        self.insert(source, 1)
        self.arrives(replica, 1)
        before = self.ids()
        self.lab.control("POST", "save", {"name": "ready"})
        self.insert(source, 2)
        self.arrives(replica, 1, 2)
        for number in (3, 4):
            self.lab.control("PUT", f"regions/{PRIMARY}", {"lost": True, "how": "killed"})
            self.there.promote_read_replica(DBInstanceIdentifier=self.replica)
            self.until_available(self.there, self.replica)
            self.insert(replica, number)
            self.lab.control("POST", "reset", {"name": "ready"})
            self.assertEqual(self.ids(), before)
            self.assertEqual(self.rows(source), [1])
            self.insert(source, 10)
            self.arrives(replica, 1, 10)
            with self.assertRaises(Problem):
                self.insert(replica, 11)

    def test_a_deleted_database_is_back_and_one_that_was_made_since_is_gone(self) -> None:
        source, replica = self.make(), self.replicate()
        self.insert(source, 1)
        self.lab.control("POST", "save", {"name": "before"})
        for rds, name in ((self.there, self.replica), (self.here, self.name)):
            rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)
        self.make(f"{self.name}-new")
        self.lab.control("POST", "reset", {"name": "before"})
        self.assertEqual(
            {entry["name"] for entry in self.lab.control("GET", "databases")}, {self.name, self.replica}
        )
        self.assertEqual(self.rows(source), [1])
        self.insert(source, 2)
        self.arrives(replica, 1, 2)

    def ids(self) -> Any:
        """Names, resource ids and addresses of the databases."""
        members = ("name", "resource_id", "address")
        return [[entry[name] for name in members] for entry in self.lab.control("GET", "databases")]
