"""Those who wait for one name: others are answered meanwhile, and they are told soon."""

import asyncio
from datetime import timedelta

import asyncpg

from services.core.kit.database import PATIENCE, lock_name
from services.core.registers.service import name_of
from tests.support.api import XINMI, Door
from tests.support.owner import owner_of
from tests.support.registers import KEEPER, ROWS, a_row

_HOLD = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


async def test_who_waits_for_a_register_keeps_no_connection_from_others(door: Door) -> None:
    held = door.held
    assert held.database.sessions.kw["info"][PATIENCE] == timedelta(seconds=5)
    held.database.sessions.kw["info"][PATIENCE] = timedelta(milliseconds=300)
    another = await asyncpg.connect(owner_of(held.database.dsn))
    try:
        async with await door.as_("reporter", KEEPER) as clerk, await door.as_("office") as office:
            async with another.transaction():
                await another.execute(_HOLD, name_of("410183", XINMI, "GREEN-FACTORY"))
                writing = [asyncio.create_task(clerk.post(ROWS, json=a_row())) for _ in range(16)]
                others = await asyncio.gather(
                    *(office.get(path) for path in ("/me/todo", ROWS, f"/plans/{XINMI}/late"))
                )
                refused = await asyncio.gather(*writing)
            after = await clerk.post(ROWS, json=a_row())
    finally:
        await another.close()
        held.database.sessions.kw["info"][PATIENCE] = timedelta(seconds=5)
    assert [one.status_code for one in others] == [200] * 3
    assert {(one.status_code, one.json()["code"]) for one in refused} == {(503, "contended")}
    assert {one.headers["Retry-After"] for one in refused} == {"1"}
    assert after.status_code == 201, after.text


async def test_who_waits_for_a_name_waits_for_a_row_as_long_as_before(door: Door) -> None:
    base = door.held.database
    another = await asyncpg.connect(owner_of(base.dsn))
    try:
        holding = another.transaction()
        await holding.start()
        await another.execute(_HOLD, "a name of this test")
        async with base.transaction() as session:
            waiting = asyncio.create_task(lock_name(session, "a name of this test"))
            await asyncio.sleep(0.2)
            assert not waiting.done()
            await holding.rollback()
            await waiting
            connection = await session.connection()
            found = await connection.exec_driver_sql("SHOW lock_timeout")
            assert found.scalar_one() == "10s"
    finally:
        await another.close()
