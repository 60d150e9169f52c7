"""Writes the outcomes of deliveries, each only under the lease that it was claimed with.

The outcome of an attempt, the delivery's next state, and the endpoint's health are written
together, many at once.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.service import record
from services.core.identity.actor import system
from services.core.webhooks.dispatch import Claimed
from services.core.webhooks.endpoint_events import of_endpoint
from services.core.webhooks.health import DISABLED_AFTER, Health, OutcomeTally, after, told_of
from services.core.webhooks.lifecycle import disable_unwell
from services.core.webhooks.models import WebhookEndpoint
from services.core.webhooks.schedule import DeliveryFate
from services.core.webhooks.sending import Outcome
from services.core.webhooks.statements import LOCK_UNWELL, SET_HEALTH, SETTLE


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a claimed delivery, and its fate; `request` is its visible part."""

    claimed: Claimed
    token: UUID
    outcome: Outcome
    fate: DeliveryFate
    pause: float | None
    request: Mapping[str, object]


async def settle(
    session: AsyncSession,
    city_code: str,
    results: Sequence[Result],
    *,
    now: datetime,
    disabled_after: timedelta = DISABLED_AFTER,
) -> int:
    """Write the outcomes of deliveries, and the health of their endpoints; return how many.

    A result whose lease another worker has by now is noted as superseded and changes nothing. An
    endpoint that is gone, or has failed too long, is disabled and its pending deliveries cancelled;
    `now` stamps the events for its owner.
    """
    # All code locks endpoints before deliveries, because disabling an endpoint then cancels its
    # deliveries. Another order here could deadlock.
    endpoints = await _lock_unwell(session, city_code, _tallied(results))
    found = (await session.execute(SETTLE, {"city": city_code, **_columns(results)})).all()
    settled = {row.id for row in found}
    ours = [one for one in results if one.claimed.id in settled]
    tallies = _tallied(ours)
    for endpoint in endpoints:
        tally = tallies.get(endpoint.id)
        if tally is not None:
            before = _health(endpoint)
            health = after(before, tally, now=found[0].now, disabled_after=disabled_after)
            if health != before:
                await _take_note(session, endpoint, health, now)
    return len(settled)


def _tallied(results: Sequence[Result]) -> dict[UUID, OutcomeTally]:
    tallies: dict[UUID, OutcomeTally] = defaultdict(OutcomeTally)
    for one in results:
        key = one.claimed.endpoint_id
        tallies[key] = tallies[key].with_(one.outcome, one.pause)
    return tallies


async def _lock_unwell(
    session: AsyncSession, city_code: str, tallies: Mapping[UUID, OutcomeTally]
) -> Sequence[Row[Any]]:
    """Lock the endpoints whose health a batch can change; most are healthy and are left alone."""
    found = await session.execute(
        LOCK_UNWELL,
        {
            "city": city_code,
            "ids": list(tallies),
            "failed": [key for key, tally in tallies.items() if not tally.only_good],
        },
    )
    return found.all()


def _columns(results: Sequence[Result]) -> dict[str, list[object]]:
    return {
        "ids": [one.claimed.id for one in results],
        "numbers": [one.claimed.number for one in results],
        "tokens": [one.token for one in results],
        "outcomes": [one.outcome.kind for one in results],
        "statuses": [one.outcome.status_code for one in results],
        "durations": [one.outcome.duration_ms for one in results],
        "said": [one.outcome.said for one in results],
        "requests": [to_json(one.request).decode() for one in results],
        "states": [one.fate.state for one in results],
        "delays": [one.fate.delay for one in results],
        "free": [int(not one.fate.counted) for one in results],
    }


async def _take_note(
    session: AsyncSession, endpoint: Row[Any], health: Health, now: datetime
) -> None:
    """Write an endpoint's health, and notify its owner if a person has to act."""
    found = told_of(health)
    place = (endpoint.city_code, endpoint.id)
    await session.execute(SET_HEALTH, {**asdict(health), "city": place[0], "id": place[1]})
    if health.state_reason is not None:
        row = await session.get_one(WebhookEndpoint, place)
        await disable_unwell(session, row, health.state_reason, found=found, now=now)
    elif health.warned > endpoint.warned:
        told = of_endpoint(endpoint, "webhook.failing", system("webhooks"), found, now)
        await record(session, told)


def _health(endpoint: Row[Any]) -> Health:
    return Health(**{one.name: getattr(endpoint, one.name) for one in fields(Health)})
