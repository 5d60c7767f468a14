"""How does a test get a running world, signed clients for it and functions that tell what they received?"""

from __future__ import annotations

import atexit
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request
import zipfile
from collections.abc import Callable
from typing import Any, TypeVar

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from launcher.free_ports import free_port
from launcher.settings import shifted_clock

PRIMARY, RECOVERY = "us-east-2", "us-west-1"
ACCOUNT = "123456789012"
SCALE = 0.01
TICK_SECONDS = 1.0
# Longer than anything takes on any machine: it only ends a wait for what never comes.
PATIENCE_SECONDS = 120.0
BINARY_PROTOCOL = "smithy-rpc-v2-cbor"
TEMPLATES = "LAB_TEST_TEMPLATES"
"""The variable by which one process of tests tells another where that folder is."""
LAB_FOLDER = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

T = TypeVar("T")

# A function in Python: it writes each event into a file, and does what the event asks for.
BOOTSTRAP = """#!{python}
import json, os, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/"
while True:
    with urllib.request.urlopen(api + "next") as answer:
        number, event = answer.headers["Lambda-Runtime-Aws-Request-Id"], json.load(answer)
    with open(os.environ["RECEIVED_FILE"], "a") as received:
        received.write(json.dumps(event) + "\\n")
    result, kind = {{}}, "response"
    if isinstance(event, dict) and event.get("do") == "environment":
        result = dict(os.environ)
    elif isinstance(event, dict) and event.get("do") == "sleep":
        time.sleep(event["seconds"])
    elif isinstance(event, dict) and event.get("do") == "fail":
        result, kind = {{"errorMessage": "asked to fail", "errorType": "Asked"}}, "error"
    elif isinstance(event, dict) and event.get("do") == "call":
        import botocore.exceptions, botocore.session
        session = botocore.session.Session()
        if event["protocol"]:
            model = session.get_component("data_loader").load_service_model(
                event["service"], "service-2", api_version=None)
            model["metadata"]["protocols"] = [event["protocol"]]
        try:
            client = session.create_client(event["service"], region_name=event["region"])
            getattr(client, event["operation"])(**event["arguments"])
            result = {{"code": None}}
        except botocore.exceptions.ClientError as error:
            result = {{"code": error.response["Error"]["Code"]}}
    urllib.request.urlopen(urllib.request.Request(
        api + number + "/" + kind, data=json.dumps(result).encode(), method="POST")).read()
"""


def templates() -> str:
    """A folder in which the worlds of a test run keep what each of them begins with."""
    if TEMPLATES not in os.environ:
        os.environ[TEMPLATES] = tempfile.mkdtemp(prefix="lab-")
        atexit.register(shutil.rmtree, os.environ[TEMPLATES], ignore_errors=True)
    return os.environ[TEMPLATES]


_PORTS = range(20_000, 32_000)
"""Beside those that servers of databases get."""


