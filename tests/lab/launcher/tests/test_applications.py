"""Fleets that serve: a process for each instance, which takes orders and answers once they are committed."""

from __future__ import annotations

import http.client
import json
import os
import signal
import unittest
from typing import Any

from .real_databases import RealLab, RealPair, is_running, needs_postgres, session
from .running_lab import PRIMARY, RECOVERY, RunningLab, eventually, shared_lab
from .stack import Fleet

ANSWER_SECONDS = 20.0
SILENCE_SECONDS = 2.0


class Fleets(RealPair):
    """A fleet in each region, each with its region's database."""

    primary: Fleet
    recovery: Fleet

    @classmethod
    def setUpClass(cls) -> None:
        lab = RunningLab(LAB_POSTGRES=needs_postgres(), LAB_APPLICATION="1")
        cls.addClassCleanup(lab.end)
        cls.use(lab)
        cls.make_pair()
        with session(cls.source) as sql:
            sql.run("DROP TABLE orders")  # the application makes its own
        cls.primary = Fleet(lab, PRIMARY, "web", desired=2)
        cls.recovery = Fleet(lab, RECOVERY, "web", desired=1)
        for fleet, count in ((cls.primary, 2), (cls.recovery, 1)):
            eventually(lambda fleet=fleet, count=count: fleet.health() == ["healthy"] * count)  # type: ignore[misc]
        lab.control("POST", "save", {"name": "serving"})

    def setUp(self) -> None:
        self.lab.control("POST", "reset", {"name": "serving"})
        eventually(lambda: len(self.healthy(PRIMARY)) == 2 and len(self.healthy(RECOVERY)) == 1)

    def healthy(self, region: str) -> list[Any]:
        """The applications of a region that pass their health checks."""
        shown = self.lab.control("GET", "applications")
        return [entry for entry in shown if (entry["region"], entry["health"]) == (region, "healthy")]

    def ask(
        self, address: str, method: str, path: str, body: Any = None, seconds: float = ANSWER_SECONDS
    ) -> tuple[int, Any]:
        """One request: the status and the document of its answer."""
        connection = http.client.HTTPConnection(address, timeout=seconds)
        try:
            connection.request(method, path, None if body is None else json.dumps(body))
            answer = connection.getresponse()
            return answer.status, json.load(answer)
        finally:
            connection.close()

    def test_an_order_is_taken_once_and_counted_in_every_instance(self) -> None:
        first, second = (entry["address"] for entry in self.healthy(PRIMARY))
        self.assertEqual(self.ask(first, "GET", "/orders/count"), (200, {"count": 0}))
        taken = {"number": 7, "region": PRIMARY}
        self.assertEqual(self.ask(first, "POST", "/orders", {"number": 7}), (201, taken))
        self.assertEqual(
            self.ask(second, "POST", "/orders", {"number": 7}), (200, {**taken, "already": True})
        )
        self.assertEqual(self.ask(second, "GET", "/orders/count"), (200, {"count": 1}))
        bodies: tuple[Any, ...] = (
            {},
            {"number": "7"},
            {"number": -1},
            {"number": True},
            [],
            {"number": 2**63},
        )
        for body in bodies:
            self.assertEqual(self.ask(first, "POST", "/orders", body)[0], 400, body)
        self.assertEqual(self.ask(first, "GET", "/nothing")[0], 404)

    def test_a_fleet_on_a_replica_is_healthy_and_takes_orders_once_it_is_promoted(self) -> None:
        address = self.healthy(RECOVERY)[0]["address"]
        self.assertEqual(
            self.ask(address, "GET", "/health"), (200, {"database": "read-only", "region": RECOVERY})
        )
        status, answer = self.ask(address, "POST", "/orders", {"number": 1})
        self.assertEqual((status, answer), (503, {"error": "the database is read-only"}))
        self.there.promote_read_replica(DBInstanceIdentifier=self.replica)
        self.until_available(self.there, self.replica)
        self.assertEqual(self.ask(address, "POST", "/orders", {"number": 1})[0], 201)
        self.assertEqual(self.ask(address, "GET", "/health")[1]["database"], "writable")

    def test_targets_are_unhealthy_while_their_database_is_away(self) -> None:
        shown = {entry["name"]: entry for entry in self.lab.control("GET", "databases")}
        os.kill(shown[self.name]["pid"], signal.SIGKILL)
        eventually(lambda: self.primary.health() == ["unhealthy"] * 2)
        self.assertEqual(self.recovery.health(), ["healthy"])
        self.here.reboot_db_instance(DBInstanceIdentifier=self.name)
        eventually(lambda: self.primary.health() == ["healthy"] * 2)

    def test_a_lost_region_leaves_users_without_an_answer_and_its_servers_at_work(self) -> None:
        found = self.healthy(PRIMARY)[0]
        self.lose(PRIMARY)
        with self.assertRaises(TimeoutError):
            self.ask(found["address"], "GET", "/health", seconds=SILENCE_SECONDS)
        inside = f"127.0.0.1:{found['server_port']}"
        self.assertEqual(self.ask(inside, "POST", "/orders", {"number": 1})[0], 201)
        self.bring_back(PRIMARY)
        self.assertEqual(self.ask(found["address"], "GET", "/orders/count"), (200, {"count": 1}))

    def test_a_killed_region_loses_its_processes_and_starts_others_when_it_is_back(self) -> None:
        found = self.healthy(PRIMARY)
        self.assertEqual(self.ask(found[0]["address"], "POST", "/orders", {"number": 1})[0], 201)
        self.lose(PRIMARY, how="killed")
        self.assertEqual([is_running(entry["pid"]) for entry in found], [False, False])
        with self.assertRaises(TimeoutError):
            self.ask(found[0]["address"], "GET", "/health", seconds=SILENCE_SECONDS)
        self.bring_back(PRIMARY)
        eventually(lambda: len(self.healthy(PRIMARY)) == 2)
        address = self.healthy(PRIMARY)[0]["address"]
        self.assertEqual(self.ask(address, "POST", "/orders", {"number": 1})[0], 200)

    def test_processes_come_and_go_with_instances_and_one_that_ends_is_started_again(self) -> None:
        pids = [entry["pid"] for entry in self.healthy(PRIMARY)]
        os.kill(pids[0], signal.SIGKILL)
        eventually(lambda: len({entry["pid"] for entry in self.healthy(PRIMARY)} - {pids[0]}) == 2)
        pids = [entry["pid"] for entry in self.healthy(PRIMARY)]
        self.primary.autoscaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=0)
        eventually(lambda: not any(map(is_running, pids)))
        eventually(
            lambda: not [one for one in self.lab.control("GET", "applications") if one["region"] == PRIMARY]
        )
        self.primary.autoscaling.set_desired_capacity(AutoScalingGroupName="web", DesiredCapacity=1)
        eventually(lambda: len(self.healthy(PRIMARY)) == 1)

    def test_a_reboot_of_the_database_costs_no_order_that_was_taken(self) -> None:
        address = self.healthy(PRIMARY)[0]["address"]
        for number in range(5):
            self.assertEqual(self.ask(address, "POST", "/orders", {"number": number})[0], 201)
        self.here.reboot_db_instance(DBInstanceIdentifier=self.name)
        self.until_available(self.here, self.name)
        for number in range(5):
            self.assertEqual(self.ask(address, "POST", "/orders", {"number": number})[0], 200)


