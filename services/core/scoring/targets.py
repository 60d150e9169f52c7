"""Which target a period is measured against. Judges nothing."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from services.core.kit.decimals import plain
from services.core.plan.document import Indicator, TargetKind
from services.core.plan.models import AssignedTarget
from services.core.scoring.figures import HUNDRED

NUMERIC_KINDS: frozenset[TargetKind] = frozenset(
    {"at_least", "more_than", "at_most", "full_coverage"}
)
"""The kinds that set a number; only they have a pace."""

_SIGNS: Mapping[TargetKind, str] = {
    "at_least": "≥",
    "more_than": ">",
    "at_most": "≤",
    "full_coverage": "≥",
}
_ONLY_A_NUMBER = re.compile(r"[≥≤<>＜＞=\s]*(-?\d+(?:\.\d+)?)[\s%％]*")


@dataclass(frozen=True, slots=True)
class Target:
    """A target in force. `kind` is assigned_by_superior only while nothing is assigned.

    `sequence`, `document_number` and `document_date` name the assignment it comes from.
    """

    year: int
    kind: TargetKind
    value: Decimal | None
    text: str | None
    source: Literal["plan", "assigned"] = "plan"
    sequence: int | None = None
    document_number: str | None = None
    document_date: str | None = None

    @property
    def bound(self) -> Decimal | None:
        """The number to be reached; a full coverage is 100 unless the plan says otherwise."""
        if self.kind == "full_coverage" and self.value is None:
            return HUNDRED
        return self.value if self.kind in NUMERIC_KINDS else None

    @property
    def figure(self) -> str | None:
        """The number to be reached with its sign, such as `≥ 40`; None where none is set."""
        return None if self.bound is None else f"{_SIGNS[self.kind]} {plain(self.bound)}"

    @property
    def remark(self) -> str | None:
        """The text as far as it says more than the figure does."""
        number = _ONLY_A_NUMBER.fullmatch(self.text or "")
        if number is not None and Decimal(number[1]) == self.bound:
            return None
        return self.text or None

    @property
    def name(self) -> str:
        """What a sentence calls it: the text, or the figure where nothing was written."""
        return self.text or self.figure or "—"

    @property
    def end(self) -> date:
        """The target date: the last day of its year."""
        return date(self.year, 12, 31)


def target_for(
    indicator: Indicator,
    year: int,
    assigned: Mapping[tuple[str, int], Sequence[AssignedTarget]],
) -> Target:
    """Return the target of the earliest year not before `year`; if there is none, the latest.

    A year's last assignment by the superior goes before what the plan prints for it.
    """
    printed = {entry.year: entry for entry in reversed(indicator.targets)}
    given = {at: rows[-1] for (code, at), rows in assigned.items() if code == indicator.code}
    years = sorted({*printed, *given})
    chosen = next((at for at in years if at >= year), years[-1])
    if chosen in given:
        row = given[chosen]
        return Target(
            year=chosen,
            kind=row.kind,  # type: ignore[arg-type]  # a text column, checked when it was written
            value=row.value,
            text=row.text,
            source="assigned",
            sequence=row.sequence,
            document_number=row.document_number,
            document_date=row.document_date.isoformat(),
        )
    entry = printed[chosen]
    return Target(year=chosen, kind=entry.kind, value=entry.value, text=entry.text)
