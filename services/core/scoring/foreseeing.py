"""Boards as they would be if some submissions stood otherwise. Nothing is written.

What would follow is counted by the statements and judged by the rules of what follows. The caller's
transaction reads one snapshot, so that nothing else moves between before and after.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState
from services.core.scoring import queries
from services.core.scoring.adding_up import Board
from services.core.scoring.affected import AffectedScores, BoardKey, boards_to_draw
from services.core.scoring.board import Judged, ScoringContext, draw_board
from services.core.scoring.cases import Operated, periods_read
from services.core.scoring.changes import ScoreDifference, Stand, ValueStep, explain_difference
from services.core.scoring.counted.statements import SUPPOSED
from services.core.scoring.drawing import Order, operands_for, orders_for
from services.core.scoring.service import context_of
from services.core.submissions.authorship import SubmissionRow

MOST_BOARDS = 100
"""So many boards are foreseen at most, those of the latest periods."""


@dataclass(frozen=True, slots=True)
class Supposed:
    """A value that would count on a basis, or no more, with the submission that says it."""

    basis: str
    row: SubmissionRow
    counts: bool

    @property
    def place(self) -> tuple[str, str, str]:
        """Basis, indicator and period: what it is added up in."""
        return self.basis, self.row["indicator_code"], self.row["period"]


@dataclass(frozen=True, slots=True)
class SupposedStep:
    """Which value moved an indicator; `more` others went along."""

    value: Supposed
    more: int


@dataclass(frozen=True, slots=True)
class ForeseenBoard:
    """A board as it stands and as it would be, and the difference of the two scores."""

    basis: str
    period: str
    before: Board
    after: Board
    changes: ScoreDifference


@dataclass(frozen=True, slots=True)
class Foresight:
    """The boards that would differ, by period and basis; `left_out` were not looked at."""

    boards: Sequence[ForeseenBoard]
    left_out: int


def supposed_by(rows: Iterable[SubmissionRow], bases: Collection[str]) -> list[Supposed]:
    """Return what would count on each basis if submissions stood as these rows say.

    On the basis `submitted` that is what follows at once; on `approved` what follows once those
    of them that are handed in are approved. What is withdrawn, was never approved.
    """
    found = []
    for row in rows:
        if row["state"] == "submitted":
            found += [Supposed(basis, row, counts=True) for basis in bases]
        elif row["state"] == "withdrawn" and "submitted" in bases:
            found.append(Supposed("submitted", row, counts=False))
    return found


async def foresee(
    session: AsyncSession, plan: PlanState, supposed: Sequence[Supposed], *, today: date
) -> Foresight:
    """Return how the boards of a plan would differ if these values counted; by one snapshot.

    A published period keeps its board. Boards on which nothing would differ are left out.
    """
    state = await plan_state(session, plan.city_code, plan.code) or plan
    touch = AffectedScores(inputs={one.place for one in supposed})
    want = boards_to_draw(touch, state.indicators, (), state.period_calendar)
    keys = [key for key in want.boards if state.period_state(key[1]) != "published"]
    keys.sort(key=lambda key: _place(state, key), reverse=True)
    looked_at = sorted(keys[:MOST_BOARDS], key=lambda key: _place(state, key))
    if not looked_at:
        return Foresight([], 0)
    bench = await context_of(session, state, today)
    earlier = await queries.earlier_boards(session, state.city_code, state.code, looked_at)
    orders = orders_for(bench, want, looked_at, earlier)
    codes = {code for _, code, _ in touch.inputs if code in bench.facts}
    if not orders or not codes:
        return Foresight([], 0)
    now = await operands_for(session, bench, orders)
    then = await operands_for(session, bench, orders, codes=codes, supposed=_arrays(supposed))
    told = _Told(bench, supposed, codes)
    boards = await asyncio.to_thread(told.boards, orders, now, _put_in(now, then, codes))
    return Foresight(boards, len(keys) - len(looked_at))


def _place(state: PlanState, key: BoardKey) -> tuple[date, int, str]:
    """Return where a board stands in a list: by when its period ends, the wider after its parts."""
    period = state.period_calendar.period(key[1])
    return period.last_day, period.months, key[0]


def _arrays(supposed: Sequence[Supposed]) -> Mapping[str, Sequence[Any]]:
    """Return the values by column, as the statements take them."""
    of_row = {name: [one.row[name] for one in supposed] for name in _OF_ROW}
    return {f"supposed_{name}": values for name, values in of_row.items()} | {
        "supposed_basis": [one.basis for one in supposed],
        "supposed_counts": [one.counts for one in supposed],
        "supposed_provisional": [one.row["data_status"] == "provisional" for one in supposed],
    }


_OF_ROW = [name for name in SUPPOSED if name not in {"basis", "counts", "provisional"}]


def _put_in(
    now: Mapping[str, Operated], then: Mapping[str, Operated], codes: Collection[str]
) -> Mapping[str, Operated]:
    """Return the operands of now with those of `codes` as they would be."""
    kept = {
        basis: {place: one for place, one in places.items() if place[0] not in codes}
        for basis, places in now.items()
    }
    return {basis: {**kept.get(basis, {}), **then.get(basis, {})} for basis in {*kept, *then}}


class _Told:
    """The boards of both sides, and why they differ."""

    def __init__(
        self, bench: ScoringContext, supposed: Sequence[Supposed], codes: Collection[str]
    ) -> None:
        self._bench = bench
        self._codes = [code for code in bench.facts if code in codes]
        self._values: dict[tuple[str, str, str], list[Supposed]] = {}
        for one in supposed:
            self._values.setdefault(one.place, []).append(one)
        self._period = ""
        self._known: tuple[Judged, Judged] = ({}, {})

    def boards(
        self,
        orders: Sequence[Order],
        now: Mapping[str, Operated],
        then: Mapping[str, Operated],
    ) -> list[ForeseenBoard]:
        """Return the boards that would differ, in the order of the orders."""
        found = [self._board(order, now, then) for order in orders]
        return [one for one in found if one is not None]

    def _board(
        self, order: Order, now: Mapping[str, Operated], then: Mapping[str, Operated]
    ) -> ForeseenBoard | None:
        bench, (basis, period), place = self._bench, order.key, order.period
        if period != self._period:  # of one period both bases mostly read the same
            self._period, self._known = period, ({}, {})
        codes = self._codes if order.indicators is None else order.indicators
        before = draw_board(
            bench,
            place,
            now.get(basis, {}),
            indicators=order.indicators,
            earlier=order.earlier.board if order.earlier else None,
            known=self._known[0],
        )
        after = draw_board(
            bench,
            place,
            then.get(basis, {}),
            indicators=codes,
            earlier=before.board,
            known=self._known[1],
        )
        if before.board == after.board:
            return None
        document = bench.state.document
        changes = explain_difference(
            Stand(document, before.board, before.traces),
            Stand(document, after.board, after.traces),
            steps=lambda code: self._steps(order, code),
            dated=False,
            only=codes,
        )
        return ForeseenBoard(basis, period, before.board, after.board, changes)

    def _steps(self, order: Order, code: str) -> list[ValueStep]:
        """Return one step for all values of an indicator that the board looks at."""
        indicator = self._bench.facts[code].indicator
        moved = [
            one
            for period in periods_read(order.period, indicator)
            for one in self._values.get((order.key[0], code, period), ())
        ]
        reference = SupposedStep(moved[-1], len(moved) - 1) if moved else None
        return [ValueStep(reference, own=None, parts=(), absent=())]
