"""Writes the audit in the transaction of the recorded change; the chain is extended later."""

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Protocol
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.access import USED, NewEntry
from services.core.audit.actions import AuditAction
from services.core.audit.linking import DAYS_OF, day_of
from services.core.audit.statements import NOTE, NOTE_MANY, USED_SINCE
from services.core.kit.ids import first_id_at, new_id


async def note(
    session: AsyncSession,
    *,
    city_code: str,
    action: AuditAction,
    subject: tuple[str, str],
    actor: Mapping[str, object],
    data: Mapping[str, object],
    at: datetime,
) -> None:
    """Write an entry; `subject` is (kind, id). Secrets never belong in `data`."""
    await session.execute(
        NOTE,
        {
            "city": city_code,
            "id": new_id(),
            "action": action,
            "subject_kind": subject[0],
            "subject_id": subject[1],
            "actor": to_json(actor).decode(),
            "data": to_json(data).decode(),
            "at": at,
        },
    )


class Audited(Protocol):
    """A row of a city that has an id."""

    @property
    def city_code(self) -> str:
        """Its city."""

    @property
    def id(self) -> UUID:
        """Its id."""


async def note_of(
    session: AsyncSession,
    kind: str,
    row: Audited,
    action: AuditAction,
    *,
    actor: Mapping[str, object],
    data: Mapping[str, object] | None = None,
    at: datetime,
) -> None:
    """Write an entry about a row of the given `kind`; secrets never belong in `data`."""
    await note(
        session,
        city_code=row.city_code,
        action=action,
        subject=(kind, str(row.id)),
        actor=actor,
        data=data or {},
        at=at,
    )


async def note_many(session: AsyncSession, city_code: str, entries: Sequence[NewEntry]) -> int:
    """Write entries of a city, and return how many; uses of a key only if they are new today.

    Two concurrent processes may both write a use as the first.
    """
    known = await _known_uses(session, city_code, [one for one in entries if one.action == USED])
    new = [
        one
        for one in entries
        if one.action != USED or (one.subject[1], one.data["network"]) not in known
    ]
    if new:
        await session.execute(
            NOTE_MANY,
            {
                "city": city_code,
                "ids": [new_id() for _ in new],
                "actions": [one.action for one in new],
                "kinds": [one.subject[0] for one in new],
                "subjects": [one.subject[1] for one in new],
                "actors": [to_json(one.actor).decode() for one in new],
                "datas": [to_json(one.data).decode() for one in new],
                "ats": [one.at for one in new],
            },
        )
    return len(new)


async def _known_uses(
    session: AsyncSession, city_code: str, uses: Sequence[NewEntry]
) -> set[tuple[str, object]]:
    """Return which keys were used from which networks since the day of these uses began."""
    if not uses:
        return set()
    day = min(day_of(one.at) for one in uses)
    asked = {
        "city": city_code,
        "action": USED,
        "since": first_id_at(datetime.combine(day, time(), DAYS_OF)),
        "subjects": sorted({one.subject[1] for one in uses}),
    }
    return {(row[0], row[1]) for row in await session.execute(USED_SINCE, asked)}
