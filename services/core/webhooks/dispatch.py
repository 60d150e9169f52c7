"""The queue of deliveries: due ones are claimed under a lease, fairly between endpoints.

The attempt is written with the claim, and both are committed before anything is sent. So a worker
may be lost at any line: its claims are due again when their lease is over, and the attempt without
an outcome shows what happened. Only the database's clock counts.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.kit.city_scope import in_every_city
from services.core.webhooks.health import FAILING_AFTER
from services.core.webhooks.statements import (
    CITIES_DUE,
    CLAIM,
    CLOCK_SKEW,
    GIVE_BACK,
    NAMES,
    TARGETS,
)
from services.core.webhooks.wording import Names, codes_in

Key = tuple[str, UUID]
"""City and endpoint."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claimed delivery; `tries` counts its attempts of the schedule so far.

    `traceparent` is the trace in which its event was made.
    """

    city_code: str
    id: UUID
    endpoint_id: UUID
    event_id: UUID
    event_type: str
    number: int
    tries: int
    manual: bool
    body: bytes
    traceparent: str | None = None

    @property
    def endpoint(self) -> Key:
        """The key of its endpoint."""
        return self.city_code, self.endpoint_id


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a claim: deliveries in all, per endpoint (100 at most), and the lease's length."""

    most: int
    each: int
    lease_seconds: float


async def cities_due(session: AsyncSession, *, busy: Mapping[Key, int], each: int) -> list[str]:
    """Return the cities with claimable deliveries, the longest waiting first.

    `busy` counts the messages under way from this process to each endpoint, of at most `each`.
    """
    given = {
        "cities": [city_code for city_code, _ in busy],
        "endpoints": [endpoint_id for _, endpoint_id in busy],
        "numbers": list(busy.values()),
        "failing": FAILING_AFTER,
        "each": each,
    }
    with in_every_city():
        return list(await session.scalars(CITIES_DUE, given))


async def claim(
    session: AsyncSession, city_code: str, *, token: UUID, busy: Mapping[Key, int], limits: Limits
) -> list[Claimed]:
    """Claim due deliveries of a city under a lease, at most so many; each begins an attempt.

    `busy` counts the messages under way from this process to each endpoint. Endpoints share the
    claim fairly; a failing endpoint, and every robot, gets one message at a time. The deliveries of
    one robot make one message, and the caller gives back those that do not fit. The caller commits
    before it sends.
    """
    here = {key[1]: number for key, number in busy.items() if key[0] == city_code}
    found = await session.execute(
        CLAIM,
        {
            "city": city_code,
            "endpoints": list(here),
            "numbers": list(here.values()),
            "failing": FAILING_AFTER,
            "each": limits.each,
            "most": limits.most,
            "lease": limits.lease_seconds,
            "token": token,
        },
    )
    return [Claimed(*row) for row in found]


async def give_back(
    session: AsyncSession, city_code: str, claimed: Collection[Claimed], *, token: UUID
) -> None:
    """Undo the claim of a city's deliveries: they are due as before, the attempt does not count."""
    ids = [one.id for one in claimed]
    await session.execute(GIVE_BACK, {"city": city_code, "ids": ids, "token": token})


async def targets(
    session: AsyncSession, city_code: str, endpoint_ids: Collection[UUID]
) -> list[Row[Any]]:
    """Return endpoints, still sealed, with their live secrets, newest first."""
    given = {"city": city_code, "endpoints": list(endpoint_ids)}
    return list(await session.execute(TARGETS, given))


async def names_for(session: AsyncSession, claimed: Collection[Claimed]) -> Names:
    """Return the names of the organizations and indicators in these events.

    All events are of one city; a code's name in any of the plans is good enough for a message.
    """
    codes = [codes_in(from_json(one.body)) for one in claimed]
    if not codes:
        return Names()
    plans, organizations, indicators = (
        sorted({code for code in column if isinstance(code, str)})
        for column in zip(*codes, strict=True)
    )
    found = await session.execute(
        NAMES,
        {
            "city": next(iter(claimed)).city_code,
            "plans": plans,
            "organizations": organizations,
            "indicators": indicators,
        },
    )
    names: dict[str, dict[str, str]] = {"organization": {}, "indicator": {}}
    for kind, code, name in found:
        names[kind][code] = name
    return Names(names["organization"], names["indicator"])


async def clock_skew(session: AsyncSession, true_now: datetime) -> float:
    """Return by how many seconds a clock is ahead of the database's."""
    found = await session.scalar(CLOCK_SKEW, {"now": true_now})
    return float(found or 0)
