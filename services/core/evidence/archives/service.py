"""Archives of evidence from the wish to the file: asked for, made by a worker, kept for a week.

All state is in Postgres, under a lease: a worker that is killed at any line leaves an archive that
another begins anew, under another key, or a file that nobody names and the sweep drops.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.evidence import queries, statements
from services.core.evidence.errors import ArchiveUnderWay
from services.core.evidence.models import EvidenceArchive
from services.core.identity.actor import Actor
from services.core.kit import operations
from services.core.kit.clock import Clock
from services.core.kit.database import rows_changed
from services.core.kit.ids import new_id
from services.core.kit.operations import Operation

ARCHIVE = "evidence-archive"
"""What the operation of an archive is called."""

LEASE_SECONDS = 60.0
_MOST_ATTEMPTS = 3
_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ArchiveWish:
    """Whose evidence of a plan is wanted; None: of every period, of every unit."""

    plan_code: str
    period: str | None
    organization_code: str | None


@dataclass(frozen=True, slots=True)
class TakenArchive:
    """An archive that this worker is at, under a lease; it writes under the lease's token."""

    city_code: str
    id: UUID
    token: UUID


def archives_of(city_code: str) -> str:
    """Return what the keys of a city's archives begin with."""
    return f"{city_code}/archives/"


def archive_key(city_code: str, token: UUID) -> str:
    """Return the key of an archive in the store."""
    return f"{archives_of(city_code)}{token}"


async def begin_archive(
    session: AsyncSession, wish: ArchiveWish, *, actor: Actor, now: datetime
) -> tuple[EvidenceArchive, Operation]:
    """Write down that an archive is wanted; a worker makes it.

    Raises:
        ArchiveUnderWay: one of the caller's is being made.
    """
    if await queries.archive_under_way(session, actor.city_code, actor.credential_id):
        raise ArchiveUnderWay
    archive_id = new_id()
    operation = await operations.begin(
        session,
        city_code=actor.city_code,
        credential_id=actor.credential_id,
        kind=ARCHIVE,
        request={
            "archive_id": str(archive_id),
            "plan": wish.plan_code,
            "period": wish.period,
            "organization_code": wish.organization_code,
        },
        progress={"done": 0, "total": 0, "files": 0},
        now=now,
    )
    made = EvidenceArchive(
        city_code=actor.city_code,
        id=archive_id,
        plan_code=wish.plan_code,
        credential_id=actor.credential_id,
        operation_id=operation.id,
        period=wish.period,
        organization_code=wish.organization_code,
        state="making",
        attempts=0,
        created_at=now,
        updated_at=now,
    )
    session.add(made)
    await session.flush()
    return made, operation


# What a worker does, a transaction each.


async def take_archive(session: AsyncSession, city_code: str) -> TakenArchive | None:
    """Take the archive of a city that waits longest; None: none waits."""
    token = new_id()
    asked = {"city": city_code, "token": token, "seconds": LEASE_SECONDS}
    found = await session.scalar(statements.CLAIM, asked)
    return None if found is None else TakenArchive(city_code, found, token)


async def give_archive_back(session: AsyncSession, taken: TakenArchive) -> None:
    """Let another worker begin an archive anew at once."""
    await session.execute(statements.GIVE_BACK, _named(taken))


def _named(taken: TakenArchive) -> dict[str, Any]:
    return {"city": taken.city_code, "id": taken.id, "token": taken.token}


async def begin_making(
    session: AsyncSession, taken: TakenArchive, *, now: datetime
) -> EvidenceArchive | None:
    """Return the archive that was taken; None: it was cancelled, or tried too often."""
    found = await _held(session, taken)
    if found is None:
        return None
    archive, operation = found
    if archive.attempts > _MOST_ATTEMPTS:
        _end(archive, operation, "failed", now)
        operation.errors = [_ABANDONED]
        await session.flush()
        return None
    operation.state, operation.updated_at = "running", now
    await session.flush()
    return archive


async def go_on_making(
    session: AsyncSession, taken: TakenArchive, progress: Mapping[str, object], *, now: datetime
) -> bool:
    """Note how far it is; return whether to go on: not if cancelled, or taken over."""
    renewed = {**_named(taken), "seconds": LEASE_SECONDS}
    if await session.scalar(statements.RENEW, renewed) is None:
        return False
    found = await _held(session, taken)
    if found is None:
        return False
    found[1].progress, found[1].updated_at = dict(progress), now
    await session.flush()
    return True


async def finish_archive(
    session: AsyncSession,
    taken: TakenArchive,
    result: Mapping[str, Any],
    errors: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
) -> bool:
    """Note that it is made; return whether it was still this worker's to make."""
    found = await _held(session, taken)
    if found is None:
        return False
    archive, operation = found
    _end(archive, operation, "succeeded", now)
    archive.state, archive.file_token = "made", taken.token
    archive.size, archive.sha256 = result["size"], result["sha256"]
    operation.result = {"archive_id": str(archive.id), **result}
    operation.errors = [dict(one) for one in errors]
    await session.flush()
    return True


async def fail_archive(
    session: AsyncSession, taken: TakenArchive, error: Mapping[str, Any], *, now: datetime
) -> None:
    """Note that it cannot be made."""
    found = await _held(session, taken)
    if found is not None:
        _end(*found, "failed", now)
        found[1].errors = [dict(error)]
        await session.flush()


async def _held(
    session: AsyncSession, taken: TakenArchive
) -> tuple[EvidenceArchive, Operation] | None:
    """Return an archive and its operation locked, if it is this worker's and not cancelled."""
    archive = await queries.archive_leased(session, taken.city_code, taken.id, taken.token)
    if archive is None:
        return None
    operation = await operations.operation_of(
        session, taken.city_code, archive.operation_id, for_update=True
    )
    if operation.state in operations.OPEN:
        return archive, operation
    archive.state = "over"
    await session.flush()
    return None


def _end(archive: EvidenceArchive, operation: Operation, state: str, now: datetime) -> None:
    archive.state, archive.updated_at = "over", now
    archive.lease_token, archive.lease_until = None, None
    operation.state, operation.updated_at = state, now


_ABANDONED = {
    "code": "archive-abandoned",
    "detail": {
        "zh": "多次打包都没有完成，请按报告期或单位分批打包",
        "en": "It could not be finished in several tries: ask for one of a period or a unit",
    },
}


async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Forget archives that are a week old; return how many."""
    old = {"city": city_code, "before": clock.now() - _KEPT}
    return await rows_changed(session, statements.DROP_OLD, old)
