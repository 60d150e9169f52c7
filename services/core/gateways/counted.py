"""Saves the counts that processes made of partners' calls, and deletes old ones."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.gateways.statements import ADD_CALLS, ADD_USE, FORGET_NONCES, FORGET_USE
from services.core.gateways.use import Use
from services.core.kit.city_scope import in_city
from services.core.kit.database import rows_changed

USE_KEPT = timedelta(days=400)
"""How long the statistics of partners' calls are kept."""

Counted = tuple[str, UUID, date, str]
"""City, partner, day, operation."""


async def add_use(session: AsyncSession, counted: Mapping[Counted, Use]) -> None:
    """Add new counts to the stored ones."""
    # In one order, so that two processes do not deadlock.
    for (city_code, partner_id, day, interface), use in sorted(
        counted.items(), key=lambda one: one[0]
    ):
        named = {"city_code": city_code, "partner_id": partner_id}
        more = {"calls": use.calls, "faults": use.faults, "last_call_at": use.last_call_at}
        added = {
            **named,
            **more,
            "day": day,
            "interface": interface,
            "bytes_in": use.bytes_in,
            "bytes_out": use.bytes_out,
            "times": use.times,
        }
        with in_city(city_code):
            await session.execute(ADD_USE, added)
            await session.execute(ADD_CALLS, {**named, **more})


async def forget_old_calls(session: AsyncSession, city_code: str, *, now: datetime) -> int:
    """Delete nonces whose time is too old anyway, and statistics older than `USE_KEPT`.

    Return how many rows were deleted.
    """
    before = (now - USE_KEPT).date()
    nonces = await rows_changed(session, FORGET_NONCES, {"city_code": city_code, "now": now})
    use = await rows_changed(session, FORGET_USE, {"city_code": city_code, "before": before})
    return nonces + use
