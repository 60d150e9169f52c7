"""Archives of evidence from request to file: made by a worker, kept for a week.

All state is in Postgres, under a lease. A worker that is killed at any line leaves an archive that
another worker begins anew, under another key, or an unreferenced file that the sweep deletes.
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
from services.core.kit.leases import Taken
from services.core.kit.made_files import MAKING, MadeFiles, end_made
from services.core.kit.operations import Operation

ARCHIVE = "evidence-archive"
"""The type of an archive's operation."""

_KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class ArchiveWish:
    """The scope of an archive of a plan's evidence; None: every period, every unit."""

    plan_code: str
    period: str | None
    organization_code: str | None


def archives_of(city_code: str) -> str:
    """Return the prefix of the keys of a city's archives."""
    return f"{city_code}/archives/"


def archive_key(city_code: str, token: UUID) -> str:
    """Return the key of an archive in the store."""
    return f"{archives_of(city_code)}{token}"


async def begin_archive(
    session: AsyncSession, wish: ArchiveWish, *, actor: Actor, now: datetime
) -> tuple[EvidenceArchive, Operation]:
    """Record the request for an archive; a worker makes it.

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
        state=MAKING,
        attempts=0,
        created_at=now,
        updated_at=now,
    )
    session.add(made)
    await session.flush()
    return made, operation


making = MadeFiles(
    EvidenceArchive,
    {
        "code": "archive-abandoned",
        "detail": {
            "zh": "多次打包都没有完成，请按报告期或单位分批打包",
            "en": "It could not be finished in several tries: ask for one of a period or a unit",
        },
    },
)
"""A worker's steps with an archive until it is made."""


async def finish_archive(
    session: AsyncSession,
    taken: Taken,
    result: Mapping[str, Any],
    errors: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
) -> bool:
    """Mark an archive as made; return whether the worker still held its lease."""
    found = await making.held(session, taken)
    if found is None:
        return False
    archive, operation = found
    end_made(archive, operation, now)
    archive.file_token = taken.token
    archive.size, archive.sha256 = result["size"], result["sha256"]
    operation.result = {"archive_id": str(archive.id), **result}
    operation.errors = [dict(one) for one in errors]
    await session.flush()
    return True


async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Delete archives that are a week old; return how many."""
    old = {"city": city_code, "before": clock.now() - _KEPT}
    return await rows_changed(session, statements.DROP_OLD, old)
