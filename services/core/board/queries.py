"""Reads links to the board, and the figures of many periods for its pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.board.models import BoardLink
from services.core.kit.statements import DriverStatement

MOST_PERIODS = 60
"""Most periods that a curve shows: the latest ones."""


@dataclass(frozen=True, slots=True)
class GoodLink:
    """A valid link: the plan that it shows, and its end."""

    id: UUID
    city_code: str
    plan_code: str
    expires_at: datetime


_GOOD_LINK = DriverStatement("""
SELECT id, city_code, plan_code, expires_at FROM board_link
WHERE city_code = :city AND secret_digest = :digest AND revoked_at IS NULL AND expires_at > :now
""")


async def good_link(
    connection: asyncpg.Connection | asyncpg.Pool, *, city_code: str, digest: bytes, now: datetime
) -> GoodLink | None:
    """Return the link with this digest if it is neither revoked nor expired."""
    given = {"city": city_code, "digest": digest, "now": now}
    row = await connection.fetchrow(*_GOOD_LINK.bind(given))
    return None if row is None else GoodLink(**row)


async def links_of(
    session: AsyncSession, city_code: str, plan_code: str, *, after: UUID | None, limit: int
) -> Sequence[BoardLink]:
    """Return the links to a plan's board, oldest first, after the id `after`."""
    wanted = select(BoardLink).where(
        BoardLink.city_code == city_code, BoardLink.plan_code == plan_code
    )
    if after is not None:
        wanted = wanted.where(BoardLink.id > after)
    return (await session.scalars(wanted.order_by(BoardLink.id).limit(limit))).all()


async def link_for_update(
    session: AsyncSession, city_code: str, plan_code: str, link_id: UUID
) -> BoardLink | None:
    """Return a link to a plan's board, locked."""
    return await session.scalar(
        select(BoardLink)
        .where(
            BoardLink.city_code == city_code,
            BoardLink.plan_code == plan_code,
            BoardLink.id == link_id,
        )
        .with_for_update()
    )


@dataclass(frozen=True, slots=True)
class PeriodStanding:
    """A plan's standing in a period by its newest scoreboard, and that scoreboard's basis."""

    period: str
    plan_version: int
    method: str
    method_version: str
    overall: Mapping[str, Any]
    groups: Sequence[Mapping[str, Any]]


_STANDINGS = text("""
SELECT k.period, s.plan_version, s.method, s.method_version, s.overall, s.groups
FROM unnest(CAST(:periods AS text[])) WITH ORDINALITY AS k(period, place)
CROSS JOIN LATERAL (
    SELECT plan_version, method, method_version, board->'overall' AS overall,
        board->'groups' AS groups
    FROM score_snapshot
    WHERE city_code = :city AND plan_code = :plan AND basis = :basis AND period = k.period
    ORDER BY sequence DESC LIMIT 1
) s
ORDER BY k.place
""").columns(overall=JSONB, groups=JSONB)


async def standings(
    session: AsyncSession, city_code: str, plan_code: str, *, basis: str, periods: Sequence[str]
) -> list[PeriodStanding]:
    """Return a plan's standing in those of some periods that have a scoreboard, in their order."""
    given = {
        "city": city_code,
        "plan": plan_code,
        "basis": basis,
        "periods": list(periods)[-MOST_PERIODS:],
    }
    rows = await session.execute(_STANDINGS, given)
    return [PeriodStanding(*row) for row in rows]


_NEWEST = text("""
SELECT position FROM score_snapshot
WHERE city_code = :city AND plan_code = :plan AND basis = 'approved' AND period = :period
ORDER BY sequence DESC LIMIT 1
""")


async def board_position(session: AsyncSession, city_code: str, plan_code: str, period: str) -> int:
    """Return the log position of the newest scoreboard of a period; 0: there is none."""
    given = {"city": city_code, "plan": plan_code, "period": period}
    return await session.scalar(_NEWEST, given) or 0


@dataclass(frozen=True, slots=True)
class PublishedBoard:
    """A published scoreboard, and the version of the plan that it was drawn from."""

    number: int
    period: str
    published_at: datetime
    position: int
    local_date: date
    plan_version: int
    board: Mapping[str, Any]


_PUBLISHED = text("""
SELECT p.number, p.period, p.published_at, s.position, s.local_date, s.plan_version, s.board
FROM (
    SELECT number, period, published_at FROM publication
    WHERE city_code = :city AND plan_code = :plan AND reopened_at IS NULL
    ORDER BY number DESC LIMIT 1
) p
JOIN score_snapshot s ON s.city_code = :city AND s.plan_code = :plan AND s.basis = 'approved'
    AND s.period = p.period AND s.publication_number = p.number
ORDER BY s.sequence LIMIT 1
""").columns(board=JSONB)


async def last_published(
    session: AsyncSession, city_code: str, plan_code: str
) -> PublishedBoard | None:
    """Return a plan's last published scoreboard that was not taken back; None: there is none."""
    row = (await session.execute(_PUBLISHED, {"city": city_code, "plan": plan_code})).first()
    return None if row is None else PublishedBoard(*row)
