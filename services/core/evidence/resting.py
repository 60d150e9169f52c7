"""Which files a change of their subject removes, and which stay."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.service import NewEvent, record
from services.core.evidence import queries
from services.core.evidence.models import Evidence
from services.core.identity.actor import Actor
from services.core.plan.evidence_rules import Piece, pieces_of
from services.core.registers.rules import Row, event_data


async def rest_upon(
    session: AsyncSession, city_code: str, ids: Collection[UUID], *, now: datetime
) -> frozenset[UUID]:
    """Mark files as depended on, so that they can no longer be removed.

    Returns those that still existed. The caller has checked that the actor may refer to them.
    """
    found = await queries.held(session, city_code, ids)
    for file in found:
        file.rested_upon_at = file.rested_upon_at or now
    await session.flush()
    return frozenset(file.id for file in found)


async def drop_files(
    session: AsyncSession,
    changes: Sequence[tuple[Sequence[Piece], Row]],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Remove the files that a change took from a city's rows.

    A change is the pieces before, and the row as it is now. The number of statements does not
    depend on the number of rows.
    """
    gone: dict[str, tuple[Piece, Row]] = {}
    for before, row in changes:
        left = {one["id"] for one in pieces_of(row["files"])}
        gone |= {one["id"]: (one, row) for one in before if one["id"] not in left}
    pieces = [piece for piece, _ in gone.values()]
    held = await queries.files_of_pieces(session, actor.city_code, pieces, locked=True)
    # A file that something else depends on stays, although the row no longer lists it.
    files = [one for one in held if one.rested_upon_at is None]
    for file in files:
        file.removed_at, file.removed_by = now, actor.stamp()
    await session.flush()
    if files:
        await record(session, *(_dropped(gone[str(one.id)][1], one, actor, now) for one in files))


def _dropped(row: Row, file: Evidence, actor: Actor, now: datetime) -> NewEvent:
    """Return the event of a file that was removed with a change of its row."""
    return NewEvent(
        city_code=row["city_code"],
        plan_code=row["plan_code"],
        type="evidence.removed",
        subject_kind="register_row",
        subject_id=str(row["id"]),
        organization_code=row["organization_code"],
        actor=actor.stamp(),
        data={**event_data(row), **file_told(file)},
        occurred_at=now,
    )


def file_told(row: Evidence) -> Mapping[str, object]:
    """Return the data of a file in an event."""
    return {
        "evidence_id": str(row.id),
        "file_name": row.file_name,
        "file_type": row.type,
        "size": row.size,
        "sha256": row.sha256,
    }
