"""Converts dates, numbers and nulls to the conventions of gateways. Pure."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, TypeAdapter

_WRITTEN = "%Y-%m-%d %H:%M:%S"
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_LOCAL = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")


@cache
def instants_of(model: type[BaseModel]) -> frozenset[str]:
    """Return the names of an answer's members that hold instants, at any depth."""
    schema = TypeAdapter(model).json_schema(mode="serialization", by_alias=True)
    return frozenset(_dated(schema))


def _dated(node: Any) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _dated(one)
    elif isinstance(node, dict):
        for name, one in node.get("properties", {}).items():
            choices = one.get("anyOf", [one]) if isinstance(one, dict) else []
            if any(choice.get("format") == "date-time" for choice in choices):
                yield name
        for one in node.values():
            yield from _dated(one)


def written(
    data: Any, zone: ZoneInfo, instants: frozenset[str], *, texts: bool, blanks: bool
) -> Any:
    """Return an answer with its instants as `yyyy-MM-dd HH:mm:ss` of a time zone.

    With `texts` numbers become texts; with `blanks` null becomes an empty text.
    """
    if isinstance(data, dict):
        return {
            name: _local(value, zone)
            if name in instants and isinstance(value, str)
            else written(value, zone, instants, texts=texts, blanks=blanks)
            for name, value in data.items()
        }
    if isinstance(data, list):
        return [written(one, zone, instants, texts=texts, blanks=blanks) for one in data]
    if data is None:
        return "" if blanks else None
    if texts and isinstance(data, int | float) and not isinstance(data, bool):
        return str(data)
    return data


def _local(text: str, zone: ZoneInfo) -> str:
    if not _INSTANT.fullmatch(text):
        return text
    return datetime.fromisoformat(text).astimezone(zone).strftime(_WRITTEN)


def heard(members: Mapping[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    """Return members with local times, `yyyy-MM-dd HH:mm:ss`, converted to instants."""
    return {name: _instant(value, zone) for name, value in members.items()}


def _instant(value: Any, zone: ZoneInfo) -> Any:
    if not isinstance(value, str) or not _LOCAL.fullmatch(value):
        return value
    try:
        return datetime.strptime(value, _WRITTEN).replace(tzinfo=zone).isoformat()
    except ValueError:
        return value
