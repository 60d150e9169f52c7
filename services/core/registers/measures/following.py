"""Recomputes figures of registers from the event log, wherever rows changed.

It reads the current rows, not the events' data, so it may be killed at any line or run twice.
"""

from collections.abc import Iterable

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.events.queries import LogEvent, LogStretch
from services.core.events.reading import Follower
from services.core.kit.clock import Clock
from services.core.plan.periods import Period
from services.core.plan.queries import plan_state
from services.core.plan.register_entries import Register, RegisterMeasure
from services.core.plan.state import PlanState
from services.core.registers.measures import queries
from services.core.registers.measures.rules import measures_on
from services.core.registers.measures.service import propose

_ROWS = "register_row."

_TYPES: tuple[EventType, ...] = (
    "register_row.created",
    "register_row.changed",
    "register_row.confirmed",
    "register_row.ended",
    "register_row.revoked",
    "register_row.withdrawn",
    "period.opened",
    "period.reopened",
    "plan.published",
)


async def _handle(session: AsyncSession, city_code: str, stretch: LogStretch, clock: Clock) -> None:
    for plan_code in sorted({one.plan_code for one in stretch.events if one.plan_code}):
        plan = await plan_state(session, city_code, plan_code)
        if plan is None:
            continue
        events = [one for one in stretch.events if one.plan_code == plan_code]
        # A newly opened period needs every figure, and so does a new version of the plan.
        everything = any(not one.type.startswith(_ROWS) for one in events)
        touched = None if everything else _registers(events)
        for register, measure in measures_on(plan, touched):
            await propose(
                session,
                plan,
                register,
                measure,
                await _periods(session, plan, register, measure),
                position=stretch.upto,
                now=clock.now(),
                afresh=everything,
            )


FOLLOWER = Follower("registers", _TYPES, _handle, passes_over=True)


def _registers(events: Iterable[LogEvent]) -> set[str]:
    return {one.data["register_code"] for one in events if one.type.startswith(_ROWS)}


async def _periods(
    session: AsyncSession, plan: PlanState, register: Register, measure: RegisterMeasure
) -> list[Period]:
    """Return the periods to compute a figure for: those open for it, or with earlier figures."""
    indicator = plan.indicators[measure.indicator or ""]
    calendar = plan.period_calendar
    opened = {
        code
        for code, one in plan.periods.items()
        if one.state == "open"
        for period in [calendar.period(code)]
        if period.frequency == plan.cycle(indicator, period)
    }
    known = {one["period"] for one in await queries.latest(session, plan, register, measure)}
    return [calendar.period(code) for code in sorted(opened | known)]
