"""Does the script that installs Prometheus and Grafana say to kubectl and helm what it must? Both are stood in for.

Usage: python3 infra/tests/install_script_test.py       (needs bash and jq; skipped, and said so, without jq)
Exit code: 0, or 1 with one line per violation.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CHARTS = Path(__file__).resolve().parents[1] / "modules" / "cluster" / "charts"
TOPIC = "arn:aws:sns:eu-central-1:123456789012:shop-notices"
BOXES = {"primary": "eu-west-1", "database": "shop-orders", "database_kind": "aurora_global"}

# Writes down how it was called and keeps the files it was given. The secret is not there at first.
STAND_IN = """#!/bin/bash
echo "$(basename "$0") $*" >>"$CALLS/calls"
for argument in "$@"; do
    file=${argument##*=}
    [ -f "$file" ] && cp "$file" "$CALLS/$(basename "$file")"
done
[[ "$*" == *"get secret"* ]] && [ ! -f "$CALLS/password" ] && exit 1
[[ "$*" == *"--filename -"* ]] && cat >/dev/null
exit 0
"""


def run(home: Path, *arguments: str) -> tuple[str, subprocess.CompletedProcess[str]]:
    """One run of the script; what was called, and how it ended."""
    for name in ("aws", "kubectl", "helm"):
        stand_in = home / name
        stand_in.write_text(STAND_IN)
        stand_in.chmod(0o755)
    (home / "calls").write_text("")
    environment = {**os.environ, "PATH": f"{home}:{os.environ['PATH']}", "CALLS": str(home)}
    done = subprocess.run(
        ["bash", str(CHARTS / "install.sh"), "shop-monitoring", "eu-central-1", *arguments], env=environment, capture_output=True, text=True, check=False
    )
    return (home / "calls").read_text(), done


def violations(home: Path) -> list[str]:
    boxes = home / "told.json"
    boxes.write_text(json.dumps(BOXES))
    calls, done = run(home, "--alerts", TOPIC, "--boxes", str(boxes))
    found = [f"it failed: {done.stderr.strip()}"] if done.returncode else []
    password = (home / "password").read_text() if (home / "password").exists() else ""
    if len(password) != 48 or password in calls:
        found.append("Grafana's password isn't 48 characters of chance, or stands in a command")
    if "--values" not in calls or "topic_arn: " + TOPIC not in (home / "alerts.yaml").read_text():
        found.append("Alertmanager isn't told of the topic")
    installed = {name for name in ("database", "database-aurora", "fleet", "orchestrator", "replication", "replication-aurora") if f"create configmap pilotlight-{name} " in calls}
    if installed != {"database-aurora", "fleet", "orchestrator", "replication-aurora"}:
        found.append(f"of an Aurora database these dashboards are installed: {sorted(installed)}")
    shown = {v["name"]: v["current"]["value"] for v in json.loads((home / "replication-aurora.json").read_text())["templating"]["list"]}
    if (shown["primary"], shown["database"], shown["recovery"]) != ("eu-west-1", "shop-orders", "eu-central-1"):
        found.append(f"the boxes aren't filled: {shown}")
    calls, done = run(home)
    if "create secret" in calls:
        found.append("a second run makes another password")
    if "reach nobody" not in done.stderr:
        found.append("without a topic nobody is told that alerts reach nobody")
    if run(home, "--alarms", TOPIC)[1].returncode != 2:
        found.append("an unknown option is taken")
    return found


def main() -> int:
    if not shutil.which("jq"):
        print("skipped: jq isn't there, and the script needs it", file=sys.stderr)
        return 0
    with tempfile.TemporaryDirectory(prefix="charts-") as home:
        found = violations(Path(home))
    for line in found:
        print(line)
    print(f"install.sh: {len(found)} violations", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
