"""Verbs of scoring: follow the log, follow the calendar, recompute a plan.

Each runs in the caller's transaction under the lock of one cursor per city, so it may be killed
at any line or run twice. `scoring.drawing` draws the boards.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.queries import LogStretch
from services.core.events.reading import Follower, announce, lock_cursor, set_cursor
from services.core.kit.clock import Clock
from services.core.obligations.queries import extended
from services.core.plan.errors import PlanNotFound
from services.core.plan.periods import Period
from services.core.plan.queries import plan_state
from services.core.plan.state import PlanState
from services.core.scoring import queries
from services.core.scoring.affected import (
    TYPES,
    AffectedScores,
    BoardKey,
    affected,
    boards_to_draw,
    up_to_publication,
)
from services.core.scoring.board import Drawn, ScoringContext, draw_board
from services.core.scoring.cases import facts_of
from services.core.scoring.drawing import Recomputed, draw_all, draw_wanted, opened
from services.core.scoring.duties import former_duties
from services.core.scoring.inputs import apply_events, remake
from services.core.scoring.plans_followed import PlansFollowed

READER = "scoring"
"""The name of scoring's cursor in the log; its row is the lock of all scoring in a city."""

CALENDAR = "scoring-date/"
"""Prefix of a plan's cursor that stores, as an ordinal, the local date the plan is scored for."""

_followed = PlansFollowed()


async def _handle(session: AsyncSession, city_code: str, stretch: LogStretch, clock: Clock) -> int:
    """Draw the boards that the next events affect, up to a publication; return its position."""
    events, upto = up_to_publication(stretch)
    inputs = []
    if any(event.subject_kind == "submission" for event in events):
        inputs = await apply_events(session, city_code, after=stretch.after, upto=upto)
    benches = _followed.resume(session, city_code, stretch.after, events)
    for plan_code, touch in affected(events, inputs).items():
        bench = await _bench(session, city_code, plan_code, clock, benches.get(plan_code))
        if bench is not None:
            benches[plan_code] = bench
            await _renew(session, bench, touch, position=upto, now=clock.now())
    _followed.leave(session, city_code, upto, benches)
    return upto


FOLLOWER = Follower(READER, TYPES, _handle, announces=True)


async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Redraw the boards that the passage of days changed; return how many boards changed.

    Cheap to call often: if the local date was already followed, it is one SELECT.
    """
    changed = 0
    for plan in await queries.plan_days(session, city_code, CALENDAR):
        today = clock.today(plan.time_zone)
        if plan.followed == today:
            continue
        # The lock of the log's cursor is the lock of all scoring: changes by date and changes by
        # events must not be drawn at the same time.
        position = await lock_cursor(session, city_code, reader=READER)
        bench = await _bench(session, city_code, plan.plan_code, clock)
        if bench is not None:
            drawn = await queries.boards_drawn(session, city_code, plan.plan_code)
            touch = AffectedScores(turned=_turned(bench, drawn, plan.followed))
            renewed = await _renew(session, bench, touch, position=position, now=clock.now())
            changed += renewed.changed
        reader = CALENDAR + plan.plan_code
        await set_cursor(session, city_code, reader=reader, position=today.toordinal())
        if changed:
            announce(session, city_code, position=position)
    return changed


async def recompute_plan(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    *,
    clock: Clock,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Recomputed:
    """Draw every board of a plan from the values that count, and store those that differ.

    A period whose publication was followed keeps its published board. `tell` is called with the
    number of boards done, and of all boards.

    Raises:
        PlanNotFound: the city has no such plan.
    """
    position = await lock_cursor(session, city_code, reader=READER)
    bench = await _bench(session, city_code, plan_code, clock)
    if bench is None:
        raise PlanNotFound
    done = await draw_all(session, bench, position=position, now=clock.now(), tell=tell)
    if done.changed:
        announce(session, city_code, position=position)
    return done


async def rebuild_inputs(session: AsyncSession, city_code: str, plan_code: str) -> bool:
    """Rebuild a plan's counting values from the log; return whether they differed.

    Boards are not drawn; if the values differed, `recompute_plan` should follow.
    """
    position = await lock_cursor(session, city_code, reader=READER)
    return await remake(session, city_code, plan_code, upto=position)


async def _bench(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    clock: Clock,
    known: ScoringContext | None = None,
) -> ScoringContext | None:
    """Return the context of a plan for its local date; `known` saves reading the plan."""
    if known is not None:
        return known.on(clock.today(known.state.document.time_zone))
    state = await plan_state(session, city_code, plan_code)
    if state is None:
        return None
    return await context_of(session, state, clock.today(state.document.time_zone))


async def nothing_drawn(
    session: AsyncSession, state: PlanState, period: Period, today: date
) -> Drawn:
    """Return the board of a period without a snapshot: nothing was reported for it.

    It still shows the owed values and their due dates.
    """
    return draw_board(await context_of(session, state, today), period, {})


async def context_of(session: AsyncSession, state: PlanState, today: date) -> ScoringContext:
    """Read everything that is constant while a plan's boards are drawn for a local date."""
    more_time = await extended(session, state.city_code, state.code)
    tenures = await queries.tenures_of(session, state.city_code, state.code)
    facts = facts_of(state)
    former = await former_duties(session, state, facts)
    shared = [code for code, each in facts.items() if each.shared]
    memberships = await queries.memberships_of(session, state, shared)
    return ScoringContext.of(state, today, more_time, tenures, former, memberships)


async def _renew(
    session: AsyncSession,
    bench: ScoringContext,
    touch: AffectedScores,
    *,
    position: int,
    now: datetime,
) -> Recomputed:
    if touch.whole_plan:
        return await draw_all(session, bench, published=touch.published, position=position, now=now)
    state = bench.state
    drawn = opened(state)
    if touch.indicators:
        drawn += await queries.boards_drawn(session, state.city_code, state.code)
    want = boards_to_draw(touch, state.indicators, drawn, state.period_calendar)
    return await draw_wanted(
        session, bench, want, published=touch.published, position=position, now=now
    )


def _turned(
    bench: ScoringContext, drawn: Iterable[BoardKey], followed: date | None
) -> set[BoardKey]:
    """Return the boards that may have changed by date alone since the date `followed`."""
    since = followed or date.min
    keys = {*opened(bench.state), *drawn}
    turned = {
        period
        for period in {period for _, period in keys}
        if bench.turned(period, since, bench.today)
    }
    return {key for key in keys if key[1] in turned}
