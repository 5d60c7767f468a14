"""Can applied_test.py fail? Each rule is shown what breaks it.

Usage: python3 infra/tests/applied_negative_test.py
Exit code: 0, or 1 with one line per rule that noticed nothing.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import applied_test as checker

LB, DB, ZONE = "load-balancer: aws_lb.this", "database: aws_db_instance.primary", "route53: aws_route53_record.this"
USED = {"shop": {"load-balancer", "database"}}
GOOD = ({LB, DB, ZONE}, {"shop": {LB, DB}}, {ZONE}, USED)

BROKEN: list[tuple[str, tuple]] = [
    (f"{ZONE} was applied by no row", (GOOD[0], GOOD[1], set(), USED)),
    (f"{LB} was applied, and infra/README.md says that it wasn't", (GOOD[0], GOOD[1], {ZONE, LB}, USED)),
    ("route53: aws_gone.this stands in infra/README.md as not applied, and in no module", (GOOD[0], GOOD[1], {ZONE, "route53: aws_gone.this"}, USED)),
    ("bank was never applied", (GOOD[0], GOOD[1], {ZONE}, {**USED, "bank": set()})),
    ("bank stands in applied.json, and there is no such folder", (GOOD[0], {**GOOD[1], "bank": {LB}}, {ZONE}, USED)),
    ("shop is said to have applied database: aws_gone.this, which no module has", (GOOD[0], {"shop": {LB, DB, "database: aws_gone.this"}}, {ZONE}, USED)),
    ("shop is said to have applied database, which it doesn't use", (GOOD[0], GOOD[1], {ZONE}, {"shop": {"load-balancer"}})),
    ("shop uses route53, of which it applied nothing", (GOOD[0], GOOD[1], {ZONE}, {"shop": {"load-balancer", "database", "route53"}})),
]


def unread() -> list[str]:
    """What isn't read off sources and README as it should be."""
    with tempfile.TemporaryDirectory() as home:
        infra = Path(home)
        for path, text in {
            "modules/route53/main.tf": 'resource "aws_route53_record" "this" {\n}\nmodule "side" {\n  source = "./side"\n}\n',
            "modules/route53/side/main.tf": 'resource "aws_route53_record" "side" {\n}\n',
            "modules/state/main.tf": 'module "gate" {\n  source = "../route53"\n}\n',
            "examples/shop/main.tf": 'module "state" {\n  source    = "../../modules/state"\n}\n',
            "examples/shop/existing/main.tf": 'module "far" {\n  source = "github.com/somebody/else"\n}\n',
            "tests/fixtures/rest/main.tf": "",
        }.items():
            (infra / path).parent.mkdir(parents=True, exist_ok=True)
            (infra / path).write_text(text)
        folders = checker.rows(infra)
        found = {
            "blocks": checker.declared(infra) == {ZONE, "route53/side: aws_route53_record.side"},
            "rows": set(folders) == {"shop", "rest"},
            "modules": checker.modules_of(infra, folders["shop"]) == {"state", "route53", "route53/side"},
            "the table": checker.listed(f"a\n\n{checker.HEADING}\n| --- | --- | --- |\n| `{ZONE}` | w | c |\n\n| `x` | y |\n") == {ZONE},
            "no table": checker.listed("nothing is left out") == set(),
        }
    return [f"{what}: not read as they are" for what, is_right in found.items() if not is_right]


def main() -> int:
    lines = [f"the good case is refused: {line}" for line in checker.violations(*GOOD)] + unread()
    for words, case in BROKEN:
        if not any(words in line for line in checker.violations(*case)):
            lines.append(f"no rule noticed: {words}")
    for line in lines:
        print(line)
    print(f"{len(BROKEN)} broken cases, {len(lines)} unnoticed", file=sys.stderr)
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