class RunningLab:
    """One running launcher."""

    def __init__(
        self, python: str = sys.executable, who: dict[str, Any] | None = None, /, **settings: str
    ) -> None:
        self.folder = tempfile.mkdtemp(prefix="lab-")
        if "LAB_POSTGRES" in settings and who is None:
            settings = {"LAB_POSTGRES_TEMPLATES": templates(), **settings}
        self.port = free_port(_PORTS)
        self.log_path = os.path.join(self.folder, "log")
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONDONTWRITEBYTECODE": "1",
            "SECRET_OF_THE_CALLER": "not for functions",
            "LAB_PORT": str(self.port),
            "LAB_SCALE": str(SCALE),
            "LAB_TICK_SECONDS": str(TICK_SECONDS),
            "LAB_SITE_PORTS": f"{PRIMARY}=18081,{RECOVERY}=18082",
            "LAB_ACCELERATOR_PORT": "18080",
            "LAB_STATE_DIR": os.path.join(self.folder, "state"),
            # Who kills the tests leaves no world behind.
            "LAB_PARENT_PID": str(os.getpid()),
            **shifted_clock(os.environ),
            **settings,
        }
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [python, "-m", "launcher"],
                cwd=LAB_FOLDER,
                env=environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                **(who or {}),
            )
        try:
            eventually(lambda: self.control("GET", "health"))
        except Exception:
            with open(self.log_path, encoding="utf-8", errors="replace") as log_file:
                print(log_file.read()[-4000:], file=sys.stderr)
            self.end()
            raise

    @property
    def url(self) -> str:
        """The endpoint of every service."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, service: str, region: str = RECOVERY, **options: Any) -> Any:
        """A client with root credentials that doesn't retry."""
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}, **options),
        )

    def client_of_role(self, service: str, role_arn: str, region: str = RECOVERY) -> Any:
        """A client with a session of a role."""
        sts = self.client("sts")
        session = sts.assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return self.client_with(service, region, tuple(session[name] for name in names))

    def client_with(self, service: str, region: str, keys: tuple[str, ...]) -> Any:
        """A client with the three keys of a session, that doesn't retry."""
        key_id, secret, token = keys
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=key_id,
            aws_secret_access_key=secret,
            aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}),
        )

    def binary_client(self, service: str, region: str = RECOVERY) -> Any:
        """A client that speaks the binary protocol, as the Rust SDK does for CloudWatch."""
        session = botocore.session.Session()
        model = session.get_component("data_loader").load_service_model(
            service, "service-2", api_version=None
        )
        model["metadata"]["protocols"] = [BINARY_PROTOCOL]
        return session.create_client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """One call of the control API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_lab/{path}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return json.load(answer)

    def query(self, service: str, region: str, action: str, **members: str) -> str:
        """One call by the query protocol, as the Terraform provider makes it; the answer's XML."""
        credential = f"Credential=test/20260101/{region}/{service}/aws4_request"
        request = urllib.request.Request(
            self.url,
            data=urllib.parse.urlencode({"Action": action, "Version": "2010-08-01", **members}).encode(),
            headers={"Authorization": f"AWS4-HMAC-SHA256 {credential}, SignedHeaders=host, Signature=0"},
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
            return str(answer.read().decode())

    def end(self, number: int = signal.SIGTERM) -> None:
        """Ends the launcher and removes its folder."""
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(timeout=PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


_shared: list[RunningLab] = []


def shared_lab() -> RunningLab:
    """The world that all tests share; started by the first, ended with the test run."""
    if not _shared:
        _shared.append(RunningLab())
        atexit.register(_shared[0].end)
    return _shared[0]


def ended_launcher(**settings: str) -> subprocess.CompletedProcess[str]:
    """A launcher with these settings and no others, which ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "launcher"],
        cwd=LAB_FOLDER,
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **settings},
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def eventually(probe: Callable[[], T]) -> T:
    """What the probe returns once that is true; raises its last error, or AssertionError, in the end."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    problem: Exception | None = None
    while time.monotonic() < deadline:
        try:
            result = probe()
            if result:
                return result
            problem = None
        except (OSError, ClientError, AssertionError, LookupError) as error:
            problem = error
        time.sleep(0.05)
    raise problem or AssertionError(f"it did not come to be within {PATIENCE_SECONDS} s")


class Function:
    """A deployed function of the recovery region, and what it has received."""

    def __init__(
        self,
        lab: RunningLab,
        name: str,
        *,
        permit: tuple[str, ...] = (),
        policy: Any = None,
        region: str = RECOVERY,
    ) -> None:
        self.lab, self.name, self.region = lab, name, region
        self.received_path = os.path.join(lab.folder, f"{name}.received")
        self.arn = f"arn:aws:lambda:{region}:{ACCOUNT}:function:{name}"
        iam = lab.client("iam")
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        role = iam.create_role(RoleName=f"{name}-{region}", AssumeRolePolicyDocument=json.dumps(trust))[
            "Role"
        ]
        if policy:
            document = {"Version": "2012-10-17", "Statement": policy}
            iam.put_role_policy(
                RoleName=f"{name}-{region}", PolicyName="p", PolicyDocument=json.dumps(document)
            )
        self.client = lab.client("lambda", region)
        self.client.create_function(
            FunctionName=name,
            Role=role["Arn"],
            Runtime="provided.al2023",
            Handler="bootstrap",
            Timeout=30,
            Code={"ZipFile": _package()},
            Environment={"Variables": {"RECEIVED_FILE": self.received_path}},
        )
        for number, source in enumerate(permit):
            service = {
                "sns": "sns.amazonaws.com",
                "events": "events.amazonaws.com",
                "cloudwatch": "lambda.alarms.cloudwatch.amazonaws.com",
            }[source.split(":")[2]]
            self.client.add_permission(
                FunctionName=name,
                StatementId=f"s{number}",
                Action="lambda:InvokeFunction",
                Principal=service,
                SourceArn=source,
            )

    def invoke(self, event: Any) -> tuple[Any, str | None]:
        """Invokes and waits: the result, and the error kind if the function failed."""
        answer = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event).encode())
        return json.load(answer["Payload"]), answer.get("FunctionError")

    def received(self) -> list[Any]:
        """Every event so far, first first."""
        try:
            with open(self.received_path, encoding="utf-8") as lines:
                return [json.loads(line) for line in lines if line.endswith("\n")]
        except FileNotFoundError:
            return []

    def process_ids(self) -> list[int]:
        """The function's live processes."""
        return [
            pid
            for entry in self.lab.control("GET", "functions")
            if (entry["name"], entry["region"]) == (self.name, self.region)
            for pid in entry["pids"]
        ]


def _package() -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as package:
        entry = zipfile.ZipInfo("bootstrap")
        entry.external_attr = 0o755 << 16
        package.writestr(entry, BOOTSTRAP.format(python=sys.executable))
    return archive.getvalue()


class LabTest(unittest.TestCase):
    """A test on the shared world."""

    lab: RunningLab

    @classmethod
    def setUpClass(cls) -> None:
        cls.lab = shared_lab()

    def assert_refused(self, code: str, call: Callable[..., Any], **arguments: Any) -> None:
        """The call is refused with exactly this error code."""
        with self.assertRaises(ClientError) as refusal:
            call(**arguments)
        self.assertEqual(refusal.exception.response["Error"]["Code"], code)

    def lose(self, region: str) -> None:
        """Loses a region for the rest of the test."""
        self.lab.control("PUT", f"regions/{region}", {"lost": True})
        self.addCleanup(self.lab.control, "PUT", f"regions/{region}", {"lost": False})
