"""Does a second guard leave the first one as it is? Plans one stack with one guard and with two, and compares what is planned attribute by
attribute. All that is new must be the second guard's, nothing may be gone, and what changes is listed here: attributes that AWS changes in
place. What has the same address and the same attributes, an apply neither destroys nor replaces.

The provider is mocked: nothing is called. The stack is that of the module's wiring test of two guards.

Usage: python3 infra/tests/second_guard_test.py
Exit code: 0, or 1 with one line per thing that differs.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from policy_test import MODULE, copied

RUN = "both_regions_have_a_guard"
SECOND = "module.guard_primary[0]."
# What the first guard learns of the second one, and who may publish the second one's notices.
CHANGES = {
    'module.guard_recovery.aws_iam_role_policy.steps["alarm-handler"]: policy',
    'module.guard_recovery.aws_lambda_function.this["alarm-handler"]: environment',
    "module.topics_primary.aws_sns_topic_policy.notices: policy",
}

Planned = dict[str, dict[str, Any]]


def runs() -> str:
    """The wiring test's head and its stack of two guards, planned with one and with two. What only an apply tells stays unknown."""
    source = (MODULE / "tests" / "wiring.tftest.hcl").read_text()
    found = re.search(rf'^run "{RUN}" {{\n.*?^}}\n', source, re.MULTILINE | re.DOTALL)
    if found is None:
        raise SystemExit(f"wiring.tftest.hcl has no run {RUN}")
    head = re.sub(r"^override_resource \{\n.*?^\}\n", "", source[: source.index('\nrun "')], flags=re.MULTILINE | re.DOTALL)
    two = re.sub(r"^  (assert|override_resource) \{\n.*?^  \}\n", "", found[0], flags=re.MULTILINE | re.DOTALL)
    one, written = re.subn(r'^(    guards *= )"both"$', r'\1"standby"', two.replace(f'run "{RUN}"', 'run "one_guard"'), flags=re.MULTILINE)
    if written != 1:
        raise SystemExit(f"the run {RUN} doesn't say guards = \"both\" once")
    return "\n".join([re.sub(r"^  override_during = plan\n", "", head, flags=re.MULTILINE), one, two])


def planned() -> tuple[Planned, Planned]:
    """What Terraform plans with one guard and with two: by address, the attributes and which of them are unknown yet."""
    with tempfile.TemporaryDirectory(prefix="second-guard-") as directory:
        copy = copied(Path(directory), ".terraform*", "*.tftest.hcl")
        (copy / "tests" / "second_guard.tftest.hcl").write_text(runs())
        subprocess.run(["terraform", "init", "-input=false", "-no-color"], cwd=copy, check=True, stdout=subprocess.DEVNULL)
        done = subprocess.run(["terraform", "test", "-json", "-verbose"], cwd=copy, capture_output=True, text=True, check=False)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    plans = {e["@testrun"]: e["test_plan"]["resource_changes"] for e in events if e["type"] == "test_plan"}
    if done.returncode or set(plans) != {"one_guard", RUN}:
        wrong = [f"{e['diagnostic']['summary']}: {e['diagnostic'].get('detail', '')}" for e in events if e["type"] == "diagnostic"]
        raise SystemExit("\n".join(["terraform test gave no two plans:", *wrong, done.stderr]))
    one, two = (
        {r["address"]: {"known": r["change"]["after"], "unknown": r["change"]["after_unknown"]} for r in plans[name] if r["mode"] == "managed"}
        for name in ("one_guard", RUN)
    )
    return one, two


def differences(one: Planned, two: Planned) -> list[str]:
    """What a second guard does to what stands, other than what it must."""
    lines = [f"{address}: is gone" for address in sorted(one.keys() - two.keys())]
    lines += [f"{address}: is new, and not the second guard's" for address in sorted(two.keys() - one.keys()) if not address.startswith(SECOND)]
    changed = {
        f"{address}: {attribute}"
        for address in one.keys() & two.keys()
        for part in ("known", "unknown")
        for attribute in one[address][part].keys() | two[address][part].keys()
        if one[address][part].get(attribute) != two[address][part].get(attribute)
    }
    lines += [f"{change} differs" for change in sorted(changed - CHANGES)]
    return lines + [f"{change} is as it was, so this list is out of date" for change in sorted(CHANGES - changed)]


def unnoticed(one: Planned, two: Planned) -> list[str]:
    """The test can fail: plans that do harm, and are taken."""
    journal, function = "module.guard_recovery.aws_dynamodb_table.journal", 'module.guard_recovery.aws_lambda_function.this["alarm-handler"]'
    without = {address: planned for address, planned in two.items() if address != journal}
    harm = {
        "a journal that is gone": without,
        "a journal of another address": {**without, "module.guard_recovery.aws_dynamodb_table.log": two[journal]},
        "a journal of another name": {**two, journal: {**two[journal], "known": {**two[journal]["known"], "name": "shop-recovery-journal"}}},
        "a name that is unknown until the apply": {**two, journal: {**two[journal], "unknown": {**two[journal]["unknown"], "name": True}}},
        "a first guard that hears of nobody": {**two, function: one[function]},
    }
    return [f"not noticed: {what}" for what, plan in harm.items() if not differences(one, plan)]


def main() -> int:
    one, two = planned()
    lines = differences(one, two) or unnoticed(one, two)
    new = len(two.keys() - one.keys())
    if not one or not new:
        lines.append(f"{len(one)} resources with one guard, {new} more with two: there is nothing to compare")
    for line in lines:
        print(line)
    print(f"{len(one)} resources of one guard, {new} more with two, {len(lines)} differences", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
