"""Reads two boards of a period and the events between them, in a bounded number of statements."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.database import driver_connection
from services.core.plan.document import Indicator
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.versions.queries import plan_of_version
from services.core.scoring import queries
from services.core.scoring.affected import chain
from services.core.scoring.board import ScoringContext, board_before, empty_board
from services.core.scoring.cases import build_case, facts_of, periods_read
from services.core.scoring.changes import (
    IndicatorChange,
    ScoreDifference,
    Stand,
    explain_difference,
)
from services.core.scoring.counted_between import MOST_ROWS, History
from services.core.scoring.duties import former_duties
from services.core.scoring.judgement import Case
from services.core.scoring.models import ScoreSnapshot
from services.core.scoring.statements import COUNTED_BETWEEN, DECISIONS_BETWEEN, EVENTS_AT
from services.core.scoring.traces import case_of

_MOST_EVENTS = 500


@dataclass(frozen=True, slots=True)
class Happened:
    """An event between two boards, with its actor."""

    id: UUID
    position: int
    type: str
    subject_kind: str
    subject_id: str
    occurred_at: datetime
    actor: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class BoardComparison:
    """The difference of two boards with its parts, and the events behind them.

    `events` are by position; `decisions` are those on plan, targets and periods, oldest first.
    `period_ids` gives for each indicator the event subjects of the periods that its verdict reads.
    `before` and `after` are the plan versions that the boards were drawn by.
    """

    changes: ScoreDifference
    events: Mapping[int, Happened]
    decisions: Sequence[Happened]
    period_ids: Mapping[str, frozenset[str]]
    before: PlanState
    after: PlanState

    def drawn_by(self, change: IndicatorChange) -> PlanState:
        """Return the plan version by which an indicator was last drawn."""
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
    """Explain why the score of `after` differs from that of `before`; None: no board before it."""
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
    rows = await _counted(session, bench, period, basis, since, after.position, moved)
    history = History(bench, period, since, after.position, rows)
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
        ruled={} if before is None else _ruled(bench, before, earlier, history, moved),
    )
    events = await _events(session, plan.city_code, history.positions)
    return BoardComparison(changes, events, decisions, period_ids, earlier, now)


async def _counted(
    session: AsyncSession,
    bench: ScoringContext,
    period: Period,
    basis: str,
    since: int,
    upto: int,
    codes: Sequence[str],
) -> Sequence[Mapping[str, Any]]:
    """Read the values of these indicators that counted at either of two positions."""
    if not codes:
        return ()
    state, facts = bench.state, bench.facts
    known = [code for code in codes if code in facts]
    read = [" ".join(periods_read(state, period, facts[code].indicator)) for code in known]
    connection = await driver_connection(session)
    wanted = {
        "city": state.city_code,
        "plan": state.code,
        "basis": basis,
        "codes": known,
        "periods": read,
        "since": since,
        "upto": upto,
        "most": MOST_ROWS + 1,
    }
    rows: Sequence[Mapping[str, Any]] = await connection.fetch(*COUNTED_BETWEEN.bind(wanted))
    return rows


async def _bench(session: AsyncSession, plan: PlanState, after: ScoreSnapshot) -> ScoringContext:
    """Return the context for counting the values between two boards, as the boards were counted."""
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
    history: History,
    codes: Sequence[str],
) -> dict[str, Case]:
    """Return the cases of added indicators: on the values that already counted, or none."""
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


def _ruled(
    bench: ScoringContext,
    before: ScoreSnapshot,
    earlier: PlanState,
    history: History,
    codes: Sequence[str],
) -> dict[str, Case]:
    """Return the cases of indicators by the later plan, on the values and the day of before.

    Only for indicators that now have other parts: other units, or other periods.
    """
    found = {}
    for code in codes:
        was, facts = earlier.indicators.get(code), bench.facts[code]
        if was is not None and _parted(was) != _parted(facts.indicator) and history.moved(code):
            found[code] = build_case(
                bench.duties,
                facts,
                history.period,
                history.operated(code, history.standing_rows(code)),
                method=bench.method,
                today=before.local_date,
                due_date=bench.due_date(facts.indicator, history.period),
            )
    return found


def _parted(indicator: Indicator) -> tuple[object, ...]:
    """Return the settings that determine the parts of an indicator's value."""
    return indicator.frequency, indicator.aggregation, indicator.owners, indicator.acting_owner


def _period_ids(plan: PlanState, period: Period) -> dict[str, frozenset[str]]:
    """Return for each indicator the event subjects of the periods that its verdict reads.

    Those are the period, the wider periods that may ask for it, the finer periods that make it up,
    and the periods that it is compared with.
    """
    wider = [each.code for each in chain(period)]
    return {
        code: frozenset(
            f"{plan.code}/{each}" for each in (*wider, *periods_read(plan, period, indicator))
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
    """Return the decisions on the plan, its targets, questions and periods, oldest first.

    `versions` are the plan versions that are involved.
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
