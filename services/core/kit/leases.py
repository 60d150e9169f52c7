"""Leases on rows: one worker at a time works on a row, and a killed worker's lease expires.

All state is in Postgres and uses the database's time. A worker that takes a row gets a token and
writes only under that token. So a worker that wakes from a long pause finds that it lost the row.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
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
"""How long a row belongs to a worker after its last renewal."""

MOST_CITIES = 100
"""Cities that a worker goes round before it asks again which wait."""

MOST_ATTEMPTS = 3
"""How often a row is begun before it is abandoned: the row itself may kill workers."""


class LeasedRow:
    """Columns of a table whose rows are leased to one worker each.

    `lease_token` is the token that the worker writes under, `lease_until` when others may take the
    row; `attempts` counts how often it was begun.
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
    """A row leased to this worker, which writes under the lease's token."""

    city_code: str
    id: UUID
    token: UUID


_Row = TypeVar("_Row", bound=LeasedRow)


class Leases(Generic[_Row]):
    """The leases of one table; only rows in these states wait for a worker."""

    def __init__(self, row: type[_Row], *waiting: str) -> None:
        self._row = row
        # Literals: a prepared statement with parameters could not use the partial index.
        self._waits = row.state.in_(
            bindparam("waiting", waiting, expanding=True, literal_execute=True)
        )
        self._is_free = or_(row.lease_until.is_(None), row.lease_until < func.now())

    @property
    def cities_waiting(self) -> Select[str]:
        """The statement of the cities in which a row waits and no worker is at it, 100 at most.

        Cities whose row has waited longest come first, so that none is passed over forever.
        """
        row = self._row
        return (
            select(row.city_code)
            .where(self._waits, self._is_free)
            .group_by(row.city_code)
            .order_by(func.min(row.updated_at), row.city_code)
            .limit(MOST_CITIES)
        )

    async def take(self, session: AsyncSession, city_code: str) -> Taken | None:
        """Lease the row of a city that has waited longest; None: none waits that is free."""
        row, token = self._row, new_id()
        first = (
            select(row.id)
            .where(
                row.city_code == city_code,
                self._waits,
                self._is_free,
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
        """Extend a lease; return whether the row is still this worker's and still waits for it."""
        renewed = self._held_by(taken).values(lease_until=_END).returning(self._row.id)
        return await session.scalar(renewed) is not None

    async def give_back(self, session: AsyncSession, taken: Taken) -> None:
        """Let another worker take the row at once, because this one was told to stop."""
        await session.execute(
            self._held_by(taken).values(
                lease_token=None, lease_until=None, attempts=self._row.attempts - 1
            )
        )

    async def held(self, session: AsyncSession, taken: Taken) -> _Row | None:
        """Return the row, locked, if it is still this worker's and still waits for it."""
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
    """Move a row to another state, without a lease and without counted attempts."""
    row.state, row.updated_at = state, now
    row.lease_token, row.lease_until, row.attempts = None, None, 0
