"""Deliveries to functions: filters, regions, permissions, dead letters, retries, schedules."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, TICK_SECONDS, Function, LabTest, eventually


class Deliveries(LabTest):
    """Each test has a topic and a function of its own."""

    def subscribed(
        self, name: str, region: str = RECOVERY, *, permitted: bool = True, **attributes: str
    ) -> tuple[Any, str, Function]:
        """The SNS client of the topic's region, the topic and its subscribed function."""
        sns = self.lab.client("sns", region)
        topic = sns.create_topic(Name=name)["TopicArn"]
        function = Function(self.lab, name, permit=(topic,) if permitted else ())
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.arn, Attributes=attributes)
        return sns, topic, function

    def test_a_filter_policy_lets_only_its_steps_through(self) -> None:
        sns, topic, function = self.subscribed(
            "filtered", FilterPolicy=json.dumps({"step": ["promote", "quarantine"]})
        )
        for step in ("scale", "promote", "verify", "quarantine"):
            sns.publish(
                TopicArn=topic,
                Message=json.dumps({"step": step}),
                MessageAttributes={"step": {"DataType": "String", "StringValue": step}},
            )
        sns.publish(TopicArn=topic, Message="no attribute at all")
        eventually(lambda: len(function.received()) == 2)
        time.sleep(0.3)
        notifications = [event["Records"][0]["Sns"] for event in function.received()]
        self.assertEqual(
            sorted(json.loads(entry["Message"])["step"] for entry in notifications), ["promote", "quarantine"]
        )
        self.assertEqual({entry["MessageAttributes"]["step"]["Type"] for entry in notifications}, {"String"})

    def test_a_topic_reaches_a_function_of_another_region(self) -> None:
        sns, topic, function = self.subscribed("far-topic", PRIMARY)
        sns.publish(TopicArn=topic, Message="hello", Subject="s")
        record = eventually(function.received)[0]["Records"][0]
        self.assertEqual(record["EventSource"], "aws:sns")
        self.assertEqual(
            (record["Sns"]["TopicArn"], record["Sns"]["Message"], record["Sns"]["Subject"]),
            (topic, "hello", "s"),
        )
        self.assertIn("SigningCertUrl", record["Sns"])

    def letters(self, name: str, service: str) -> tuple[str, Callable[[], list[Any]]]:
        """A queue that the service may send to: its ARN, and what reads it."""
        sqs, queue = self.lab.client("sqs"), f"arn:aws:sqs:{RECOVERY}:{ACCOUNT}:{name}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sqs:SendMessage",
            "Resource": queue,
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy})["QueueUrl"]
        self.assertEqual(url, f"{self.lab.url}/{ACCOUNT}/{name}")
        return queue, lambda: [
            json.loads(entry["Body"]) for entry in sqs.receive_message(QueueUrl=url).get("Messages", [])
        ]

    def test_without_permission_a_notification_becomes_a_dead_letter(self) -> None:
        queue, read = self.letters("letters-of-sns", "sns.amazonaws.com")
        redrive = json.dumps({"deadLetterTargetArn": queue})
        sns, topic, function = self.subscribed("unpermitted", permitted=False, RedrivePolicy=redrive)
        sns.publish(TopicArn=topic, Message="lost?")
        self.assertEqual(eventually(read)[0]["Message"], "lost?")
        self.assertEqual(function.received(), [])

    def test_without_permission_an_event_becomes_a_dead_letter(self) -> None:
        queue, read = self.letters("letters-of-events", "events.amazonaws.com")
        function = Function(self.lab, "unpermitted-rule")
        events = self.lab.client("events")
        events.put_rule(Name="unpermitted", EventPattern='{"source": ["lab.test"]}')
        target = {"Id": "f", "Arn": function.arn, "DeadLetterConfig": {"Arn": queue}}
        events.put_targets(Rule="unpermitted", Targets=[target])
        events.put_events(Entries=[{"Source": "lab.test", "DetailType": "t", "Detail": "{}"}])
        self.assertEqual(eventually(read)[0]["source"], "lab.test")
        self.assertEqual(function.received(), [])

    def scheduled(
        self, name: str, *resources: str, condition: dict[str, Any] | None = None
    ) -> tuple[Function, Callable[[], list[Any]]]:
        """A function with a schedule of a day, whose role may invoke these; and its dead letters.

        The schedule lies in a group of its own name; the condition bounds who takes the role.
        """
        queue, read = self.letters(f"{name}-letters", "scheduler.amazonaws.com")
        function = Function(self.lab, name)
        service = "scheduler.amazonaws.com"
        role = self.role(
            f"{name}-scheduler", service, "lambda:InvokeFunction", *resources, condition=condition
        )
        self.lab.client("scheduler").create_schedule_group(Name=name)
        self.lab.client("scheduler").create_schedule(
            Name=name,
            GroupName=name,
            ScheduleExpression="rate(1 day)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={
                "Arn": function.arn,
                "RoleArn": role,
                "Input": '{"due": 1}',
                "DeadLetterConfig": {"Arn": queue},
            },
        )
        return function, read

    def role(
        self,
        name: str,
        service: str,
        action: str,
        *resources: str,
        condition: dict[str, Any] | None = None,
    ) -> str:
        """A role of a service that may take an action on these resources."""
        iam = self.lab.client("iam")
        principal = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sts:AssumeRole",
            "Condition": condition or {},
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [principal]})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        may = {"Effect": "Allow", "Action": action, "Resource": list(resources)}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
        return str(arn)

    def test_a_schedule_invokes_by_its_role_alone_and_can_be_made_due(self) -> None:
        arn = f"arn:aws:lambda:{RECOVERY}:{ACCOUNT}:function:scheduled"
        function, _read = self.scheduled("scheduled", arn)
        time.sleep(1.5)
        self.assertEqual(function.received(), [])
        for times in (1, 2):
            self.lab.control("PUT", f"schedules/{RECOVERY}/scheduled", {"due": True})
            eventually(lambda times=times: len(function.received()) == times)  # type: ignore[misc]
        self.assertEqual(function.received()[0], {"due": 1})

    def test_a_schedule_whose_role_may_not_invoke_leaves_a_dead_letter(self) -> None:
        arn = f"arn:aws:lambda:{RECOVERY}:{ACCOUNT}:function:another"
        function, read = self.scheduled("unscheduled", arn)
        self.lab.control("PUT", f"schedules/{RECOVERY}/unscheduled", {"due": True})
        eventually(read)
        self.assertEqual(function.received(), [])

    def test_a_schedules_role_is_taken_for_its_group_and_for_nothing_narrower(self) -> None:
        lies = f"arn:aws:scheduler:{RECOVERY}:{ACCOUNT}"
        account = {"aws:SourceAccount": ACCOUNT}
        arn = f"arn:aws:lambda:{RECOVERY}:{ACCOUNT}:function:of-group"
        trust = {"StringEquals": account, "ArnEquals": {"aws:SourceArn": f"{lies}:schedule-group/of-group"}}
        function, _read = self.scheduled("of-group", arn, condition=trust)
        self.lab.control("PUT", f"schedules/{RECOVERY}/of-group", {"due": True})
        eventually(function.received)
        for name, source in (
            ("of-another-group", f"{lies}:schedule-group/default"),
            ("of-schedules", f"{lies}:schedule/of-schedules/*"),
        ):
            with self.subTest(name), self.assertRaisesRegex(ClientError, "must allow AWS EventBridge"):
                self.scheduled(
                    name, arn, condition={"StringEquals": account, "ArnLike": {"aws:SourceArn": source}}
                )

    def test_a_role_that_is_trusted_no_more_delivers_nothing_not_even_a_dead_letter(self) -> None:
        arn = f"arn:aws:lambda:{RECOVERY}:{ACCOUNT}:function:untrusted"
        function, read = self.scheduled("untrusted", arn)
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        self.lab.client("iam").update_assume_role_policy(
            RoleName="untrusted-scheduler",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
        )
        self.lab.control("PUT", f"schedules/{RECOVERY}/untrusted", {"due": True})
        time.sleep(1.5)
        self.assertEqual((function.received(), read()), ([], []))

    def test_a_failed_asynchronous_invocation_is_tried_three_times(self) -> None:
        function = Function(self.lab, "always-fails")
        function.client.invoke(FunctionName=function.name, InvocationType="Event", Payload=b'{"do": "fail"}')
        # After 1 and 2 minutes on AWS, scaled.
        eventually(lambda: len(function.received()) == 3)

    def test_a_rate_rule_fires_every_tick_with_its_constant_input(self) -> None:
        function = Function(self.lab, "ticked", permit=(f"arn:aws:events:{RECOVERY}:{ACCOUNT}:rule/tick",))
        events = self.lab.client("events")
        events.put_rule(Name="tick", ScheduleExpression="rate(1 minute)")
        self.addCleanup(events.disable_rule, Name="tick")
        started = time.monotonic()
        events.put_targets(Rule="tick", Targets=[{"Id": "f", "Arn": function.arn, "Input": '{"tick": true}'}])
        eventually(lambda: len(function.received()) >= 3)
        received = len(function.received())
        elapsed = time.monotonic() - started
        # Not more often than a tick. That each comes in time can't be seen on a machine that is busy.
        self.assertLessEqual(received, elapsed / TICK_SECONDS + 1)
        self.assertEqual(function.received()[0], {"tick": True})
