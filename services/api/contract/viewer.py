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
"""Members that hold callers' values, which are left unchanged."""

_SUCH_AS = Text("{said}（如 `{example}`）", "{said} (such as `{example}`)")
"""The description of a parameter, with its example."""

_HEADING = Text("{said}（`{media_type}`）：", "{said} (`{media_type}`):")
"""The example of a body, and its media type."""

_NEWER = "propertyNames"
"""A keyword of 3.1 that 3.0 lacks: the constraint on property names."""

_BOUNDS = {"minimum": "exclusiveMinimum", "maximum": "exclusiveMaximum"}
"""Bounds, and 3.1's keyword for an exclusive one; 3.0 has a flag beside the bound."""


def for_viewer(contract: dict[str, Any], language: Language = "en") -> dict[str, Any]:
    """Return an OpenAPI 3.1 contract as 3.0; `language` is the language of its prose.

    The viewer fills in the example of a parameter or a body and sends it with every trial: the same
    `Idempotency-Key` each time, an `If-Match` that matches nothing, a milestone of another city. So
    examples become part of the descriptions, and only the user's own input is sent.
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
    """Return a part as OpenAPI 3.0; the members of a part with `names` have arbitrary names."""
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
    """Move the examples of a body into its description, so that the trial body starts empty."""
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
    """Return a union with `nullable` where 3.1 lists null among the types."""
    choices = [one for one in schema["anyOf"] if one != {"type": "null"}]
    if len(choices) == len(schema["anyOf"]):
        return schema
    rest = {name: one for name, one in schema.items() if name != "anyOf"}
    if len(choices) > 1:
        return {"anyOf": choices, "nullable": True, **rest}
    if "$ref" in choices[0]:
        return {"allOf": choices, "nullable": True, **rest}
    return {**choices[0], "nullable": True, **rest}
