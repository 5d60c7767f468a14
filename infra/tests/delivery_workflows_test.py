"""Do the deliveries' workflows do what they say? Their scripts are run by bash, with an `aws` that plays two regions.

What GitHub itself does with the workflows (events, environments, tokens) is not run by any test.

Usage: python3 infra/tests/delivery_workflows_test.py
Exit code: 0, or 1 with the cases that failed.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

WORKFLOWS = Path(__file__).resolve().parents[1] / "modules" / "delivery" / "workflows"

# Plays both regions: the state is a JSON file, every call that changes something a line of `calls`.
AWS = '''
import json, os, sys
path = os.environ["WORLD"]
with open(path) as file:
    world = json.load(file)
words = sys.argv[1:]
option = lambda name: words[words.index(name) + 1] if name in words else None
region = option("--region") or os.environ.get("AWS_REGION", "")
here = world["regions"].get(region, {})
called = " ".join(words[:2])
fail = called in here.get("fails", []) or here.get("lost", False)
answer = ""
if fail and called != "cloudfront create-invalidation":
    sys.exit(254)
if called == "ssm get-parameter":
    if here["tag"] is None:
        sys.exit(254)
    answer = here["tag"]
elif called == "ssm put-parameter":
    here["tag"] = option("--value")
    world["calls"].append(f"{region} tag {here['tag']}")
elif called == "autoscaling describe-auto-scaling-groups":
    answer = "arn:group" if "TargetGroupARNs" in option("--query") else here["wanted"]
elif called == "elbv2 describe-target-health":
    # While a refresh runs and after it, servers of a tag that doesn't run aren't healthy.
    answer = here["wanted"] - 1 if here["runs"] in world["broken"] else here["wanted"]
elif called == "autoscaling start-instance-refresh":
    here["runs"], here["refresh"], here["asked"] = here["tag"], "InProgress", 0
    world["calls"].append(f"{region} refresh {here['tag']}")
    answer = "refresh-1"
elif called == "autoscaling describe-instance-refreshes":
    here["asked"] += 1
    if here["refresh"] == "InProgress" and here["asked"] >= here.get("takes", 2):
        here["refresh"] = "Successful" if here["runs"] not in here.get("ends_badly", []) else "Failed"
    answer = here["refresh"]
elif called == "autoscaling cancel-instance-refresh":
    here["refresh"] = "Cancelled"
    world["calls"].append(f"{region} cancel")
elif called in ("s3 sync", "s3 cp"):
    world["calls"].append(f"{words[3]} {called}")
elif called == "cloudfront create-invalidation":
    world["calls"].append("invalidate")
with open(path, "w") as file:
    json.dump(world, file)
print(answer)
'''


def script(workflow: str, after: str) -> str:
    """The block of text that follows a line of a workflow, as YAML reads it."""
    lines = (WORKFLOWS / f"{workflow}.yml").read_text().splitlines()
    start = next(i for i, line in enumerate(lines) if after in line)
    begin = next(i for i in range(start, len(lines)) if lines[i].strip() == "run: |") + 1
    indent = len(lines[begin]) - len(lines[begin].lstrip())
    block = []
    for line in lines[begin:]:
        if line.strip() and len(line) - len(line.lstrip()) < indent:
            break
        block.append(line[indent:])
    return "\n".join(block) + "\n"


class Workflow(unittest.TestCase):
    """A world of two regions, and a runner's folder."""

    def setUp(self) -> None:
        self.home = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.home / "bin").mkdir()
        fake = self.home / "bin" / "aws"
        fake.write_text(f"#!{sys.executable} -SE\n{textwrap.dedent(AWS)}")
        fake.chmod(0o755)
        region = {"tag": "old", "runs": "old", "wanted": 2}
        self.world = {"regions": {"primary": dict(region), "recovery": {**region, "wanted": 0}}, "broken": [], "calls": []}

    def run_script(self, text: str, *arguments: str, **environment: str) -> int:
        world = self.home / "world.json"
        world.write_text(json.dumps(self.world))
        done = subprocess.run(
            ["bash", "-c", text, "script", *arguments], cwd=self.home, text=True, capture_output=True, check=False, timeout=300,
            env={"PATH": f"{self.home / 'bin'}:{os.environ['PATH']}", "WORLD": str(world), "RUNNER_TEMP": str(self.home),
                 "GITHUB_OUTPUT": str(self.home / "output"), "PAUSE_SECONDS": "0", **environment},
        )
        self.said = done.stdout + done.stderr
        self.world = json.loads(world.read_text())
        return done.returncode

    @property
    def calls(self) -> list[str]:
        return self.world["calls"]


