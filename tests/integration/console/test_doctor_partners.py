"""What the doctor says of partners: who may send what nobody signed, from anywhere."""

import pytest

from services.console.doctor.findings import Finding
from services.console.doctor.work import work
from services.core.gateways.models import Partner
from services.core.gateways.profiles import PROFILES
from services.core.identity.actor import system
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.ids import new_id
from services.core.plan.loading import load_plan
from tests.support.api import xinmi
from tests.support.planted import CITY

_WEAK = [name for name, one in PROFILES.items() if not one.signs_all]


async def told_of_partners(database: Database) -> Finding:
    return {one.what: one async for one in work(database.dsn)}["partners"]


async def a_city(database: Database) -> None:
    async with database.transaction() as session:
        await load_plan(session, document=xinmi(), actor=system("test"), now=Clock.true_now())


async def plant(
    database: Database, profile: str, *networks: str, name: str, revoked: bool = False
) -> None:
    now = Clock.true_now()
    async with database.transaction() as session:
        session.add(
            Partner(
                city_code=CITY,
                id=new_id(),
                app_id=f"gw_{CITY}_{name}",
                name=name,
                profile=profile,
                key_id=new_id(),
                allowed_networks=list(networks),
                interfaces=[],
                output_fields=[],
                per_minute=1,
                per_day=1,
                created_at=now,
                revoked_at=now if revoked else None,
                calls=0,
                faults=0,
                version=1,
            )
        )


@pytest.mark.parametrize("profile", _WEAK)
async def test_who_signs_not_all_and_may_call_from_anywhere_is_named(
    database_url: str, profile: str
) -> None:
    async with connect(database_url, size=1) as database:
        await a_city(database)
        assert not (await told_of_partners(database)).reminds
        await plant(database, profile, name="of-before")
        await plant(database, profile, name="ended", revoked=True)
        await plant(database, profile, "10.0.0.0/8", name="bound")
        await plant(database, "wufei-hmac", name="signs-all")
        told = await told_of_partners(database)
        assert (told.good, told.reminds) == (True, True)
        named = f"of-before (gw_{CITY}_of-before, {profile})"
        assert told.seen.en == f"1 sign not all of a request and have no networks: {named}"
        assert told.seen.zh.endswith(f"：{named}")
        assert told.todo is not None
        assert "PATCH /v1/partners/{id}" in told.todo.en


async def test_so_many_are_named_and_the_rest_counted(database_url: str) -> None:
    async with connect(database_url, size=1) as database:
        await a_city(database)
        for place in range(7):
            await plant(database, "zzd", name=f"p{place}")
        told = await told_of_partners(database)
    assert told.seen.en.startswith("7 sign not all")
    assert told.seen.en.endswith("p4 (gw_410183_p4, zzd) …")
