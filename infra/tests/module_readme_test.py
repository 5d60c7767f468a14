"""Do the READMEs of the modules say what their variables and outputs are?

The tables between the two marks of a README are written from variables.tf and outputs.tf, and compared with them. A
README without marks keeps its own tables; there each variable and output must have a row.

A folder of a module that has a versions.tf is a child module: it has the same files but the README, and the module's
README names it.

Usage: python3 infra/tests/module_readme_test.py [--write]
Exit code: 0, or 1 with one line per violation. `--write` writes the tables instead.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

MODULES = Path(__file__).resolve().parents[1] / "modules"
BEGIN = "<!-- inputs and outputs: written by infra/tests/module_readme_test.py --write -->"
END = "<!-- end -->"
FILES = ("README.md", "main.tf", "outputs.tf", "variables.tf", "versions.tf")
# Their files are called after what they answer; main.tf would hold nothing.
WITHOUT_MAIN = {"orchestrator", "guard"}

_BLOCK = re.compile(r'^(?P<kind>variable|output) "(?P<name>[a-z0-9_]+)" \{\n(?P<body>.*?)^\}\n', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Item:
    """A variable or an output."""

    kind: str
    name: str
    description: str
    type: str | None
    default: str | None


def items(source: str) -> list[Item]:
    """The variables and outputs of a file, in its order."""
    found = []
    for block in _BLOCK.finditer(source):
        body = block["body"]
        found.append(Item(block["kind"], block["name"], _description(body), _argument(body, "type"), _argument(body, "default")))
    return found


def _description(body: str) -> str:
    """A description in one line or as a heredoc, whose first line is a sentence and whose others name attributes."""
    long = re.search(r"^  description = <<-TEXT\n(?P<text>.*?)^  TEXT$", body, re.MULTILINE | re.DOTALL)
    if long:
        lines = [line.strip() for line in long["text"].strip().splitlines()]
        return "<br>".join([lines[0]] + [re.sub(r"^([a-z_, ]+?)  +", r"`\1`: ", line) for line in lines[1:]])
    short = re.search(r'^  description = "(?P<text>(?:\\.|[^"\\])*)"$', body, re.MULTILINE)
    return short["text"].replace('\\"', '"') if short else ""


def _argument(body: str, name: str) -> str | None:
    """The source of an argument of the block itself, in one line; what spans lines as its first word."""
    match = re.search(rf"^  {name}\s+= (?P<value>.*)$", body, re.MULTILINE)
    if not match:
        return None
    value = match["value"]
    if value.count("(") + value.count("{") + value.count("[") == value.count(")") + value.count("}") + value.count("]"):
        return value
    return "see `variables.tf`" if name == "default" else _outline(value)


def _outline(value: str) -> str:
    """`list(object({` stands for itself: the attributes are in variables.tf."""
    return re.sub(r"[({\s]+$", "", value).replace("(", " of ")


def tables(variables: list[Item], outputs: list[Item]) -> str:
    lines = ["", "## Variables", "", "| variable | type | default | what it is |", "| --- | --- | --- | --- |"]
    for item in variables:
        default = "required" if item.default is None else item.default if item.default.startswith("see ") else f"`{item.default}`"
        lines.append(f"| `{item.name}` | `{_cell(item.type or 'any')}` | {_cell(default)} | {_cell(item.description)} |")
    lines += ["", "## Outputs", "", "| output | what it is |", "| --- | --- |"]
    lines += [f"| `{item.name}` | {_cell(item.description)} |" for item in outputs]
    return "\n".join([*lines, "", ""])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("&lt;br>", "<br>")


def expected(readme: str, written: str) -> str:
    """The README with the tables between its marks."""
    head, rest = readme.split(BEGIN, 1)
    return f"{head}{BEGIN}\n{written}{END}{rest.split(END, 1)[1]}"


def violations(module: Path, write: bool) -> list[str]:
    children = sorted(path.parent for path in module.glob("*/versions.tf"))
    lines = [line for folder in (module, *children) for line in source_violations(module, folder)]
    if lines:
        return lines
    readme = (module / "README.md").read_text()
    lines = [f"{module.name}: README.md doesn't say what `{child.name}/` is" for child in children if f"`{child.name}/`" not in readme]
    return lines + table_violations(module, readme, write)


def source_violations(module: Path, folder: Path) -> list[str]:
    """What is wrong with the files of a module, or of a child module of it."""
    name = folder.relative_to(module.parent).as_posix()
    optional = "main.tf" if folder.name in WITHOUT_MAIN else "README.md" if folder != module else None
    lines = [f"{name}: {file} is missing" for file in FILES if file != optional and not (folder / file).exists()]
    if lines:
        return lines
    for item in items((folder / "variables.tf").read_text()) + items((folder / "outputs.tf").read_text()):
        if not item.description:
            lines.append(f"{name}: {item.kind} {item.name} has no description")
        if item.kind == "variable" and item.type is None:
            lines.append(f"{name}: variable {item.name} has no type")
    for source in sorted(folder.glob("*.tf")):
        if not source.read_text().startswith("# "):
            lines.append(f"{name}: {source.name} doesn't say in its first line what it answers")
        if source.name not in ("variables.tf", "outputs.tf") and _BLOCK.search(source.read_text()):
            lines.append(f"{name}: {source.name} declares a variable or an output")
    return lines


def table_violations(module: Path, readme: str, write: bool) -> list[str]:
    """Whether a module's README has the tables of its source; writes them instead if it is asked to."""
    variables, outputs = items((module / "variables.tf").read_text()), items((module / "outputs.tf").read_text())
    if BEGIN not in readme:
        return [f"{module.name}: README.md has no row for {item.kind} {item.name}" for item in variables + outputs if f"| `{item.name}` |" not in readme]
    wanted = expected(readme, tables(variables, outputs))
    if wanted == readme:
        return []
    if write:
        (module / "README.md").write_text(wanted)
        return []
    return [f"{module.name}: README.md isn't as variables.tf and outputs.tf are; run {Path(__file__).name} --write"]


def main(arguments: list[str]) -> int:
    modules = sorted(path for path in MODULES.iterdir() if path.is_dir())
    lines = [line for module in modules for line in violations(module, "--write" in arguments)]
    for line in lines:
        print(line)
    print(f"{len(modules)} modules, {len(lines)} violations", file=sys.stderr)
    return 1 if lines or not modules else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
