"""Reconciles a period: what counts here, what was sent, and what the superior holds. Pure.

Each row has one standing, and the counts of all standings add up to the rows.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

from services.core.connectors.mapping import CodeMapping, figure_text, unit_of
from services.core.connectors.models import ConnectorItem
from services.core.connectors.rules import HeldFigure
from services.core.plan.state import PlanState

ReconciledAs = Literal[
    "accepted",
    "refused",
    "differing",
    "waiting",
    "unmapped",
    "failed",
    "not-queued",
    "withdrawn",
]
STANDINGS: tuple[ReconciledAs, ...] = get_args(ReconciledAs)

_OF_STATE: Mapping[str, ReconciledAs] = {
    "accepted": "accepted",
    "refused": "refused",
    "failed": "failed",
    "unmapped": "unmapped",
    "pending": "waiting",
    "unknown": "waiting",
}


@dataclass(frozen=True, slots=True)
class ReconciledRow:
    """An indicator and a unit in a period; `ours` and `theirs` are in the superior's measure.

    `theirs` is None if it was not asked, or does not hold one; `stated` means that a statement
    covers the period, so that the superior lacks what the statement lacks.
    """

    indicator_code: str
    organization_code: str
    standing: ReconciledAs
    held: bool
    sent: bool
    ours: str | None
    theirs: str | None
    stated: bool
    item: ConnectorItem | None


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """All rows of a period by indicator and unit, and the number of each standing."""

    rows: Sequence[ReconciledRow]

    @property
    def counts(self) -> Mapping[ReconciledAs, int]:
        """Return the number of rows of each standing; they add up to all rows."""
        counted = Counter(one.standing for one in self.rows)
        return {one: counted[one] for one in STANDINGS}

    @property
    def held(self) -> int:
        """Return the number of rows for which we hold a figure."""
        return sum(one.held for one in self.rows)

    @property
    def sent(self) -> int:
        """Return the number of rows of which something was sent."""
        return sum(one.sent for one in self.rows)


@dataclass(frozen=True, slots=True)
class _Known:
    held: HeldFigure | None
    items: Sequence[ConnectorItem]
    told: str | None


def reconcile(
    plan: PlanState,
    mapping: CodeMapping,
    *,
    held: Mapping[tuple[str, str], HeldFigure],
    items: Sequence[ConnectorItem],
    stated: Mapping[tuple[str, str], str] | None,
) -> Reconciliation:
    """Compare the figures of a period with its items, and with a statement, if there is one."""
    by_place: dict[tuple[str, str], list[ConnectorItem]] = {}
    for item in items:
        by_place.setdefault((item.indicator_code, item.organization_code), []).append(item)
    places = sorted({*held, *by_place, *(stated or {})})
    rows = []
    for place in places:
        known = _Known(held.get(place), by_place.get(place, ()), (stated or {}).get(place))
        rows.append(_row(place, known, plan, mapping, stated=stated is not None))
    return Reconciliation(rows)


def _row(
    place: tuple[str, str],
    known: _Known,
    plan: PlanState,
    mapping: CodeMapping,
    *,
    stated: bool,
) -> ReconciledRow:
    items, held = known.items, known.held
    last = items[-1] if items else None
    ours = None if held is None else _ours(held, last, plan, mapping)
    theirs = known.told
    if not stated and last is not None and last.state == "accepted":
        theirs = last.their_value
    return ReconciledRow(
        *place,
        standing=_standing(last, held, ours, theirs, stated=stated),
        held=held is not None,
        sent=any(one.attempts > 0 for one in items),
        ours=ours,
        theirs=theirs,
        stated=stated,
        item=last,
    )


def _ours(
    held: HeldFigure, last: ConnectorItem | None, plan: PlanState, mapping: CodeMapping
) -> str | None:
    """Return our figure in the superior's measure; as sent, if the plan lacks its indicator now."""
    if held.figure.indicator_code in plan.indicators:
        return figure_text(mapping, held.figure, unit_of(plan, held.figure.indicator_code))
    sent = last is not None and _reports(last, held)
    return (last.payload or {}).get("figure") if last is not None and sent else None


def _standing(
    last: ConnectorItem | None,
    held: HeldFigure | None,
    ours: str | None,
    theirs: str | None,
    *,
    stated: bool,
) -> ReconciledAs:
    """Return the standing of a row; a statement takes precedence over a receipt."""
    told = theirs is not None and theirs != ours and (held is None or ours is not None)
    # The superior accepted it, but its statement lacks it.
    lost = stated and theirs is None and last is not None and last.state == "accepted"
    if told or (last is not None and (last.differs or (lost and not last.withdrawn))):
        return "differing"
    if last is None or (held is not None and not _reports(last, held)):
        return "not-queued"
    if last.withdrawn and last.state == "accepted":
        return "withdrawn"
    return _OF_STATE[last.state]


def _reports(item: ConnectorItem, held: HeldFigure) -> bool:
    found: tuple[UUID, int] = (item.submission_id, item.revision)
    return found == (held.submission_id, held.revision)
