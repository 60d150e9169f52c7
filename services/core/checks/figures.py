"""The figures that checks compare: the slot of each, and the figure that counts there. Pure.

At another slot, the submitted or approved figure counts. While that submission is returned or
being corrected, its approved figure counts, if there was one. Drafts, withdrawn submissions and
those found falsified do not count.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from services.core.plan.check_entries import FigurePart
from services.core.plan.slots import Slot, slot_of

_HANDED_IN = frozenset({"submitted", "approved"})


@dataclass(frozen=True, slots=True)
class ReportedFigure:
    """A figure, with its parts if it is a ratio, and the submission and version it comes from."""

    id: UUID
    version: int
    approved: bool
    value: Decimal | None
    numerator: Decimal | None = None
    denominator: Decimal | None = None

    def part(self, part: FigurePart) -> Decimal | None:
        """Return the value, or one part of a ratio; None: it has none."""
        found: Decimal | None = getattr(self, part)
        return found


def figure_of_row(row: Mapping[str, Any]) -> ReportedFigure | None:
    """Return the figure of a submission, in any state; None: it has none."""
    if row["value"] is None and row["numerator"] is None:
        return None
    return ReportedFigure(
        row["id"],
        row["version"],
        row["state"] == "approved",
        row["value"],
        row["numerator"],
        row["denominator"],
    )


class Figures:
    """The figures looked up at some slots, overlaid by those that are being written."""

    def __init__(self, stored: Mapping[Slot, ReportedFigure] | None = None) -> None:
        self._stored = dict(stored or {})
        self._over: dict[Slot, ReportedFigure | None] = {}

    def at(self, slot: Slot) -> ReportedFigure | None:
        """Return the figure of a slot; None: there is none."""
        if slot in self._over:
            return self._over[slot]
        return self._stored.get(slot)

    def lay_over(self, row: Mapping[str, Any]) -> None:
        """Overlay a submission that is being written: from now on its figure counts in its slot.

        A submission that is being worked on, as a draft or returned, changes nothing.
        """
        if row["state"] in _HANDED_IN:
            self._over[slot_of(row)] = figure_of_row(row)
        elif row["state"] == "withdrawn":
            self._over[slot_of(row)] = None

    def lay_over_all(self, others: "Figures") -> None:
        """Overlay everything that was overlaid on others."""
        self._over |= dict(others.laid_over())

    def take_off(self, slot: Slot) -> None:
        """Remove the overlay of a slot, so that the stored figure counts again."""
        self._over.pop(slot, None)

    def laid_over(self) -> Iterator[tuple[Slot, ReportedFigure | None]]:
        """Yield the overlaid figures; None: the slot is empty now."""
        yield from self._over.items()

    def stored(self) -> Iterator[tuple[Slot, ReportedFigure]]:
        """Yield the figures that were looked up."""
        yield from self._stored.items()


NOTHING = Figures()
"""Shared default for callers without figures to compare. Nothing may be overlaid on it."""
