"""Boards as they would be if some submissions were in another state. Nothing is written.

A preview counts with the same statements and judges by the same rules as the real calculation.
The caller's transaction reads one snapshot, so that nothing else changes between before and after.
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
"""At most this many boards are previewed, those of the latest periods."""


@dataclass(frozen=True, slots=True)
class Supposed:
    """A value that would begin or cease to count, with its submission."""

    row: SubmissionRow
    counts: bool

    def bases(self, bases: Collection[str]) -> Iterable[str]:
        """Return the bases that it affects: a value that ceases to count was never approved."""
        return (basis for basis in bases if self.counts or basis == "submitted")


@dataclass(frozen=True, slots=True)
class SupposedStep:
    """The value that moved an indicator; `more` others are merged into it."""

    value: Supposed
    more: int


@dataclass(frozen=True, slots=True)
class ForeseenBoard:
    """The present board, the board as it would be, and the difference of their scores."""

    basis: str
    period: str
    before: Board
    after: Board
    changes: ScoreDifference


@dataclass(frozen=True, slots=True)
class Foresight:
    """The boards that would differ, by period and basis; `left_out` counts those not examined."""

    boards: Sequence[ForeseenBoard]
    left_out: int


def supposed_by(rows: Iterable[SubmissionRow]) -> list[Supposed]:
    """Return which values would begin or cease to count if submissions were as in these rows.

    On the basis `submitted` that happens at once; on `approved` when the submitted ones are
    approved.
    """
    return [
        Supposed(row, counts=row["state"] == "submitted")
        for row in rows
        if row["state"] in {"submitted", "withdrawn"}
    ]


async def foresee(
    session: AsyncSession,
    plan: PlanState,
    supposed: Sequence[Supposed],
    *,
    bases: Collection[str],
    today: date,
) -> Foresight:
    """Preview how the boards of a plan would differ if these values counted; reads one snapshot.

    A published period keeps its board. Boards without any difference are left out.
    """
    state = await plan_state(session, plan.city_code, plan.code) or plan
    told = _Told(state, supposed, bases)
    want = boards_to_draw(
        AffectedScores(inputs=set(told.values)), state.indicators, (), state.period_calendar
    )
    keys = [key for key in want.boards if state.period_state(key[1]) != "published"]
    keys.sort(key=lambda key: _place(state, key), reverse=True)
    looked_at = sorted(keys[:MOST_BOARDS], key=lambda key: _place(state, key))
    if not looked_at or not told.codes:
        return Foresight([], 0)
    bench = await context_of(session, state, today)
    earlier = await queries.earlier_boards(session, state.city_code, state.code, looked_at)
    orders = orders_for(bench, want, looked_at, earlier)
    if not orders:
        return Foresight([], 0)
    now = await operands_for(session, bench, orders)
    then = await operands_for(session, bench, orders, codes=told.codes, supposed=_arrays(supposed))
    boards = await asyncio.to_thread(
        told.boards, bench, orders, now, _put_in(now, then, told.codes)
    )
    return Foresight(boards, len(keys) - len(looked_at))


def _place(state: PlanState, key: BoardKey) -> tuple[date, int, str]:
    """Return the sort key of a board: by the end of its period, wider periods after their parts."""
    period = state.period_calendar.period(key[1])
    return period.last_day, period.months, key[0]


def _arrays(supposed: Sequence[Supposed]) -> Mapping[str, Sequence[Any]]:
    """Return the values as arrays by column, for the SQL statements."""
    of_row = {name: [one.row[name] for one in supposed] for name in _OF_ROW}
    return {f"supposed_{name}": values for name, values in of_row.items()} | {
        "supposed_counts": [one.counts for one in supposed],
        "supposed_provisional": [one.row["data_status"] == "provisional" for one in supposed],
    }


_OF_ROW = [name for name in SUPPOSED if name not in {"counts", "provisional"}]


def _put_in(
    now: Mapping[str, Operated], then: Mapping[str, Operated], codes: Collection[str]
) -> Mapping[str, Operated]:
    """Return the present operands, with those of `codes` replaced by the supposed ones."""
    kept = {
        basis: {place: one for place, one in places.items() if place[0] not in codes}
        for basis, places in now.items()
    }
    return {basis: {**kept.get(basis, {}), **then.get(basis, {})} for basis in {*kept, *then}}


class _Told:
    """The supposed values by slot, and the boards that they change."""

    def __init__(
        self, state: PlanState, supposed: Sequence[Supposed], bases: Collection[str]
    ) -> None:
        self.values: dict[tuple[str, str, str], list[Supposed]] = {}
        for one in supposed:
            for basis in one.bases(bases):
                place = (basis, one.row["indicator_code"], one.row["period"])
                self.values.setdefault(place, []).append(one)
        touched = {code for _, code, _ in self.values}
        self.codes = [code for code in state.indicators if code in touched]
        self._period = ""
        self._known: tuple[Judged, Judged] = ({}, {})

    def boards(
        self,
        bench: ScoringContext,
        orders: Sequence[Order],
        now: Mapping[str, Operated],
        then: Mapping[str, Operated],
    ) -> list[ForeseenBoard]:
        """Return the boards that would differ, in the order of the orders."""
        found = [self._board(bench, order, now, then) for order in orders]
        return [one for one in found if one is not None]

    def _board(
        self,
        bench: ScoringContext,
        order: Order,
        now: Mapping[str, Operated],
        then: Mapping[str, Operated],
    ) -> ForeseenBoard | None:
        (basis, period), place = order.key, order.period
        if period != self._period:  # both bases of a period mostly have the same operands
            self._period, self._known = period, ({}, {})
        known_now, known_then = self._known
        before = draw_board(
            bench,
            place,
            now.get(basis, {}),
            indicators=order.indicators,
            earlier=order.earlier.board if order.earlier else None,
            known=known_now,
        )
        codes = self.codes if order.indicators is None else order.indicators
        for code in codes:
            known_then.setdefault(code, known_now[code])
        after = draw_board(
            bench,
            place,
            then.get(basis, {}),
            indicators=codes,
            earlier=before.board,
            known=known_then,
        )
        moved = _moved(before.board, after.board)
        if not moved:
            return None
        document = bench.state.document
        changes = explain_difference(
            Stand(document, before.board, before.traces),
            Stand(document, after.board, after.traces),
            steps=lambda code: self._steps(bench, order, code),
            dated=False,
            only=moved,
        )
        return ForeseenBoard(basis, period, before.board, after.board, changes)

    def _steps(self, bench: ScoringContext, order: Order, code: str) -> list[ValueStep]:
        """Return one step for all supposed values of an indicator that the board reads."""
        moved = [
            one
            for period in periods_read(bench.state, order.period, bench.facts[code].indicator)
            for one in self.values.get((order.key[0], code, period), ())
        ]
        reference = SupposedStep(moved[-1], len(moved) - 1) if moved else None
        return [ValueStep(reference, own=None, parts=(), absent=())]


def _moved(before: Board, after: Board) -> set[str]:
    """Return the indicators whose rows differ, by the digests of their traces."""
    then = {row["code"]: row["trace_digest"] for row in after["indicators"]}
    return {row["code"] for row in before["indicators"] if then[row["code"]] != row["trace_digest"]}
