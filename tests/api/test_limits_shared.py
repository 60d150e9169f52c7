"""Two processes of the API on one Redis are one to a caller: places, and a partner's quota."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import pytest

from services.api.main import create_app
from services.api.settings import ApiSettings
from tests.support.api import XINMI, Door, open_door
from tests.support.gateways import a_partner, called
from tests.worker.running import until

AT_ONCE = 3
_LIMITS = {"WUFEI_LIMITS": "1", "WUFEI_LIMIT_AT_ONCE": str(AT_ONCE)}


@pytest.fixture(scope="module")
async def doors(module_database_url: str, addresses: Any) -> AsyncIterator[tuple[Door, Door]]:
    """Two applications that share PostgreSQL and Redis."""
    async with (
        open_door(module_database_url, redis_url=addresses.valkey, environment=_LIMITS) as here,
        _beside(here, module_database_url, addresses.valkey) as there,
    ):
        yield here, there


@asynccontextmanager
async def _beside(door: Door, database_url: str, redis_url: str) -> AsyncIterator[Door]:
    settings = {"database_url": database_url, "redis_url": redis_url, **_LIMITS}
    other = create_app(ApiSettings.model_validate(settings))
    async with other.router.lifespan_context(other):
        other.state.resources.partners._seal = door.held.seal
        yield Door(other, door.admin_secret, {})


async def test_places_are_those_of_all_processes(doors: tuple[Door, Door]) -> None:
    here, there = doors
    secret = await here.new_key("office")
    async with here.client(secret) as one, there.client(secret) as other:
        who = UUID((await one.get("/me")).json()["credential_id"])
        last = (await one.get("/events?limit=500")).json()["last_position"]
        waiting = [
            asyncio.create_task(client.get(f"/events?after={last}&wait=30"))
            for client in (one, one, other)
        ]

        async def all_wait() -> bool:
            return _under_way(here, who) + _under_way(there, who) == AT_ONCE

        await until(all_wait)
        for client in (one, other):
            refused = await client.get("/me")
            assert (refused.status_code, refused.json()["code"]) == (429, "too-many-at-once")
        waiting[0].cancel()
        await asyncio.gather(waiting[0], return_exceptions=True)

        async def has_a_place() -> bool:
            return (await other.get("/me")).status_code == 200

        await until(has_a_place)
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


def _under_way(door: Door, who: UUID) -> int:
    assert door.held.limits is not None
    return door.held.limits.places.under_way(who)


@pytest.mark.parametrize("quota", ["per_minute", "per_day"])
async def test_a_partner_has_one_quota_in_all_processes(
    doors: tuple[Door, Door], quota: str
) -> None:
    more: dict[str, Any] = {quota: 5}
    partner = await a_partner(doors[0], **more)
    codes = [
        (await called(doors[number % 2], partner, "list_indicators", plan=XINMI))[0]
        for number in range(7)
    ]
    assert codes == [200] * 5 + [429] * 2
