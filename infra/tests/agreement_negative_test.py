"""Can agreement_test.py fail? It is shown answers that disagree, and a module that has lost a rule.

Usage: python3 infra/tests/agreement_negative_test.py
Exit code: 0, or 1 with one line per disagreement that it didn't notice.
"""

from __future__ import annotations

import random
import sys

import agreement_test as agreement

LAG = "limits: lag_seconds_max is 0.5; it must be a whole number from 0 to 86400, a day."
LAG_PROBLEM = "limits.lag_seconds_max: is the number 0.5, not a whole number; give a whole number from 0 to 86400, or leave it out"
GROUP = "fleets[1].sides.recovery.group: is used by fleets[0].sides.recovery.group already; give every fleet a group of its own"
QUARANTINE = "databases: with mode automatic each needs a sides.primary.quarantine_security_group, or nothing cuts an old primary off that still answers."


def unnoticed_answers() -> list[str]:
    wrong = {
        "a plan that Terraform alone refuses": agreement.disagreement([LAG], [], []),
        "a plan that the functions alone refuse": agreement.disagreement([], [], [LAG_PROBLEM]),
        "a plan that is refused for two fields": agreement.disagreement([LAG], [], [LAG_PROBLEM.replace("lag", "rto")]),
        "other words of rules.tf": agreement.disagreement([], [GROUP], [GROUP.replace("already", "too")]),
        "what Terraform alone may refuse, beside what the functions refuse": agreement.disagreement([QUARANTINE], [], [LAG_PROBLEM]),
    }
    right = {
        "a plan that both take": agreement.disagreement([], [], []),
        "a plan that both refuse": agreement.disagreement([LAG], [], [LAG_PROBLEM]),
        "a line that both say": agreement.disagreement([], [GROUP], [GROUP]),
        "what Terraform alone may refuse": agreement.disagreement([QUARANTINE], [], []),
    }
    return [f"not noticed: {what}" for what, found in wrong.items() if not found] + [f"refused although right: {what}: {found}" for what, found in right.items() if found]


def unnoticed_losses() -> list[str]:
    """A rule is taken out of what is read of the module: plans that break it are then taken by Terraform alone."""
    draw = random.Random(7)
    broken = {"lag": agreement.good_plan(draw), "group": agreement.good_plan(draw)}
    broken["lag"]["limits"] = {"lag_seconds_max": 86400.5}  # longer than any heartbeat
    broken["witness"] = next(plan for plan in iter(lambda: agreement.good_plan(draw), None) if "witness" in plan)
    for database in broken["witness"]["databases"]:
        for side in database["sides"].values():
            side.pop("connection", None)
    region = broken["group"]["sides"]["recovery"]["region"]
    fleet = {"name": "web-9", "sides": {"recovery": {"group": "twice", "target_groups": [agreement.target_group(region, "x")], "serving": {"min": 1, "desired": 1, "max": 1}, "healthy_targets_min": 1}}}
    broken["group"]["fleets"] = [fleet, {**fleet, "name": "web-8"}]
    for route in broken["group"]["routes"]:
        route["after"] = []  # the fleets it waited for are gone
    read, lines = agreement.rules, []
    for lost in (None, "lag_seconds_max <= 86400", "local.used_twice", "local.witness_problems"):
        agreement.rules = lambda source, lost=lost: [rule for rule in read(source) if not lost or lost not in rule[0]]
        judged = agreement.terraform_judges(broken)
        functions = dict(zip(judged, agreement.functions_say([text for _, _, text in judged.values()]), strict=True))
        found = {name for name, (variables, whole, _) in judged.items() if agreement.disagreement(variables, whole, functions[name])}
        expected = {None: set(), "lag_seconds_max <= 86400": {"lag"}, "local.used_twice": {"group"}, "local.witness_problems": {"witness"}}[lost]
        if found != expected:
            lines.append(f"without the rule {lost}: {found} disagree instead of {expected}")
    agreement.rules = read
    return lines


def unnoticed_gaps() -> list[str]:
    """A rule that no plan breaks, a line that is never said, a field that no place is of."""
    kept = agreement.PLACES
    agreement.PLACES = [place for place in kept if not place[0].startswith("snapshots.option_groups")]
    said = agreement.unreached([])
    agreement.PLACES = kept
    wanted = ["no plan breaks the rule: mode: ", "no plan is refused with: closes a cycle", "no place is of the field snapshots.option_groups"]
    return [f"not noticed: {want}" for want in wanted if not any(line.startswith(want) for line in said)]


def main() -> int:
    lines = unnoticed_answers() + unnoticed_gaps() + unnoticed_losses()
    for line in lines:
        print(line)
    print(f"{len(lines)} not noticed", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
