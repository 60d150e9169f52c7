"""Reads two boards of a period and the events between them, in a bounded number of statements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import driver_connection
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.versions.queries import plan_of_version
from services.core.scoring import queries
from services.core.scoring.affected import chain
from services.core.scoring.aggregation import Operands
from services.core.scoring.board import ScoringContext, board_before, empty_board
from services.core.scoring.cases import facts_of, finer_periods, periods_read
from services.core.scoring.changes import (
    IndicatorChange,
    ScoreDifference,
    Stand,
    ValueStep,
    explain_difference,
)
from services.core.scoring.counting import CountingScope, finer_operands, operands_of
from services.core.scoring.duties import former_duties
from services.core.scoring.judgement import Case
from services.core.scoring.models import ScoreSnapshot
from services.core.scoring.statements import COUNTED_BETWEEN, DECISIONS_BETWEEN, EVENTS_AT
from services.core.scoring.traces import case_of

_MOST_VALUES = 50
"""So many values of one indicator are told apart; the last of them stands for the rest too."""

_MOST_ROWS = 2000
_MOST_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Happened:
    """An event between two boards: who did what."""

    id: UUID
    position: int
    type: str
    subject_kind: str
    subject_id: str
    occurred_at: datetime
    actor: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """A value that came to count, or ceased to at `position`; `more` others went along."""

    position: int
    submission_id: UUID
    revision: int
    organization_code: str
    period: str
    more: int = 0


@dataclass(frozen=True, slots=True)
class BoardComparison:
    """The difference of two boards with its parts, and the events behind them.

    `events` are by position; `decisions` are those on plan, targets and periods, oldest first.
    `period_ids` gives by indicator the subjects of the periods that its verdict looks at.
    `before` and `after` are the plan as in the versions that the boards were drawn by.
    """

    changes: ScoreDifference
    events: Mapping[int, Happened]
    decisions: Sequence[Happened]
    period_ids: Mapping[str, frozenset[str]]
    before: PlanState
    after: PlanState

    def drawn_by(self, change: IndicatorChange) -> PlanState:
        """Return the plan as in the version by which an indicator was drawn last."""
        return self.before if change.after is None else self.after


async def compare_boards(
    session: AsyncSession,
    plan: PlanState,
    period: Period,
    basis: str,
    *,
    before: ScoreSnapshot | None,
    after: ScoreSnapshot,
) -> BoardComparison:
    """Return why the score of `after` is not that of `before`; None: nothing stood yet."""
    now = await plan_of_version(session, plan, after.plan_version)
    earlier = now if before is None else await plan_of_version(session, plan, before.plan_version)
    bench = await _bench(session, now, after)
    then = _stand(now, after)
    first = _nothing(now, period) if before is None else _stand(earlier, before)
    since = 0 if before is None else before.position
    period_ids = {**_period_ids(earlier, period), **_period_ids(now, period)}
    decisions = await _decisions(
        session, (now, earlier), period_ids, since=since, upto=after.position
    )
    added = [code for code in then.traces if code not in first.traces]
    moved = [code for code in then.traces if _counts_differ(first, then, code)] + added
    history = _History(bench, period, basis, since, after.position)
    await history.read(session, moved)
    dated = (
        before is None
        or before.local_date != after.local_date
        or any(each.subject_kind == "period" for each in decisions)
    )
    changes = explain_difference(
        first,
        then,
        steps=history.steps,
        dated=dated,
        arrivals=_arrivals(now, period, after, history, added),
    )
    events = await _events(session, plan.city_code, history.positions)
    return BoardComparison(changes, events, decisions, period_ids, earlier, now)


async def _bench(session: AsyncSession, plan: PlanState, after: ScoreSnapshot) -> ScoringContext:
    """Return by what the values between two boards are counted: as for the boards themselves."""
    facts = facts_of(plan)
    shared = [code for code, each in facts.items() if each.shared]
    return ScoringContext.of(
        plan,
        after.local_date,
        tenures=await queries.tenures_of(session, plan.city_code, plan.code),
        former=await former_duties(session, plan, facts),
        memberships=await queries.memberships_of(session, plan, shared),
    )


def _counts_differ(first: Stand, then: Stand, code: str) -> bool:
    before = first.traces.get(code)
    return before is not None and any(
        before[name] != then.traces[code][name] for name in ("operands", "finer_periods")
    )


def _stand(drawn_by: PlanState, snapshot: ScoreSnapshot) -> Stand:
    return Stand(drawn_by.document, snapshot.board, snapshot.traces)


def _nothing(plan: PlanState, period: Period) -> Stand:
    drawn = board_before(plan, period, None)
    return Stand(plan.document, drawn.board, drawn.traces)


def _arrivals(
    plan: PlanState,
    period: Period,
    after: ScoreSnapshot,
    history: "_History",
    codes: Sequence[str],
) -> dict[str, Case]:
    """Return how indicators stood that came with the plan: on what counted already, or nothing."""
    moved = {code: history.standing(code) for code in codes if history.moved(code)}
    if not moved:
        return {}
    traces = empty_board(plan, period, after.local_date).traces
    return {
        code: case_of(traces[code])
        if stood is None
        else replace(case_of(traces[code]), own=stood.own, parts=stood.parts, absent=stood.absent)
        for code, stood in moved.items()
    }


class _History:
    """The values that counted at two positions, and the steps from one to the other."""

    def __init__(
        self, bench: ScoringContext, period: Period, basis: str, since: int, upto: int
    ) -> None:
        self._bench, self._period, self._basis = bench, period, basis
        self._since, self._upto = since, upto
        self._rows: dict[str, list[Mapping[str, Any]]] = {}
        self.positions: set[int] = set()

    async def read(self, session: AsyncSession, codes: Sequence[str]) -> None:
        """Read what counted for these indicators at either position."""
        if not codes:
            return
        state, facts = self._bench.state, self._bench.facts
        known = [code for code in codes if code in facts]
        periods = [" ".join(periods_read(self._period, facts[code].indicator)) for code in known]
        connection = await driver_connection(session)
        wanted = {
            "city": state.city_code,
            "plan": state.code,
            "basis": self._basis,
            "codes": known,
            "periods": periods,
            "since": self._since,
            "upto": self._upto,
            "most": _MOST_ROWS + 1,
        }
        rows = await connection.fetch(*COUNTED_BETWEEN.bind(wanted))
        for row in rows:
            self._rows.setdefault(row["indicator_code"], []).append(row)

    def moved(self, code: str) -> bool:
        """Return whether a value of an indicator came to count, or ceased to."""
        return any(
            self._counted(row, self._since) != self._counted(row, self._upto)
            for row in self._rows.get(code, [])
        )

    def standing(self, code: str) -> ValueStep | None:
        """Return the operands of an indicator that counted already; None: nothing did."""
        rows = [row for row in self._rows.get(code, []) if self._counted(row, self._since)]
        return self._step(code, rows, None) if rows else None

    def steps(self, code: str) -> list[ValueStep]:
        """Return the steps of an indicator's values; one for all where they are too many."""
        rows = self._rows.get(code, [])
        if len(rows) > _MOST_ROWS:
            return [self._step(code, (), None)]
        counting = {_place(row): row for row in rows if self._counted(row, self._since)}
        then = {_place(row): row for row in rows if self._counted(row, self._upto)}
        moves = sorted(
            (self._moved_at(place, counting, then), place)
            for place in {*counting, *then}
            if counting.get(place) is not then.get(place)
        )
        found = []
        for number, (position, place) in enumerate(moves, start=1):
            counting.pop(place, None)
            if place in then:
                counting[place] = then[place]
            if number < _MOST_VALUES or number == len(moves):
                more = max(0, len(moves) - _MOST_VALUES) if number == len(moves) else 0
                row = then.get(place) or self._first(rows, place)
                self.positions.add(position)
                found.append(self._step(code, counting.values(), _value(row, position, more)))
        return found

    def _counted(self, row: Mapping[str, Any], position: int) -> bool:
        until = row["until_position"]
        return row["from_position"] <= position and (until is None or until > position)

    def _moved_at(
        self,
        place: tuple[str, str],
        before: Mapping[tuple[str, str], Mapping[str, Any]],
        then: Mapping[tuple[str, str], Mapping[str, Any]],
    ) -> int:
        row = then.get(place)
        return int(row["from_position"] if row is not None else before[place]["until_position"])

    def _first(
        self, rows: Iterable[Mapping[str, Any]], place: tuple[str, str]
    ) -> Mapping[str, Any]:
        return next(row for row in rows if _place(row) == place)

    def _step(
        self, code: str, counting: Iterable[Mapping[str, Any]], value: Value | None
    ) -> ValueStep:
        counted, counting = self._bench.counted([code]), list(counting)
        found = operands_of([{**each, "indicator_code": code} for each in counting], counted)
        codes = finer_periods(self._period, self._bench.facts[code].indicator.frequency)
        own = found.get((code, self._period.code))
        if own is not None and code in counted.shared:
            own = self._beside(code, own, counted, counting)
        parts = tuple(found[code, each] for each in codes if (code, each) in found)
        absent = tuple(each for each in codes if (code, each) not in found)
        return ValueStep(
            reference=value,
            own=own,
            parts=() if own is not None else parts,
            absent=() if own is not None else absent,
        )

    def _beside(
        self,
        code: str,
        own: Operands,
        counted: CountingScope,
        counting: Iterable[Mapping[str, Any]],
    ) -> Operands:
        """Return operands of the period with what other units reported for finer ones alone."""
        rows = [row for row in counting if counted.may_count(code, row["organization_code"])]
        whole = set(own.organizations) or {
            row["organization_code"] for row in rows if row["period"] == self._period.code
        }
        finer = finer_periods(self._period, self._bench.facts[code].indicator.frequency)
        others = [
            row
            for period in finer
            for row in rows
            if row["period"] == period and row["organization_code"] not in whole
        ]
        return replace(own, finer=finer_operands(others, code, counted))


