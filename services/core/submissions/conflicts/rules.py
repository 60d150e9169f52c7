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
"""The other party: a device's write, or another source's observation of the same figure."""

ConflictReason = Literal["both-changed", "moved-on", "place-taken", "over-tolerance"]
"""`both-changed`: the same field; `moved-on`: the state no longer allows the change;
`place-taken`: the slot of a new submission is occupied; `over-tolerance`: two sources differ by
more than the plan allows."""

ConflictState = Literal["open", "decided", "closed"]
"""`closed` without a decision: the difference no longer exists."""

TakenVersion = Literal["ledger", "device", "observation", "both"]
CloseReason = Literal["within-tolerance", "value-withdrawn", "observation-withdrawn"]

CHOICES: Mapping[ConflictKind, tuple[TakenVersion, ...]] = {
    "device": ("ledger", "device"),
    "observation": ("ledger", "observation", "both"),
}
"""The versions that can be chosen, by kind; `both` stay if the difference is explained."""

FIELDS: Mapping[str, tuple[str, ...]] = {"form": FORMS, **{name: (name,) for name in REMARKS}}
"""The columns of each field; a field is merged as a whole."""

_NUMBERS = frozenset({"value", "numerator", "denominator"})


def merge_fields(
    base: Mapping[str, Any], present: Mapping[str, Any], wanted: Mapping[str, Any]
) -> Merged:
    """Merge a change by field; all three are by column, and `wanted` has whole fields.

    The result's `free` is by column, `disputed` by field.
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
    """Return the columns of some fields as a conflict stores them, with numbers as text."""
    return {
        name: plain_or_none(columns[name]) if name in _NUMBERS else columns[name]
        for field in fields
        for name in FIELDS[field]
    }


def says(columns: Mapping[str, Any], field: str) -> bool:
    """Return whether any column of a field is set."""
    return FIELDS[field][0] in columns


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields whose columns differ between two rows, for the columns of the first."""
    return tuple(
        field
        for field, names in FIELDS.items()
        if says(one, field) and any(one[name] != other[name] for name in names)
    )


def columns_of_kept(kept: Mapping[str, Any]) -> dict[str, Any]:
    """Read the columns that `shown` wrote, with numbers as numbers again."""
    return {
        name: Decimal(value) if name in _NUMBERS and value is not None else value
        for name, value in kept.items()
    }


def as_said(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return columns as a caller would send them: without those computed from a ratio."""
    if columns.get("numerator") is None:
        return dict(columns)
    return {**columns, "value": None, "not_applicable_reason": None}


def decides(actor: Actor, owner_code: str | None) -> bool:
    """Return whether the actor may decide for a unit; None: for the office.

    Whoever reports for the unit may.
    """
    if owner_code is None:
        return actor.may(Permission.REPORT_FOR_ANY_UNIT)
    return writes_for(actor, owner_code)


def decision_faults(kind: ConflictKind, take: TakenVersion, reason: str | None) -> list[Fault]:
    """Return the faults of a decision on a conflict of a kind."""
    faults = []
    if take not in CHOICES[kind]:
        choices = CHOICES[kind]
        words = Text(f"应为以下之一：{'、'.join(choices)}", f"Must be one of: {', '.join(choices)}")
        faults.append(Fault("/take", "not-of-this-conflict", words, take))
    if kind == "observation" and reason is None:
        words = Text("须说明理由：两个来源为何不一致", "Say why: what makes the two sources differ")
        faults.append(Fault("/reason", "reason-required", words))
    return faults
