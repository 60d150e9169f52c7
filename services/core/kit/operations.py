"""Long-running operations that a caller starts and polls: a row holds the progress."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, DateTime, Text, delete, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base, rows_changed
from services.core.kit.errors import NotFound, TransitionRefused
from services.core.kit.ids import first_id_at, new_id
from services.core.kit.text import Text as Sentence

KEPT = timedelta(days=30)
"""How long an operation can be read after its end."""


_TOLD_AT_MOST = 100

OperationState = Literal["waiting", "running", "succeeded", "failed", "cancelled"]


class Operation(Base):
    """One long-running operation, visible to the credential that asked for it.

    `request` is what was asked for, `progress` how far it is, `result` its outcome.
    """

    __tablename__ = "operation"
    __table_args__ = (
        CheckConstraint(
            "state IN ('waiting', 'running', 'succeeded', 'failed', 'cancelled')", name="state"
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    credential_id: Mapped[UUID] = mapped_column()
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    request: Mapped[dict[str, Any]] = mapped_column(JSONB)
    progress: Mapped[dict[str, Any]] = mapped_column(JSONB)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    errors: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class OperationNotFound(NotFound):
    """There is no such operation of the caller's."""

    code = "operation-not-found"
    title = Sentence("未找到该操作", "There is no such operation")


class OperationOver(TransitionRefused):
    """The operation has ended already."""


OPEN = ("waiting", "running")
"""The states of an operation that has not ended."""


async def begin(
    session: AsyncSession,
    *,
    city_code: str,
    credential_id: UUID,
    kind: str,
    request: Mapping[str, object],
    progress: Mapping[str, object],
    now: datetime,
) -> Operation:
    """Insert a waiting operation, which a worker picks up."""
    operation = Operation(
        city_code=city_code,
        id=new_id(),
        credential_id=credential_id,
        kind=kind,
        state="waiting",
        request=dict(request),
        progress=dict(progress),
        result=None,
        errors=[],
        created_at=now,
        updated_at=now,
    )
    session.add(operation)
    await session.flush()
    return operation


async def operation_of(
    session: AsyncSession,
    city_code: str,
    operation_id: UUID,
    *,
    credential_id: UUID | None = None,
    for_update: bool = False,
) -> Operation:
    """Return an operation; with a `credential_id`, only if it belongs to that credential.

    Raises:
        OperationNotFound: there is none.
    """
    wanted = select(Operation).where(Operation.city_code == city_code, Operation.id == operation_id)
    if credential_id is not None:
        wanted = wanted.where(Operation.credential_id == credential_id)
    found = await session.scalar(wanted.with_for_update() if for_update else wanted)
    if found is None:
        raise OperationNotFound
    return found


async def cancel(session: AsyncSession, operation: Operation, *, now: datetime) -> None:
    """Cancel an operation before its end; work already done is not undone.

    Raises:
        OperationOver: it has ended.
    """
    if operation.state not in OPEN:
        raise OperationOver(extra={"state": operation.state, "allowed_actions": []})
    operation.state = "cancelled"
    operation.updated_at = now
    await session.flush()


async def unfinished(
    session: AsyncSession, city_code: str, *, before: datetime
) -> Sequence[Operation]:
    """Return a city's operations that began before a real instant and have not ended."""
    found = await session.scalars(
        select(Operation)
        .where(
            Operation.city_code == city_code,
            Operation.state.in_(OPEN),
            Operation.id < first_id_at(before),
        )
        .order_by(Operation.id)
        .limit(_TOLD_AT_MOST)
    )
    return found.all()


async def forget_old_operations(session: AsyncSession, city_code: str, *, now: datetime) -> int:
    """Delete a city's operations that ended more than 30 days ago; return how many."""
    return await rows_changed(
        session,
        delete(Operation).where(
            Operation.city_code == city_code,
            Operation.state.not_in(OPEN),
            Operation.updated_at < now - KEPT,
        ),
    )
