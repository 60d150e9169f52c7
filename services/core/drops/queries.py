"""Reads file drops and their files."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.drops.models import DroppedFile, FileDrop

MOST_DROPS = 50
"""Most file drops of a city."""


CITIES_WITH_DROPS = select(FileDrop.city_code).distinct().order_by(FileDrop.city_code)
"""The cities that have file drops, also closed ones, because their old files are emptied too."""


async def drops(session: AsyncSession, city_code: str) -> Sequence[FileDrop]:
    """Return the file drops of a city, by folder."""
    found = await session.scalars(
        select(FileDrop)
        .where(FileDrop.city_code == city_code)
        .order_by(FileDrop.folder)
        .limit(MOST_DROPS)
    )
    return found.all()


async def drop_for_update(session: AsyncSession, city_code: str, drop_id: UUID) -> FileDrop | None:
    """Return a file drop, locked."""
    return await session.scalar(
        select(FileDrop)
        .where(FileDrop.city_code == city_code, FileDrop.id == drop_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def drop_in(session: AsyncSession, city_code: str, folder: str) -> FileDrop | None:
    """Return the file drop of a folder, locked; None: there is none."""
    return await session.scalar(
        select(FileDrop)
        .where(FileDrop.city_code == city_code, FileDrop.folder == folder)
        .with_for_update()
    )


async def next_waiting(session: AsyncSession, city_code: str, drop_id: UUID) -> Any | None:
    """Return the first file of a drop that waits to be written: its number and its bytes."""
    found = await session.execute(
        select(DroppedFile.number, DroppedFile.content)
        .where(
            DroppedFile.city_code == city_code,
            DroppedFile.drop_id == drop_id,
            DroppedFile.written_at.is_(None),
        )
        .order_by(DroppedFile.number)
        .limit(1)
    )
    return found.one_or_none()