class Tags(RealLab):
    """Where a region has several databases, a tag says which is the fleet's."""

    @classmethod
    def setUpClass(cls) -> None:
        lab = RunningLab(LAB_POSTGRES=needs_postgres(), LAB_APPLICATION="1")
        cls.addClassCleanup(lab.end)
        cls.use(lab)

    def test_a_group_without_a_tag_starts_nothing_where_there_are_two_databases(self) -> None:
        for name in ("first", "second"):
            self.make(name)
        fleet = Fleet(self.lab, PRIMARY, "tagged", desired=1)
        eventually(lambda: fleet.lifecycle() == ["InService"])
        self.assertEqual(self.lab.control("GET", "applications"), [])
        tag = {
            "ResourceId": "tagged",
            "ResourceType": "auto-scaling-group",
            "Key": "lab:database",
            "Value": "second",
            "PropagateAtLaunch": False,
        }
        fleet.autoscaling.create_or_update_tags(Tags=[tag])
        shown = eventually(lambda: self.lab.control("GET", "applications"))
        self.assertEqual([entry["database"] for entry in shown], ["second"])


class Without(unittest.TestCase):
    """Off unless it is asked for."""

    def test_without_the_setting_there_is_no_application(self) -> None:
        self.assertEqual(shared_lab().control("GET", "applications"), [])
        self.assertEqual(shared_lab().control("GET", "databases"), [])
