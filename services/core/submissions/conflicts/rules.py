"""The fields of a submission, when two changes conflict, and who decides. Pure.

The four forms of a value are one field: a numerator of one author over a denominator of another
would be a figure that nobody reported.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

from services.core.conflicts.rules import Merged, merge
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.decimals import plain_or_none
from services.core.kit.errors import Fault
from services.core.kit.text import Text
from services.core.submissions.changes import FORMS
from services.core.submissions.rules import REMARKS, writes_for

ConflictKind = Literal["device", "observation"]
"""Between the ledger and what a device wrote, or what another source says of the same figure."""

ConflictReason = Literal["both-changed", "moved-on", "place-taken", "over-tolerance"]
"""`both-changed` the same field; `moved-on`: its state allows the change no more; `place-taken`:
the place that a new submission was for has one; `over-tolerance`: two sources differ by more than
the plan allows."""

ConflictState = Literal["open", "decided", "closed"]
"""`closed` by itself: what differed does no more."""

TakenVersion = Literal["ledger", "device", "observation", "both"]
CloseReason = Literal["within-tolerance", "value-withdrawn", "observation-withdrawn"]

CHOICES: Mapping[ConflictKind, tuple[TakenVersion, ...]] = {
    "device": ("ledger", "device"),
    "observation": ("ledger", "observation", "both"),
}
"""What may be taken by the kind of a conflict; `both` stand where the difference is explained."""

FIELDS: Mapping[str, tuple[str, ...]] = {"form": FORMS, **{name: (name,) for name in REMARKS}}
"""The columns of each field that is merged as a whole."""

_NUMBERS = frozenset({"value", "numerator", "denominator"})


def merge_fields(
    base: Mapping[str, Any], present: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Merged:
    """Merge a change by field; all three by column, and `wanted` names whole fields.

    What is free is by column, what is disputed by field.
    """
    told = [field for field in FIELDS if says(wanted, field)]
    base, present, by_field = (
        {field: [side[name] for name in FIELDS[field]] for field in told}
        for side in (base, present, wanted)
    )
    merged = merge(base, present, by_field)
    free = {name: wanted[name] for field in merged.free for name in FIELDS[field]}
    return Merged(free, merged.disputed)


def shown(columns: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    """Return some fields by column as a conflict keeps them, numbers as text."""
    return {
        name: plain_or_none(columns[name]) if name in _NUMBERS else columns[name]
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


def decides(actor: Actor, owner_code: str | None) -> bool:
    """Return whether the actor decides what a unit has to decide; None: the office has to.

    Who reports for the unit does.
    """
    if owner_code is None:
        return actor.may(Permission.REPORT_FOR_ANY_UNIT)
    return writes_for(actor, owner_code)


def decision_faults(kind: ConflictKind, take: TakenVersion, reason: str | None) -> list[Fault]:
    """Return what is wrong with a decision on a conflict of a kind."""
    faults = []
    if take not in CHOICES[kind]:
        choices = CHOICES[kind]
        words = Text(f"应为以下之一：{'、'.join(choices)}", f"Must be one of: {', '.join(choices)}")
        faults.append(Fault("/take", "not-of-this-conflict", words, take))
    if kind == "observation" and reason is None:
        words = Text("须说明理由：两个来源为何不一致", "Say why: what makes the two sources differ")
        faults.append(Fault("/reason", "reason-required", words))
    return faults
