"""Leases on rows: one worker at a time works on a row, and a killed worker's lease expires.

All state is in Postgres and uses the database's time. A worker that takes a row gets a token and
writes only under that token, so a worker that wakes from a long pause finds that it lost the row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Text,
    Update,
    bindparam,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.ids import new_id

LEASE = timedelta(minutes=1)
"""How long a row is a worker's from the last time that it said to be at it."""

MOST_ATTEMPTS = 3
"""How often a row is begun before it is given up: what kills a worker may be the row."""


class LeasedRow:
    """Columns of a table whose rows a worker is at, one worker a row.

    `lease_token` is what that worker writes under, `lease_until` until when nobody else takes the
    row; `attempts` counts how often one has begun it.
    """

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str] = mapped_column(Text)
    lease_token: Mapped[UUID | None] = mapped_column()
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    attempts: Mapped[int] = mapped_column()
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that this worker is at; it writes under the lease's token."""

    city_code: str
    id: UUID
    token: UUID


_Row = TypeVar("_Row", bound=LeasedRow)


class Leases(Generic[_Row]):
    """The leases of one table; a row waits for a worker in these states, and in no other."""

    def __init__(self, row: type[_Row], *waiting: str) -> None:
        self._row = row
        # Constants: a prepared statement with parameters could not use the index of those states.
        self._waits = row.state.in_(
            bindparam("waiting", waiting, expanding=True, literal_execute=True)
        )

    async def take(self, session: AsyncSession, city_code: str) -> Taken | None:
        """Take the row of a city that waits longest; None: none waits, or others are at them."""
        row, token = self._row, new_id()
        first = (
            select(row.id)
            .where(
                row.city_code == city_code,
                self._waits,
                or_(row.lease_until.is_(None), row.lease_until < func.now()),
            )
            .order_by(row.id)
            .limit(1)
            .with_for_update(skip_locked=True)
            .scalar_subquery()
        )
        found = await session.scalar(
            update(row)
            .where(row.city_code == city_code, row.id == first)
            .values(lease_token=token, lease_until=_END, attempts=row.attempts + 1)
            .returning(row.id)
            .execution_options(synchronize_session=False)
        )
        return None if found is None else Taken(city_code, found, token)

    async def renew(self, session: AsyncSession, taken: Taken) -> bool:
        """Lengthen a lease; return whether the row was still this worker's and waits for it."""
        renewed = self._held_by(taken).values(lease_until=_END).returning(self._row.id)
        return await session.scalar(renewed) is not None

    async def give_back(self, session: AsyncSession, taken: Taken) -> None:
        """Let another worker begin at once, since this one was told to stop."""
        await session.execute(
            self._held_by(taken).values(
                lease_token=None, lease_until=None, attempts=self._row.attempts - 1
            )
        )

    async def held(self, session: AsyncSession, taken: Taken) -> _Row | None:
        """Return a row locked, if it is this worker's and waits for it."""
        return await session.scalar(
            select(self._row)
            .where(*self._holding(taken))
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    def _holding(self, taken: Taken) -> tuple[ColumnElement[bool], ...]:
        row = self._row
        return (
            row.city_code == taken.city_code,
            row.id == taken.id,
            row.lease_token == taken.token,
            self._waits,
        )

    def _held_by(self, taken: Taken) -> Update:
        held = update(self._row).where(*self._holding(taken))
        return held.execution_options(synchronize_session=False)


_END = func.now() + literal(LEASE)


def lay_down(row: LeasedRow, state: str, now: datetime) -> None:
    """Turn a row to another state; nobody is at it any more, and nobody has begun what follows."""
    row.state, row.updated_at = state, now
    row.lease_token, row.lease_until, row.attempts = None, None, 0
