"""Does an upgrade of the modules leave what stands? Each folder of `upgrades` holds a stack and the state of it that an older
version of the modules applied. Terraform plans the stack with today's modules on that state: it may destroy and replace nothing.

The plan reads the state alone (-refresh=false). Of AWS it asks only whose account this is, and a stub here answers that.

Usage: python3 infra/tests/upgrade_test.py
Exit code: 0, or 1 with one line per resource that an upgrade would lose.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

INFRA = Path(__file__).resolve().parents[1]
ACCOUNT = "123456789012"
IDENTITY = f"""<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::{ACCOUNT}:root</Arn><UserId>{ACCOUNT}</UserId><Account>{ACCOUNT}</Account></GetCallerIdentityResult>
<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></GetCallerIdentityResponse>""".encode()
# What differs from a real account: the provider asks for nothing but the account.
OVERRIDE = "".join(
    f'provider "aws" {{\n  alias = "{side}"\n  skip_credentials_validation = true\n  skip_metadata_api_check = true\n}}\n'
    for side in ("primary", "recovery")
)
_MOVED = re.compile(r"^moved \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)

Change = dict[str, Any]


class Account(BaseHTTPRequestHandler):
    """Answers whose account it is, and nothing else."""

    def do_POST(self) -> None:
        asked = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200 if b"Action=GetCallerIdentity" in asked else 400)
        self.end_headers()
        self.wfile.write(IDENTITY)

    def log_message(self, *_arguments: Any) -> None:
        """Says nothing: Terraform shows what it can't do."""


def addresses(state: dict[str, Any]) -> set[str]:
    """The managed resources of a state, each instance by its address."""
    found = set()
    for resource in state["resources"]:
        if resource["mode"] == "managed":
            above = f"{resource['module']}." if "module" in resource else ""
            for instance in resource["instances"]:
                key = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
                found.add(f"{above}{resource['type']}.{resource['name']}{key}")
    return found


def planned(infra: Path, name: str, endpoint_url: str) -> list[Change]:
    """What Terraform plans for a stack of `upgrades` in a copy of infra."""
    folder = infra / "tests" / "upgrades" / name
    (folder / "upgrade_override.tf").write_text(OVERRIDE)
    shutil.copy(folder / "state.json", folder / "terraform.tfstate")
    environment = {
        **os.environ, "AWS_ENDPOINT_URL": endpoint_url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_EC2_METADATA_DISABLED": "true", "CHECKPOINT_DISABLE": "1",
    }
    for command in (["init"], ["plan", "-refresh=false", "-out=plan"], ["show", "-json", "plan"]):
        arguments = ["terraform", *command[:1], "-no-color", *(["-input=false"] if command[0] != "show" else []), *command[1:]]
        done = subprocess.run(arguments, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{name}: {' '.join(arguments)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    changes: list[Change] = json.loads(done.stdout)["resource_changes"]
    return [change for change in changes if change["mode"] == "managed"]


def losses(before: set[str], changes: list[Change]) -> list[str]:
    """What the upgrade would destroy, replace or forget."""
    lines = [
        f"{change['address']} would be {'replaced' if 'create' in change['change']['actions'] else 'destroyed'}"
        for change in changes
        if "delete" in change["change"]["actions"]
    ]
    kept = {change.get("previous_address", change["address"]) for change in changes if not {"forget"} & set(change["change"]["actions"])}
    return lines + [f"{address} would be forgotten" for address in sorted(before - kept)]


def without_moves(infra: Path) -> None:
    """Takes all `moved` blocks out of the modules."""
    for path in infra.glob("modules/**/*.tf"):
        path.write_text(_MOVED.sub("", path.read_text()))


def main() -> int:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Account)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint_url, lines, names = f"http://127.0.0.1:{server.server_port}", [], sorted(path.name for path in (INFRA / "tests" / "upgrades").iterdir())
    for name in names:
        before = addresses(json.loads((INFRA / "tests" / "upgrades" / name / "state.json").read_text()))
        with tempfile.TemporaryDirectory(prefix="upgrade-") as home:
            copy = Path(home) / "infra"
            for part in ("modules", "tests/upgrades"):
                shutil.copytree(INFRA / part, copy / part, ignore=shutil.ignore_patterns(".terraform*"))
            changes = planned(copy, name, endpoint_url)
            lines += [f"{name}: {line}" for line in losses(before, changes)]
            moved = sum("previous_address" in change for change in changes)
            # The test can fail: without the moves the same plan loses what was moved.
            without_moves(copy)
            unmoved = sum("delete" in change["change"]["actions"] for change in planned(copy, name, endpoint_url))
            if not moved or unmoved < moved:
                lines.append(f"{name}: {moved} resources are moved, but only {unmoved} would be destroyed without that")
            print(f"{name}: {len(before)} resources, {moved} of them move; without the moves {unmoved} would be destroyed", file=sys.stderr)
    for line in lines:
        print(line)
    print(f"{len(names)} upgrades, {len(lines)} losses", file=sys.stderr)
    return 1 if lines or not names else 0


if __name__ == "__main__":
    sys.exit(main())
