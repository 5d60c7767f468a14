"""Data move alarms: M of the last N periods, exact dimensions, and what is missing as the alarm says."""

from __future__ import annotations

import time
import unittest
from typing import Any

from launcher.alarm_evaluation import decide

from .running_lab import PRIMARY, RECOVERY, LabTest

GATE = {
    "Namespace": "Shop/Gates",
    "MetricName": "Closed",
    "Dimensions": [{"Name": "Gate", "Value": "front"}],
    "Statistic": "Maximum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "TreatMissingData": "ignore",
}
MINUTE = 60


class Decision(unittest.TestCase):
    """The newest periods with data, breaching or not, and the state they mean."""

    def test_every_row(self) -> None:
        rows = [
            # breaching, M, N, missing, state
            ([True], 1, 1, "ignore", "ALARM"),
            ([False], 1, 1, "ignore", "OK"),
            ([], 1, 1, "breaching", None),
            ([True, True, False], 2, 3, "missing", "ALARM"),
            ([True, False, False], 2, 3, "missing", "OK"),
            ([True], 3, 3, "missing", None),
            ([True], 3, 3, "breaching", "ALARM"),
            ([True], 3, 3, "notBreaching", "OK"),
            ([False], 3, 3, "ignore", "OK"),
            ([False], 2, 3, "ignore", None),
            ([False], 2, 3, "breaching", "ALARM"),
        ]
        for breaching, wanted, periods, missing, state in rows:
            found = decide(breaching, wanted=wanted, periods=periods, missing=missing)
            self.assertEqual(found, state, (breaching, wanted, periods, missing))


class AlarmEvaluation(LabTest):
    """An alarm on a metric of one's own."""

    def setUp(self) -> None:
        self.cloudwatch = self.lab.client("cloudwatch")
        self.name = self._testMethodName[5:40].replace("_", "-")

    def alarm(self, **changes: Any) -> None:
        """An alarm on a metric of the test's own name."""
        self.cloudwatch.put_metric_alarm(AlarmName=self.name, **{**GATE, "MetricName": self.name, **changes})

    def datum(
        self,
        value: float,
        *,
        gate: str = "front",
        minutes_ago: int = 0,
        region: str = RECOVERY,
        at: float | None = None,
    ) -> None:
        """One datum of that metric, of now or of a given time."""
        datum = {
            "MetricName": self.name,
            "Dimensions": [{"Name": "Gate", "Value": gate}],
            "Value": value,
            "Timestamp": (time.time() if at is None else at) - minutes_ago * MINUTE,
        }
        self.lab.client("cloudwatch", region).put_metric_data(Namespace=GATE["Namespace"], MetricData=[datum])

    def shown(self) -> Any:
        """The alarm as it is described."""
        return self.cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]

    def state(self) -> str:
        """Its state."""
        return str(self.shown()["StateValue"])

    def test_one_datum_raises_it_and_the_next_period_clears_it(self) -> None:
        self.alarm()
        self.datum(1, minutes_ago=1)
        self.assertEqual(self.state(), "ALARM")
        shown = self.shown()
        self.assertRegex(
            shown["StateReason"],
            r"^Threshold Crossed: 1 out of the last 1 datapoints \[1\.0 \(.+\)\] "
            r"was greater than or equal to the threshold \(1\.0\)\.$",
        )
        self.datum(0)
        self.assertEqual(self.state(), "OK")
        self.assertIn("was not greater than or equal to", self.shown()["StateReason"])

    def test_a_maximum_stays_for_its_period(self) -> None:
        self.alarm(Period=86400)
        now = time.time()
        # The same moment for both: between two of them a day may turn.
        self.datum(1, at=now)
        self.datum(0, at=now)
        self.assertEqual(self.state(), "ALARM")

    def test_other_dimensions_and_other_regions_are_other_metrics(self) -> None:
        self.alarm()
        self.datum(1, gate="back")
        self.datum(1, region=PRIMARY)
        self.assertEqual(self.state(), "INSUFFICIENT_DATA")

    def test_two_of_three_periods(self) -> None:
        self.alarm(EvaluationPeriods=3, DatapointsToAlarm=2)
        self.datum(1, minutes_ago=2)
        self.datum(0, minutes_ago=1)
        self.assertEqual(self.state(), "INSUFFICIENT_DATA")
        self.datum(1)
        self.assertEqual(self.state(), "ALARM")

    def test_old_data_say_nothing(self) -> None:
        self.alarm()
        self.datum(1, minutes_ago=10)
        self.assertEqual(self.state(), "INSUFFICIENT_DATA")

    def test_a_composite_alarm_follows_its_child(self) -> None:
        self.alarm()
        parent = f"{self.name}-parent"
        self.cloudwatch.put_composite_alarm(AlarmName=parent, AlarmRule=f"ALARM({self.name})")
        self.datum(1)
        found = self.cloudwatch.describe_alarms(AlarmNames=[parent], AlarmTypes=["CompositeAlarm"])
        self.assertEqual(found["CompositeAlarms"][0]["StateValue"], "ALARM")
