"""Translates the contract's prose into Chinese; names stay as they are."""

from collections.abc import Callable, Mapping
from typing import Any

from services.api.contract.chinese import said_in_chinese, words

_SAID = {"description", "summary", "title"}
"""Members with prose for people."""

_PARTIES = {"contact", "license"}
"""Members whose `name` is prose for people."""

_VALUES = {"value", "example", "default", "const", "enum", "x-problem-codes"}
"""Members that hold callers' values, or prose in both languages already."""

_NAMED = {
    "examples",
    "headers",
    "parameters",
    "paths",
    "properties",
    "responses",
    "schemas",
    "securitySchemes",
    "webhooks",
}
"""Members whose own members have arbitrary names, possibly `description`."""


def in_chinese(contract: dict[str, Any]) -> dict[str, Any]:
    """Return a contract in Chinese; `contract` itself is not changed.

    Raises:
        LookupError: a text has no Chinese.
    """
    shown: dict[str, Any] = said_by(contract, said_in_chinese)
    for tag in shown["tags"]:
        tag["name"] = _tag(tag["name"])
    for operations in (*shown["paths"].values(), *shown.get("webhooks", {}).values()):
        for operation in operations.values():
            operation["tags"] = [_tag(name) for name in operation["tags"]]
    return shown


def said_by(node: Any, say: Callable[[str], str], *, named: bool = False) -> Any:
    """Return a part of a contract with its prose replaced by the result of `say`.

    The members of a `named` part have arbitrary names and are not prose themselves.
    """
    if isinstance(node, list):
        return [said_by(one, say) for one in node]
    if not isinstance(node, dict):
        return node
    said: dict[str, Any] = {}
    for name, one in node.items():
        if named:
            said[name] = said_by(one, say)
        elif name in _VALUES or (name == "examples" and isinstance(one, list)):
            said[name] = one
        elif name in _SAID and isinstance(one, str):
            said[name] = _title_of_problem(node) or say(one)
        elif name in _PARTIES:
            said[name] = {**one, "name": say(one["name"])}
        else:
            said[name] = said_by(one, say, named=name in _NAMED)
    return said


def _title_of_problem(example: Mapping[str, Any]) -> str | None:
    """Return the heading of a refusal's example: its own title, which is Chinese already."""
    value = example.get("value")
    if isinstance(value, dict) and str(value.get("type")).startswith("urn:wufei:problem:"):
        return str(value["title"])
    return None


def _tag(name: str) -> str:
    return f"{words('tags')[name]} {name}"
