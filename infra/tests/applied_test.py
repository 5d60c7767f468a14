"""Was every resource of every module applied by the real provider, or is it said that it wasn't, and why?

`applied.json` is written by `make infra-apply`: for each example, and for the fixture with what no example uses, the resource
blocks of infra/modules that stood in its state. It is compared with the sources, and with the table of infra/README.md that
lists what was not applied.

Usage: python3 infra/tests/applied_test.py
Exit code: 0, or 1 with one line per violation.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

INFRA = Path(__file__).resolve().parents[1]
# Rows that apply a folder once more, in another way: what a folder is made of, they apply together.
ANOTHER_WAY = {"two-accounts": "brownfield"}
# The end-to-end tests apply it, and each test of theirs looks at what is there; what it is made of, pilot-light applies too.
APPLIED_ELSEWHERE = {"small-stack"}
HEADING = "| not applied | why | covered by |"

Blocks = set[str]

_RESOURCE = re.compile(r'^resource "(?P<type>[a-z0-9_]+)" "(?P<name>[a-z0-9_]+)" \{', re.MULTILINE)
_SOURCE = re.compile(r'^\s*source\s*=\s*"(?P<path>\.{1,2}/[^"]+)"', re.MULTILINE)


def declared(infra: Path) -> Blocks:
    """Every resource block of every module and child module, such as `database: aws_db_instance.primary`."""
    return {
        f"{path.parent.relative_to(infra / 'modules').as_posix()}: {block['type']}.{block['name']}"
        for depth in ("*", "*/*")
        for path in infra.glob(f"modules/{depth}/*.tf")
        for block in _RESOURCE.finditer(path.read_text())
    }


def rows(infra: Path) -> dict[str, Path]:
    """The folders that `make infra-apply` applies."""
    return {path.name: path for above in ("examples", "tests/fixtures") for path in infra.glob(f"{above}/*") if path.is_dir() and path.name not in APPLIED_ELSEWHERE}


def modules_of(infra: Path, folder: Path) -> set[str]:
    """The modules and child modules that a stack is made of, directly or through others, those of stacks below it included."""
    found: set[Path] = set()
    waiting = [path.parent for path in folder.rglob("*.tf") if ".terraform" not in path.parts]
    while waiting:
        here = waiting.pop()
        if here not in found:
            found.add(here)
            waiting += [(here / call["path"]).resolve() for path in here.glob("*.tf") for call in _SOURCE.finditer(path.read_text())]
    shared = (infra / "modules").resolve()
    return {path.relative_to(shared).as_posix() for path in found if path.is_relative_to(shared)}


def listed(readme: str) -> Blocks:
    """What the README says was not applied."""
    table = readme.split(HEADING, 1)[1].split("\n\n", 1)[0] if HEADING in readme else ""
    return set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))


def violations(there: Blocks, applied: dict[str, Blocks], said: Blocks, used: dict[str, set[str]]) -> list[str]:
    """What doesn't agree: the blocks of the sources, what each row applied, what is said not to be, what each row is made of."""
    everything = set().union(*applied.values()) if applied else set()
    lines = [f"{block} was applied by no row, and infra/README.md doesn't say so" for block in there - everything - said]
    lines += [f"{block} was applied, and infra/README.md says that it wasn't" for block in said & everything]
    lines += [f"{block} stands in infra/README.md as not applied, and in no module" for block in said - there]
    for row in used.keys() - applied.keys():
        lines.append(f"{row} was never applied: EXAMPLE={row} make infra-apply")
    for row, blocks in applied.items():
        if row not in used:
            lines.append(f"{row} stands in applied.json, and there is no such folder")
            continue
        lines += [f"{row} is said to have applied {block}, which no module has any more: EXAMPLE={row} make infra-apply" for block in blocks - there]
        modules = {block.split(": ")[0] for block in blocks}
        lines += [f"{row} is said to have applied {module}, which it doesn't use: EXAMPLE={row} make infra-apply" for module in modules - used[row]]
        with_blocks = {block.split(": ")[0] for block in there}
        lines += [f"{row} uses {module}, of which it applied nothing: EXAMPLE={row} make infra-apply" for module in (used[row] & with_blocks) - modules]
    return sorted(lines)


def main() -> int:
    there = declared(INFRA)
    applied: dict[str, Blocks] = {}
    for row, blocks in json.loads((INFRA / "tests" / "applied.json").read_text()).items():
        applied.setdefault(ANOTHER_WAY.get(row, row), set()).update(blocks)
    said = listed((INFRA / "README.md").read_text())
    lines = violations(there, applied, said, {row: modules_of(INFRA, folder) for row, folder in rows(INFRA).items()})
    for line in lines:
        print(line)
    types = {block.split(": ")[1].split(".")[0] for block in there}
    print(f"{len(there)} blocks of {len(types)} types, {len(applied)} rows, {len(said)} not applied, {len(lines)} violations", file=sys.stderr)
    return 1 if lines or not there else 0


if __name__ == "__main__":
    sys.exit(main())
