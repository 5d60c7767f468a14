"""Do `terraform plan` and the functions refuse the same plans? Draws plans, good ones and slightly broken ones, and asks both.

What Terraform says is said by Terraform: the conditions of the orchestrator's variables and of the plan's parameters, with their
messages and the plan document itself, are taken out of the module as they stand and evaluated for all plans in one run (a real
plan for each would take most of a second). A few plans go through the module as it is, so that this is no other module. What the
functions say, their own reader says (`shared/protocol/examples/judge-plan.rs`).

A plan that one refuses and the other takes is a failure. So is one that both refuse for different fields, or that rules.tf
refuses in other words than the functions.

Usage: python3 infra/tests/agreement_test.py [--plans N] [--seed N] [--through-the-module N] [--every-value]
Needs the judge: $JUDGE_PLAN, or cargo to build it.
Exit code: 0, or 1 with what disagrees.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MODULE = Path(__file__).resolve().parents[1] / "modules" / "orchestrator"
PARTS = ("guard", "topics")  # the modules that it is made of
ACCOUNT, OTHER_ACCOUNT = "123456789012", "210987654321"
# Plans in one run of Terraform: what it holds in memory grows with them.
AT_ONCE = 100
# What the document of a plan can't say, so that the functions can't refuse it. Each is a rule about a deployment, and stands in docs/decisions/0121.
TERRAFORM_ALONE = {
    "databases: with mode automatic each needs a sides.primary.quarantine_security_group": "an older plan goes on without",
    "parameters: are copied from and to another account": "the external id is the deployment's",
    "sides.primary.external_id: has": "the external id is the deployment's",
    "sides.primary.account: is the recovery side's account too": "the document names the account of each side, the same or not",
    "sides.recovery.account: is not": "the document names the account that the providers work in",
    "sides: account of primary or recovery is not": "of the recovery side the document names the account that the providers work in",
    "parameters: key_arns must be ARNs of keys": "the functions take an alias too, but a role's policy can't",
}

Case = dict[str, Any]

# --- The rules, taken out of the module ------------------------------------------------------------------------

_BLOCK = re.compile(r"^( *)(?:validation|precondition) \{\n(.*?)^\1\}\n", re.MULTILINE | re.DOTALL)
_RULE = re.compile(r"^ *condition\s*= (?P<condition>.*?)^ *error_message\s*= (?P<message>.*)\Z", re.MULTILINE | re.DOTALL)
_TOP = re.compile(r"^(?:resource|data|output|terraform)\b[^\n]*\{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
# What a provider would say, of the account that a drawn plan lies in.
_KNOWN = {
    r"data\.aws_caller_identity\.(primary|recovery)\.account_id": f'"{ACCOUNT}"',
    r"data\.aws_partition\.recovery\.partition": '"aws"',
    r"data\.aws_region\.(primary|recovery)\.id": r"var.sides.\1.region",
}


def rules(source: str) -> list[tuple[str, str]]:
    """Condition and message of every rule in a file, as they are written."""
    found = []
    for block in _BLOCK.finditer(source):
        rule = _RULE.search(re.sub(r"^\s*#.*\n", "", block[2], flags=re.MULTILINE))
        if rule is None:
            raise SystemExit(f"a rule that isn't understood:\n{block[0]}")
        found.append((rule["condition"].strip(), rule["message"].strip()))
    return found


def without_providers(source: str) -> str:
    """A file's variables and locals; what a provider knows is known."""
    source = _TOP.sub("", _BLOCK.sub("", source))
    for pattern, known in _KNOWN.items():
        source = re.sub(pattern, known, source)
    return source


def judging_module(folder: Path, files: list[str], judged: str) -> None:
    """The module's variables and locals, and an output with what the rules of one of its files say."""
    folder.mkdir(parents=True)
    for name in files:
        text = without_providers((MODULE / name).read_text())
        # A variable that a drawn plan leaves out has its default; each of these has null, or none.
        if name == "variables.tf":
            text = re.sub(r"^  default( *)= (?!null)", r"  nullable = false\n  default\1= ", text, flags=re.MULTILINE)
        (folder / name).write_text(text)
    written = rules((MODULE / judged).read_text())
    for pattern, known in _KNOWN.items():
        written = [(re.sub(pattern, known, c), re.sub(pattern, known, m)) for c, m in written]
    lines = [f"    try((\n{condition}\n    ), false) ? null : try({message}, \"refused\"),\n" for condition, message in written]
    (folder / "judged.tf").write_text(f'output "refusals" {{\n  value = [for said in [\n{"".join(lines)}  ] : said if said != null]\n}}\n')


def terraform_says(cases: dict[str, Case], files: list[str], judged: str, with_plan: bool) -> dict[str, tuple[list[str], str]]:
    """Of each plan: the messages of the rules it breaks, and its document."""
    names = re.findall(r'^variable "([a-z_]+)"', (MODULE / "variables.tf").read_text(), re.MULTILINE)
    answers: dict[str, tuple[list[str], str]] = {}
    with tempfile.TemporaryDirectory(prefix="agreement-") as home:
        folder = Path(home)
        judging_module(folder / "case", files, judged)
        if with_plan:
            (folder / "case" / "document.tf").write_text('output "plan" {\n  value = local.plan_json\n}\n')
        arguments = "".join(f"  {name} = try(each.value.{name}, null)\n" for name in names)
        plan = "one.plan" if with_plan else '""'
        (folder / "main.tf").write_text(
            'locals {\n  cases = jsondecode(file("${path.module}/cases.json"))\n}\n\n'
            f'module "case" {{\n  source   = "./case"\n  for_each = local.cases\n{arguments}}}\n\n'
            f'output "answers" {{\n  value = {{ for name, one in module.case : name => [one.refusals, {plan}] }}\n}}\n'
        )
        (folder / "packages").mkdir()
        run(["terraform", "init", "-input=false", "-no-color"], folder)
        all_names = list(cases)
        for start in range(0, len(all_names), AT_ONCE):
            part = {name: {**cases[name], "package_dir": str(MODULE / "tests" / "packages")} for name in all_names[start : start + AT_ONCE]}
            (folder / "cases.json").write_text(json.dumps(part))
            run(["terraform", "apply", "-auto-approve", "-input=false", "-no-color", "-refresh=false"], folder)
            said = json.loads(run(["terraform", "output", "-json", "answers"], folder))
            answers |= {name: (refusals, text) for name, (refusals, text) in said.items()}
            (folder / "terraform.tfstate").unlink()
    return answers


def run(command: list[str], folder: Path, stdin: str | None = None) -> str:
    done = subprocess.run(command, cwd=folder, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-6000:]}{done.stderr[-6000:]}")
    return done.stdout


# --- Plans by chance -------------------------------------------------------------------------------------------


def rds(region: str, name: str, account: str = ACCOUNT, kind: str = "db") -> str:
    return f"arn:aws:rds:{region}:{account}:{kind}:{name}"


def balancer(region: str, name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}/0123456789abcdef"


