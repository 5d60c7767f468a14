"""Does an upgrade of the orchestrator's Terraform keep everything that is there?

Applies the module as an earlier commit has it to the lab's emulator, with the real provider, and then this checkout's: nothing is destroyed or
replaced, every resource keeps its id, the journal its records, and the functions are updated before the plan document.

    python3 tests/upgrade.py LAUNCHER_PYTHON

Needs the history down to that commit. The functions' packages are stand-ins: no function runs.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from adapters import Emulator, emulators, free_port, wait_for

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / "infra" / "modules"
# The last commit whose plan document is of schema 1. Its orchestrator is one module.
BEFORE = "6f8ffab8d11a8d87afd56ba3e3bb6fc71469cbf8"
PRIMARY, RECOVERY, ACCOUNT = "us-east-2", "us-west-1", "123456789012"
FUNCTIONS = ("alarm-handler", "promote-replica", "readiness-checker", "scale-asg", "shift-traffic", "snapshot-scheduler", "ssm-replicator")
RECORD = {"plan": {"S": "shop"}, "seq": {"N": "1"}, "sentence": {"S": "written before the upgrade"}}

PROVIDERS = "".join(
    f"""provider "aws" {{
  alias                       = "{side}"
  region                      = "{region}"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
}}
"""
    for side, region in (("primary", PRIMARY), ("recovery", RECOVERY))
)

# What both versions are told, and how each says it. One of everything that the module builds in one account.
COMMON = """
  name                = "shop"
  package_dir         = "${path.module}/packages"
  deletion_protection = false
  notice_emails       = ["oncall@example.com"]
  direct_alarm_arns   = ["arn:aws:cloudwatch:us-west-1:123456789012:alarm:shop-lag"]
  snapshots           = { schedule = "cron(0 3 * * ? *)" }
  parameters          = { include = ["/shop/**"] }
"""
SIDES = {
    side: {
        "instance": f"arn:aws:rds:{region}:{ACCOUNT}:db:shop-orders-{side}",
        "group": f"arn:aws:globalaccelerator::{ACCOUNT}:accelerator/a/listener/l/endpoint-group/{side}",
        "balancer": f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:loadbalancer/app/shop/0123456789abcdef",
        "targets": f"arn:aws:elasticloadbalancing:{region}:{ACCOUNT}:targetgroup/shop-web/0123456789abcdef",
    }
    for side, region in (("primary", PRIMARY), ("recovery", RECOVERY))
}
ALARMS = f'["arn:aws:cloudwatch:{PRIMARY}:{ACCOUNT}:alarm:shop-errors", "arn:aws:cloudwatch:{RECOVERY}:{ACCOUNT}:alarm:shop-lag"]'
PROBES = '[{ kind = "http", name = "front-primary", url = "http://shop.example.com/health" }]'
SAID_BEFORE = f"""
  regions   = {{ primary = "{PRIMARY}", recovery = "{RECOVERY}" }}
  databases = [{{ name = "orders", primary = "{SIDES["primary"]["instance"]}", replica = "{SIDES["recovery"]["instance"]}", quarantine_security_group = "sg-0abc" }}]
  fleets = [{{
    name = "web", group = "shop-web", target_groups = ["{SIDES["recovery"]["targets"]}"], capacity = {{ min = 1, desired = 1, max = 2 }}, healthy_targets_min = 1
  }}]
  routes = [{{
    name     = "front"
    primary  = {{ endpoint_group = "{SIDES["primary"]["group"]}", endpoint = "{SIDES["primary"]["balancer"]}" }}
    recovery = {{ endpoint_group = "{SIDES["recovery"]["group"]}", endpoint = "{SIDES["recovery"]["balancer"]}" }}
  }}]
  detection = {{ alarms = {ALARMS}, probes = {PROBES} }}
