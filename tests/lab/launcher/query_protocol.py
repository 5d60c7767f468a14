"""How are the form parameters of AWS's query protocol read and its answers written?"""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape


def structure(params: dict[str, Any]) -> dict[str, Any]:
    """Turns flat form parameters into nested members: `A.member.1.B=x` becomes `{"A": [{"B": "x"}]}`."""
    tree: dict[str, Any] = {}
    for key, raw in params.items():
        value = raw[0] if isinstance(raw, list) else raw
        steps = key.split(".")
        node = tree
        for step in steps[:-1]:
            child = node.setdefault(step, {})
            if not isinstance(child, dict):
                child = node[step] = {}
            node = child
        node[steps[-1]] = value
    return {key: _lists(value) for key, value in tree.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if set(value) == {"member"} and isinstance(value["member"], dict):
        numbered = value["member"]
        if all(index.isdigit() for index in numbered):
            return [_lists(numbered[index]) for index in sorted(numbered, key=int)]
    return {key: _lists(child) for key, child in value.items()}


def to_xml(value: Any) -> str:
    """The inner XML of a value: members by name, lists as `<member>`, absent (None) members left out."""
    if isinstance(value, dict):
        return "".join(f"<{key}>{to_xml(child)}</{key}>" for key, child in value.items() if child is not None)
    if isinstance(value, list):
        return "".join(f"<member>{to_xml(child)}</member>" for child in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))
