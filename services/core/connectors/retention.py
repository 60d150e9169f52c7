"""Date-driven upkeep of connectors: deletes old requests."""

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.connectors.statements import DROP_BATCHES, FORGET_FORMER_SECRETS
from services.core.kit.clock import Clock
from services.core.kit.database import rows_changed
from services.core.kit.ids import first_id_at
from services.core.webhooks.rules import KEPT

_AT_ONCE = 5000


async def follow_date(session: AsyncSession, city_code: str, clock: Clock) -> int:
    """Delete requests older than 90 days; return how many. Items and receipts stay for good.

    Also deletes former secrets whose overlap is over.
    """
    now = clock.true_now()
    await session.execute(FORGET_FORMER_SECRETS, {"city": city_code, "now": now})
    oldest = first_id_at(now - KEPT)
    given = {"city": city_code, "oldest": oldest, "most": _AT_ONCE}
    return await rows_changed(session, DROP_BATCHES, given)
