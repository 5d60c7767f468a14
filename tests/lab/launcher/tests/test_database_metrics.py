"""Metrics of real databases as CloudWatch shows them: a minute at a time, late."""

from __future__ import annotations

import unittest

from ministack.core.responses import request_scope
from ministack.services import cloudwatch

from launcher import database_metrics

from .running_lab import ACCOUNT, RECOVERY

MINUTE = 1_800_000_000.0
DELAY_SECONDS = 30.0
REPLICA = {"DBInstanceIdentifier": "orders-replica"}


class Minutes(unittest.TestCase):
    """Samples of a replica's lag, on a clock of the test's own."""

    def setUp(self) -> None:
        self.addCleanup(database_metrics.waiting.clear)
        self.addCleanup(cloudwatch._metrics.clear)
        for stores in (database_metrics.waiting, cloudwatch._metrics):
            stores.clear()

    def sample(self, seconds: float, lag: float) -> None:
        """One sample, so long after the minute began."""
        with request_scope(ACCOUNT, RECOVERY):
            database_metrics.record("ReplicaLag", lag, "Seconds", REPLICA, MINUTE + seconds)

    def shown(self) -> list[float]:
        """What CloudWatch shows of it, oldest first."""
        found = [points for (_, _, key), points in cloudwatch._metrics.all_items() if key[1] == "ReplicaLag"]
        return [point["Value"] for points in found for point in points]

    def test_a_minute_is_shown_as_a_whole_once_it_is_over_and_its_delay_has_passed(self) -> None:
        for seconds, lag in ((5, 0.5), (55, 7.0), (65, 9.0)):
            self.sample(seconds, lag)
        database_metrics.publish(MINUTE + 60 + DELAY_SECONDS - 1, DELAY_SECONDS)
        self.assertEqual(self.shown(), [])
        database_metrics.publish(MINUTE + 60 + DELAY_SECONDS, DELAY_SECONDS)
        self.assertEqual(self.shown(), [0.5, 7.0])
        database_metrics.publish(MINUTE + 120 + DELAY_SECONDS, DELAY_SECONDS)
        self.assertEqual(self.shown(), [0.5, 7.0, 9.0])
        database_metrics.publish(MINUTE + 600, DELAY_SECONDS)
        self.assertEqual(self.shown(), [0.5, 7.0, 9.0])

    def test_a_world_that_is_brought_back_has_its_samples_as_if_no_time_had_passed(self) -> None:
        self.sample(5, 0.5)
        database_metrics.publish(MINUTE + 90, DELAY_SECONDS)
        self.sample(95, 1.5)
        database_metrics.move_on(600.0)
        [(_, points)] = cloudwatch._metrics.all_items()
        self.assertEqual([point["Timestamp"] for point in points], [MINUTE + 605])
        database_metrics.publish(MINUTE + 720 + DELAY_SECONDS - 1, DELAY_SECONDS)
        self.assertEqual(self.shown(), [0.5])
        database_metrics.publish(MINUTE + 720 + DELAY_SECONDS, DELAY_SECONDS)
        self.assertEqual(self.shown(), [0.5, 1.5])
