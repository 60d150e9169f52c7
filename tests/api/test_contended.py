"""A request that another transaction holds up says so: it blames no outage, and no request."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import httpx

from services.api.problems import refused_by_database
from tests.support.api import IN_TIME, XINMI, Door, a_submission
from tests.support.owner import owner_of
from tests.support.reported import PATH, a_period

_TAKEN = "taken-by-another"


@asynccontextmanager
async def another(door: Door) -> AsyncIterator[asyncpg.Connection]:
    """A transaction that somebody else has begun, and in the end takes back."""
    connection = await asyncpg.connect(owner_of(door.held.database.dsn))
    begun = connection.transaction()
    try:
        await begun.start()
        yield connection
        await begun.rollback()
    finally:
        await connection.close()


async def copied(holder: asyncpg.Connection, table: str, where: str, **others: str) -> None:
    """Write a row anew that another is the model of, without an end to it."""
    columns = await holder.fetch(
        "SELECT column_name AS name FROM information_schema.columns"
        " WHERE table_name = $1 AND table_schema = current_schema()",
        table,
    )
    names = [one["name"] for one in columns]
    chosen = ", ".join(others.get(name, name) for name in names)
    await holder.execute(
        f"INSERT INTO {table} ({', '.join(names)}) SELECT {chosen} FROM {table} WHERE {where}"
    )


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_what_another_transaction_holds_is_told_as_that(door: Door) -> None:
    place, period, free = a_period(), "2025", a_period()
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        made = await unit.post(
            PATH, json=a_submission(period=a_period()), headers={"Idempotency-Key": "model"}
        )
        locked = (await unit.post(PATH, json=a_submission(period=a_period()))).json()
        await office.post(f"/plans/{XINMI}/periods/{period}/open", json=IN_TIME)
        async with another(door) as holder:
            model = f"city_code = '410183' AND id = '{UUID(made.json()['id'])}'"
            await copied(holder, "submission", model, id="gen_random_uuid()", period=f"'{place}'")
            await copied(holder, "stored_reply", "key = 'model'", key=f"'{_TAKEN}'")
            await holder.execute(
                "SELECT FROM plan_period WHERE city_code = '410183' AND period = $1 FOR UPDATE",
                period,
            )
            await holder.execute(
                "SELECT FROM submission WHERE city_code = '410183' AND id = $1 FOR UPDATE",
                UUID(locked["id"]),
            )

            async def send(period: str, key: str | None = None) -> httpx.Response:
                headers = {} if key is None else {"Idempotency-Key": key}
                return await unit.post(PATH, json=a_submission(period=period), headers=headers)

            answers = await asyncio.gather(
                send(place),
                send(place, "place"),
                send(period),
                send(period, "period"),
                unit.post(f"{PATH}/batch", json={"items": [a_submission(period=place)]}),
                office.post(f"/submissions/{locked['id']}/approve"),
                send(free, _TAKEN),
            )
    *held_up, same_key = answers
    assert [told(one) for one in held_up] == [(503, "contended")] * len(held_up)
    assert {one.headers["Retry-After"] for one in held_up} == {"1"}
    assert told(same_key) == (409, "request-in-progress")
    async with await door.as_("reporter", "UN15") as unit:
        again = await unit.post(
            PATH, json=a_submission(period=place), headers={"Idempotency-Key": "place"}
        )
    assert again.status_code == 201, again.text


async def test_an_outage_and_a_lock_are_told_apart() -> None:
    held_up = [asyncpg.LockNotAvailableError(), asyncpg.DeadlockDetectedError()]
    away = [asyncpg.QueryCanceledError(), TimeoutError(), asyncpg.DiskFullError()]
    codes = [one and one.code for one in map(refused_by_database, [*held_up, *away])]
    assert codes == ["contended"] * 2 + ["database-unavailable"] * 3
    assert refused_by_database(asyncpg.DivisionByZeroError()) is None
