"""A key that is bound to one plan carries nothing into another, whichever way it comes in."""

from uuid import UUID

import pytest

from services.core.drops.errors import DropRefused
from services.core.drops.lifecycle import DropRequest, create_drop, open_drop
from services.core.exchange.errors import ExchangeRefused
from services.core.exchange.service import locked_channel, open_channel, take_rows
from services.core.identity.actor import operator
from services.core.identity.giving import KeyRequest
from services.core.identity.rules import Scope
from services.core.identity.service import create_key
from services.core.kit.errors import InvalidInput
from services.core.packages.errors import PackageRefused
from tests.support.packages import HERE, Gap, Installation
from tests.support.reports import places
from tests.unit.scoring.builders import CITY, PLAN

OTHER = "410183-2016"
SCOPES: tuple[Scope, ...] = (
    "plan:read",
    "submissions:read",
    "submissions:write",
    "events:read",
    "webhooks:write",
)
_BIND = "UPDATE api_key SET plan_code = $1 WHERE city_code = $2 AND id = $3"


async def key_of(at: Installation, plan: str) -> UUID:
    async with at.database.transaction() as session:
        key, _ = await create_key(
            session,
            request=KeyRequest("一个计划的", "integrator", scopes=SCOPES, plan_code=plan),
            actor=operator(CITY),
            plan_codes=[PLAN, OTHER],
            now=at.now,
        )
        return key.id


async def test_it_is_registered_for_no_other_plan(gap: Gap) -> None:
    at = gap.there
    own, other = await key_of(at, PLAN), await key_of(at, OTHER)
    office, now = operator(CITY), at.now
    await at.know(HERE, key_id=own)
    with pytest.raises(InvalidInput) as told:
        await at.know(HERE, key_id=other)
    assert [one.pointer for one in told.value.faults] == ["/key"]
    async with at.database.transaction() as session:
        await open_channel(session, CITY, PLAN, own, actor=office, now=now)
        with pytest.raises(ExchangeRefused):
            await open_channel(session, CITY, PLAN, other, actor=office, now=now)
        request = DropRequest("exchange", other, PLAN)
        with pytest.raises(InvalidInput) as told:
            await create_drop(session, CITY, request, actor=office, now=now)
        assert [one.code for one in told.value.faults] == ["owner-cannot-hear"]
        drop = await create_drop(
            session, CITY, DropRequest("exchange", own, PLAN), actor=office, now=now
        )
        with pytest.raises(DropRefused):
            await open_drop(session, drop, other, actor=office.stamp(), now=now)


async def test_nothing_is_written_as_one_that_was_bound_to_another_plan_since(gap: Gap) -> None:
    here, there = gap.here, gap.there
    await here.approve(places(1)[0])
    made = await here.export()
    assert made is not None
    key: UUID = await there.database.pool.fetchval(
        "SELECT key_id FROM package_peer WHERE city_code = $1", CITY
    )
    async with there.database.transaction() as session:
        await open_channel(session, CITY, PLAN, key, actor=operator(CITY), now=there.now)
    await there.database.pool.execute(_BIND, OTHER, CITY, key)
    with pytest.raises(PackageRefused):
        await there.take(made.content)
    async with there.database.transaction() as session:
        channel = await locked_channel(session, CITY, PLAN)
        with pytest.raises(ExchangeRefused):
            await take_rows(session, channel, [], now=there.now)
    assert await there.values() == {}
