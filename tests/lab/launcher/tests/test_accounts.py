"""Two accounts: a role that is taken over there, an alarm and an event that come from there."""

from __future__ import annotations

import json
import time
from typing import Any

import boto3
from botocore.config import Config

from .running_lab import ACCOUNT, PRIMARY, RECOVERY, Function, LabTest, eventually

# A key that is an account's number is that account's root.
OTHER = "210987654321"
EXTERNAL_ID = "shop-7f3a"


def document(*statements: dict[str, Any]) -> str:
    """A policy."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Accounts(LabTest):
    """The primary region lies in the other account, the recovery region in the lab's own."""

    def other(self, service: str, region: str = PRIMARY) -> Any:
        """A client with the other account's root credentials."""
        return self.client_of(service, region, OTHER, OTHER)

    def client_of(self, service: str, region: str, key: str, secret: str, token: str | None = None) -> Any:
        """A client with credentials of one's own."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.lab.url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def sts_of(self, function: str) -> Any:
        """STS of the recovery region, asked by a function."""
        keys = self.lab.control("GET", f"functions/{RECOVERY}/{function}/credentials")
        id, secret, token = (
            keys[f"AWS_{part}"] for part in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")
        )
        return self.client_of("sts", RECOVERY, id, secret, token)

    def role(self, name: str, trusted: str) -> str:
        """A role of the other account that one role of the lab's may take, to write below one path."""
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": [trusted]},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
        }
        iam = self.other("iam")
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
        path = f"arn:aws:ssm:{PRIMARY}:{OTHER}:parameter/{name}/*"
        may = {"Effect": "Allow", "Action": ["ssm:PutParameter", "ssm:GetParameters"], "Resource": path}
        iam.put_role_policy(RoleName=name, PolicyName="parameters", PolicyDocument=document(may))
        return str(arn)

    def copier(self, name: str, *, may_take: str) -> Function:
        """A function whose role may take a role of the other account."""
        return Function(
            self.lab, name, policy=[{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": may_take}]
        )

    def test_a_function_takes_the_role_and_acts_in_the_other_account_alone(self) -> None:
        wanted = f"arn:aws:iam::{OTHER}:role/over-there"
        self.copier("copier", may_take=wanted)
        role = self.role("over-there", f"arn:aws:iam::{ACCOUNT}:role/copier-{RECOVERY}")
        self.assertEqual(role, wanted)
        taken = self.sts_of("copier").assume_role(
            RoleArn=role, RoleSessionName="copier", ExternalId=EXTERNAL_ID, DurationSeconds=900
        )
        self.assertEqual(
            taken["AssumedRoleUser"]["Arn"], f"arn:aws:sts::{OTHER}:assumed-role/over-there/copier"
        )
        keys = taken["Credentials"]
        mine = self.client_of(
            "ssm", PRIMARY, keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
        )
        mine.put_parameter(Name="/over-there/url", Value="one", Type="String")
        found = self.other("ssm").get_parameters(Names=["/over-there/url"])["Parameters"]
        self.assertEqual(found[0]["ARN"], f"arn:aws:ssm:{PRIMARY}:{OTHER}:parameter/over-there/url")
        here = self.lab.client("ssm", PRIMARY).get_parameters(Names=["/over-there/url"])
        self.assertEqual((here["Parameters"], here["InvalidParameters"]), ([], ["/over-there/url"]))
        self.assert_refused(
            "AccessDeniedException", mine.put_parameter, Name="/elsewhere/url", Value="one", Type="String"
        )

    def test_whoever_the_trust_policy_does_not_name_or_who_lacks_the_external_id_is_denied(self) -> None:
        wanted = f"arn:aws:iam::{OTHER}:role/guarded"
        for name in ("named", "stranger"):
            self.copier(name, may_take=wanted)
        role = self.role("guarded", f"arn:aws:iam::{ACCOUNT}:role/named-{RECOVERY}")
        named, stranger = self.sts_of("named"), self.sts_of("stranger")
        asked = {"RoleArn": role, "RoleSessionName": "copier"}
        named.assume_role(**asked, ExternalId=EXTERNAL_ID)
        self.assert_refused("AccessDenied", stranger.assume_role, **asked, ExternalId=EXTERNAL_ID)
        self.assert_refused("AccessDenied", named.assume_role, **asked, ExternalId="another")
        self.assert_refused("AccessDenied", named.assume_role, **asked)
        self.assert_refused(
            "AccessDenied", named.assume_role, RoleArn=f"{role}-that-is-not-there", RoleSessionName="copier"
        )

    def test_an_alarm_of_the_other_account_speaks_to_a_topic_that_admits_it(self) -> None:
        sns, cloudwatch = self.lab.client("sns", PRIMARY), self.other("cloudwatch")
        arn = f"arn:aws:sns:{PRIMARY}:{ACCOUNT}"
        functions = {}
        for name, account in (("admits", OTHER), ("admits-not", ACCOUNT)):
            topic = sns.create_topic(Name=name)["TopicArn"]
            admitted = {
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic,
                "Condition": {"StringEquals": {"aws:SourceAccount": account}},
            }
            sns.set_topic_attributes(
                TopicArn=topic, AttributeName="Policy", AttributeValue=document(admitted)
            )
            functions[name] = Function(self.lab, f"hears-{name}", permit=(f"{arn}:{name}",))
            sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=functions[name].arn)
        cloudwatch.put_metric_alarm(
            AlarmName="front-unhealthy",
            AlarmActions=[f"{arn}:admits", f"{arn}:admits-not"],
            Namespace="N",
            MetricName="M",
            Statistic="Sum",
            Period=60,
            EvaluationPeriods=1,
            Threshold=0,
            ComparisonOperator="GreaterThanThreshold",
        )
        cloudwatch.set_alarm_state(AlarmName="front-unhealthy", StateValue="ALARM", StateReason="asked")
        event = eventually(functions["admits"].received)[0]
        message = json.loads(event["Records"][0]["Sns"]["Message"])
        self.assertEqual(message["AlarmArn"], f"arn:aws:cloudwatch:{PRIMARY}:{OTHER}:alarm:front-unhealthy")
        self.assertEqual(event["Records"][0]["Sns"]["TopicArn"], f"{arn}:admits")
        time.sleep(0.5)
        self.assertEqual(functions["admits-not"].received(), [])

    def test_a_change_of_a_parameter_comes_by_a_bus_that_admits_the_role_that_sends(self) -> None:
        function = Function(
            self.lab, "hears-over", permit=(f"arn:aws:events:{RECOVERY}:{ACCOUNT}:rule/over/over",)
        )
        here, there = self.lab.client("events", RECOVERY), self.other("events")
        bus = here.create_event_bus(Name="over")["EventBusArn"]
        pattern = json.dumps({"source": ["aws.ssm"], "detail-type": ["Parameter Store Change"]})
        here.put_rule(Name="over", EventBusName="over", EventPattern=pattern)
        here.put_targets(Rule="over", EventBusName="over", Targets=[{"Id": "f", "Arn": function.arn}])
        service = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        for name in ("sender", "another-sender"):
            iam = self.other("iam")
            role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(service))["Role"]["Arn"]
            may = {"Effect": "Allow", "Action": "events:PutEvents", "Resource": bus}
            iam.put_role_policy(RoleName=name, PolicyName="send", PolicyDocument=document(may))
            named = json.dumps({**json.loads(pattern), "detail": {"name": [{"prefix": f"/{name}/"}]}})
            there.put_rule(Name=name, EventPattern=named)
            there.put_targets(Rule=name, Targets=[{"Id": "bus", "Arn": bus, "RoleArn": role}])
        self.other("ssm").put_parameter(Name="/sender/early", Value="1", Type="String")
        admitted = {
            "Sid": "OneRole",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
            "Action": "events:PutEvents",
            "Resource": bus,
            "Condition": {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:role/sender"}},
        }
        time.sleep(0.5)  # what was sent before has come, or never will
        here.put_permission(EventBusName="over", Policy=document(admitted))
        for name in ("another-sender", "sender"):
            self.other("ssm").put_parameter(Name=f"/{name}/url", Value="1", Type="String")
        event = eventually(function.received)[0]
        self.assertEqual((event["account"], event["region"]), (OTHER, PRIMARY))
        self.assertEqual(event["resources"], [f"arn:aws:ssm:{PRIMARY}:{OTHER}:parameter/sender/url"])
        time.sleep(0.5)
        self.assertEqual(len(function.received()), 1)

    def test_an_accelerator_has_an_endpoint_of_the_other_account_by_that_accounts_attachment_alone(
        self,
    ) -> None:
        mine = self.lab.client("globalaccelerator", "us-west-2")
        accelerator = mine.create_accelerator(Name="shared", IdempotencyToken="t")["Accelerator"][
            "AcceleratorArn"
        ]
        ports = [{"FromPort": 80, "ToPort": 80}]
        listener = mine.create_listener(
            AcceleratorArn=accelerator, Protocol="TCP", PortRanges=ports, IdempotencyToken="t"
        )["Listener"]["ListenerArn"]
        balancer = f"arn:aws:elasticloadbalancing:{PRIMARY}:{OTHER}:loadbalancer/app/shop/1"
        group = mine.create_endpoint_group(
            ListenerArn=listener, EndpointGroupRegion=PRIMARY, IdempotencyToken="t"
        )["EndpointGroup"]["EndpointGroupArn"]
        endpoint: dict[str, Any] = {"EndpointId": balancer, "Weight": 128}

        def write(**more: Any) -> None:
            mine.update_endpoint_group(EndpointGroupArn=group, EndpointConfigurations=[{**endpoint, **more}])

        self.assert_refused("AccessDeniedException", write)
        theirs = self.other("globalaccelerator", "us-west-2")
        attachment = theirs.create_cross_account_attachment(
            Name="web",
            Principals=[ACCOUNT],
            Resources=[{"EndpointId": balancer, "Region": PRIMARY}],
            IdempotencyToken="t",
        )["CrossAccountAttachment"]["AttachmentArn"]
        self.assert_refused("AccessDeniedException", write)
        write(AttachmentArn=attachment)
        shared = mine.list_cross_account_resources(
            AcceleratorArn=accelerator, ResourceOwnerAwsAccountId=OTHER
        )["CrossAccountResources"]
        self.assertEqual(shared, [{"EndpointId": balancer, "AttachmentArn": attachment}])
        # The owner takes it back.
        theirs.delete_cross_account_attachment(AttachmentArn=attachment)
        self.assert_refused("AccessDeniedException", write, AttachmentArn=attachment, Weight=0)
