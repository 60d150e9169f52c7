"""Deliveries claimed under a lease."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text

from services.core.kit.ids import new_id
from services.core.webhooks.dispatch import Claimed, Key, Limits, claim
from tests.support.planted import CITY, Planted

URL = "https://receiver.test/hook"


async def take(
    planted: Planted,
    *,
    most: int = 100,
    each: int = 8,
    lease: float = 45,
    token: UUID | None = None,
    busy: Mapping[Key, int] | None = None,
    passed: float | None = None,
) -> list[Claimed]:
    """Claim, and commit; `passed` seconds after the last claim that took any."""
    async with planted.database.transaction() as session:
        if passed is not None:
            await session.execute(
                text("UPDATE webhook_endpoint SET tokens_at = now() - make_interval(secs => :s)"),
                {"s": passed},
            )
        limits = Limits(most=most, each=each, lease_seconds=lease)
        return await claim(session, CITY, token=token or new_id(), busy=busy or {}, limits=limits)
