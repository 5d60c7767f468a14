"""Functions: their environment, their rights, and what becomes of a killed one."""

from __future__ import annotations

import io
import os
import signal
import threading
import zipfile
from pathlib import Path
from typing import Any

from launcher.settings import shifted_clock

from .running_lab import (
    ACCOUNT,
    BINARY_PROTOCOL,
    PATIENCE_SECONDS,
    PRIMARY,
    RECOVERY,
    Function,
    LabTest,
    eventually,
)

ALLOWED = [
    {
        "Effect": "Allow",
        "Action": "ssm:GetParameters",
        "Resource": [
            f"arn:aws:ssm:{RECOVERY}:{ACCOUNT}:parameter/plan/0",
            f"arn:aws:ssm:{RECOVERY}:{ACCOUNT}:parameter/plan/1",
        ],
    },
    {"Effect": "Allow", "Action": "cloudwatch:GetMetricStatistics", "Resource": "*"},
    {
        "Effect": "Allow",
        "Action": "cloudwatch:PutMetricData",
        "Resource": "*",
        "Condition": {"StringEquals": {"cloudwatch:namespace": "Lab"}},
    },
    {
        "Effect": "Allow",
        "Action": "cloudwatch:SetAlarmState",
        "Resource": f"arn:aws:cloudwatch:{RECOVERY}:{ACCOUNT}:alarm:mine",
    },
    {
        "Effect": "Allow",
        "Action": ["rds:PromoteReadReplica", "rds:DescribeDBInstances"],
        "Resource": f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:db:mine",
    },
    {
        "Effect": "Allow",
        "Action": "rds:DeleteDBSnapshot",
        "Resource": f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:snapshot:own-*",
        "Condition": {"StringEquals": {"aws:ResourceTag/owner": "me"}},
    },
    {
        "Effect": "Allow",
        "Action": "globalaccelerator:DescribeEndpointGroup",
        "Resource": f"arn:aws:globalaccelerator::{ACCOUNT}:accelerator/mine/listener/1/endpoint-group/1",
    },
    {
        "Effect": "Allow",
        "Action": "elasticloadbalancing:DescribeTargetHealth",
        "Resource": f"arn:aws:elasticloadbalancing:{RECOVERY}:{ACCOUNT}:targetgroup/mine/1",
    },
    {
        "Effect": "Allow",
        "Action": "autoscaling:UpdateAutoScalingGroup",
        "Resource": f"arn:aws:autoscaling:{RECOVERY}:{ACCOUNT}:autoScalingGroup:*:autoScalingGroupName/mine",
    },
]
DENIED = {"AccessDenied", "AccessDeniedException"}


class Identity(LabTest):
    """As whom a function calls."""

    def test_the_control_api_names_the_access_key_of_a_function_before_it_ever_ran(self) -> None:
        function = Function(self.lab, "named-by-its-key")
        shown = next(
            entry for entry in self.lab.control("GET", "functions") if entry["name"] == "named-by-its-key"
        )
        self.assertEqual((shown["region"], shown["pids"]), (RECOVERY, []))
        environment, _error = function.invoke({"do": "environment"})
        self.assertEqual(environment["AWS_ACCESS_KEY_ID"], shown["access_key_id"])


class Layers(LabTest):
    """What Lambda unpacks into /opt lies elsewhere here, and a setting that names it leads there."""

    def test_a_path_below_opt_leads_into_the_last_layer_that_has_the_file(self) -> None:
        function = Function(self.lab, "layered")
        layers = []
        for words in ("first", "second"):
            package = io.BytesIO()
            with zipfile.ZipFile(package, "w") as archive:
                archive.writestr("authorities.pem", words)
                archive.writestr(f"{words}.pem", words)
            made = function.client.publish_layer_version(
                LayerName=f"layer-{words}", Content={"ZipFile": package.getvalue()}
            )
            layers.append(made["LayerVersionArn"])
        variables = {
            "RECEIVED_FILE": function.received_path,
            "BOTH": "/opt/authorities.pem",
            "FIRST": "/opt/first.pem",
            "NONE": "/opt/none.pem",
        }
        function.client.update_function_configuration(
            FunctionName="layered", Layers=layers, Environment={"Variables": variables}
        )
        environment, _error = function.invoke({"do": "environment"})
        self.assertEqual(Path(environment["BOTH"]).read_text(encoding="utf-8"), "second")
        self.assertEqual(Path(environment["FIRST"]).read_text(encoding="utf-8"), "first")
        self.assertEqual(environment["NONE"], "/opt/none.pem")


