"""Reading the log as scoring does: what comes next, and up to where all is done."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.models import ReaderCursor
from services.core.scoring.touch import LogEvent


@dataclass(frozen=True, slots=True)
class Batch:
    """The next events of a city's log, and the position up to which all is done."""

    after: int
    events: Sequence[LogEvent]


_NEXT = text("""
WITH reader AS MATERIALIZED (
    SELECT position FROM reader_cursor WHERE city_code = :city AND reader = :reader FOR UPDATE
)
SELECT r.position AS after, p.position, e.type, e.plan_code, e.subject_kind,
    CASE WHEN e.subject_kind <> 'scoreboard' THEN e.data END AS data
FROM reader r
LEFT JOIN LATERAL (
    SELECT position, event_id FROM event_position
    WHERE city_code = :city AND position > r.position ORDER BY position LIMIT :most
) p ON TRUE
LEFT JOIN event e ON e.city_code = :city AND e.id = p.event_id
ORDER BY p.position
""").columns(data=JSONB)


async def next_events(
    session: AsyncSession, city_code: str, reader: str, *, most: int
) -> Batch | None:
    """Lock a reader's cursor and return the events after it; None: it has no cursor yet."""
    rows = (await session.execute(_NEXT, {"city": city_code, "reader": reader, "most": most})).all()
    if not rows:
        return None
    return Batch(
        after=rows[0].after,
        events=[
            LogEvent(row.position, row.type, row.plan_code, row.subject_kind, row.data or {})
            for row in rows
            if row.position is not None
        ],
    )


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
    """Return which of these periods the log up to a position leaves published."""
    subjects = [f"{plan_code}/{period}" for period in periods]
    found = await session.scalars(
        _PUBLISHED, {"city": city_code, "subjects": subjects, "upto": upto}
    )
    return set(found)


async def locked_position(session: AsyncSession, city_code: str, reader: str) -> int | None:
    """Lock a reader's cursor and return its position; None: it has no cursor yet."""
    return await session.scalar(
        select(ReaderCursor.position)
        .where(ReaderCursor.city_code == city_code, ReaderCursor.reader == reader)
        .with_for_update()
    )


@dataclass(frozen=True, slots=True)
class PlanDay:
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


async def plan_days(session: AsyncSession, city_code: str, prefix: str) -> list[PlanDay]:
    """Return the plans of a city; `prefix` and the plan's code name the cursor of its calendar."""
    rows = await session.execute(_PLAN_DAYS, {"city": city_code, "prefix": prefix})
    return [
        PlanDay(
            row.code,
            row.time_zone,
            None if row.followed is None else date.fromordinal(row.followed),
        )
        for row in rows
    ]
