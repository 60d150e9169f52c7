"""Reads scores: the values that count, and the boards drawn from them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import asyncpg
from pydantic_core import from_json
from sqlalchemy import func, or_, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import set_committed_value

from services.core.events.models import EventPosition
from services.core.events.queries import check_position
from services.core.kit.database import driver_connection
from services.core.kit.statements import DriverStatement
from services.core.plan.earlier.queries import reporters_written
from services.core.plan.models import IndicatorOwner, Publication
from services.core.plan.state import PlanState
from services.core.scoring.affected import BoardKey
from services.core.scoring.models import ScoreSnapshot
from services.core.scoring.tenures import Membership, Memberships, Tenure, Tenures

_LATEST_BOARD = DriverStatement("""
SELECT board::text AS board, position, sequence, plan_version, method, method_version,
    local_date, computed_at, publication_number
FROM score_snapshot
WHERE city_code = :city AND plan_code = :plan AND basis = :basis AND period = :period
ORDER BY sequence DESC LIMIT 1
""")


async def latest_board_text(
    connection: asyncpg.Connection, city_code: str, plan_code: str, *, period: str, basis: str
) -> Mapping[str, Any] | None:
    """Return the newest snapshot of a board with the board as JSON text: the hot read."""
    wanted = {"city": city_code, "plan": plan_code, "basis": basis, "period": period}
    row: Mapping[str, Any] | None = await connection.fetchrow(*_LATEST_BOARD.bind(wanted))
    return row


async def latest_board(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    *,
    period: str,
    basis: str,
    as_of: datetime | None = None,
    publication: int | None = None,
    position: int | None = None,
) -> ScoreSnapshot | None:
    """Return the newest snapshot of a board, or the one that was the newest at `as_of`.

    A publication counts from its time of publishing, although its snapshot is drawn a moment later.
    `publication` selects the snapshot published under that number, `position` the newest that was
    computed up to that position of the log.

    A snapshot row stores only the traces that were new with it; the returned `traces` are complete.

    Raises:
        PositionBeyondLog: the log of the city has no such position.
    """
    if position is not None:
        await check_position(session, city_code, position)
    wanted = (
        select(ScoreSnapshot)
        .where(
            ScoreSnapshot.city_code == city_code,
            ScoreSnapshot.plan_code == plan_code,
            ScoreSnapshot.basis == basis,
            ScoreSnapshot.period == period,
        )
        .order_by(ScoreSnapshot.sequence.desc())
        .limit(1)
    )
    if as_of is not None:
        published = select(Publication.number).where(
            Publication.city_code == city_code,
            Publication.plan_code == plan_code,
            Publication.period == period,
            Publication.published_at <= as_of,
        )
        wanted = wanted.where(
            or_(
                ScoreSnapshot.computed_at <= as_of,
                ScoreSnapshot.publication_number.in_(published),
            )
        )
    if publication is not None:
        wanted = wanted.where(ScoreSnapshot.publication_number == publication)
    if position is not None:
        wanted = wanted.where(ScoreSnapshot.position <= position)
    snapshot = await session.scalar(wanted)
    if snapshot is not None:
        set_committed_value(snapshot, "traces", await _traces(session, snapshot))
    return snapshot


async def published_scores(
    session: AsyncSession, city_code: str, plan_code: str, *, numbers: Sequence[int]
) -> dict[int, dict[str, Any]]:
    """Return the overall scores of published boards on the basis `approved`, by number."""
    rows = await session.execute(
        select(ScoreSnapshot.publication_number, ScoreSnapshot.board["overall"]).where(
            ScoreSnapshot.city_code == city_code,
            ScoreSnapshot.plan_code == plan_code,
            ScoreSnapshot.basis == "approved",
            ScoreSnapshot.publication_number.in_(numbers),
        )
    )
    return {row[0]: row[1] for row in rows}


WHOLE_EVERY = 50
"""Every 50th snapshot of a board has all traces, so that gathering them is bounded."""

_TRACES = text("""
SELECT DISTINCT ON (t.code) t.code, t.trace
FROM score_snapshot s CROSS JOIN LATERAL jsonb_each(s.traces) AS t(code, trace)
WHERE s.city_code = :city AND s.plan_code = :plan AND s.basis = :basis AND s.period = :period
    AND s.sequence <= :sequence AND s.sequence > :sequence - :span
