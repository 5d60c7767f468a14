"""Changes of parameters: reported to EventBridge, and sent on to the bus of another region."""

from __future__ import annotations

import json
import time
from typing import Any

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, Function, LabTest, eventually

BUS = f"arn:aws:events:{RECOVERY}:{ACCOUNT}:event-bus/default"


class ParameterEvents(LabTest):
    """Each test has parameters, rules and a function of its own."""

    def heard(self, name: str, *, permitted: bool = True) -> Function:
        """A function in the recovery region that hears of the parameters below a name, in both regions."""
        function = Function(self.lab, name, permit=(f"arn:aws:events:{RECOVERY}:{ACCOUNT}:rule/{name}",))
        pattern = json.dumps(
            {
                "source": ["aws.ssm"],
                "detail-type": ["Parameter Store Change"],
                "detail": {"name": [{"prefix": f"/{name}/"}]},
            }
        )
        here, there = self.lab.client("events", RECOVERY), self.lab.client("events", PRIMARY)
        here.put_rule(Name=name, EventPattern=pattern)
        here.put_targets(Rule=name, Targets=[{"Id": "f", "Arn": function.arn}])
        there.put_rule(Name=name, EventPattern=pattern)
        role = self.role(f"{name}-events", BUS if permitted else f"{BUS}-of-another")
        there.put_targets(Rule=name, Targets=[{"Id": "bus", "Arn": BUS, "RoleArn": role}])
        return function

    def role(self, name: str, bus: str) -> str:
        """A role that may put events on a bus."""
        iam = self.lab.client("iam")
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        may = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [may]})
        iam.put_role_policy(RoleName=name, PolicyName="send", PolicyDocument=policy)
        return str(arn)

    def put(self, region: str, name: str, value: str, **options: Any) -> None:
        """Writes a parameter."""
        self.lab.client("ssm", region).put_parameter(Name=name, Value=value, Type="SecureString", **options)

    def test_each_change_is_reported_without_the_value(self) -> None:
        function, ssm = self.heard("changes"), self.lab.client("ssm", RECOVERY)
        self.put(RECOVERY, "/changes/a", "a-secret", Description="what it is for")
        self.put(RECOVERY, "/changes/a", "a-secret", Overwrite=True)
        ssm.label_parameter_version(Name="/changes/a", Labels=["now"])
        self.put(RECOVERY, "/changes/b", "a-secret")
        ssm.delete_parameter(Name="/changes/a")
        ssm.delete_parameters(Names=["/changes/b", "/changes/none"])
        self.put(RECOVERY, "/others/a", "a-secret")
        eventually(lambda: len(function.received()) >= 6)
        time.sleep(0.3)
        events = function.received()
        told = sorted((event["detail"]["operation"], event["detail"]["name"]) for event in events)
        self.assertEqual(
            told,
            [
                ("Create", "/changes/a"),
                ("Create", "/changes/b"),
                ("Delete", "/changes/a"),
                ("Delete", "/changes/b"),
                ("LabelParameterVersion", "/changes/a"),
                ("Update", "/changes/a"),
            ],
        )
        self.assertNotIn("a-secret", json.dumps(events))
        arn = f"arn:aws:ssm:{RECOVERY}:{ACCOUNT}:parameter/changes/a"
        created = next(event for event in events if event["resources"] == [arn])
        self.assertEqual((created["source"], created["detail-type"]), ("aws.ssm", "Parameter Store Change"))
        self.assertEqual(created["detail"]["type"], "SecureString")

    def test_a_refused_change_is_not_reported(self) -> None:
        function = self.heard("refused")
        self.put(RECOVERY, "/refused/a", "1")
        self.assert_refused("ParameterAlreadyExists", self.put, region=RECOVERY, name="/refused/a", value="2")
        ssm = self.lab.client("ssm", RECOVERY)
        self.assert_refused("ParameterNotFound", ssm.delete_parameter, Name="/refused/b")
        eventually(function.received)
        time.sleep(0.5)
        self.assertEqual(len(function.received()), 1)

    def test_a_change_of_the_other_region_comes_by_its_bus(self) -> None:
        function = self.heard("far")
        self.put(PRIMARY, "/far/a", "1")
        event = eventually(function.received)[0]
        self.assertEqual(event["region"], PRIMARY)
        self.assertEqual(event["resources"], [f"arn:aws:ssm:{PRIMARY}:{ACCOUNT}:parameter/far/a"])

    def test_nothing_comes_from_a_lost_region_or_by_a_role_that_may_not_send(self) -> None:
        function, unheard = self.heard("lost"), self.heard("unheard", permitted=False)
        self.put(PRIMARY, "/unheard/a", "1")
        self.lose(PRIMARY)
        self.put(PRIMARY, "/lost/a", "1")
        time.sleep(1)
        self.assertEqual((function.received(), unheard.received()), ([], []))
