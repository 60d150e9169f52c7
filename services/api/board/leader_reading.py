"""Reads the data of the leader's page, on one connection in a bounded number of statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.api.alerts.late_views import LateOut, late_out
from services.api.scoring.change_views import board_place, changes_fields
from services.api.scoring.ranking_views import ranked_by_reporting, ranked_by_score
from services.core.alerts.following import ground_of
from services.core.alerts.late import LateCounts, gravest_late
from services.core.board import queries as board_queries
from services.core.board.queries import PeriodStanding
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.clock import Clock
from services.core.obligations.quality.queries import reporting_quality
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.plan.versions.queries import plan_of_version
from services.core.scoring import queries
from services.core.scoring.comparing import compare_boards
from services.core.scoring.models import ScoreSnapshot
from services.core.scoring.service import nothing_drawn

MOST_LATE = 60
"""At most this many late items are listed, the gravest first; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A plan's scoreboard in a period, and its position in the log."""

    board: Mapping[str, Any]
    traces: Mapping[str, Any]
    position: int
    plan: PlanState


@dataclass(frozen=True, slots=True)
class LeaderReading:
    """The data of the leader's page, as far as its reader may see it.

    `late`, `changes` and `reporting` are None if the reader's scopes do not include them, or there
    is nothing yet to compare.
    """

    plan: PlanState
    period: Period
    today: date
    now_at: Standing
    since: date
    changes: Mapping[str, Any] | None
    late: Sequence[LateOut] | None
    late_counts: LateCounts
    curve: Sequence[PeriodStanding]
    rankings: Sequence[Mapping[str, Any]]
    reporting: Mapping[str, Any] | None


async def read_for_leader(
    session: AsyncSession, actor: Actor, plan: PlanState, period: Period, clock: Clock
) -> LeaderReading:
    """Read the data of a plan's leader's page for a period."""
    today = clock.today(plan.document.time_zone)
    since = today.replace(day=1) - timedelta(days=1)
    city, code = plan.city_code, plan.code
    after = await queries.latest_board(session, city, code, period=period.code, basis="approved")
    standing = await _standing(session, plan, period, after, today)
    late, late_counts = None, LateCounts()
    if actor.may(Permission.READ_ALERTS):
        ground = await ground_of(session, plan, clock.now(), first=False)
        found, late_counts = await gravest_late(session, actor, ground, limit=MOST_LATE)
        late = [late_out(one, ground) for one in found]
    reporting = None
    if actor.may(Permission.READ_SUBMISSIONS):
        counted = await reporting_quality(session, plan, today=today, period=period.code)
        by_unit = {one.code: one for one in counted}
        reporting = ranked_by_reporting(plan, actor, "township", by_unit)
    return LeaderReading(
        plan=plan,
        period=period,
        today=today,
        now_at=standing,
        since=since,
        changes=await _changes(session, actor, plan, period, after, since),
        late=late,
        late_counts=late_counts,
        curve=await board_queries.standings(
            session, city, code, basis="approved", periods=_comparable(plan, period)
        ),
        rankings=[
            ranked_by_score(standing.plan, actor, group, standing.board, standing.traces)
            for group in ("lead", "township")
        ],
        reporting=reporting,
    )


async def _standing(
    session: AsyncSession,
    plan: PlanState,
    period: Period,
    snapshot: ScoreSnapshot | None,
    today: date,
) -> Standing:
    if snapshot is None:
        drawn = await nothing_drawn(session, plan, period, today)
        return Standing(drawn.board, drawn.traces, 0, plan)
    return Standing(
        snapshot.board,
        snapshot.traces,
        snapshot.position,
        await plan_of_version(session, plan, snapshot.plan_version),
    )


async def _changes(
    session: AsyncSession,
    actor: Actor,
    plan: PlanState,
    period: Period,
    after: ScoreSnapshot | None,
    since: date,
) -> Mapping[str, Any] | None:
    """Return the causes of the score's change since the end of a day; None: there is no score."""
    if after is None:
        return None
    before = await queries.latest_board(
        session,
        plan.city_code,
        plan.code,
        period=period.code,
        basis="approved",
        **board_place(since.isoformat(), "/query/from", plan),
    )
    compared = await compare_boards(session, plan, period, "approved", before=before, after=after)
    return {
        **changes_fields(compared, actor, plan),
        "before": None if before is None else before.board["overall"],
        "after": after.board["overall"],
    }


def _comparable(plan: PlanState, period: Period) -> list[str]:
    """Return the periods of a curve: those of the same length as most opened ones."""
    known = [plan.period_calendar.period(code) for code in plan.periods]
    if period.code not in plan.periods:
        known.append(period)
    lengths = [one.months for one in known]
    most = max(sorted(set(lengths)), key=lengths.count)
    if period.months != most and lengths.count(most) <= 1:
        most = period.months
    alike = [one for one in known if one.months == most]
    return [one.code for one in sorted(alike, key=lambda one: one.first_day)]