"""
SAID_AFTER = f"""
  sides     = {{ primary = {{ region = "{PRIMARY}" }}, recovery = {{ region = "{RECOVERY}" }} }}
  databases = [{{ name = "orders", sides = {{
    primary  = {{ arn = "{SIDES["primary"]["instance"]}", quarantine_security_group = "sg-0abc" }}
    recovery = {{ arn = "{SIDES["recovery"]["instance"]}" }}
  }} }}]
  fleets = [{{ name = "web", sides = {{ recovery = {{
    group = "shop-web", target_groups = ["{SIDES["recovery"]["targets"]}"], serving = {{ min = 1, desired = 1, max = 2 }}, healthy_targets_min = 1
  }} }} }}]
  routes = [{{ name = "front", sides = {{
    primary  = {{ endpoint_group = "{SIDES["primary"]["group"]}", endpoint = "{SIDES["primary"]["balancer"]}" }}
    recovery = {{ endpoint_group = "{SIDES["recovery"]["group"]}", endpoint = "{SIDES["recovery"]["balancer"]}" }}
  }} }}]
  detection = {{ sides = {{ primary = {{ alarms = {ALARMS}, probes = {PROBES} }} }} }}
"""

# --- The world -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stack:
    """A folder in which Terraform runs against the emulator."""

    folder: Path
    url: str

    def terraform(self, *arguments: str) -> str:
        environment = {
            **os.environ, "AWS_ENDPOINT_URL": self.url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "CHECKPOINT_DISABLE": "1",
        }
        done = subprocess.run(
            ["terraform", *arguments], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"terraform {' '.join(arguments)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    def say(self, source: Path, said: str) -> None:
        """Writes what a user writes, for one version of the module."""
        # A module's own modules must lie in the package that it comes in: a path from here is none.
        path = os.path.relpath(source, self.folder)
        call = f'module "pilotlight" {{\n  source    = "{path}"\n  providers = {{ aws.primary = aws.primary, aws.recovery = aws.recovery }}\n{COMMON}{said}}}\n'
        (self.folder / "main.tf").write_text(PROVIDERS + call)
        self.terraform("init", "-input=false", "-no-color")

    def package(self, version: str) -> None:
        """A package for each function, other ones in each version."""
        (self.folder / "packages").mkdir(exist_ok=True)
        for function in FUNCTIONS:
            with zipfile.ZipFile(self.folder / "packages" / f"{function}.zip", "w") as package:
                package.writestr("bootstrap", f"#!/bin/sh\n# {version}\n")

    def changes(self, name: str) -> list[Any]:
        """What a plan would change; the plan is kept under that name."""
        self.terraform("plan", "-input=false", "-no-color", f"-out={name}")
        found = json.loads(self.terraform("show", "-json", name)).get("resource_changes", [])
        return [change for change in found if change["mode"] == "managed"]

    def ids(self) -> dict[str, str]:
        """The id of every resource in the state."""
        state = json.loads(self.terraform("show", "-json"))["values"]["root_module"]

        def walk(module: Any) -> Iterator[tuple[str, str]]:
            yield from ((r["address"], r["values"].get("arn") or r["values"].get("id")) for r in module.get("resources", []) if r["mode"] == "managed")
            for child in module.get("child_modules", []):
                yield from walk(child)

        return dict(walk(state))

    def ask(self, service: str, target: str, body: Any, region: str = RECOVERY) -> Any:
        """One call of a service that speaks JSON."""
        scope = f"Credential=test/20260101/{region}/{service}/aws4_request, SignedHeaders=host, Signature=0"
        headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target, "Authorization": f"AWS4-HMAC-SHA256 {scope}"}
        request = urllib.request.Request(self.url, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def document(self) -> Any:
        """The plan document that the functions read."""
        names = [f"/pilotlight/shop/plan/{part}" for part in range(4)]
        found = {p["Name"]: p["Value"] for p in self.ask("ssm", "AmazonSSM.GetParameters", {"Names": names})["Parameters"]}
        return json.loads("".join(found[name] for name in names))

    def journal(self) -> Any:
        """The record that was written before the upgrade."""
        key = {"plan": RECORD["plan"], "seq": RECORD["seq"]}
        return self.ask("dynamodb", "DynamoDB_20120810.GetItem", {"TableName": "shop-journal", "Key": key}).get("Item")


@contextmanager
def emulator(launcher: str, home: Path) -> Iterator[str]:
    """The lab's emulator, while it is needed; gives its address."""
    port = free_port()
    lab: Emulator = emulators(launcher, "", port, str(home))[0]
    with open(home / "emulator.log", "w+b") as log:
        server = subprocess.Popen(lab.command, cwd=lab.folder, env={**os.environ, **lab.settings}, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_for(lab, server, port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def module_of(commit: str, home: Path) -> Path:
    """The orchestrator's module as a commit has it."""
    archive = ["git", "archive", commit, "infra/modules/orchestrator"]
    archived = subprocess.run(archive, cwd=ROOT, capture_output=True, check=False)
    if archived.returncode != 0:  # a shallow clone
        subprocess.run(["git", "fetch", "--quiet", "--unshallow"], cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        archived = subprocess.run(archive, cwd=ROOT, capture_output=True, check=False)
    if archived.returncode != 0:
        raise SystemExit(f"the commit {commit} is not here; fetch the whole history: git fetch --unshallow")
    with tarfile.open(fileobj=io.BytesIO(archived.stdout)) as archive:
        archive.extractall(home, filter="data")
    return home / "infra" / "modules" / "orchestrator"


# --- What must hold --------------------------------------------------------------------------------------------

_RESOURCE = re.compile(r'^resource "([a-z0-9_]+)" "([a-z0-9_]+)" \{', re.MULTILINE)
_MOVED = re.compile(r"^moved \{\n  from = (\S+)\n  to   = (\S+)\n\}", re.MULTILINE)


def blocks(module: Path) -> set[str]:
    return {".".join(found) for path in module.glob("*.tf") for found in _RESOURCE.findall(path.read_text())}


def every_block_of_before_is_moved_to_one_that_exists(before: Path) -> Iterator[str]:
    moved = dict(_MOVED.findall((MODULES / "orchestrator" / "moved.tf").read_text()))
    here = {name: blocks(MODULES / name) for name in ("orchestrator", "guard", "topics")}
    for block in sorted(blocks(before) - here["orchestrator"] - moved.keys()):
        yield f"{block} has no moved block: an upgrade would destroy it"
    for block, target in moved.items():
        module, _, address = target.removeprefix("module.").partition(".")
        if address not in here[module.partition("_")[0]]:
            yield f"{block} is moved to {target}, which no module has"


def nothing_is_destroyed_or_replaced(changes: list[Any]) -> Iterator[str]:
    for change in changes:
        if "delete" in change["change"]["actions"]:
            yield f"{change['address']}: {'/'.join(change['change']['actions'])} ({change.get('action_reason')})"


# What an upgrade creates: what checks the plan, and a function that there was not.
NEW = {"module.pilotlight.terraform_data.plan"} | {
    f'module.pilotlight.module.guard_recovery.{block}["readiness-checker"]'
    for block in (
        "aws_cloudwatch_log_group.this", "aws_cloudwatch_metric_alarm.dead_letters", "aws_iam_role.this", "aws_iam_role_policy.common",
        "aws_iam_role_policy.steps", "aws_lambda_function.this", "aws_lambda_function_event_invoke_config.this", "aws_scheduler_schedule.keepers",
        "aws_sqs_queue.dead_letters", "aws_sqs_queue_policy.dead_letters",
    )
}


def only_what_checks_the_plan_and_one_function_are_new(changes: list[Any]) -> Iterator[str]:
    new = {change["address"] for change in changes if change["change"]["actions"] == ["create"]}
    for address in sorted(new ^ NEW):
        yield f"{address}: {'new' if address in new else 'not new'}"


def every_resource_keeps_its_id(before: dict[str, str], after: dict[str, str], changes: list[Any]) -> Iterator[str]:
    moved = {change["previous_address"]: change["address"] for change in changes if "previous_address" in change}
    for address, known in before.items():
        if after.get(moved.get(address, address)) != known:
            yield f"{address}: was {known}, is {after.get(moved.get(address, address))}"
    if not any("aws_sns_topic_subscription" in address for address in before):
        yield "no subscription was there to be kept"


def the_functions_are_updated_before_the_plan(stack: Stack) -> Iterator[str]:
    written = stack.ask("ssm", "AmazonSSM.GetParameter", {"Name": "/pilotlight/shop/plan/checksum"})["Parameter"]["LastModifiedDate"]
    state = json.loads(stack.terraform("show", "-json"))["values"]["root_module"]["child_modules"][0]["child_modules"]
    functions = [r["values"] for module in state for r in module["resources"] if r["type"] == "aws_lambda_function"]
    for function in functions:
        updated = _seconds(function["last_modified"])
        if updated > written + 1:
            yield f"{function['function_name']}: updated {updated - written:.1f} s after the plan"
    if len(functions) != len(FUNCTIONS):
        yield f"{len(functions)} functions were found"


def _seconds(stamp: str) -> float:
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def main(launcher: str) -> int:
    with tempfile.TemporaryDirectory(prefix="upgrade-") as directory, emulator(launcher, Path(directory)) as url:
        home = Path(directory)
        stack = Stack(home / "stack", url)
        stack.folder.mkdir()
        before = module_of(BEFORE, home / "before")
        shutil.copytree(MODULES, home / "after", ignore=shutil.ignore_patterns(".terraform*", "tests"))

        stack.package("before")
        stack.say(before, SAID_BEFORE)
        stack.terraform("apply", "-auto-approve", "-input=false", "-no-color")
        stack.ask("dynamodb", "DynamoDB_20120810.PutItem", {"TableName": "shop-journal", "Item": RECORD})
        ids, first = stack.ids(), stack.document()

        stack.package("after")
        stack.say(home / "after" / "orchestrator", SAID_AFTER)
        changes = stack.changes("upgrade.tfplan")
        stack.terraform("apply", "-input=false", "-no-color", "upgrade.tfplan")
        second, later = stack.document(), stack.changes("again.tfplan")

        checks: list[tuple[str, Callable[[], Iterator[str]]]] = [
            ("every block of before is moved to one that exists", lambda: every_block_of_before_is_moved_to_one_that_exists(before)),
            ("nothing is destroyed or replaced", lambda: nothing_is_destroyed_or_replaced(changes)),
            ("only what checks the plan and readiness-checker are new", lambda: only_what_checks_the_plan_and_one_function_are_new(changes)),
            ("every resource keeps its id, subscriptions too", lambda: every_resource_keeps_its_id(ids, stack.ids(), changes)),
            ("the journal goes on", lambda: iter(() if stack.journal() == RECORD else (f"the record is {stack.journal()}",))),
            ("the plan was of schema 1 and is of schema 2", lambda: iter(() if (first["schema"], second["schema"]) == (1, 2) else (f"{first}, {second}",))),
            ("the functions are updated before the plan", lambda: the_functions_are_updated_before_the_plan(stack)),
            ("a second plan is empty", lambda: (f"{c['address']}: {c['change']['actions']}" for c in later if c["change"]["actions"] != ["no-op"])),
        ]
        failed = 0
        for what, check in checks:
            lines = list(check())
            failed += bool(lines)
            print(f"{'FAILED' if lines else 'ok'}: {what}", *lines, sep="\n  ", flush=True)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(str(Path(sys.argv[1]).absolute())))
