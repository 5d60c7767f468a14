"""Which files and crates of the product depend on each other, and which names does it give to two types?

    python3 tests/import_graph.py          says every circle, every crate that reaches what it may not, every name of two types

A file depends on a file whose items it names: by `use crate::…`, `super::…` or `self::…`, or by such a path in its code. What a
parent passes on of its children (`pub use child::…`) is no dependency: it is where others find them.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
Module = tuple[str, ...]
Graph = dict[Module, set[Module]]

USE = re.compile(r"(pub(?:\([^)]*\))? )?use ((?:crate|super|self)(?:::[^;]*)?);")
INLINE = re.compile(r"\b(?:crate|super|self)(?:::\w+)+")
TYPE = re.compile(r"^(?:pub(?:\([^)]*\))? )?(?:struct|enum|trait|type) (\w+)", re.MULTILINE)
# Of tests alone: they are compiled with their crate, and not of the product.
TESTS = {"tests.rs", "emulator.rs", "replay.rs", "script.rs"}


# What tests play in instead of AWS: no part of the product.
TWIN = "twin"


def crates(root: Path = ROOT) -> list[Path]:
    """The sources of each crate of the product."""
    sources = [*root.glob("shared/*/src"), *root.glob("functions/*/src"), *root.glob("cli/src")]
    return sorted(source for source in sources if source.parent.name != TWIN)


# Which crates of ours each may depend on. A function's library may depend on those of OF_A_FUNCTION; what only its binary needs
# is optional, for a test of the library builds no SDK.
MAY_DEPEND_ON = {
    "protocol": set(),
    "ports": {"protocol"},
    TWIN: {"protocol", "ports"},
    "engine": {"protocol", "ports"},
    "aws": {"protocol", "ports"},
    "runtime": {"protocol", "ports", "engine", "aws"},
    "report": {"protocol"},
    "pilotlight": {"protocol", "ports", "report"},
}
# Beside the adapters, whose SDK takes no credentials but a function's own, only the operator's program asks AWS itself.
OF_THE_SDK = {"aws", "pilotlight"}
OF_A_FUNCTION = {"protocol", "ports", "engine"}
OF_ITS_BINARY = {"aws", "runtime"}


def forbidden_dependencies(root: Path = ROOT) -> list[str]:
    """Each crate of the product that depends on what it may not, to be read. What its tests alone depend on is free."""
    said = []
    manifests = [*root.glob("shared/*/Cargo.toml"), *root.glob("functions/*/Cargo.toml"), *root.glob("cli/Cargo.toml")]
    for path in sorted(manifests):
        manifest = tomllib.loads(path.read_text(encoding="utf-8"))
        crate = manifest["package"]["name"]
        allowed, optional = MAY_DEPEND_ON.get(crate, OF_A_FUNCTION), set() if crate in MAY_DEPEND_ON else OF_ITS_BINARY
        for name, given in {**manifest.get("dependencies", {}), **manifest.get("build-dependencies", {})}.items():
            may = allowed | (optional if isinstance(given, dict) and given.get("optional") else set())
            is_sdk = name.startswith("aws-") and crate not in OF_THE_SDK
            if is_sdk or (name in MAY_DEPEND_ON and name not in may):
                said.append(f"{crate} depends on {name}")
    return said


def product_text(path: Path) -> str:
    """The text of a file without comments and without its tests."""
    text = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
    return re.sub(r"#\[cfg\(test\)\]\s*mod \w+ \{.*", "", text, flags=re.DOTALL)


def module_of(source: Path, path: Path) -> Module:
    """The module that a file is, from the crate's root on."""
    parts = path.relative_to(source).with_suffix("").parts
    if parts[-1] == "mod":
        parts = parts[:-1]
    return () if parts in (("lib",), ("main",)) else parts


def modules(source: Path) -> dict[Module, Path]:
    """Every module of a crate that has a file."""
    return {module_of(source, path): path for path in sorted(source.rglob("*.rs")) if path.name not in TESTS}


def paths_of(tree: str) -> list[list[str]]:
    """Every path of a `use`, with its braces taken apart."""

    def walk(prefix: list[str], text: str) -> list[list[str]]:
        head, brace, rest = text.partition("{")
        names = prefix + [name for name in head.split(" as ")[0].strip().split("::") if name]
        if not brace:
            return [names]
        found, depth, item = [], 0, ""
        for letter in rest[: rest.rindex("}")] + ",":
            depth += (letter == "{") - (letter == "}")
            if letter == "," and depth == 0:
                found += walk(names, item.strip()) if item.strip() else []
                item = ""
            else:
                item += letter
        return found

    return walk([], " ".join(tree.split()))


def resolve(at: Module, path: list[str], known: dict[Module, Path]) -> Module | None:
    """The file that a path leads into."""
    here, names = (() if path[0] == "crate" else at), [name.strip() for name in path]
    if names[0] in ("crate", "self"):
        names = names[1:]
    while names and names[0] == "super":
        here, names = here[:-1], names[1:]
    while names and (*here, names[0]) in known:
        here, names = (*here, names[0]), names[1:]
    return here if here in known else None


def graph(source: Path) -> Graph:
    """What each file of a crate depends on."""
    known = modules(source)
    found: Graph = {}
    for module, path in known.items():
        text, targets = product_text(path), set()
        for passes_on, tree in USE.findall(text):
            for names in paths_of(tree):
                target = resolve(module, names, known)
                is_child = target is not None and target[: len(module)] == module
                if target is not None and not (passes_on and is_child):
                    targets.add(target)
        for inline in INLINE.findall(USE.sub("", text)):
            target = resolve(module, inline.split("::"), known)
            if target is not None:
                targets.add(target)
        found[module] = targets - {module}
    return found


def circles(edges: Graph) -> list[list[Module]]:
    """Files that depend on each other, whatever way round."""

    def reached(start: Module) -> set[Module]:
        seen: set[Module] = set()
        waiting = list(edges.get(start, ()))
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting += edges.get(module, ())
        return seen

    reach = {module: reached(module) for module in edges}
    groups = {
        frozenset(other for other in reach[module] if module in reach.get(other, ())) for module in edges if module in reach[module]
    }
    return sorted(sorted(group) for group in groups)


def every_circle(root: Path = ROOT) -> list[str]:
    """Each circle of the product, and of the twin, to be read."""
    said = []
    for source in [*crates(root), *root.glob(f"shared/{TWIN}/src")]:
        for group in circles(graph(source)):
            names = ", ".join("::".join(module) or "the crate's root" for module in group)
            said.append(f"{source.relative_to(root).parent}: {names}")
    return said


def homonyms(root: Path = ROOT) -> dict[str, list[str]]:
    """Names that the product gives to two types, public or not, with where."""
    places = defaultdict(list)
    for source in crates(root):
        for path in sorted(source.rglob("*.rs")):
            if path.name not in TESTS:
                for name in TYPE.findall(product_text(path)):
                    places[name].append(path.relative_to(root).as_posix())
    return {name: where for name, where in sorted(places.items()) if len(where) > 1}


def main() -> int:
    """Says what there is."""
    found = every_circle()
    for circle in found:
        print(f"a circle in {circle}")
    forbidden = forbidden_dependencies()
    for dependency in forbidden:
        print(dependency)
    for name, where in homonyms().items():
        print(f"{name} is {len(where)} types: {', '.join(where)}")
    return 1 if found or forbidden else 0


if __name__ == "__main__":
    sys.exit(main())
