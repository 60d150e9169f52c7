"""Removes defaults from bodies in which an absent member has a meaning.

A generated client sends the defaults that a contract states. In a partial update it would so
change members that the caller never mentioned; in a refusal it would show members that were not
sent.
"""

from collections.abc import Iterator
from typing import Any

_PREFIX = "#/components/schemas/"


def without_defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema without defaults, at any depth."""
    stripped: dict[str, Any] = _stripped(schema)
    return stripped


def _stripped(node: Any, *, names: bool = False) -> Any:
    if isinstance(node, list):
        return [_stripped(one) for one in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _stripped(one, names=name == "properties" and not names)
        for name, one in node.items()
        if names or name != "default"
    }


def forget_defaults_of_changes(document: dict[str, Any]) -> None:
    """Remove the defaults from every body of a PATCH."""
    schemas = document["components"]["schemas"]
    waiting = [
        name
        for operations in document["paths"].values()
        for name in _named(operations.get("patch", {}).get("requestBody", {}))
    ]
    done: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in done:
            done.add(name)
            schemas[name] = without_defaults(schemas[name])
            waiting.extend(_named(schemas[name]))


def _named(node: Any) -> Iterator[str]:
    """Yield the schemas that a part of the document refers to."""
    if isinstance(node, list):
        for one in node:
            yield from _named(one)
    elif isinstance(node, dict):
        reference = node.get("$ref")
        if isinstance(reference, str) and reference.startswith(_PREFIX):
            yield reference.removeprefix(_PREFIX)
        for one in node.values():
            yield from _named(one)
