"""What breaks those who use a contract: everything that a new version takes away or demands.

What callers send may only be taken more widely, what they are answered only be said more fully.
Not for style or documentation, which anybody may change at any time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Node = Mapping[str, Any]
Direction = Literal["asked", "answered"]

_METHODS = ("get", "put", "post", "patch", "delete", "head", "options", "trace")
_LEAST = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
_MOST = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")
_ANYTHING = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})


def breaks(old: Node, new: Node) -> list[str]:
    """Return every breaking change from one contract to another; none where it only adds."""
    return sorted(set(_Comparison(old, new).operations()))


@dataclass(frozen=True)
class _Comparison:
    old: Node
    new: Node
    seen: set[tuple[int, int, Direction]] = field(default_factory=set)

    def operations(self) -> Iterator[str]:
        for path, methods in self.old["paths"].items():
            for method in _METHODS:
                if method not in methods:
                    continue
                where = f"{method.upper()} {path}"
                present = self.new["paths"].get(path, {}).get(method)
                if present is None:
                    yield f"{where} is gone"
                else:
                    yield from self._operation(where, methods[method], present)

    def _operation(self, where: str, old: Node, new: Node) -> Iterator[str]:
        if old.get("operationId") != new.get("operationId"):
            yield f"{where} has another operationId"
        if not old.get("security", []) and new.get("security", []):
            yield f"{where} now needs a credential"
        yield from self._parameters(where, old, new)
        yield from self._body(where, old, new)
        for status, response in old["responses"].items():
            present = new["responses"].get(status)
            if present is None:
                yield f"{where} no longer answers {status}"
                continue
            yield from self._response(f"{where} {status}", _of(self.old, response), present)

    def _parameters(self, where: str, old: Node, new: Node) -> Iterator[str]:
        before, present = _parameters(self.old, old), _parameters(self.new, new)
        for key, parameter in before.items():
            name = f"{where} {key[0]} parameter {key[1]}"
            if key not in present:
                yield f"{name} is gone"
                continue
            if present[key].get("required") and not parameter.get("required"):
                yield f"{name} is now required"
            yield from self._schema(name, parameter["schema"], present[key]["schema"], "asked")
        for key, parameter in present.items():
            if key not in before and parameter.get("required"):
                yield f"{where} {key[0]} parameter {key[1]} is new and required"

    def _body(self, where: str, old: Node, new: Node) -> Iterator[str]:
        before = _of(self.old, old.get("requestBody", {}))
        present = _of(self.new, new.get("requestBody", {}))
        if present.get("required") and not before.get("required"):
            yield f"{where} now requires a body"
        yield from self._content(f"{where} body", before, present, "asked")

    def _response(self, where: str, old: Node, new: Node) -> Iterator[str]:
        new = _of(self.new, new)
        for name, header in old.get("headers", {}).items():
            present = new.get("headers", {}).get(name)
            if present is None:
                yield f"{where} no longer has the header {name}"
                continue
            was, is_now = _of(self.old, header), _of(self.new, present)
            if was.get("required") and not is_now.get("required"):
                yield f"{where} header {name} may now be absent"
        yield from self._content(where, old, new, "answered")

    def _content(self, where: str, old: Node, new: Node, direction: Direction) -> Iterator[str]:
        for media_type, media in old.get("content", {}).items():
            present = new.get("content", {}).get(media_type)
            if present is None:
                yield f"{where} no longer is {media_type}"
                continue
            yield from self._schema(
                where, media.get("schema", {}), present.get("schema", {}), direction
            )

    def _schema(self, where: str, old: Node, new: Node, direction: Direction) -> Iterator[str]:
        compared = (id(old), id(new), direction)
        if compared in self.seen:
            return
        self.seen.add(compared)
        old, new = _alone(old), _alone(new)
        if "$ref" in old and "$ref" in new:
            # What is shared is compared once, under its own name.
            where = str(old["$ref"]).rsplit("/", 1)[-1]
            yield from self._schema(where, _of(self.old, old), _of(self.new, new), direction)
            return
        before, present = _branches(self.old, old), _branches(self.new, new)
        yield from _types(where, set(before), set(present), direction)
        for kind in sorted(set(before) & set(present)):
            yield from self._branch(where, before[kind], present[kind], direction)

    def _branch(self, where: str, old: Node, new: Node, direction: Direction) -> Iterator[str]:
        yield from _values(where, old, new, direction)
        if direction == "asked":
            yield from _bounds(where, old, new)
        yield from self._members(where, old, new, direction)
        if "items" in old and "items" in new:
            yield from self._schema(f"{where}[]", old["items"], new["items"], direction)

    def _members(self, where: str, old: Node, new: Node, direction: Direction) -> Iterator[str]:
        before, present = old.get("properties", {}), new.get("properties", {})
        for name in before:
            if name not in present:
                yield f"{where}.{name} is gone"
            else:
                yield from self._schema(f"{where}.{name}", before[name], present[name], direction)
        demanded, was_demanded = set(new.get("required", [])), set(old.get("required", []))
        if direction == "asked":
            yield from (f"{where}.{name} is now required" for name in demanded - was_demanded)
            if new.get("additionalProperties") is False and (
                old.get("additionalProperties", True) is not False
            ):
                yield f"{where} no longer takes other members"
        else:
            for name in (was_demanded - demanded) & set(present):
                yield f"{where}.{name} may now be absent"


def _of(contract: Node, node: Node) -> Node:
    """Return what a reference names, or the node itself."""
    while "$ref" in node:
        found: Any = contract
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def _alone(schema: Node) -> Node:
    """Return the only part of a schema that is made of one, as a described reference is."""
    parts = schema.get("allOf", [])
    return parts[0] if len(parts) == 1 else schema


def _parameters(contract: Node, operation: Node) -> dict[tuple[str, str], Node]:
    found = [_of(contract, one) for one in operation.get("parameters", [])]
    return {(one["in"], one["name"]): one for one in found}


def _branches(contract: Node, schema: Node) -> dict[str, Node]:
    """Return a schema as one branch a type; of several of one type, what holds for any."""
    schema = _of(contract, schema)
    parts = [*schema.get("anyOf", []), *schema.get("oneOf", []), *schema.get("allOf", [])]
    if parts:
        found: dict[str, Node] = {}
        for part in parts:
            for kind, branch in _branches(contract, part).items():
                found[kind] = _either(found[kind], branch) if kind in found else branch
        return found
    kinds = schema.get("type", sorted(_ANYTHING))
    return dict.fromkeys([kinds] if isinstance(kinds, str) else kinds, schema)


def _either(one: Node, other: Node) -> Node:
    """Return a branch that takes what either takes: its values where both list theirs."""
    if "enum" in one and "enum" in other:
        return {**one, "enum": [*one["enum"], *other["enum"]]}
    return {name: value for name, value in one.items() if other.get(name) == value}


def _types(where: str, old: set[str], new: set[str], direction: Direction) -> Iterator[str]:
    if direction == "asked":
        lost = {kind for kind in old - new if not (kind == "integer" and "number" in new)}
        yield from (f"{where} no longer takes {kind}" for kind in lost)
    else:
        gained = {kind for kind in new - old if not (kind == "integer" and "number" in old)}
        yield from (f"{where} may now be {kind}" for kind in gained)
        yield from (f"{where} is never {kind} any more" for kind in old - new - {"null"})


def _values(where: str, old: Node, new: Node, direction: Direction) -> Iterator[str]:
    before, present = _listed(old), _listed(new)
    if before is None:
        if present is not None and direction == "asked":
            yield f"{where} now takes certain values only"
        return
    if present is None:
        if direction == "answered":
            yield f"{where} no longer says which values it has"
        return
    yield from (f"{where} no longer knows {value}" for value in before if value not in present)


def _listed(schema: Node) -> list[Any] | None:
    if "const" in schema:
        return [schema["const"]]
    listed: list[Any] | None = schema.get("enum")
    return listed


def _bounds(where: str, old: Node, new: Node) -> Iterator[str]:
    for name in _LEAST:
        if name in new and new[name] > old.get(name, float("-inf")):
            yield f"{where} has a higher {name}"
    for name in _MOST:
        if name in new and new[name] < old.get(name, float("inf")):
            yield f"{where} has a lower {name}"
    for name in ("pattern", "format"):
        if name in new and new[name] != old.get(name):
            yield f"{where} has another {name}"
