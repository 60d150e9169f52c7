"""What breaks those who use a contract: everything that a new version takes away or demands."""

from collections.abc import Iterator, Mapping
from typing import Any

Contract = Mapping[str, Any]
_METHODS = ("get", "put", "post", "patch", "delete")


def breaks(old: Contract, new: Contract) -> list[str]:
    """Return every breaking change from `old` to `new`, as lines; none where it only adds."""
    return [*_operation_breaks(old, new), *_schema_breaks(old, new)]


def _operation_breaks(old: Contract, new: Contract) -> Iterator[str]:
    for path, operations in old["paths"].items():
        for method in set(operations) & set(_METHODS):
            present = new["paths"].get(path, {}).get(method)
            if present is None:
                yield f"{method.upper()} {path} is gone"
                continue
            before = operations[method]
            if before["operationId"] != present["operationId"]:
                yield f"{method.upper()} {path} has another operationId"
            for status in set(before["responses"]) - set(present["responses"]):
                if status.startswith("2"):
                    yield f"{method.upper()} {path} no longer answers {status}"
            for name in _required(new, present) - _required(old, before):
                yield f"{method.upper()} {path} now requires {name}"


def _required(contract: Contract, operation: Contract) -> set[str]:
    """Return the names of the parameters that an operation requires."""
    found = set()
    for parameter in operation.get("parameters", []):
        meant = parameter
        if "$ref" in parameter:
            meant = contract["components"]["parameters"][parameter["$ref"].rsplit("/", 1)[1]]
        if meant.get("required"):
            found.add(meant["name"])
    return found


def _schema_breaks(old: Contract, new: Contract) -> Iterator[str]:
    for name, before in old["components"]["schemas"].items():
        present = new["components"]["schemas"].get(name)
        if present is None:
            yield f"schema {name} is gone"
            continue
        is_input = before.get("additionalProperties") is False
        yield from _property_breaks(name, before, present, is_input=is_input)


def _property_breaks(
    name: str, before: Contract, present: Contract, *, is_input: bool
) -> Iterator[str]:
    old_properties, new_properties = before.get("properties", {}), present.get("properties", {})
    for member in set(old_properties) - set(new_properties):
        yield f"{name}.{member} is gone"
    if is_input:
        for member in set(present.get("required", [])) - set(before.get("required", [])):
            yield f"{name}.{member} is now required"
    else:
        for member in set(before.get("required", [])) - set(present.get("required", [])):
            yield f"{name}.{member} may now be absent"
    for member in set(old_properties) & set(new_properties):
        was, is_now = old_properties[member], new_properties[member]
        if was.get("type") != is_now.get("type"):
            yield f"{name}.{member} has another type"
        for value in set(map(str, was.get("enum", []))) - set(map(str, is_now.get("enum", []))):
            yield f"{name}.{member} no longer knows {value}"
