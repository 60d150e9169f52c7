"""Keys and organizations of two cities in one deployment: read page by page, and kept apart."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.core.identity import queries
from services.core.identity.actor import Actor, operator, system
from services.core.identity.errors import KeyBeyondOwn, KeyNotFound
from services.core.identity.giving import KeyRequest
from services.core.identity.service import (
    create_first_key,
    create_key,
    key_to_revoke,
    note_use,
    revoke_key,
)
from services.core.kit.database import Database, connect
from services.core.plan.loading import load_plan
from tests.support.api import NEIGHBOUR, neighbour
from tests.support.two_cities import ONE, OTHER, elsewhere
from tests.support.waiting import all_wait

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connect(database_url, size=4) as opened:
        async with opened.transaction() as session:
            for document in (neighbour(), elsewhere()):
                await load_plan(session, document=document, actor={}, now=NOW)
        yield opened


async def a_key(database: Database, city: str = ONE, role: str = "leader", **more: object) -> UUID:
    request = replace(KeyRequest("k", role), **more)  # type: ignore[arg-type]
    maker = replace(operator(city), every_city=False)
    async with database.transaction() as session:
        key, _ = await create_key(
            session, request=request, actor=maker, plan_codes=(NEIGHBOUR,), now=NOW
        )
        return key.id


async def revoke(database: Database, key_id: UUID, actor: Actor) -> None:
    async with database.transaction() as session:
        key = await key_to_revoke(session, key_id, actor=actor)
        await revoke_key(session, key, actor=actor, now=NOW)


async def test_organizations_join_page_by_page_without_a_seam(database: Database) -> None:
    async with database.sessions() as session:
        whole = await queries.organizations(session, city_code=None, after=None, limit=100)
        names = [(unit.city_code, unit.code) for unit in whole]
        assert names == sorted(names)
        assert {city for city, _ in names} == {ONE, OTHER}
        paged: list[tuple[str, str]] = []
        while True:
            after = paged[-1] if paged else None
            page = await queries.organizations(session, city_code=None, after=after, limit=1)
            if not page:
                break
            paged += [(unit.city_code, unit.code) for unit in page]
        assert paged == names
        own = await queries.organizations(session, city_code=OTHER, after=None, limit=100)
        assert [unit.code for unit in own] == [code for city, code in names if city == OTHER]
        named = await queries.organizations_by_code(session, city_code=ONE, codes=["UN10"])
        both = await queries.organizations_by_code(session, city_code=None, codes=["UN10"])
    assert [(unit.city_code, unit.code) for unit in named] == [(ONE, "UN10")]
    assert {unit.city_code for unit in both} == {ONE, OTHER}
    assert {unit.code for unit in both} == {"UN10"}


async def test_keys_join_page_by_page_and_each_administrator_sees_its_own(
    database: Database,
) -> None:
    of_one = [await a_key(database), await a_key(database, plan_code=NEIGHBOUR)]
    of_unit = await a_key(database, role="reporter", organization_code="UN10")
    of_other = [await a_key(database, OTHER) for _ in range(2)]
    everywhere = operator(ONE)
    administrator = replace(everywhere, every_city=False)
    async with database.sessions() as session:
        paged: list[tuple[str, UUID]] = []
        while True:
            after = paged[-1] if paged else None
            page = await queries.visible_keys(session, everywhere, after=after, limit=1)
            if not page:
                break
            paged += [(key.city_code, key.id) for key in page]

        async def seen_by(actor: Actor) -> set[UUID]:
            return {
                key.id for key in await queries.visible_keys(session, actor, after=None, limit=100)
            }

        assert paged == sorted(paged)
        assert {key_id for _, key_id in paged} == {*of_one, of_unit, *of_other}
        assert await seen_by(everywhere) == {*of_one, of_unit, *of_other}
        assert await seen_by(administrator) == {*of_one, of_unit}
        assert await seen_by(replace(administrator, city_code=OTHER)) == set(of_other)
        assert await seen_by(replace(administrator, plan_code=NEIGHBOUR)) == {of_one[1]}
        assert await seen_by(replace(administrator, organization_code="UN10")) == {of_unit}


async def test_the_first_key_of_all_is_out_of_a_citys_reach(database: Database) -> None:
    async with database.transaction() as session:
        await create_first_key(session, city_code=ONE, actor=system("test"), now=NOW)
    async with database.sessions() as session:
        (first,) = await queries.visible_keys(session, operator(ONE), after=None, limit=9)
        administrator = replace(operator(ONE), every_city=False)
        assert await queries.visible_keys(session, administrator, after=None, limit=9) == []
    with pytest.raises(KeyNotFound):
        await revoke(database, first.id, administrator)


async def test_nobody_revokes_what_is_out_of_reach_or_may_do_more(database: Database) -> None:
    theirs = await a_key(database, OTHER)
    mine = await a_key(database, role="system_admin")
    administrator = replace(operator(ONE), every_city=False)
    with pytest.raises(KeyNotFound):
        await revoke(database, theirs, administrator)
    with pytest.raises(KeyBeyondOwn):
        await revoke(database, mine, replace(administrator, scopes=frozenset({"keys:write"})))
    await revoke(database, mine, administrator)


async def test_an_administrator_is_one_whose_key_still_works(database: Database) -> None:
    async def has_one() -> bool:
        async with database.sessions() as session:
            return await queries.has_administrator(session)

    await a_key(database)
    assert not await has_one(), "another role's key is none"
    key = await a_key(database, role="system_admin")
    assert await has_one()
    await revoke(database, key, operator(ONE))
    assert not await has_one(), "a revoked one is none"


async def test_a_city_is_there_once_a_plan_of_it_was_loaded(database: Database) -> None:
    async with database.sessions() as session:
        assert await queries.city_exists(session, OTHER)
        assert not await queries.city_exists(session, "999999")


async def test_a_use_is_noted_at_the_key_that_was_used(database: Database) -> None:
    used, unused = await a_key(database), await a_key(database)
    async with database.transaction() as session:
        await note_use(session, {(ONE, used): (NOW, "203.0.113.0/24")})
    async with database.sessions() as session:
        keys = await queries.visible_keys(session, operator(ONE), after=None, limit=9)
    assert {key.id: (key.last_used_at, key.last_used_from) for key in keys} == {
        used: (NOW, "203.0.113.0/24"),
        unused: (None, None),
    }


async def test_of_two_who_revoke_a_key_one_does_and_one_entry_is_made(database: Database) -> None:
    key = await a_key(database)
    lock = "SELECT FROM api_key WHERE id = $1 FOR UPDATE"
    await all_wait(
        database.dsn,
        *(revoke(database, key, operator(ONE)) for _ in range(2)),
        statement=lock,
        values=(key,),
    )
    entries = "SELECT count(*) FROM audit_entry WHERE action = 'key.revoked' AND subject_id = $1"
    assert await database.pool.fetchval(entries, str(key)) == 1