ORDER BY t.code, s.sequence DESC
""").columns(trace=JSONB)


async def _traces(session: AsyncSession, snapshot: ScoreSnapshot) -> dict[str, Any]:
    """Return the traces of all indicators as of a snapshot: for each the latest."""
    rows = await session.execute(
        _TRACES,
        {
            "city": snapshot.city_code,
            "plan": snapshot.plan_code,
            "basis": snapshot.basis,
            "period": snapshot.period,
            "sequence": snapshot.sequence,
            "span": WHOLE_EVERY,
        },
    )
    shown = {row["code"] for row in snapshot.board["indicators"]}
    return {code: trace for code, trace in rows if code in shown}


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """An indicator's row of the newest board of one period."""

    period: str
    position: int
    row: Mapping[str, Any]


_SERIES = text("""
SELECT s.period, s.position, i.row
FROM (
    SELECT DISTINCT ON (period) period, position, board FROM score_snapshot
    WHERE city_code = :city AND plan_code = :plan AND basis = :basis AND period > :after
    ORDER BY period, sequence DESC
) s
CROSS JOIN LATERAL jsonb_array_elements(s.board->'indicators') AS i(row)
WHERE i.row->>'code' = :indicator
ORDER BY s.period LIMIT :most
""").columns(row=JSONB)


async def series(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    *,
    indicator: str,
    basis: str,
    after_period: str = "",
    limit: int = 50,
) -> list[SeriesPoint]:
    """Return an indicator's values over the periods, in the order of their codes."""
    rows = await session.execute(
        _SERIES,
        {
            "city": city_code,
            "plan": plan_code,
            "basis": basis,
            "after": after_period,
            "indicator": indicator,
            "most": limit,
        },
    )
    return [SeriesPoint(*row) for row in rows]


async def boards_drawn(session: AsyncSession, city_code: str, plan_code: str) -> list[BoardKey]:
    """Return the boards of a plan that were ever drawn: those with a first snapshot."""
    rows = await session.execute(
        select(ScoreSnapshot.basis, ScoreSnapshot.period).where(
            ScoreSnapshot.city_code == city_code,
            ScoreSnapshot.plan_code == plan_code,
            ScoreSnapshot.sequence == 1,
        )
    )
    return [(basis, period) for basis, period in rows]


@dataclass(frozen=True, slots=True)
class EarlierBoard:
    """The newest snapshot of a board, as far as drawing the next one needs it."""

    sequence: int
    plan_version: int
    local_date: date
    board: dict[str, Any]
    publication_number: int | None


_EARLIER = DriverStatement("""
SELECT k.basis, k.period, s.sequence, s.plan_version, s.local_date, s.board::text AS board,
    s.publication_number
FROM unnest(CAST(:bases AS text[]), CAST(:periods AS text[])) AS k(basis, period)
CROSS JOIN LATERAL (
    SELECT sequence, plan_version, local_date, board, publication_number FROM score_snapshot
    WHERE city_code = :city AND plan_code = :plan AND basis = k.basis AND period = k.period
    ORDER BY sequence DESC LIMIT 1
) s
""")


async def earlier_boards(
    session: AsyncSession, city_code: str, plan_code: str, keys: Sequence[BoardKey]
) -> dict[BoardKey, EarlierBoard]:
    """Return the newest snapshots of the boards that were ever drawn."""
    connection = await driver_connection(session)
    wanted = {
        "city": city_code,
        "plan": plan_code,
        "bases": [basis for basis, _ in keys],
        "periods": [period for _, period in keys],
    }
    rows = await connection.fetch(*_EARLIER.bind(wanted))
    return {
        (row["basis"], row["period"]): EarlierBoard(
            row["sequence"],
            row["plan_version"],
            row["local_date"],
            from_json(row["board"]),
            row["publication_number"],
        )
        for row in rows
    }


_PUBLISHED = text("""
SELECT last.period FROM (
    SELECT DISTINCT ON (e.subject_id) e.data->>'period' AS period, e.type
    FROM event e JOIN event_position p ON p.city_code = e.city_code AND p.event_id = e.id
    WHERE e.city_code = :city AND e.subject_kind = 'period' AND e.subject_id = ANY(:subjects)
        AND p.position <= :upto
    ORDER BY e.subject_id, p.position DESC
) AS last
WHERE last.type = 'period.published'
""")


