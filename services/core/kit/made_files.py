"""Files that a caller requests and a worker makes, under a lease.

An operation reports progress and result. If a worker is killed at any line, another one makes the
file anew.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Generic, TypeVar
from uuid import UUID

from sqlalchemy import Select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit import operations
from services.core.kit.leases import MOST_ATTEMPTS, LeasedRow, Leases, Taken, lay_down
from services.core.kit.operations import Operation

MAKING, MADE, OVER = "making", "made", "over"
"""The states of a file: requested; there; cancelled, failed or deleted."""


class MadeRow(LeasedRow):
    """Columns of a table of such files, with the operation that reports on each."""

    operation_id: Mapped[UUID] = mapped_column()


_Row = TypeVar("_Row", bound=MadeRow)


class MadeFiles(Generic[_Row]):
    """A worker's steps on such files, each in one transaction.

    `abandoned` is the error in the operation of a file that was begun too often.
    """

    def __init__(self, row: type[_Row], abandoned: Mapping[str, Any]) -> None:
        self._leases = Leases(row, MAKING)
        self._abandoned = dict(abandoned)

    @property
    def cities_waiting(self) -> Select[str]:
        """The statement of the cities in which a file is wanted, 100 at most."""
        return self._leases.cities_waiting

    async def take(self, session: AsyncSession, city_code: str) -> Taken | None:
        """Lease the file of a city that has waited longest; None: none waits."""
        return await self._leases.take(session, city_code)

    async def renew(self, session: AsyncSession, taken: Taken) -> bool:
        """Extend the lease of a file; return whether it is still this worker's to make."""
        return await self._leases.renew(session, taken)

    async def give_back(self, session: AsyncSession, taken: Taken) -> None:
        """Let another worker begin a file anew at once, because this one was told to stop."""
        await self._leases.give_back(session, taken)

    async def begin(self, session: AsyncSession, taken: Taken, *, now: datetime) -> _Row | None:
        """Return the leased file; None: it was cancelled, or begun too often."""
        found = await self.held(session, taken)
        if found is None:
            return None
        row, operation = found
        if row.attempts > MOST_ATTEMPTS:
            await self._fail(session, row, operation, self._abandoned, now)
            return None
        operation.state, operation.updated_at = "running", now
        await session.flush()
        return row

    async def go_on(
        self,
        session: AsyncSession,
        taken: Taken,
        progress: Mapping[str, object],
        *,
        now: datetime,
    ) -> bool:
        """Save the progress; return whether to continue: not if cancelled or taken over."""
        if not await self._leases.renew(session, taken):
            return False
        found = await self.held(session, taken)
        if found is None:
            return False
        _, operation = found
        operation.progress, operation.updated_at = dict(progress), now
        await session.flush()
        return True

    async def fail(
        self, session: AsyncSession, taken: Taken, error: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Mark a file as failed, if it is still this worker's."""
        if found := await self.held(session, taken):
            await self._fail(session, *found, error, now)

    async def held(self, session: AsyncSession, taken: Taken) -> tuple[_Row, Operation] | None:
        """Return a file and its operation, locked, if it is this worker's and still wanted."""
        row = await self._leases.held(session, taken)
        if row is None:
            return None
        operation = await operations.operation_of(
            session, taken.city_code, row.operation_id, for_update=True
        )
        if operation.state in operations.OPEN:
            return row, operation
        row.state = OVER
        await session.flush()
        return None

    async def _fail(
        self,
        session: AsyncSession,
        row: _Row,
        operation: Operation,
        error: Mapping[str, Any],
        now: datetime,
    ) -> None:
        lay_down(row, OVER, now)
        operation.state, operation.updated_at = "failed", now
        operation.errors = [dict(error)]
        await session.flush()


def end_made(row: MadeRow, operation: Operation, now: datetime) -> None:
    """Mark a file as made and its operation as succeeded."""
    lay_down(row, MADE, now)
    operation.state, operation.updated_at = "succeeded", now
