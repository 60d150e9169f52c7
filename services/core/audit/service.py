"""Writing the audit, in the transaction of what it records; the chain takes it up later."""

from collections.abc import Mapping
from datetime import datetime

from pydantic_core import to_json
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.statements import NOTE
from services.core.kit.ids import new_id


async def note(
    session: AsyncSession,
    *,
    city_code: str,
    action: str,
    subject: tuple[str, str],
    actor: Mapping[str, object],
    data: Mapping[str, object],
    at: datetime,
) -> None:
    """Write one entry; `subject` is (kind, id). Secrets never belong in `data`."""
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
