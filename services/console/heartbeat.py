"""Reads from a database when its workers last sent a heartbeat."""

from collections.abc import Sequence
from datetime import datetime

from services.core.events.queries import last_beats
from services.core.kit.database import connect


async def beats(url: str) -> Sequence[datetime]:
    """Return the last heartbeat of each known worker, latest first."""
    async with (
        connect(url, size=1, application_name="wufei-console") as database,
        database.sessions() as session,
    ):
        return await last_beats(session)