def _value(row: Mapping[str, Any], position: int, more: int) -> Value:
    return Value(
        position,
        row["submission_id"],
        row["revision"],
        row["organization_code"],
        row["period"],
        more,
    )


def _place(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["period"], row["organization_code"]


def _period_ids(plan: PlanState, period: Period) -> dict[str, frozenset[str]]:
    """Return by indicator the subjects of the periods that a verdict on one looks at.

    Those are the period and the wider ones, by which it is asked for, the finer ones that it is
    made of, and what it is compared with.
    """
    wider = [each.code for each in chain(period)]
    return {
        code: frozenset(
            f"{plan.code}/{each}" for each in (*wider, *periods_read(period, indicator))
        )
        for code, indicator in plan.indicators.items()
    }


async def _decisions(
    session: AsyncSession,
    versions: Sequence[PlanState],
    period_ids: Mapping[str, frozenset[str]],
    *,
    since: int,
    upto: int,
) -> list[Happened]:
    """Return what was decided on the plan, its targets, questions and periods, oldest first.

    The plan is given as in the versions that have a part in it.
    """
    plan = versions[0]
    codes = dict.fromkeys(code for one in versions for code in one.indicators)
    questions = dict.fromkeys(each.id for one in versions for each in one.document.open_questions)
    subjects = [("plan", plan.code)]
    subjects += [("indicator", f"{plan.code}/{code}") for code in codes]
    subjects += [("open_question", f"{plan.code}/{question}") for question in questions]
    subjects += [("period", each) for each in sorted(frozenset().union(*period_ids.values()))]
    connection = await driver_connection(session)
    wanted = {
        "city": plan.city_code,
        "kinds": [kind for kind, _ in subjects],
        "ids": [subject for _, subject in subjects],
        "since": since,
        "upto": upto,
        "most": _MOST_EVENTS,
    }
    return [_happened(row) for row in await connection.fetch(*DECISIONS_BETWEEN.bind(wanted))]


async def _events(
    session: AsyncSession, city_code: str, positions: Iterable[int]
) -> dict[int, Happened]:
    connection = await driver_connection(session)
    rows = await connection.fetch(
        *EVENTS_AT.bind({"city": city_code, "positions": sorted(positions)})
    )
    return {row["position"]: _happened(row) for row in rows}


def _happened(row: Mapping[str, Any]) -> Happened:
    return Happened(
        row["id"],
        row["position"],
        row["type"],
        row["subject_kind"],
        row["subject_id"],
        row["occurred_at"],
        from_json(row["actor"]),
    )