class Rights(LabTest):
    """A function may do what its role allows, on the resources its role names."""

    function: Function

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.function = Function(cls.lab, "rights", policy=ALLOWED)

    protocol: str | None = None

    def code(self, service: str, operation: str, region: str = RECOVERY, **arguments: Any) -> str | None:
        """The error code of a call that the function makes; None when it succeeds."""
        result, error = self.function.invoke(
            {
                "do": "call",
                "service": service,
                "operation": operation,
                "region": region,
                "protocol": self.protocol,
                "arguments": arguments,
            }
        )
        self.assertIsNone(error, result)
        code = result["code"]
        return None if code is None else str(code)

    def test_every_parameter_of_a_call_must_be_allowed(self) -> None:
        self.assertIsNone(self.code("ssm", "get_parameters", Names=["/plan/0", "/plan/1"]))
        self.assertIn(self.code("ssm", "get_parameters", Names=["/plan/0", "/plan/2"]), DENIED)

    def test_cloudwatch_calls_are_checked_over_every_protocol(self) -> None:
        window: dict[str, Any] = {"StartTime": "2026-01-01T00:00:00Z", "EndTime": "2026-01-01T01:00:00Z"}
        lag: dict[str, Any] = {
            "Namespace": "AWS/RDS",
            "Period": 60,
            "MetricName": "ReplicaLag",
            "Statistics": ["Maximum"],
            **window,
        }
        state = {"StateValue": "OK", "StateReason": "r"}
        data = [{"MetricName": "m", "Value": 1}]
        for self.protocol in ("query", "json", BINARY_PROTOCOL):
            with self.subTest(protocol=self.protocol):
                self.assertIsNone(self.code("cloudwatch", "get_metric_statistics", **lag))
                self.assertIn(self.code("cloudwatch", "describe_alarms"), DENIED)
                self.assertEqual(
                    self.code("cloudwatch", "set_alarm_state", AlarmName="mine", **state), "ResourceNotFound"
                )
                self.assertIn(self.code("cloudwatch", "set_alarm_state", AlarmName="other", **state), DENIED)
                self.assertIsNone(
                    self.code("cloudwatch", "put_metric_data", Namespace="Lab", MetricData=data)
                )
                self.assertIn(
                    self.code("cloudwatch", "put_metric_data", Namespace="Other", MetricData=data), DENIED
                )

    def test_describing_targets_takes_a_right_on_everything(self) -> None:
        group = f"arn:aws:elasticloadbalancing:{RECOVERY}:{ACCOUNT}:targetgroup/mine/1"
        self.assertIn(self.code("elbv2", "describe_target_health", TargetGroupArn=group), DENIED)

    def test_a_snapshot_is_deleted_by_its_name_and_its_tag(self) -> None:
        rds = self.lab.client("rds", RECOVERY)
        rds.create_db_instance(
            DBInstanceIdentifier="with-snapshots", Engine="postgres", DBInstanceClass="db.t4g.micro"
        )
        for name, owner in (("own-1", "me"), ("own-2", "you"), ("other-1", "me")):
            tags = [{"Key": "owner", "Value": owner}]
            instance = {"DBInstanceIdentifier": "with-snapshots"}
            rds.create_db_snapshot(DBSnapshotIdentifier=name, Tags=tags, **instance)
            shown = rds.describe_db_snapshots
            eventually(lambda: shown(**instance)["DBSnapshots"][-1]["Status"] == "available")  # noqa: B023
        for name, expected in (("own-1", {None}), ("own-2", DENIED), ("other-1", DENIED)):
            self.assertIn(self.code("rds", "delete_db_snapshot", DBSnapshotIdentifier=name), expected)

    def test_databases_groups_and_endpoint_groups_are_checked_by_name(self) -> None:
        arn = f"arn:aws:rds:{RECOVERY}:{ACCOUNT}:db:mine"
        self.assertEqual(
            self.code("rds", "promote_read_replica", DBInstanceIdentifier="mine"), "DBInstanceNotFound"
        )
        self.assertEqual(
            self.code("rds", "describe_db_instances", DBInstanceIdentifier=arn), "DBInstanceNotFound"
        )
        self.assertIn(self.code("rds", "promote_read_replica", DBInstanceIdentifier="other"), DENIED)
        self.assertIn(self.code("rds", "promote_read_replica", PRIMARY, DBInstanceIdentifier="mine"), DENIED)
        self.assertEqual(
            self.code("autoscaling", "update_auto_scaling_group", AutoScalingGroupName="mine"),
            "ValidationError",
        )
        self.assertIn(
            self.code("autoscaling", "update_auto_scaling_group", AutoScalingGroupName="other"), DENIED
        )
        group = f"arn:aws:globalaccelerator::{ACCOUNT}:accelerator/mine/listener/1/endpoint-group/1"
        describe = ("globalaccelerator", "describe_endpoint_group", "us-west-2")
        self.assertEqual(self.code(*describe, EndpointGroupArn=group), "EndpointGroupNotFoundException")
        self.assertIn(self.code(*describe, EndpointGroupArn=f"{group}0"), DENIED)


class Processes(LabTest):
    """Where functions run."""

    def test_a_function_sees_the_labs_endpoint_and_nothing_of_the_server(self) -> None:
        environment, error = Function(self.lab, "looks-around").invoke({"do": "environment"})
        self.assertIsNone(error)
        self.assertEqual(environment["AWS_ENDPOINT_URL"], self.lab.url)
        self.assertEqual(
            (environment["AWS_REGION"], environment["AWS_LAMBDA_FUNCTION_NAME"]), (RECOVERY, "looks-around")
        )
        self.assertEqual(environment["AWS_LAMBDA_LOG_FORMAT"], "Text")
        allowed = {"PATH", "LANG", "TZ", "LAMBDA_TASK_ROOT", "RECEIVED_FILE", "_HANDLER", "LC_CTYPE"}
        allowed |= set(shifted_clock(os.environ))
        strays = {name for name in environment if not name.startswith("AWS_")} - allowed
        self.assertEqual(strays, set())

    def test_a_killed_function_is_a_failed_invocation_and_the_next_gets_a_fresh_process(self) -> None:
        function = Function(self.lab, "killed")
        results: list[Any] = []
        busy = threading.Thread(
            target=lambda: results.append(function.invoke({"do": "sleep", "seconds": 600}))
        )
        busy.start()
        eventually(function.received)
        [pid] = function.process_ids()
        os.kill(pid, signal.SIGKILL)
        busy.join(timeout=PATIENCE_SECONDS)
        payload, error = results[0]
        self.assertEqual((error, payload["errorType"]), ("Unhandled", "Runtime.ExitError"))
        self.assertEqual(function.invoke({})[1], None)
        self.assertNotEqual(function.process_ids(), [pid])
        os.kill(function.process_ids()[0], signal.SIGKILL)
        eventually(lambda: not function.process_ids())
        self.assertEqual(function.invoke({})[1], None)
