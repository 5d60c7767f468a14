"""Alarms: what is stored and described over each protocol, and what a state change says in each shape."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

from .running_lab import ACCOUNT, PRIMARY, Function, LabTest, eventually

STAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000$")
METRIC = {
    "Namespace": "AWS/ApplicationELB",
    "MetricName": "HealthyHostCount",
    "Statistic": "Minimum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 1.5,
    "ComparisonOperator": "LessThanThreshold",
    "TreatMissingData": "breaching",
    "Dimensions": [{"Name": "LoadBalancer", "Value": "app/shop/1"}],
}
MATH = [
    {"Id": "e1", "Expression": "m1*2", "Label": "double", "ReturnData": True},
    {
        "Id": "m1",
        "ReturnData": False,
        "MetricStat": {
            "Period": 300,
            "Stat": "Sum",
            "Unit": "Count",
            "Metric": {"Namespace": "N", "MetricName": "M", "Dimensions": [{"Name": "D", "Value": "v"}]},
        },
    },
]


class Alarms(LabTest):
    """The alarms lie in the primary region; the function that hears them in the recovery region."""

    function: Function
    topic: str

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        sns = cls.lab.client("sns", PRIMARY)
        cls.topic = sns.create_topic(Name="signals")["TopicArn"]
        cls.function = Function(cls.lab, "alarm-handler", permit=(cls.topic,))
        sns.subscribe(TopicArn=cls.topic, Protocol="lambda", Endpoint=cls.function.arn)

    def setUp(self) -> None:
        self.cloudwatch = self.lab.client("cloudwatch", PRIMARY)
        self.name = self._testMethodName[5:40].replace("_", "-")

    def put(self, **changes: Any) -> str:
        """A metric alarm that tells the topic of every change; its name."""
        members = {
            "AlarmName": self.name,
            **METRIC,
            "AlarmActions": [self.topic],
            "OKActions": [self.topic],
            "InsufficientDataActions": [self.topic],
            **changes,
        }
        self.cloudwatch.put_metric_alarm(**members)
        return str(members["AlarmName"])

    def set_state(self, state: str, name: str | None = None) -> None:
        """SetAlarmState."""
        self.cloudwatch.set_alarm_state(AlarmName=name or self.name, StateValue=state, StateReason="a test")

    def messages(self, name: str) -> list[Any]:
        """The alarm messages about one alarm so far."""
        notifications = [event["Records"][0]["Sns"] for event in self.function.received()]
        return [
            message
            for message in (json.loads(entry["Message"]) for entry in notifications)
            if message["AlarmName"] == name
        ]

    def test_a_message_has_the_shape_of_aws(self) -> None:
        self.put(AlarmDescription="no hosts")
        before = datetime.now(UTC) - timedelta(milliseconds=1)
        self.set_state("ALARM")
        after = datetime.now(UTC) + timedelta(milliseconds=1)
        message = eventually(lambda: self.messages(self.name))[0]
        self.assertEqual(
            {
                key: message[key]
                for key in (
                    "AWSAccountId",
                    "NewStateValue",
                    "NewStateReason",
                    "OldStateValue",
                    "Region",
                    "AlarmArn",
                    "AlarmDescription",
                    "AlarmActions",
                )
            },
            {
                "AWSAccountId": ACCOUNT,
                "NewStateValue": "ALARM",
                "NewStateReason": "a test",
                "OldStateValue": "INSUFFICIENT_DATA",
                "Region": "US East (Ohio)",
                "AlarmDescription": "no hosts",
                "AlarmArn": f"arn:aws:cloudwatch:{PRIMARY}:{ACCOUNT}:alarm:{self.name}",
                "AlarmActions": [self.topic],
            },
        )
        self.assertRegex(message["StateChangeTime"], STAMP)
        self.assertRegex(message["AlarmConfigurationUpdatedTimestamp"], STAMP)
        changed = datetime.strptime(message["StateChangeTime"], "%Y-%m-%dT%H:%M:%S.%f%z")
        self.assertTrue(before <= changed <= after, (before, changed, after))
        self.assertEqual(
            message["Trigger"],
            {
                "MetricName": "HealthyHostCount",
                "Namespace": "AWS/ApplicationELB",
                "StatisticType": "Statistic",
                "Statistic": "MINIMUM",
                "Unit": None,
                "Dimensions": [{"value": "app/shop/1", "name": "LoadBalancer"}],
                "Period": 60,
                "EvaluationPeriods": 3,
                "DatapointsToAlarm": 2,
                "ComparisonOperator": "LessThanThreshold",
                "Threshold": 1.5,
                "TreatMissingData": "breaching",
                "EvaluateLowSampleCountPercentile": "",
            },
        )

    def test_an_alarm_without_description_says_null(self) -> None:
        self.put()
        self.set_state("OK")
        self.assertIsNone(eventually(lambda: self.messages(self.name))[0]["AlarmDescription"])

    def test_only_a_change_of_state_is_told(self) -> None:
        self.put()
        for state in ("ALARM", "ALARM", "OK"):
            self.set_state(state)
        eventually(lambda: len(self.messages(self.name)) == 2)
        time.sleep(0.3)
        told = [(message["OldStateValue"], message["NewStateValue"]) for message in self.messages(self.name)]
        self.assertEqual(sorted(told), [("ALARM", "OK"), ("INSUFFICIENT_DATA", "ALARM")])

    def test_disabled_actions_tell_nothing(self) -> None:
        self.put(ActionsEnabled=False)
        self.set_state("ALARM")
        time.sleep(0.3)
        self.assertEqual(self.messages(self.name), [])

    def test_a_topic_with_the_key_of_sns_itself_gets_nothing(self) -> None:
        sns = self.lab.client("sns", PRIMARY)
        topic = sns.create_topic(Name="locked", Attributes={"KmsMasterKeyId": "alias/aws/sns"})["TopicArn"]
        self.function.client.add_permission(
            FunctionName=self.function.name,
            StatementId="locked",
            Action="lambda:InvokeFunction",
            Principal="sns.amazonaws.com",
            SourceArn=topic,
        )
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=self.function.arn)
        self.put(AlarmActions=[topic])
        self.set_state("ALARM")
        time.sleep(0.3)
        self.assertEqual(self.messages(self.name), [])

    def test_a_composite_alarm_names_its_rule_and_its_triggering_children(self) -> None:
        child = self.put(AlarmName=f"{self.name}-child", AlarmActions=[])
        rule = f"ALARM({child})"
        self.cloudwatch.put_composite_alarm(AlarmName=self.name, AlarmRule=rule, AlarmActions=[self.topic])
        self.set_state("ALARM", child)
        message = eventually(lambda: self.messages(self.name))[0]
        self.assertEqual((message["AlarmRule"], message["NewStateValue"]), (rule, "ALARM"))
        self.assertNotIn("Trigger", message)
        [triggering] = message["TriggeringChildren"]
        self.assertEqual(
            (triggering["Arn"], triggering["State"]["Value"]),
            (f"arn:aws:cloudwatch:{PRIMARY}:{ACCOUNT}:alarm:{child}", "ALARM"),
        )
        self.assertRegex(triggering["State"]["Timestamp"], STAMP)

    def test_a_metric_math_alarm_lists_its_metrics(self) -> None:
        self.cloudwatch.put_metric_alarm(
            AlarmName=self.name,
            Metrics=MATH,
            EvaluationPeriods=1,
            Threshold=1,
            AlarmActions=[self.topic],
            ComparisonOperator="GreaterThanThreshold",
        )
        self.set_state("ALARM")
        trigger = eventually(lambda: self.messages(self.name))[0]["Trigger"]
        self.assertNotIn("MetricName", trigger)
        self.assertEqual([metric["Id"] for metric in trigger["Metrics"]], ["e1", "m1"])
        self.assertEqual(
            trigger["Metrics"][1]["MetricStat"]["Metric"]["Dimensions"], [{"value": "v", "name": "D"}]
        )

    def test_a_change_is_an_event_and_may_invoke_a_function_directly(self) -> None:
        rule = f"arn:aws:events:{PRIMARY}:{ACCOUNT}:rule/changes"
        alarm = f"arn:aws:cloudwatch:{PRIMARY}:{ACCOUNT}:alarm:{self.name}"
        near = Function(self.lab, "near-the-alarm", permit=(rule, alarm), region=PRIMARY)
        events = self.lab.client("events", PRIMARY)
        pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [self.name]}}
        events.put_rule(Name="changes", EventPattern=json.dumps(pattern))
        events.put_targets(Rule="changes", Targets=[{"Id": "f", "Arn": near.arn}])
        self.put(AlarmActions=[near.arn], AlarmDescription="d")
        self.set_state("ALARM")
        eventually(lambda: len(near.received()) == 2)
        direct = next(event for event in near.received() if "alarmArn" in event)
        event = next(event for event in near.received() if "detail-type" in event)
        self.assertEqual(
            (event["detail-type"], event["resources"]), ("CloudWatch Alarm State Change", [alarm])
        )
        self.assertEqual(
            (direct["alarmArn"], direct["accountId"], direct["source"]), (alarm, ACCOUNT, "aws.cloudwatch")
        )
        for data in (event["detail"], direct["alarmData"]):
            self.assertEqual(
                (data["state"]["value"], data["previousState"]["value"]), ("ALARM", "INSUFFICIENT_DATA")
            )
            self.assertRegex(data["state"]["timestamp"], STAMP)
            stat = data["configuration"]["metrics"][0]["metricStat"]
            self.assertEqual(stat["metric"]["dimensions"], {"LoadBalancer": "app/shop/1"})

    def test_a_description_holds_every_member_over_every_protocol(self) -> None:
        self.put(AlarmDescription="a & b <c>")
        self.set_state("ALARM")
        for client in (self.cloudwatch, self.lab.binary_client("cloudwatch", PRIMARY)):
            shown = client.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]
            for member, value in METRIC.items():
                self.assertEqual(shown[member], value, member)
            self.assertIsInstance(shown["StateUpdatedTimestamp"], datetime)
        xml = self.lab.query("monitoring", PRIMARY, "DescribeAlarms", **{"AlarmNames.member.1": self.name})
        root = ElementTree.fromstring(re.sub(r' xmlns="[^"]+"', "", xml))
        found = root.find("./DescribeAlarmsResult/MetricAlarms/member")
        assert found is not None
        texts = {child.tag: child.text for child in found}
        self.assertEqual(texts["AlarmDescription"], "a & b <c>")
        self.assertEqual(
            (texts["Period"], texts["Statistic"], texts["TreatMissingData"], texts["ActionsEnabled"]),
            ("60", "Minimum", "breaching", "true"),
        )
        self.assertEqual(found.findtext("./Dimensions/member/Value"), "app/shop/1")
        self.assertEqual(found.findtext("./OKActions/member"), self.topic)

    def test_a_binary_request_sets_what_a_query_would(self) -> None:
        binary = self.lab.binary_client("cloudwatch", PRIMARY)
        binary.put_metric_alarm(AlarmName=self.name, **METRIC)
        binary.set_alarm_state(AlarmName=self.name, StateValue="OK", StateReason="r")
        self.assert_refused(
            "ResourceNotFound",
            binary.set_alarm_state,
            AlarmName="no-such-alarm",
            StateValue="OK",
            StateReason="r",
        )
        shown = self.cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]
        self.assertEqual((shown["Threshold"], shown["StateValue"]), (1.5, "OK"))

    def test_metric_math_comes_back_over_both_protocols(self) -> None:
        form = {
            "AlarmName": self.name,
            "EvaluationPeriods": "1",
            "Threshold": "1",
            "ComparisonOperator": "GreaterThanThreshold",
            "Metrics.member.1.Id": "e1",
            "Metrics.member.1.Expression": "m1*2",
            "Metrics.member.1.Label": "double",
            "Metrics.member.1.ReturnData": "true",
            "Metrics.member.2.Id": "m1",
            "Metrics.member.2.ReturnData": "false",
            "Metrics.member.2.MetricStat.Period": "300",
            "Metrics.member.2.MetricStat.Stat": "Sum",
            "Metrics.member.2.MetricStat.Unit": "Count",
            "Metrics.member.2.MetricStat.Metric.Namespace": "N",
            "Metrics.member.2.MetricStat.Metric.MetricName": "M",
            "Metrics.member.2.MetricStat.Metric.Dimensions.member.1.Name": "D",
            "Metrics.member.2.MetricStat.Metric.Dimensions.member.1.Value": "v",
        }
        self.lab.query("monitoring", PRIMARY, "PutMetricAlarm", **form)
        shown = self.cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]
        self.assertEqual(shown["Metrics"], MATH)
        self.assertNotIn("Period", shown)

    def test_data_of_a_metric_of_aws_itself_change_no_alarm(self) -> None:
        self.put()
        self.cloudwatch.put_metric_data(
            Namespace=METRIC["Namespace"],
            MetricData=[{"MetricName": METRIC["MetricName"], "Dimensions": METRIC["Dimensions"], "Value": 0}],
        )
        shown = self.cloudwatch.describe_alarms(AlarmNames=[self.name])["MetricAlarms"][0]
        self.assertEqual(shown["StateValue"], "INSUFFICIENT_DATA")

    def test_a_state_that_does_not_exist_is_refused(self) -> None:
        self.put()
        self.assert_refused(
            "ValidationError",
            self.cloudwatch.set_alarm_state,
            AlarmName=self.name,
            StateValue="PANIC",
            StateReason="r",
        )
        self.assert_refused(
            "ResourceNotFound",
            self.cloudwatch.set_alarm_state,
            AlarmName="no-such-alarm",
            StateValue="OK",
            StateReason="r",
        )
