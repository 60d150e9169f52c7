"""What a field is, and when two changes of one submission are in each other's way. Pure.

The four forms of a value are one field: a numerator of one author over a denominator of another
would be a figure that nobody reported.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from services.core.identity.actor import Actor
from services.core.submissions.changes import FORMS
from services.core.submissions.rules import REMARKS, text_of, writes_for

ConflictReason = Literal["both-changed", "moved-on", "place-taken"]
"""`both-changed` the same field; `moved-on`: its state allows the change no more; `place-taken`:
the place that a new submission was for has one."""

ConflictState = Literal["open", "decided"]
TakenVersion = Literal["ledger", "device"]

FIELDS: Mapping[str, tuple[str, ...]] = {"form": FORMS, **{name: (name,) for name in REMARKS}}
"""The columns of each field that is merged as a whole."""

_NUMBERS = frozenset({"value", "numerator", "denominator"})


@dataclass(frozen=True, slots=True)
class Merged:
    """What becomes of a change: the columns to write, and the fields that both sides changed."""

    columns: Mapping[str, Any]
    disputed: tuple[str, ...]


def merge(base: Mapping[str, Any], present: Mapping[str, Any], wanted: Mapping[str, Any]) -> Merged:
    """Merge a change by field; all three by column, and `wanted` names whole fields.

    A field that only one side changed is that side's. One that both changed alike is as it is.
    """
    columns: dict[str, Any] = {}
    disputed = []
    for field, names in FIELDS.items():
        if names[0] not in wanted:
            continue
        before, now, then = ([side[name] for name in names] for side in (base, present, wanted))
        if then in (before, now):
            continue
        if now != before:
            disputed.append(field)
        else:
            columns |= dict(zip(names, then, strict=True))
    return Merged(columns, tuple(disputed))


def shown(columns: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Return some fields by column as a conflict keeps them, numbers as text."""
    return {
        name: text_of(columns[name]) if name in _NUMBERS else columns[name]
        for field in fields
        for name in FIELDS[field]
    }


def says(columns: Mapping[str, Any], field: str) -> bool:
    """Return whether columns say something of a field."""
    return FIELDS[field][0] in columns


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields whose columns differ between two rows, as far as the first has them."""
    return tuple(
        field
        for field, names in FIELDS.items()
        if says(one, field) and any(one[name] != other[name] for name in names)
    )


def columns_of_kept(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `shown` kept by column, its numbers as numbers again."""
    return {
        name: Decimal(value) if name in _NUMBERS and value is not None else value
        for name, value in kept.items()
    }


def as_said(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns as somebody would say them: what is computed of two parts is not said."""
    if columns.get("numerator") is None:
        return dict(columns)
    return {**columns, "value": None, "not_applicable_reason": None}


def may_decide(actor: Actor, *, state: str, organization_code: str) -> bool:
    """Return whether the actor decides a conflict that waits: who reports for its unit does."""
    return state == "open" and writes_for(actor, organization_code)