async def published_periods(
    session: AsyncSession, city_code: str, plan_code: str, periods: Sequence[str], *, upto: int
) -> set[str]:
    """Return which of these periods are published as of a position of the log."""
    subjects = [f"{plan_code}/{period}" for period in periods]
    found = await session.scalars(
        _PUBLISHED, {"city": city_code, "subjects": subjects, "upto": upto}
    )
    return set(found)


@dataclass(frozen=True, slots=True)
class PlanDate:
    """A plan with its time zone, and the local date up to which its calendar was followed."""

    plan_code: str
    time_zone: str
    followed: date | None


_PLAN_DAYS = text("""
SELECT p.code, v.document->>'time_zone' AS time_zone, c.position AS followed
FROM plan p
JOIN plan_version v ON v.city_code = p.city_code AND v.plan_code = p.code
    AND v.version = p.version
LEFT JOIN reader_cursor c ON c.city_code = p.city_code AND c.reader = :prefix || p.code
WHERE p.city_code = :city ORDER BY p.code
""")


async def plan_days(session: AsyncSession, city_code: str, prefix: str) -> list[PlanDate]:
    """Return the plans of a city; `prefix` + plan code is the name of its calendar's cursor."""
    rows = await session.execute(_PLAN_DAYS, {"city": city_code, "prefix": prefix})
    return [
        PlanDate(
            row.code,
            row.time_zone,
            None if row.followed is None else date.fromordinal(row.followed),
        )
        for row in rows
    ]


_NOT_YET = 2**63 - 1
"""The position of a plan version whose event has no number yet."""


async def tenures_of(session: AsyncSession, city_code: str, plan_code: str) -> Tenures:
    """Return the successive owners of a plan's indicators."""
    rows = await session.execute(
        select(
            IndicatorOwner.indicator_code,
            IndicatorOwner.organization_code,
            func.coalesce(EventPosition.position, _NOT_YET),
        )
        .join(
            EventPosition,
            (EventPosition.city_code == IndicatorOwner.city_code)
            & (EventPosition.event_id == IndicatorOwner.event_id),
            isouter=True,
        )
        .where(IndicatorOwner.city_code == city_code, IndicatorOwner.plan_code == plan_code)
        .order_by(IndicatorOwner.indicator_code, IndicatorOwner.version)
    )
    found: dict[str, list[Tenure]] = {}
    for code, unit, position in rows:
        held = found.setdefault(code, [])
        # Values reported before the first version was numbered belong to its owners too.
        held.append(Tenure(position if held else 0, unit))
    return found


# Reads only those parts of each version that determine its units.
_SHARED = text("""
SELECT v.loaded_at, p.position,
    (SELECT jsonb_agg(jsonb_build_object('code', i->'code', 'owners', i->'owners',
        'acting_owner', i->'acting_owner', 'units', i->'aggregation'->'units'))
        FROM jsonb_array_elements(v.document->'indicators') AS i
        WHERE i->>'code' = ANY(CAST(:codes AS text[]))) AS indicators,
    (SELECT jsonb_object_agg(o->>'code', jsonb_build_object(
        'members', o->'members', 'submits', o->'submits'))
        FROM jsonb_array_elements(v.document->'organizations') AS o) AS organizations
FROM plan_version v
LEFT JOIN event e ON e.city_code = :city AND e.subject_kind = 'plan' AND e.subject_id = :plan
    AND e.type = 'plan.published' AND e.data->>'version' = CAST(v.version AS text)
LEFT JOIN event_position p ON p.city_code = :city AND p.event_id = e.id
WHERE v.city_code = :city AND v.plan_code = :plan AND v.version <= :version
ORDER BY v.version
""").columns(indicators=JSONB, organizations=JSONB)


async def memberships_of(
    session: AsyncSession, state: PlanState, codes: Collection[str]
) -> Memberships:
    """Return the units that shared the value of each indicator, over time.

    A plan with a single version needs no reading: today's units always shared it.
    """
    if not codes or state.version == 1:
        return {}
    place = {"city": state.city_code, "plan": state.code, "version": state.version}
    rows = await session.execute(_SHARED, {**place, "codes": sorted(codes)})
    found: dict[str, list[Membership]] = {}
    for loaded_at, position, indicators, organizations in rows:
        for written in indicators or ():
            held = found.setdefault(written["code"], [])
            units = reporters_written(written, organizations)
            if not held or held[-1].units != units:
                # Values reported before the first version was numbered belong to its units too.
                since = _NOT_YET if position is None else position
                held.append(Membership(since if held else 0, units, state.local_date(loaded_at)))
    return found
