"""Converts the contract to OpenAPI 3.0, the only version that the bundled viewer knows.

Only the contract itself is binding; the converted document is for display.
"""

import json
from collections.abc import Mapping
from typing import Any

from services.core.kit.text import Language, Text

METHODS = frozenset({"get", "put", "post", "patch", "delete"})
"""Members of a path that are operations."""

_VALUES = {"value", "example", "default"}
"""Members that hold values of callers, which are left as they are."""

_SUCH_AS = Text("{said}（如 `{example}`）", "{said} (such as `{example}`)")
"""What a parameter means, and its example."""

_HEADING = Text("{said}（`{media_type}`）：", "{said} (`{media_type}`):")
"""What the example of a body is, and how it is written."""

_NEWER = "propertyNames"
"""A word of 3.1 that 3.0 has none for: how the names of an object are bounded."""

_BOUNDS = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
"""Bounds, and the word that 3.1 has for one that is not reached; 3.0 has a flag beside it."""


def for_viewer(contract: dict[str, Any], language: Language = "en") -> dict[str, Any]:
    """Return a contract of OpenAPI 3.1 in the words of 3.0; `language` is that of what it says.

    The viewer fills in the example of a parameter or a body and sends it with every trial: the
    same `Idempotency-Key` each time, an `If-Match` of nothing, a milestone of some other city. So
    examples are shown in words instead, and what is sent is what somebody wrote.
    """
    shown: dict[str, Any] = _older(contract)
    _show_in_words(shown, language)
    examples = shown.get("components", {}).get("examples", {})
    for operations in shown.get("paths", {}).values():
        for method in METHODS & operations.keys():
            if "requestBody" in operations[method]:
                _show_body_in_words(operations[method]["requestBody"], examples, language)
    shown["openapi"] = "3.0.3"
    shown["x-webhooks"] = shown.pop("webhooks", {})
    shown["info"] = {name: one for name, one in shown["info"].items() if name != "summary"}
    if "license" in shown["info"]:
        shown["info"]["license"] = {"name": shown["info"]["license"]["name"]}
    return shown


def _older(node: Any, *, names: bool = False) -> Any:
    """Return a part in the older words; the members of one with `names` are called as we like."""
    if isinstance(node, list):
        return [_older(one) for one in node]
    if not isinstance(node, dict):
        return node
    if names:
        return {name: _older(one) for name, one in node.items()}
    older = {
        name: one if name in _VALUES else _older(one, names=name == "properties")
        for name, one in node.items()
        if name != _NEWER
    }
    if isinstance(older.get("anyOf"), list):
        older = _nullable(older)
    if isinstance(older.get("const"), str):
        older["enum"] = [older.pop("const")]
    for bound, exclusive in _BOUNDS.items():
        if isinstance(older.get(exclusive), int | float) and older[exclusive] is not True:
            older |= {bound: older[exclusive], exclusive: True}
    return older


def _show_in_words(node: Any, language: Language) -> None:
    """Move the example of every parameter into its description."""
    if isinstance(node, list):
        for one in node:
            _show_in_words(one, language)
    elif isinstance(node, dict):
        if "in" in node and "schema" in node and "example" in node:
            example = node.pop("example")
            said = node.get("description", "")
            node["description"] = _SUCH_AS.in_(language).format(said=said, example=example).strip()
        for name, one in node.items():
            if name not in _VALUES:
                _show_in_words(one, language)


def _show_body_in_words(
    body: dict[str, Any], examples: Mapping[str, Any], language: Language
) -> None:
    """Move the examples of a body into its description; what is sent begins with nothing in it."""
    told: dict[str, str] = {}
    for media_type, media in body["content"].items():
        for name, one in media.pop("examples", {}).items():
            example = examples[one["$ref"].rsplit("/", 1)[1]]
            value = example["value"]
            text = value if isinstance(value, str) else _json(value)
            heading = _HEADING.in_(language).format(said=example["summary"], media_type=media_type)
            told.setdefault(name, f"{heading}\n\n```\n{text.rstrip()}\n```")
        media["example"] = "" if media_type.startswith("text/") else {}
    before = [body["description"]] if "description" in body else []
    body["description"] = "\n\n".join([*before, *told.values()])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    """Return a choice that says `nullable` where 3.1 lists null among the types."""
    choices = [one for one in schema["anyOf"] if one != {"type": "null"}]
    if len(choices) == len(schema["anyOf"]):
        return schema
    rest = {name: one for name, one in schema.items() if name != "anyOf"}
    if len(choices) > 1:
        return {"anyOf": choices, "nullable": True, **rest}
    if "$ref" in choices[0]:
        return {"allOf": choices, "nullable": True, **rest}
    return {**choices[0], "nullable": True, **rest}
