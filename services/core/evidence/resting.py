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
    """Have something rest upon files from now on, so that none of them is removed any more.

    Return those that were there still. Whoever asks has seen that they may be named.
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
    """Remove the files that rows of a city rested upon before a change and rest upon no more.

    A change is the pieces of before, and the row as it is now. It is as many statements for one
    row as for many.
    """
    gone: dict[str, tuple[Piece, Row]] = {}
    for before, row in changes:
        left = {one["id"] for one in pieces_of(row["files"])}
        gone |= {one["id"]: (one, row) for one in before if one["id"] not in left}
    pieces = [piece for piece, _ in gone.values()]
    held = await queries.files_of_pieces(session, actor.city_code, pieces, locked=True)
    # What something else rests upon stays, although the row shows it no more.
    files = [one for one in held if one.rested_upon_at is None]
    for file in files:
        file.removed_at, file.removed_by = now, actor.stamp()
    await session.flush()
    if files:
        await record(session, *(_dropped(gone[str(one.id)][1], one, actor, now) for one in files))


def _dropped(row: Row, file: Evidence, actor: Actor, now: datetime) -> NewEvent:
    """Return what is told of a file that left with a change of its row."""
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
    """Return what an event says of a file."""
    return {
        "evidence_id": str(row.id),
        "file_name": row.file_name,
        "file_type": row.type,
        "size": row.size,
        "sha256": row.sha256,
    }
