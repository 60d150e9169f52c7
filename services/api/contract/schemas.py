"""Corrections that apply to every schema of the contract.

A blank optional text is null, so it has no `minLength`. A constant states its type, and log
numbers need 64 bits: generators need both.
"""

from collections.abc import Callable, Iterator
from typing import Any

Schema = dict[str, Any]

_POSITIONS = frozenset(
    {
        "position",
        "last_position",
        "oldest_position",
        "newest_position",
        "changed_after",
        "after",
        "publication",
    }
)
"""Numbers that grow as long as a city's log does."""

_TYPES: dict[type, str] = {str: "string", bool: "boolean", int: "integer"}


def brought_to_order(document: Schema) -> None:
    """Apply the corrections to every schema of a document, in place."""
    for schema in schemas_in(document):
        _blank_is_null(schema)
        _say_type(schema)
        for name, member in schema.get("properties", {}).items():
            _widen(name, member)
    for parameter in _parameters(document):
        _widen(parameter["name"], parameter["schema"])


def schemas_in(node: Any, *, names: bool = False) -> Iterator[Schema]:
    """Yield every part of a document that may be a schema; callers' values are skipped."""
    if isinstance(node, list):
        for one in node:
            yield from schemas_in(one)
    elif isinstance(node, dict):
        if not names:
            yield node
        for name, one in node.items():
            if names or name not in {"example", "examples", "default", "enum", "const"}:
                yield from schemas_in(one, names=not names and name in {"properties", "$defs"})


def _parameters(document: Schema) -> Iterator[Schema]:
    for part in schemas_in(document):
        if "in" in part and "schema" in part and "name" in part:
            yield part


def _blank_is_null(schema: Schema) -> None:
    choices = schema.get("anyOf", [])
    if {"type": "null"} in choices:
        for one in choices:
            if one.get("type") == "string" and "pattern" not in one:
                one.pop("minLength", None)


def _say_type(schema: Schema) -> None:
    if "const" in schema:
        schema.setdefault("type", _TYPES[type(schema["const"])])


def _widen(name: str, schema: Schema) -> None:
    if name in _POSITIONS:
        _each(schema, lambda one: one.update(format="int64"))


def _each(schema: Schema, widen: Callable[[Schema], object]) -> None:
    if schema.get("type") == "integer":
        widen(schema)
    for one in schema.get("anyOf", []):
        _each(one, widen)