class Service(Workflow):
    """A delivery of a service."""

    def setUp(self) -> None:
        super().setUp()
        self.assertEqual(self.run_script(script("service", "Write down how a region is delivered")), 0, getattr(self, "said", ""))

    def deliver(self, side: str, what: str = "deliver", polls: str = "9") -> int:
        return self.run_script((self.home / "region").read_text(), what, side, f"orders-{side}", TAG="new", TAG_PARAMETER="/tag", REPOSITORY="shop/orders", POLLS=polls)

    def output(self) -> str:
        path = self.home / "output"
        return path.read_text() if path.exists() else ""

    def test_a_release_that_runs_is_over_when_its_servers_are_well(self) -> None:
        self.assertEqual(self.deliver("primary"), 0, self.said)
        self.assertEqual(self.calls, ["primary tag new", "primary refresh new"])
        self.assertEqual(self.world["regions"]["primary"]["refresh"], "Successful")

    def test_a_region_at_rest_gets_the_tag_alone(self) -> None:
        self.assertEqual(self.deliver("recovery"), 0, self.said)
        self.assertEqual(self.calls, ["recovery tag new"])

    def test_servers_that_do_not_become_healthy_end_the_refresh_and_bring_the_old_tag_back(self) -> None:
        self.world["broken"], self.world["regions"]["primary"]["takes"] = ["new"], 9
        self.assertEqual(self.deliver("primary"), 1)
        self.assertEqual(self.calls, ["primary tag new", "primary refresh new", "primary cancel", "primary tag old", "primary refresh old"])
        self.assertEqual((self.world["regions"]["primary"]["tag"], self.world["regions"]["primary"]["runs"]), ("old", "old"))
        self.assertIn("broken=true", self.output())

    def test_servers_that_are_not_healthy_at_the_end_bring_the_old_tag_back(self) -> None:
        self.world["broken"] = ["new"]
        self.assertEqual(self.deliver("primary"), 1)
        self.assertEqual(self.calls[-2:], ["primary tag old", "primary refresh old"])

    def test_a_refresh_that_fails_brings_the_old_tag_back(self) -> None:
        self.world["regions"]["primary"]["ends_badly"] = ["new"]
        self.assertEqual(self.deliver("primary"), 1)
        self.assertEqual(self.calls, ["primary tag new", "primary refresh new", "primary tag old", "primary refresh old"])
        self.assertIn("ended as Failed", self.said)

    def test_a_refresh_without_an_end_is_ended(self) -> None:
        self.world["regions"]["primary"]["takes"] = 10_000
        self.assertEqual(self.deliver("primary", polls="3"), 1)
        self.assertIn("primary cancel", self.calls)
        self.assertEqual(self.world["regions"]["primary"]["tag"], "old")

    def test_a_release_may_mend_what_was_not_well(self) -> None:
        self.world["broken"], self.world["regions"]["primary"]["takes"] = ["old"], 8
        self.assertEqual(self.deliver("primary"), 0, self.said)

    def test_a_first_release_has_nothing_to_go_back_to_and_says_so(self) -> None:
        self.world["regions"]["primary"]["tag"], self.world["broken"] = None, ["new"]
        self.assertEqual(self.deliver("primary"), 1)
        self.assertIn("no tag was named before", self.said)

    def test_an_image_that_never_arrives_names_no_tag(self) -> None:
        self.world["regions"]["primary"]["fails"] = ["ecr describe-images"]
        self.assertEqual(self.deliver("primary"), 1)
        self.assertEqual((self.calls, self.output()), ([], ""))

    def test_a_lost_region_fails_without_calling_the_release_broken(self) -> None:
        self.world["regions"]["primary"]["lost"] = True
        self.assertEqual(self.deliver("primary"), 1)
        self.assertEqual(self.output(), "")

    def test_what_does_not_run_in_the_primary_is_taken_back_in_the_recovery_region(self) -> None:
        self.assertEqual(self.deliver("recovery"), 0, self.said)
        self.assertEqual(self.deliver("recovery", "restore"), 0, self.said)
        self.assertEqual(self.world["regions"]["recovery"]["tag"], "old")

    def test_the_steps_say_when_it_is_taken_back_and_when_all_failed(self) -> None:
        text = (WORKFLOWS / "service.yml").read_text()
        for condition in ("if: steps.recovery.outputs.broken != 'true'", "if: steps.primary.outputs.broken == 'true' && steps.recovery.outcome == 'success'",
                          "if: steps.recovery.outcome != 'success' || steps.primary.outcome != 'success'"):
            self.assertIn(condition, text)
        self.assertEqual(text.count("continue-on-error: true"), 2)
        self.assertRegex(text, r"(?s)Say what was not delivered.*exit 1\n$")


class Site(Workflow):
    """A delivery of the front end."""

    def upload(self) -> int:
        return self.run_script(script("site", "- name: Upload"), BUCKETS="site-primary site-recovery", DISTRIBUTION="E1", PRIMARY_REGION="primary", RECOVERY_REGION="recovery")

    def test_assets_of_both_buckets_come_before_the_document_of_either(self) -> None:
        (self.home / "site").mkdir()
        self.assertEqual(self.upload(), 0, self.said)
        what = [re.sub(r".* (s3 \w+)$", r"\1", call) for call in self.calls]
        self.assertEqual(what, ["s3 sync", "s3 sync", "s3 cp", "s3 cp", "invalidate"])
        self.assertEqual(sorted(re.findall(r"site-\w+", " ".join(self.calls))), ["site-primary", "site-primary", "site-recovery", "site-recovery"])

    def test_a_lost_primary_keeps_nothing_from_the_other_and_is_said(self) -> None:
        self.world["regions"]["primary"]["lost"] = True
        self.assertEqual(self.upload(), 1)
        self.assertEqual([call.split()[-1] for call in self.calls], ["sync", "cp", "invalidate"])
        self.assertIn("1 of 2 buckets", self.said)

    def test_where_nothing_answers_nothing_is_renewed(self) -> None:
        for region in self.world["regions"].values():
            region["lost"] = True
        self.assertEqual(self.upload(), 1)
        self.assertEqual(self.calls, [])

    def test_where_assets_are_wanting_the_document_stays(self) -> None:
        self.world["regions"]["primary"]["fails"] = ["s3 sync"]
        self.assertEqual(self.upload(), 1)
        self.assertEqual(sum("s3 cp" in call for call in self.calls), 1)


if __name__ == "__main__":
    result = unittest.main(exit=False, verbosity=0).result
    failed = len(result.failures) + len(result.errors)
    print(f"{result.testsRun - failed} passed, {failed} failed")
    sys.exit(1 if failed or not result.testsRun else 0)
