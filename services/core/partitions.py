"""Which tables are partitioned by time, by which key, and how long their rows are kept.

The log and the history of submissions are kept for good, because scores are recomputed from them.
Old audit entries are dropped only behind a signed head of each city's chain.
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit import linking
from services.core.identity.queries import city_codes
from services.core.kit.city_scope import in_city
from services.core.kit.partitions import CutTable, TimeSpan
from services.core.webhooks.rules import KEPT


def cut_tables(*, audit_kept: timedelta | None = None) -> Sequence[CutTable]:
    """Return the partitioned tables; `audit_kept` is the audit's retention, None: forever."""
    return (
        CutTable("audit_entry", "id", linking.ENTRIES_SPAN, audit_kept, _signed_for),
        CutTable("event", "id", TimeSpan.QUARTER),
        CutTable("submission_history", "submission_id", TimeSpan.QUARTER),
        CutTable("webhook_attempt", "delivery_id", TimeSpan.MONTH, KEPT),
        CutTable("webhook_body", "event_id", TimeSpan.MONTH, KEPT),
    )


async def _signed_for(session: AsyncSession, upper: UUID) -> bool:
    """Return whether each city has signed a head after which entries before an id may go."""
    for city_code in await city_codes(session):
        with in_city(city_code):
            if not await linking.may_drop(session, city_code, upper):
                return False
    return True