def target_group(region: str, name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:elasticloadbalancing:{region}:{account}:targetgroup/{name}/0123456789abcdef"


def function(region: str, name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:lambda:{region}:{account}:function:{name}"


def endpoint_group(name: str) -> str:
    return f"arn:aws:globalaccelerator::{ACCOUNT}:accelerator/a1/listener/l1/endpoint-group/{name}"


def alarm(region: str, name: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"


def good_plan(draw: random.Random) -> Case:
    """A plan that both take."""
    primary, recovery = draw.choice([("us-east-2", "us-west-1"), ("eu-central-1", "eu-west-1"), ("af-south-1", "ap-northeast-3"), ("us-east-1", "us-west-2")])
    two_accounts = draw.random() < 0.15
    elsewhere = OTHER_ACCOUNT if two_accounts else ACCOUNT
    databases = [] if two_accounts else [good_database(draw, primary, recovery, i) for i in range(draw.choice([0, 1, 1, 2, 3]))]
    # A plan of both ways has everything on both sides.
    regions = {"primary": primary, "recovery": recovery} if draw.random() < 0.5 else {"recovery": recovery}
    fleets = []
    for i in range(draw.choice([0, 1, 1, 2])):
        fleets.append({
            "name": f"web-{i}", "sides": {side: good_fleet_side(draw, region, elsewhere if side == "primary" else ACCOUNT, i) for side, region in regions.items()},
            "after": draw.sample([d["name"] for d in databases] + [f["name"] for f in fleets], k=min(len(databases) + i, draw.randint(0, 1))),
        })
    routes = []
    for i in range(draw.choice([1, 1, 1, 2])):
        route: Case = {
            "name": f"front-{i}",
            "sides": {
                "primary": {"endpoint_group": endpoint_group(f"p{i}"), "endpoint": balancer(primary, f"shop-{i}", elsewhere)},
                "recovery": {"endpoint_group": endpoint_group(f"r{i}"), "endpoint": balancer(recovery, f"shop-{i}"), "weight": draw.randint(1, 255)},
            },
            "after": draw.sample([x["name"] for x in databases + fleets + routes], k=min(len(databases + fleets + routes), draw.randint(0, 2))),
        }
        for side in regions:
            if draw.random() < 0.4:
                route["sides"][side]["probe"] = {"name": f"front-{i}-{side}", "url": draw.choice(GOOD_URLS)}
        routes.append(route)
    case: Case = {
        "name": "shop", "sides": {"primary": {"region": primary}, "recovery": {"region": recovery}}, "databases": databases, "fleets": fleets, "routes": routes,
        "detection": {"sides": {"primary": {
            "alarms": draw.sample([alarm(primary, "web unhealthy: Läden/1", elsewhere), alarm(primary, "5xx", elsewhere), alarm(recovery, "lag")], k=draw.randint(0, 3)),
            "probes": draw.sample(good_probes(draw), k=draw.randint(1, 3)),
        }}},
    }
    if "primary" in regions:
        watched = [{**probe, "name": f"{probe['name']}-other"} for probe in good_probes(draw)]
        case["detection"]["sides"]["recovery"] = {"alarms": draw.sample([alarm(recovery, "unhealthy"), alarm(recovery, "lag")], k=draw.randint(0, 2)), "probes": draw.sample(watched, k=draw.randint(0, 3))}
    if draw.random() < 0.3:
        case["detection"]["watch_seconds"] = draw.choice([5, 20, 60])
    if two_accounts:
        case["sides"]["primary"] |= {"account": OTHER_ACCOUNT, "external_id": "shop-7f3a"}
    if draw.random() < 0.3:
        case["limits"] = {"lag_seconds_max": draw.choice([0, 86400]), "rto_seconds": draw.choice([1801, 604800]), "approval_seconds_max": draw.choice([60, 604800])}
    if not two_accounts and draw.random() < 0.5:
        case["snapshots"] = {"schedule": draw.choice(GOOD_SCHEDULES), "keep": draw.choice([{}, {"daily": 2, "weekly": 0, "monthly": 0}]), "except": [d["name"] for d in databases[:1]]}
    if draw.random() < 0.4:
        case["parameters"] = {"include": draw.choice([["/shop/**"], ["/shop/*/url", "/Pay.ments/a_b-c/**"], ["/" + "/".join("abcdefghijklmno")]]), "exclude": draw.choice([[], ["/shop/own/**"]])}
    if draw.random() < 0.3 and (case["detection"]["sides"]["primary"]["alarms"] or any(d.get("kind") != "aurora_global" for d in databases)):
        case["mode"] = "automatic"
    if draw.random() < 0.5:
        add_witness(draw, case)
    return case


def add_witness(draw: random.Random, case: Case) -> None:
    """A witness on one side or on both, and where it logs in; without an RDS instance there is none."""
    instances = [d for d in case["databases"] if d.get("kind") != "aurora_global"]
    if not instances:
        return
    sides = draw.choice([["recovery"], ["primary"], ["primary", "recovery"], ["primary", "recovery"]])
    case["witness"] = {"sides": {side: {"function": function(case["sides"][side]["region"], draw.choice(["shop-database-witness", "W_1", "a" * 64]))} for side in sides}}
    for side in sides:
        for database in draw.sample(instances, k=draw.randint(1, len(instances))):
            database["sides"][side]["connection"] = {
                "host": draw.choice([f"shop-{side}.abc123.rds.amazonaws.com", "10.0.0.1", "DB"]), "database": draw.choice(["shop", "Shop_1", "_a$-"]),
                **({"port": draw.choice([1, 5433, 65535])} if draw.random() < 0.5 else {}),
            }
    if case.get("limits", {}).get("lag_seconds_max") == 0:
        case["witness"]["heartbeat_seconds"] = 0
    elif draw.random() < 0.5:
        case["witness"] |= {"heartbeat_seconds": draw.choice([0, 1, 59]), "user": draw.choice(["pilotlight_witness", "_w", "a" * 63])}


def good_fleet_side(draw: random.Random, region: str, account: str, i: int) -> Case:
    desired = draw.randint(1, 4)
    side: Case = {
        "group": draw.choice([f"shop-web-{i}", f"Shop Web {i} (blue)"]),
        "target_groups": [target_group(region, f"web-{i}-{j}", account) for j in range(draw.randint(1, 2))],
        "serving": {"min": draw.randint(0, desired), "desired": desired, "max": desired + draw.randint(0, 4)},
        "healthy_targets_min": draw.randint(1, desired),
    }
    return side | ({"resting": {"min": 0, "desired": draw.randint(0, 1), "max": 1}} if draw.random() < 0.4 else {})


def good_database(draw: random.Random, primary: str, recovery: str, i: int) -> Case:
    name = draw.choice([f"orders-{i}", f"Shop-Orders-{i}"])
    database: Case = {"name": f"orders-{i}", "after": [f"orders-{i - 1}"] if i and draw.random() < 0.4 else []}
    kind, backups = "db", {"backup_retention_days": draw.randint(1, 35)} if draw.random() < 0.3 else {}
    if draw.random() < 0.3:
        kind, backups = "cluster", {}
        database |= {"kind": "aurora_global", "global_cluster": name}
    return database | {"sides": {
        "primary": {"arn": rds(primary, name, kind=kind), "quarantine_security_group": "sg-0abc", **backups},
        "recovery": {"arn": rds(recovery, f"{name}-replica", kind=kind), **backups},
    }}


def good_probes(draw: random.Random) -> list[Case]:
    return [
        {"kind": "http", "name": "front-primary", "url": draw.choice(GOOD_URLS), "expect_status": draw.choice([100, 200, 599])},
        {"kind": "http", "name": "api", "url": draw.choice(GOOD_URLS), "timeout_seconds": draw.choice([1, 10])},
        {"kind": "tcp", "name": "db", "host": draw.choice(["10.0.0.1", "2001:db8::1", "::1", "db_1.shop.example.com", "a" * 63]), "port": draw.choice([1, 5432, 65535])},
    ]


GOOD_URLS = ["https://primary.shop.example.com/health", "http://10.0.0.1:8080", "http://[2001:db8::1]:80/h?deep=1&x=%20~", "https://shop_1.example.com:65535/a//b?c=d/e?f", "http://xn--lden-loa.example.com/"]
GOOD_SCHEDULES = [
    "cron(0 3 * * ? *)", "cron(15 0/6 * * ? *)", "cron(0 3,15 * * ? *)", "cron(0 3 ? * 1 *)", "cron(0 3 ? * MON-FRI *)", "cron(30 1 L * ? *)", "cron(0 3 1 JAN ? *)",
    "cron(0 3 ? * 2#1 *)", "cron(0 3 ? * 6L *)", "cron(59 23 LW * ? 2026-2030)", "cron(0 3 29 2 ? *)", "cron(0 3 29 FEB ? 2028)", "cron(0 */5 1,15W jul ? *)", "cron(0 3 ? WED#2 MON *)".replace("WED#2", "*"),
    "cron(0 3 ? * wed,SAT#5 *)", "cron(0 3 31 1,3/2 ? *)",
]

# --- Slips -----------------------------------------------------------------------------------------------------

# What may stand at a place: a path into a plan (a number is an item of a list, * any of them), and values. A value may be right:
# that both take it is as good a test.
SIDES = ("primary", "recovery")
PLACES: list[tuple[str, list[Any]]] = [
    ("name", ["äbc", "a.b", "Shop", "ab", "abc", "a" * 31, "a" * 32, "shop-", "sh--op", "1shop", "sh_op", ""]),
    ("mode", ["automatic", "approve", "auto", ""]),
    ("sides.primary.region", ["us-isoc-east-1", "us-iso-east-1", "us-isof-south-1", "eu-isoe-west-1", "eu-isob-west-1", "us-west-2", "us-gov-west-1", "cn-north-1", "eusc-de-east-1", "us-isob-east-1", "ohio", "US-EAST-2", "us-east-2a", "me-west-1", "ap-northeast-3", "us-east-22", "use-east-2"]),
    ("sides.recovery.region", ["us-east-2", "af-south-1", "sa-west-1", "us-gov-west-1", "eusc-de-east-1", "ap-northeast-3", "us--2", "xx-future-9", "us-east-222", "eu-west-1"]),
    ("sides.primary.account", [OTHER_ACCOUNT, ACCOUNT, "2109", "21098765432l", ""]),
    ("sides.primary.external_id", ["shop-7f3a", "a", "two words", "a" * 1224, "a" * 1225]),
    ("sides.recovery.account", [ACCOUNT, OTHER_ACCOUNT, "12"]),
    ("databases.*.name", ["Orders", "orders_1", "1orders", "a" * 40, "a" * 41, "orders--1", "orders-", "front-0", "web-0", "orders-0", ""]),
    ("databases.*.kind", ["rds_replica", "aurora_global", "aurora", ""]),
    ("databases.*.global_cluster", ["shop", "Shop-Orders-0", "orders-0", "1shop", "arn:aws:rds::123456789012:global-cluster:shop", "a" * 63, "a" * 64, ""]),
    *((f"databases.*.sides.{side}.arn", [
        "shop-orders", "", "arn:awsx:rds:us-east-2:123456789012:db:orders", "arn:aws-1:rds:us-west-1:123456789012:db:orders", rds("us-east-2", "örders"), rds("us-east-2", "orders:1"), rds("us-east-2", "Shop-Orders-0"), rds("us-west-1", "shop-orders-0-replica"), rds("us-east-2", "orders-0"), rds("us-east-2", "orders-0", OTHER_ACCOUNT),
        rds("us-west-1", "orders-0-replica", "1234"), rds("us-east-2", "a" * 63), rds("us-east-2", "a" * 64), rds("us-east-2", "or.ders"), rds("us-east-2", "*"), rds("us-east-2", "orders", kind="cluster"),
        rds("us-west-1", "orders", kind="cluster"), "arn:aws-cn:rds:us-east-2:123456789012:db:orders", "arn:aws-cn:rds:us-west-1:123456789012:db:orders", "arn:aws:rds:eu-west-3:123456789012:db:orders",
    ]) for side in SIDES),
    *((f"databases.*.sides.{side}.backup_retention_days", [-0.0, 1e20, 0, 1, 35, 36, 7.5, 300, -1]) for side in SIDES),
    *((f"databases.*.sides.{side}.quarantine_security_group", ["sg-0abc", "sg-", "quarantine", "sg-ABC", "sg-" + "a" * 33, "sg-xyz", ""]) for side in SIDES),
    *((f"databases.*.sides.{side}.connection", [None, {"host": "shop.example.com", "database": "shop"}]) for side in SIDES),
    *((f"databases.*.sides.{side}.connection.host", ["", "a", "-a", "a-", ".a", "a.", "a..b", "a_b", "a b", "shop.example.com:5432", "postgres://shop", "[::1]", "::1", "10.0.0.1", "a" * 253, "a" * 254, "läden.example.com", "SHOP.example.com"]) for side in SIDES),
    *((f"databases.*.sides.{side}.connection.port", [-0.0, 0, 1, 65535, 65536, 5432.5, -1, 1e20]) for side in SIDES),
    *((f"databases.*.sides.{side}.connection.database", ["", "shop", "_", "1shop", "$shop", "-shop", "sh$op-1_", "sh op", "shop;", "läden", "a" * 63, "a" * 64]) for side in SIDES),
    ("databases.*.after", [["Orders-0"], [""], ["orders-0"], ["orders-1"], ["orders-2"], ["orders-0", "orders-0"], ["web-0"], ["nobody"], ["orders-1", "orders-2"]]),
    ("witness", [None]),
    ("witness.user", ["", "_", "w", "1w", "Witness", "wit-ness", "wit ness", "wit$ness", "wïtness", "a" * 63, "a" * 64]),
    ("witness.heartbeat_seconds", [-0.0, 0, 1, 59, 60, 61, 2.5, -1, 255, 256, 1e20]),
    ("witness.sides", [{}, {"primary": None, "recovery": None}]),
    *((f"witness.sides.{side}", [None]) for side in SIDES),
    *((f"witness.sides.{side}.function", [
        "", "shop-database-witness", function("us-east-2", "w"), function("us-west-1", "w"), function("us-east-2", "w", OTHER_ACCOUNT), function("us-west-1", "w", OTHER_ACCOUNT), function("us-west-1", "w", "1234"), function("us-east-2", "a" * 64), function("us-west-1", "a" * 65),
        function("us-west-1", "w:7"), function("us-east-2", "w:live"), function("us-west-1", "*"), function("us-west-1", "w.1"), function("us-west-1", "wïtness"), function("us-west-1", ""), function("", "w"), "arn:aws:lambda:us-west-1:123456789012:layer:w", "arn:aws:sns:us-west-1:123456789012:function:w",
        "arn:aws-cn:lambda:us-west-1:123456789012:function:w", "arn:aws-us-gov:lambda:us-east-2:123456789012:function:w", "arn:awsx:lambda:us-west-1:123456789012:function:w", "arn:aws-1:lambda:us-west-1:123456789012:function:w", "arn:aws:lambda:us-west-1::function:w",
    ]) for side in SIDES),
    ("fleets.*.name", ["web_0", "orders-0", "front-0", "web-1", "a" * 41, ""]),
    ("fleets.*.kind", ["auto_scaling_group", "ecs"]),
    *((f"fleets.*.sides.{side}.group", ["${x}", " shop", "a:b", "shop-*", "shop-?", "", "a" * 255, "a" * 256, "läden", "shop web", "shop-web-0", "tab\tname", "a/b"]) for side in SIDES),
    *((f"fleets.*.sides.{side}.target_groups", [
        ["arn:aws-cn:elasticloadbalancing:us-west-1:123456789012:targetgroup/x/0123"], ["arn:awsx:elasticloadbalancing:us-west-1:123456789012:targetgroup/x/0123"],
        [target_group("us-west-1", "ä" * 980)], [target_group("us-west-1", "ä" * 990)], [target_group("us-west-1", "a" * 1967)], [target_group("us-west-1", "a" * 1968)], [target_group("us-west-1", "*")], [], ["shop-web"], [target_group("us-west-1", "web-0-0")] * 2, ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web"],
        [target_group("us-west-1", "x")], [target_group("us-east-2", "x")], ["arn:aws:elasticloadbalancing:us-west-1:210987654321:targetgroup/shop-web/0123"],
        ["arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/shop-web/0123/4"], [balancer("us-west-1", "shop")],
    ]) for side in SIDES),
    *((f"fleets.*.sides.{side}.{size}", [{"min": -0.0, "desired": 1, "max": 1}, {"min": 0, "desired": 1, "max": 1e20}, {"min": 2, "desired": 1, "max": 4}, {"min": 0, "desired": 5, "max": 4}, {"min": 0, "desired": 0, "max": 0}, {"min": 1.5, "desired": 2, "max": 4}, {"min": 0, "desired": 4, "max": 100000}, {"min": 0, "desired": 4, "max": 100001}, {"min": -1, "desired": 4, "max": 4}]) for side in SIDES for size in ("serving", "resting")),
    *((f"fleets.*.sides.{side}.healthy_targets_min", [0, 1, 2, 5, 1.5, -1]) for side in SIDES),
    ("fleets.*.after", [["web-0"], ["web-1"], ["web-0", "web-0"], ["front-0"], ["nobody"], ["orders-0", "orders-0"]]),
    ("routes", [[]]),
    ("routes.*.name", ["Front", "web-0", "front-1", "front-0", ""]),
    ("routes.*.kind", ["global_accelerator", "route53"]),
    *((f"routes.*.sides.{side}.weight", [0, 1, 255, 256, 1.5, -1]) for side in SIDES),
    *((f"routes.*.sides.{side}.endpoint_group", [
        endpoint_group("ü" * 1100), "arn:aws-cn:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p", "arn:awsx:globalaccelerator::123456789012:accelerator/a/listener/l/endpoint-group/p",
        endpoint_group("p0"), endpoint_group("r0"), endpoint_group("p*"), endpoint_group("p?"), "front", "arn:aws:globalaccelerator::123456789012:accelerator/a/endpoint-group/p",
        "arn:aws:globalaccelerator::123456789012:accelerator/a/listener/l/x/endpoint-group/p", "arn:aws:globalaccelerator::210987654321:accelerator/a/listener/l/endpoint-group/p",
        "arn:aws:globalaccelerator:us-west-2:123456789012:accelerator/a/listener/l/endpoint-group/p",
    ]) for side in SIDES),
    *((f"routes.*.sides.{side}.endpoint", [
        balancer("us-west-1", "ü" * 1100), "arn:aws-us-gov:elasticloadbalancing:us-west-1:123456789012:loadbalancer/app/shop/0123", "arn:awsx:elasticloadbalancing:us-east-2:123456789012:loadbalancer/app/s/0123",
        balancer("us-east-2", "shop-0"), balancer("us-west-1", "shop-0"), balancer("us-east-2", "shop", OTHER_ACCOUNT), balancer("us-west-1", "shop", OTHER_ACCOUNT), balancer("us-east-2", "shop", "333333333333"),
        "arn:aws:ec2:us-east-2:123456789012:instance/i-0abc", "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/classic", target_group("us-east-2", "shop"),
        "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/net/shop/1", "arn:aws:elasticloadbalancing:us-east-2:123456789012:loadbalancer/gwy/shop/1", "i-0abc",
    ]) for side in SIDES),
    ("routes.*.after", [["front-0"], ["front-1"], ["front-1", "front-1"], ["orders-0", "web-0"], ["nobody"], ["web-0", "web-0"]]),
    *((f"routes.*.sides.{side}.probe", [
        {"name": "x", "url": "https://shop.example.com", "expect_status": 600}, {"name": "x", "url": "https://shop.example.com", "timeout_seconds": 11}, {"name": "x", "url": "https://[00001::1]/"},
        {"name": "Front Recovery", "url": "https://shop.example.com"}, {"name": "front-primary", "url": "https://shop.example.com"}, {"kind": "tcp", "name": "x", "url": "https://shop.example.com"},
        {"name": "x", "url": "https://user:word@shop.example.com"}, {"name": "x", "url": "shop.example.com"}, {"name": "x", "url": "https://shop.example.com", "timeout_seconds": 0},
        {"name": "x", "url": "https://shop.example.com", "timeout_seconds": 2.5}, {"name": "x", "url": "https://shop.example.com", "expect_status": 99}, {"name": "front-0-recovery", "url": "https://shop.example.com"},
    ]) for side in SIDES),
    *((f"detection.sides.{side}.alarms", [
        # A name may hold what looks like another part of an ARN; letters of other alphabets take two bytes and more.
        [alarm("us-west-1", "a:us-east-2:b")], [alarm("us-west-1", "a:us-east-2:210987654321:b")], [alarm("us-east-2", "ä" * 1000)], [alarm("us-east-2", "ä" * 1020)], [alarm("us-east-2", "é"), alarm("us-east-2", "e\u0301")],
        [alarm("us-east-2", "a"), alarm("us-east-2", "A")], [alarm("us-east-2", "\u0085")], [alarm("us-east-2", "<&>\u2028${x}")], ["arn:awsx:cloudwatch:us-east-2:123456789012:alarm:a"], ["arn:aws-1:cloudwatch:us-east-2:123456789012:alarm:a"],
        [alarm("us-east-2", "a")] * 2, [alarm("us-east-2", "a", OTHER_ACCOUNT)], [alarm("us-west-1", "a", OTHER_ACCOUNT)], [alarm("eu-west-3", "a")], ["arn:aws:cloudwatch:us-east-2:123456789012:alarm/a"],
        ["arn:aws-us-gov:cloudwatch:us-east-2:123456789012:alarm:a"], [alarm("us-east-2", "")], [alarm("us-east-2", "a\nb")], ["shop-down"], [], [alarm("us-east-2", "a" * 2050)], [alarm("us-east-2", "a*?")],
    ]) for side in SIDES),
    *((f"detection.sides.{side}.probes", [[], [{"kind": "http", "name": f"p-{i}", "url": "http://a"} for i in range(32)], [{"kind": "http", "name": f"p-{i}", "url": "http://a"} for i in range(33)], [{"kind": "tcp", "name": "x", "host": "a", "port": 1}] * 2]) for side in SIDES),
    *((f"detection.sides.{side}.probes.*.name", ["the db", "DB", "api", "front-primary", "front-0-recovery", ""]) for side in SIDES),
    *((f"detection.sides.{side}.probes.*.kind", ["http", "tcp", "icmp"]) for side in SIDES),
    *((f"detection.sides.{side}.probes.*.timeout_seconds", [0, 1, 10, 11, 2.5, -1]) for side in SIDES),
    *((f"detection.sides.{side}.probes.*.expect_status", [0, 99, 100, 599, 600, 200.5]) for side in SIDES),
    *((f"detection.sides.{side}.probes.*.port", [0, 1, 65535, 65536, 80.5, -1]) for side in SIDES),
    *((f"detection.sides.{side}.probes.*.host", ["00001::1", "::ffff:01.2.3.4", "::ffff:1.2.3.04", "1:2:3:4:5:6:7::", "1::0ffff", "::ffff:100.20.30.40", "db!", "a b", "http://db", "db:5432", "", "a" * 64, "-a-", "2001:db8::1", "[::1]", "::ffff:1.2.3.4", "1:2", "fe80::1%eth0", "db.example.com.", "a..b", "läden.example.com", ".".join(["a" * 49] * 5), ".".join(["a" * 50] * 5)]) for side in SIDES),
    *((f"detection.sides.{side}.probes.*.url", [
        "https://[00001::1]/", "https://[::ffff:01.2.3.4]/", "https://[::ffff:100.20.30.40]/", "https://[1.2.3.4]/", "https://[::1]x/",
        "", "https:///health", "https://läden.example.com/", "https://shop.example.com./health", "https://shop.example.com:84430/", "https://shop.example.com:0/", "https://shop.example.com:/", "https://shop.example.com:65535",
        "ftp://shop.example.com/", "HTTPS://shop.example.com/", "https://SHOP.example.com/", "https://user@shop.example.com/", "https://shop.example.com/a@b", "https://shop.example.com/a b", "https://shop.example.com/#x",
        "https://shop.example.com/a|b", "https://shop.example.com/{x}", "https://shop.example.com?x=1", "https://[::1]/", "https://[::1", "https://[::g]/", "https://::1/", "https://shop..com/", "https://a:b:1/", "https://shop.example.com/<x>",
        "https://" + "a" * 64 + "/", "https://shop.example.com/" + "a" * 2023, "https://shop.example.com/" + "a" * 2024, "https://shop!.example.com/", "https://shop.example.com:080/", "https://shop.example.com:000080/", "shop.example.com",
        "https://shop.example.com/%zz", "https://shop.example.com/\\x", "https://[::ffff:1.2.3.4]:80/", "https://shop.example.com/ä",
    ]) for side in SIDES),
    ("detection.confirm_seconds", [9, 10, 900, 901, 22.5, -1]),
    ("detection.signal_age_seconds_max", [29, 30, 3600, 3601, 60.5]),
    ("detection.watch_seconds", [-0.0, 0, 4, 5, 30, 60, 61, 7.5, -1, 1e20]),
    ("detection.cooldown_seconds", [-0.0, 1e20, -1, 0, 86400, 86401, 0.5]),
    ("limits.lag_seconds_max", [-0.0, 1e20, -1, 0, 86400, 86401, 0.5]),
    ("limits.rto_seconds", [59, 60, 604800, 604801, 3600.5, 900]),
    ("limits.approval_seconds_max", [59, 60, 604800, 604801, 1800.25]),
    *((f"limits.step_seconds_max.{step}", [30, 31, 120, 121, 170, 171, 840, 841, 3599, 3600, 900.5]) for step in ("scale", "fence", "promote", "open", "verify", "quarantine")),
    *((f"function_timeout_seconds.{function}", [29, 30, 120, 179, 180, 239, 240, 900, 901, 100.5]) for function in ("alarm_handler", "promote_replica", "scale_asg", "shift_traffic")),
    ("snapshots.schedule", [
        "cron(0 25 * * ? *)", "cron(0 24 * * ? *)", "cron(60 3 * * ? *)", "cron(0 3 ? * 0 *)", "cron(0 3 ? * 8 *)", "cron(0 3 1 * MON *)", "cron(0 3 ? * ? *)", "cron(0 3 * * * *)", "rate(1 day)", "cron(0 3 * * ?)", "cron(* 3 * * ? *)",
        "cron(0,30 3 * * ? *)", "cron(0 3 31 2 ? *)", "cron(0 3 30 FEB ? *)", "cron(0 3 29 2 ? 2027)", "cron(0 3 * * ? 1969)", "cron(0 3 * * ? 2200)", "cron(0 3 32 * ? *)", "cron(0 3 1 13 ? *)", "cron(0 3 1 JANUARY ? *)", "cron(0 5-3 * * ? *)",
        "cron(0 1/0 * * ? *)", "cron(0  3 * * ? *)", "cron(0 3 @daily * ? *)", "cron(0 3 ? * L *)", "cron(0 3 ? * 2#6 *)", "cron(0 3 ? * 2#0 *)", "cron(0 3 ? * 8L *)", "cron(0 3 0W * ? *)", "cron(0 3 32W * ? *)", "cron(0 3 31W 2 ? *)", "CRON(0 3 * * ? *)",
        "cron(0 3,* * * ? *)", "cron(0 3, * * ? *)", "cron(0 3 ? 2 2#5 2027)", "cron(0 3 ? 2 2#5 *)", "cron(0 3 *,1 * ? *)", "cron(0 3 L-3 * ? *)", "cron(0 */30 */2 1-12 ? *)", "cron(0 3 ? * SAT-SUN *)", "cron(0 3 ? * MON#1,FRIL *)", "cron(0 3 ? JUL 4 *)",
        "", "cron()", "cron(0 0 ? * 7 1970)", "cron(0 /5 * * ? *)", "cron(0 3 ? * 2,3?,4 *)", "cron(00 003 * * ? *)",
    ]),
    ("snapshots.keep", [{"daily": -1}, {"daily": 366}, {"daily": 367}, {"daily": 1.5}, {"daily": 0, "weekly": 0, "monthly": 1}, {"daily": 0, "weekly": 1, "monthly": 1}]),
    ("snapshots.option_groups", [
        [], [{"database": "orders-0", "primary": "oracle-tde", "recovery": "default:oracle-ee-19"}], [{"database": "orders-0"}], [{"database": "orders-0", "primary": "", "recovery": "x"}], [{"database": "nobody", "primary": "x"}],
        [{"database": "orders-0", "primary": "1x"}], [{"database": "orders-0", "primary": "a_b"}], [{"database": "orders-0", "recovery": "ä"}], [{"database": "orders-0", "primary": "a" * 255}], [{"database": "orders-0", "recovery": "a" * 256}],
        [{"database": "orders-0", "recovery": "x"}, {"database": "orders-0", "primary": "x"}], [{"database": "orders-1", "primary": "x"}],
    ]),
    ("snapshots.keep_min", [0, 1, 17, 18, 366, 367, 2.5]),
    ("snapshots.deletions_max", [-0.0, -1, 0, 100, 101, 0.5]),
    ("snapshots.kms_key_arns", [
        {"primary": ""}, {"recovery": "arn:aws:kms:us-west-1:123456789012:key/*"}, {"recovery": "arn:awsx:kms:us-west-1:123456789012:key/1"},
        {"primary": "alias/shop"}, {"primary": "arn:aws:kms:us-east-2:123456789012:key/1"}, {"recovery": "arn:aws:kms:us-east-2:123456789012:key/1"}, {"recovery": "arn:aws:kms:us-west-1:210987654321:key/1"},
        {"recovery": "arn:aws-cn:kms:us-west-1:123456789012:key/1"}, {"recovery": "arn:aws:kms:us-west-1:123456789012:key/mrk-0_1"},
    ]),
    ("snapshots.except", [["nobody"], ["orders-0", "orders-0"], ["orders-1"], []]),
    ("parameters.include", [
        [], ["/shop"], ["/**"], ["/*/a"], ["shop/a"], ["/shop/"], ["/shop//a"], ["/shop/a**"], ["/shop/***"], ["/aws/service/**"], ["/AWS/x"], ["/ssm/x"], ["/pilotlight/**"], ["/pilotlights/**"], ["/shop/a", "/shop/a"], ["/shop/ä"],
        ["/" + "/".join("abcdefghijklmno")], ["/" + "/".join("abcdefghijklmnop")], ["/shop/" + "a" * 1005], ["/shop/" + "a" * 1006], [f"/shop/{i}" for i in range(50)], [f"/shop/{i}" for i in range(51)], ["/shop/own/**"], ["/shop/*x*/**/y"],
    ]),
    ("parameters.exclude", [["/shop/**"], ["/x"], ["/shop/own/**", "/shop/own/**"], [f"/shop/{i}" for i in range(501)]]),
    ("parameters.overrides", [["/shop/own/**"], ["/shop/db"], ["bad"]]),
    ("parameters.existing", ["keep", "adopt", "overwrite"]),
    ("parameters.key_arns", [{"recovery": "arn:aws-cn:kms:us-west-1:123456789012:key/1"}, {"recovery": "arn:awsx:kms:us-west-1:123456789012:key/1"}, {"primary": "alias/shop"}, {"recovery": "arn:aws:kms:us-west-1:123456789012:key/mrk-1"}, {"recovery": "arn:aws:kms:us-east-2:123456789012:key/1"}, {"primary": "arn:aws:kms:us-east-2:210987654321:key/1"}]),
    ("parameters.puts_per_second", [0, 1, 10, 11, 2.5]),
    ("parameters.deletes_percent_max", [-1, 0, 100, 101, 0.5]),
]


def slip(draw: random.Random, case: Case, place: str, values: list[Any]) -> bool:
    """Puts one of the values at a place, if the plan has that place."""
    at: Any = case
    *way, last = place.split(".")
    for key in way:
        if key == "*":
            if not at:
                return False
            at = draw.choice(at)
        elif key in ("limits", "step_seconds_max", "function_timeout_seconds", "weight"):
            at = at.setdefault(key, {})
        elif key in at:
            at = at[key]
        else:
            return False
    at[last] = copy.deepcopy(draw.choice(values))
    return True


def drawn(seed: int) -> Case:
    """One plan: good, or with one slip, or with two."""
    draw = random.Random(seed)
    case = good_plan(draw)
    wanted = draw.choice([0, 1, 1, 1, 1, 2])
    for _ in range(1000):
        if wanted == 0:
            break
        # Each place comes up as often as every other.
        wanted -= slip(draw, case, *PLACES[draw.randrange(len(PLACES))])
    return case


def ring(items: int) -> list[Case]:
    """Routes of which each waits for the one before, and the first for the last."""
    return [{
        "name": f"front-{i}", "after": [f"front-{(i - 1) % items}"],
        "sides": {"primary": {"endpoint_group": endpoint_group("p"), "endpoint": balancer("us-east-2", f"shop-{i}")}, "recovery": {"endpoint_group": endpoint_group("r"), "endpoint": balancer("us-west-1", f"shop-{i}")}},
    } for i in range(items)]


# What only several values say together.
TOGETHER: list[list[tuple[str, Any]]] = [
    [("databases", []), ("mode", "automatic"), ("detection.sides.primary.alarms", []), ("detection.sides.recovery", None)],
    [("databases", "aurora alone"), ("mode", "automatic"), ("detection.sides.primary.alarms", []), ("detection.sides.recovery", None)],
    [("mode", "automatic"), ("detection.sides.primary.alarms", [alarm("us-east-2", "a")]), ("databases.0.sides.primary.quarantine_security_group", None)],
    [("sides.primary.account", OTHER_ACCOUNT), ("sides.primary.external_id", "shop-7f3a"), ("snapshots", None)],
    [("sides.primary.account", OTHER_ACCOUNT), ("sides.primary.external_id", "shop-7f3a"), ("databases", []), ("snapshots", {"schedule": "cron(0 3 * * ? *)"})],
    [("sides.primary.account", OTHER_ACCOUNT), ("parameters", {"include": ["/shop/**"]})],
    [("sides.primary.account", ACCOUNT), ("sides.primary.external_id", "shop-7f3a"), ("databases", []), ("snapshots", None), ("routes", ring(1)), ("routes.0.after", []), ("fleets", []), ("detection.sides.primary.alarms", []), ("detection.sides.recovery", None), ("mode", "approve")],
    # Each side's function lies in the other's account.
    [("sides.primary.account", OTHER_ACCOUNT), ("sides.primary.external_id", "shop-7f3a"), ("databases", []), ("snapshots", None), ("routes", ring(1)), ("routes.0.after", []), ("fleets", []), ("detection.sides.primary.alarms", []), ("detection.sides.recovery", None), ("mode", "approve"), ("routes.0.sides.primary.endpoint", balancer("us-east-2", "shop-0", OTHER_ACCOUNT)), ("witness", {"heartbeat_seconds": 0, "sides": {"primary": {"function": function("us-east-2", "w")}, "recovery": {"function": function("us-west-1", "w", OTHER_ACCOUNT)}}})],
    [("detection.watch_seconds", 5), ("function_timeout_seconds.alarm_handler", 89)],
    [("detection.watch_seconds", 5), ("function_timeout_seconds.alarm_handler", 90)],
    [("limits.lag_seconds_max", 60), ("witness.heartbeat_seconds", 60)],
    [("limits.lag_seconds_max", 61), ("witness.heartbeat_seconds", 60)],
    [("limits.lag_seconds_max", 0), ("witness.heartbeat_seconds", 0)],
    [("limits.lag_seconds_max", 300), ("witness.heartbeat_seconds", 61)],
    [("databases.0.sides.primary.connection", None), ("databases.1.sides.primary.connection", None), ("databases.2.sides.primary.connection", None), ("witness.sides.primary.function", function("us-east-2", "w"))],
    [("databases.0.sides.recovery.connection", {"host": "shop.example.com", "database": "shop"}), ("databases.0.kind", "aurora_global")],
    [("fleets.0.sides.primary", None), ("fleets.0.sides.recovery.resting", None)],
    [("databases.0.global_cluster", "shop"), ("databases.1.global_cluster", "Shop"), ("databases.0.kind", "aurora_global"), ("databases.1.kind", "aurora_global")],
    [("databases.0.after", ["orders-1"]), ("databases.1.after", ["orders-0"])],
    [("fleets", []), ("routes", ring(2))],
    [("fleets", []), ("databases", []), ("snapshots", None), ("routes", ring(130)), ("plan_parts", 20)],
    [("snapshots", {"schedule": "cron(0 3 * * ? *)"}), ("name", "sh--op")],
]


def candidates(case: Case, place: str) -> list[Any]:
    """What holds a place's last part: of the items of a list first those that have it already."""
    found: list[Any] = [case]
    *way, last = place.split(".")
    for key in way:
        if key == "*":
            found = [item for at in found for item in at]
        elif key.isdigit():
            found = [at[int(key)] for at in found if int(key) < len(at)]
        elif key in ("limits", "step_seconds_max", "function_timeout_seconds", "weight"):
            found = [at.setdefault(key, {}) for at in found]
        else:
            found = [at[key] for at in found if at.get(key) is not None]
    return sorted(found, key=lambda at: last not in at)


def swept() -> dict[str, Case]:
    """Each value of each place once, in a plan that is right otherwise. Chance alone leaves every third value of a long list out."""
    plans = [good_plan(random.Random(seed)) for seed in range(400)]
    # The values speak of these two regions. The fullest plan has the most to say.
    plans = [plan for plan in plans if plan["sides"] == {"primary": {"region": "us-east-2"}, "recovery": {"region": "us-west-1"}}]
    plans.sort(key=lambda plan: (len(plan["databases"]), "snapshots" in plan and "parameters" in plan, "recovery" in plan["detection"]["sides"], any("probe" in side for route in plan["routes"] for side in route["sides"].values()), len(plan["fleets"]), len(json.dumps(plan))), reverse=True)
    cases = {}
    changes = [(f"place_{number}_{which}", [(place, value)]) for number, (place, values) in enumerate(PLACES) for which, value in enumerate(values)]
    for name, slips in [*changes, *((f"together_{number}", slips) for number, slips in enumerate(TOGETHER))]:
        for plan in sorted(plans, key=lambda plan: slips[0][0].rsplit(".", 1)[-1] not in {key for at in candidates(copy.deepcopy(plan), slips[0][0])[:1] for key in at}):
            case = copy.deepcopy(plan)
            for place, value in slips:
                held = candidates(case, place)
                if not held:
                    break
                if value == "aurora alone":
                    value = [{**one, "after": []} for one in case["databases"] if one.get("kind") == "aurora_global"] or [good_aurora()]
                    case["snapshots"], case["fleets"], case["routes"] = None, [], [{**route, "after": []} for route in case["routes"]]
                held[0][place.rsplit(".", 1)[-1]] = copy.deepcopy(value)
            else:
                cases[name] = case
                break
        else:
            raise SystemExit(f"no plan has the place {slips[0][0]}")
    return cases


def good_aurora() -> Case:
    return {"name": "orders-0", "kind": "aurora_global", "global_cluster": "orders", "sides": {"primary": {"arn": rds("us-east-2", "orders", kind="cluster"), "quarantine_security_group": "sg-0abc"}, "recovery": {"arn": rds("us-west-1", "orders", kind="cluster")}}}


# Variables that aren't in the plan's document, and parts of variables.
NOT_OF_THE_PLAN = [
    "package_dir", "architecture", "function_memory_mb", "reserved_concurrency", "log_level", "log_retention_days", "plan_parts", "notice_emails", "silence_minutes", "unready_minutes",
    "error_alarm_functions", "direct_alarm_arns", "kms_key_arns", "image_parameters", "snapshots: source_key_arns", "parameters: decrypt_key_arns", "parameters: pass",
]
# What rules.tf can say, and plan.tf about the accounts.
LINES = [
    "is of the partition", "belongs to", ": is not an ARN", "is used by", "given twice", "closes a cycle", "names a time that never comes", "lies outside", "ends before it begins", "is no day of month", "is no day of week",
    "connection: is given, and witness.sides", "function: is given, and no database has a connection",
    "is the recovery side's account too", "the account that both providers work in", "Endpoint groups, the recovery region's load balancers",
]
# What Terraform itself writes into the document.
WRITTEN_BY_TERRAFORM = {"schema", "operator_function", "detection.topics"}


def unreached(messages: list[str]) -> list[str]:
    """Rules that no plan broke, and fields of the document that no place is of: nothing is known of them."""
    lines = []
    for _, message in rules((MODULE / "variables.tf").read_text()):
        text = message.strip('"')
        begin, end = text.split("${")[0], text.rsplit("}", 1)[-1] if "${" in text else text
        if not text.startswith(tuple(NOT_OF_THE_PLAN)) and not any(said.startswith(begin) and said.endswith(end) for said in messages):
            lines.append(f"no plan breaks the rule: {text}")
    lines += [f"no plan is refused with: {line}" for line in LINES if not any(line in said for said in messages)]
    places = {place.replace("parameters.key_arns", "parameters.keys").replace("function_timeout_seconds", "limits.function_timeout_seconds") for place, _ in PLACES}
    for field in fields(json.loads((ROOT / "docs" / "plan.schema.json").read_text())):
        if field not in WRITTEN_BY_TERRAFORM and not any(f"{field}.".startswith(f"{place}.") or f"{place}.".startswith(f"{field}.") for place in places):
            lines.append(f"no place is of the field {field}")
    return lines


def fields(schema: Any) -> set[str]:
    """The paths of a document's fields, as its schema has them."""
    defined = schema["$defs"]

    def walk(node: Any, path: str) -> set[str]:
        if "$ref" in node:
            return walk(defined[node["$ref"].rsplit("/", 1)[-1]], path)
        if "items" in node:
            return walk(node["items"], f"{path}.*") if "$ref" in node["items"] else {path}
        ways = [one for way in ("anyOf", "oneOf") for one in node.get(way, [])]
        found = set().union(*(walk(one, path) for one in ways))
        found |= set().union(*(walk(inner, f"{path}.{name}".lstrip(".")) for name, inner in node.get("properties", {}).items()))
        return found - {path} or {path}

    return walk(schema, "")


# --- What both say ---------------------------------------------------------------------------------------------


def functions_say(documents: list[str]) -> list[list[str]]:
    """What the functions' reader says of each document."""
    judge = os.environ.get("JUDGE_PLAN")
    if not judge:
        run(["cargo", "build", "--quiet", "--profile", "lab", "--package", "protocol", "--example", "judge-plan"], ROOT)
        judge = str(Path(run([sys.executable, "tests/target_dir.py"], ROOT).strip()) / "lab" / "examples" / "judge-plan")
    lines = run([judge], ROOT, "".join(json.dumps(text) + "\n" for text in documents)).splitlines()
    return [json.loads(line) for line in lines]


def terraform_judges(cases: dict[str, Case]) -> dict[str, tuple[list[str], list[str], str]]:
    """Of each plan: what its variables' rules say, what the rules about the whole say if those say nothing, and the document."""
    of_variables = terraform_says(cases, ["variables.tf", "names.tf", "plan.tf"], "variables.tf", with_plan=True)
    # Terraform asks for the whole only where every variable is right.
    whole = {name: case for name, case in cases.items() if not of_variables[name][0]}
    of_whole = terraform_says(whole, ["variables.tf", "names.tf", "plan.tf", "rules.tf", "snapshot_schedule.tf"], "plan.tf", with_plan=False)
    return {name: (said, of_whole.get(name, ([], ""))[0], text) for name, (said, text) in of_variables.items()}


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z_]+", text))


def _names(message: str, problem: str) -> bool:
    """Whether a message of Terraform names the field that a problem of the functions is about."""
    path = re.sub(r"\[\d+\]", "", problem.split(": ")[0]).split(".")
    # Where the one's variable has another name than the other's section.
    path = ["key_arns" if part == "keys" else part for part in path]
    top = path[1] if path[:2] == ["limits", "function_timeout_seconds"] else path[0]
    timeouts = {"limits", "function_timeout_seconds"}
    return (top in _words(message) or (top in timeouts and bool(timeouts & _words(message)))) and path[-1] in _words(message.replace("-", "_"))


def disagreement(of_variables: list[str], of_whole: list[str], functions: list[str]) -> str | None:
    """What one says and the other doesn't."""
    every = of_variables + of_whole
    said = [message for message in every if not any(message.startswith(alone) for alone in TERRAFORM_ALONE)]
    # Who names the own account as another one made one mistake; what follows from two accounts is said beside it.
    if any(message.startswith("sides.primary.account: is the recovery side's account too") for message in every):
        said = [message for message in said if "sides.primary.account" not in message]
    if said and not functions:
        return f"Terraform alone refuses: {said}"
    # What Terraform says alone is no answer to what the functions say, unless it is about the same field.
    if functions and not said and not any(_names(message, problem) for message in every for problem in functions):
        return f"the functions alone refuse: {functions}"
    # What is wrong with a region is wrong with all that should lie in it.
    of_regions = ("sides: region", "sides.recovery.region")
    if any(message.startswith(of_regions) for message in said):
        said = [message for message in said if message.startswith(of_regions)]
    for message in of_whole:
        for line in message.split("\n"):
            if message in said and line not in functions and "closes a cycle" not in line and not line.startswith("Endpoint groups"):
                return f"rules.tf says {line!r}, and the functions say {functions}"
    for message in of_variables:
        if message in said and not any(_names(message, problem) for problem in functions):
            return f"Terraform refuses {message!r}, and the functions something else: {functions}"
    return None


def through_the_module(cases: dict[str, Case]) -> dict[str, list[str]]:
    """What `terraform plan` itself says of a few plans, of the module as it is."""
    heard: dict[str, list[str]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory(prefix="agreement-") as home:
        for module in (MODULE, *(MODULE.parent / part for part in PARTS)):
            shutil.copytree(module, Path(home) / module.name, ignore=shutil.ignore_patterns(".terraform*", "*.tftest.hcl"))
        folder = Path(home) / MODULE.name
        for name, case in cases.items():
            providers = "".join(
                f'mock_provider "aws" {{\n  alias = "{side}"\n  mock_data "aws_caller_identity" {{\n    defaults = {{ account_id = "{ACCOUNT}" }}\n  }}\n'
                f'  mock_data "aws_region" {{\n    defaults = {{ id = {json.dumps(case["sides"][side]["region"])} }}\n  }}\n  mock_data "aws_partition" {{\n    defaults = {{ partition = "aws" }}\n  }}\n}}\n'
                for side in ("primary", "recovery")
            )
            values = "".join(f"    {key} = {hcl(value)}\n" for key, value in {**case, "package_dir": "tests/packages"}.items())
            (folder / "tests" / f"{name}.tftest.hcl").write_text(f'{providers}\nrun "{name}" {{\n  command = plan\n  variables {{\n{values}  }}\n}}\n')
        run(["terraform", "init", "-input=false", "-no-color"], folder)
        done = subprocess.run(["terraform", "test", "-json"], cwd=folder, capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        event = json.loads(line)
        if event.get("type") == "diagnostic" and event["diagnostic"]["severity"] == "error" and event.get("@testrun") in heard:
            detail = event["diagnostic"].get("detail") or event["diagnostic"]["summary"]
            heard[event["@testrun"]].append(detail.split("\n\nThis was checked by the validation rule")[0])
    return heard


def hcl(value: Any) -> str:
    """A value as Terraform's language writes it; in a text, what would be a template is none."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {hcl(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(hcl(inner) for inner in value) + "]"
    return json.dumps(value, ensure_ascii=False).replace("${", "$${").replace("%{", "%%{")


def _one_line(message: str) -> str:
    return " ".join(message.split())


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--plans", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--through-the-module", type=int, default=6)
    parser.add_argument("--every-value", action="store_true", help="each value of each place once too, and no rule and no field is left out")
    asked = parser.parse_args(arguments)
    cases = {f"plan_{seed}": drawn(seed) for seed in range(asked.seed, asked.seed + asked.plans)}
    every_value = swept() if asked.every_value else {}
    cases |= every_value
    judged = terraform_judges(cases)
    functions = dict(zip(judged, functions_say([text for _, _, text in judged.values()]), strict=True))
    wrong = []
    for name, (of_variables, of_whole, _) in judged.items():
        if found := disagreement(of_variables, of_whole, functions[name]):
            wrong.append(f"{name}: {found}\n  {json.dumps(cases[name], ensure_ascii=False)}")
    if asked.every_value:
        wrong += unreached([message for of_variables, of_whole, _ in judged.values() for message in of_variables + of_whole])
    sample = dict(list(cases.items())[: asked.through_the_module])
    for name, said in through_the_module(sample).items():
        # Of a variable that refers to another one, which is wrong already, Terraform says nothing.
        expected = judged[name][0] + judged[name][1]
        if bool(said) != bool(expected) or not set(map(_one_line, said)) <= set(map(_one_line, expected)):
            wrong.append(f"{name}: terraform plan says {said}, and the rules taken out of the module say {expected}\n  {json.dumps(cases[name], ensure_ascii=False)}")
    for line in wrong[:40]:
        print(line)
    refused = sum(bool(of_variables or of_whole) for of_variables, of_whole, _ in judged.values())
    print(f"{len(cases)} plans, {refused} refused, {len(sample)} through the module itself, {len(wrong)} disagreements", file=sys.stderr)
    # Were all taken or all refused, nothing would be compared.
    return 1 if wrong or not len(cases) * 0.2 < refused < len(cases) * 0.9 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
