"""Draws boards, whole or in part, from the values that count now.

It connects the pure rules with the database; `scoring.service` decides when to draw.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter

from sqlalchemy.ext.asyncio import AsyncSession
from typing_extensions import TypedDict

from services.core.kit.database import read_by_cost
from services.core.plan.periods import Period, PeriodCalendar
from services.core.plan.state import PlanState
from services.core.scoring import queries
from services.core.scoring.affected import BASES, BoardKey, BoardsToDraw, chain
from services.core.scoring.board import Judged, ScoringContext, draw_board, is_current
from services.core.scoring.cases import Operated, periods_read
from services.core.scoring.counting import Supposition, operands, with_units
from services.core.scoring.duties import with_finer_periods, with_organizations
from services.core.scoring.queries import EarlierBoard
from services.core.scoring.snapshots import BoardUpdate, keep

_NONE: Mapping[str, int | None] = {}
_BOARDS_AT_ONCE = 32
"""At most this many boards are held in memory at a time; one of 48 indicators is about 100 KB."""


@dataclass(frozen=True, slots=True)
class Recomputed:
    """How many boards were drawn, and how many of them differed from the stored ones."""

    boards: int
    changed: int


@dataclass(frozen=True, slots=True)
class Order:
    """A board to draw; `indicators` None: judge all of them again."""

    key: BoardKey
    period: Period
    indicators: Sequence[str] | None
    earlier: EarlierBoard | None


async def draw_wanted(
    session: AsyncSession,
    bench: ScoringContext,
    want: BoardsToDraw,
    *,
    published: Mapping[str, int | None] = _NONE,
    position: int,
    now: datetime,
) -> Recomputed:
    """Draw the requested boards, and store those that changed.

    Boards of the periods just `published` are drawn a last time, and get the publication number.
    """
    state = bench.state
    frozen = await _frozen(session, state, {period for _, period in want.boards}, position)
    keys = _in_order(key for key in want.boards if key[1] in published or key[1] not in frozen)
    earlier = await queries.earlier_boards(session, state.city_code, state.code, keys)
    orders = orders_for(bench, want, keys, earlier)
    if not orders:
        return Recomputed(0, 0)
    operated = await operands_for(session, bench, orders)
    sheets = [_draw(bench, order, operated, published) for order in orders]
    return Recomputed(len(sheets), await keep(session, bench, sheets, position=position, now=now))


async def draw_all(
    session: AsyncSession,
    bench: ScoringContext,
    *,
    published: Mapping[str, int | None] = _NONE,
    position: int,
    now: datetime,
    tell: Callable[[int, int], None] = lambda _done, _total: None,
) -> Recomputed:
    """Draw all boards of a plan completely: for each period opened, drawn before, or reported for.

    `tell` is called with the number of boards done, and of all boards.
    """
    state = bench.state
    await read_by_cost(session)
    counted = bench.counted()
    operated = await operands(session, state.city_code, state.code, counted=counted)
    operated = await with_units(session, state, operated, counted=counted)
    operated = await with_organizations(session, state, operated, counted=counted)
    operated = await with_finer_periods(session, state, operated, counted=counted)
    drawn = await queries.boards_drawn(session, state.city_code, state.code)
    frozen = await _frozen(session, state, state.periods, position) - set(published)
    every = {*drawn, *opened(state), *_reported(operated, state.period_calendar)}
    keys = _in_order(key for key in every if key[1] not in frozen)
    known: dict[str, Judged] = {}
    boards = changed = 0
    tell(0, len(keys))
    for start in range(0, len(keys), _BOARDS_AT_ONCE):
        some = keys[start : start + _BOARDS_AT_ONCE]
        earlier = await queries.earlier_boards(session, state.city_code, state.code, some)
        known = {period: known.get(period, {}) for _, period in some}
        sheets = [
            _draw(
                bench,
                Order(key, state.period_calendar.period(key[1]), None, earlier.get(key)),
                operated,
                published,
                known[key[1]],
            )
            for key in some
        ]
        boards += len(sheets)
        changed += await keep(session, bench, sheets, position=position, now=now)
        tell(boards, len(keys))
    return Recomputed(boards, changed)


def _in_order(keys: Iterable[BoardKey]) -> list[BoardKey]:
    """Sort boards by period, then basis, so that events have a deterministic order."""
    return sorted(keys, key=itemgetter(1, 0))


def opened(state: PlanState) -> list[BoardKey]:
    """Return the boards of the periods that were ever opened."""
    return [(basis, period) for period in state.periods for basis in BASES]


async def _frozen(
    session: AsyncSession, state: PlanState, periods: Iterable[str], position: int
) -> set[str]:
    """Return which periods are published as of a position of the log.

    The tables may be ahead of the log: a value that was approved just before the publication may
    not have been followed yet, and belongs to the published board.
    """
    published = [
        code
        for code in periods
        if code in state.periods and state.periods[code].state == "published"
    ]
    if not published:
        return set()
    return await queries.published_periods(
        session, state.city_code, state.code, published, upto=position
    )


def _reported(operated: Mapping[str, Operated], calendar: PeriodCalendar) -> Iterable[BoardKey]:
    for basis, places in operated.items():
        for period in {period for _, period in places}:
            for each in chain(calendar.period(period)):
                yield basis, each.code


def orders_for(
    bench: ScoringContext,
    want: BoardsToDraw,
    keys: Iterable[BoardKey],
    earlier: Mapping[BoardKey, EarlierBoard],
) -> list[Order]:
    """Return the orders to draw the requested boards, each with its predecessor."""
    orders = [_order(bench, want, key, earlier.get(key)) for key in keys]
    return [order for order in orders if order is not None]


def _order(
    bench: ScoringContext, want: BoardsToDraw, key: BoardKey, earlier: EarlierBoard | None
) -> Order | None:
    period, codes = bench.state.period_calendar.period(key[1]), want.boards[key]
    if earlier is None:
        return None if key in want.if_drawn else Order(key, period, None, None)
    if (
        codes is None
        # Every `WHOLE_EVERY` snapshots a board is stored with all its traces, so that reading a
        # board never has to gather them from a long chain of snapshots.
        or (earlier.sequence + 1) % queries.WHOLE_EVERY == 0
        or earlier.plan_version != bench.state.version
        or not is_current(earlier.board)
        or bench.turned(key[1], earlier.local_date, bench.today)
    ):
        return Order(key, period, None, earlier)
    judged = sorted(codes & bench.facts.keys())
    return Order(key, period, judged, earlier) if judged else None


class _Asked(TypedDict):
    bases: set[str]
    periods: set[str]
    supposed: Supposition | None


async def operands_for(
    session: AsyncSession,
    bench: ScoringContext,
    orders: Sequence[Order],
    *,
    codes: Iterable[str] | None = None,
    supposed: Supposition | None = None,
) -> Mapping[str, Operated]:
    """Read the operands of these orders in one go; only of `codes`, if given.

    `supposed` are values that count differently from now.
    """
    if codes is None and all(order.indicators is not None for order in orders):
        codes = {code for order in orders for code in order.indicators or ()}
    counted = bench.counted(codes)
    periods = {
        code
        for order in orders
        for indicator in counted.codes
        for code in periods_read(bench.state, order.period, bench.facts[indicator].indicator)
    }
    bases = {order.key[0] for order in orders}
    state = bench.state
    asked: _Asked = {"bases": bases, "periods": periods, "supposed": supposed}
    operated = await operands(session, state.city_code, state.code, counted=counted, **asked)
    operated = await with_units(session, state, operated, counted=counted, **asked)
    operated = await with_organizations(session, state, operated, counted=counted, **asked)
    return await with_finer_periods(
        session, state, operated, counted=counted, bases=bases, supposed=supposed
    )


def _draw(
    bench: ScoringContext,
    order: Order,
    operated: Mapping[str, Operated],
    published: Mapping[str, int | None],
    known: Judged | None = None,
) -> BoardUpdate:
    drawn = draw_board(
        bench,
        order.period,
        operated.get(order.key[0], {}),
        indicators=order.indicators,
        earlier=order.earlier.board if order.earlier else None,
        known=known,
    )
    return BoardUpdate(order.key, drawn, order.earlier, published.get(order.key[1]))
