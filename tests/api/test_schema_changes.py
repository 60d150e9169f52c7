"""A process goes on answering while the schema changes under it."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from services.api.request_context import RequestContext, begin_context
from services.api.second_try import Handler, tried_again
from services.core.kit.database import Database, connect
from services.core.kit.one_connection import unit_of_work
from services.core.kit.replicas import Reads
from tests.support.api import XINMI, a_submission, open_door
from tests.support.owner import owner_of

READS = (
    "submissions",
    "submissions?changed_after=0",
    "milestones",
    "milestones?changed_after=0",
    "obligations",
    "alerts",
    "extensions",
    "scoreboard",
    "tasks/progress",
    "periods",
    "reporting-rates",
    "alert-rules",
    "indicators/U08/score",
    "indicators/U08/series",
    "late",
)

_TABLES = """
    SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
    AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> 'alembic_version'"""
_COLUMNS = f"""
    SELECT a.attrelid::regclass::text AS table_name, a.attname AS name, t.typname AS type
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid IN (SELECT c.oid FROM pg_class c WHERE c.relname IN ({_TABLES}))
    AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity = ''"""
_INDEXES = """
    SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS sql
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT c.relispartition
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = i.indexrelid)"""

Change = Callable[[asyncpg.Connection], Awaitable[None]]


async def add_a_column_everywhere(connection: asyncpg.Connection) -> None:
    """Do to every table what the next migration may do to some."""
    tables = await connection.fetch(_TABLES)
    assert len(tables) > 30
    for table in tables:
        await connection.execute(
            f"ALTER TABLE {table['relname']} ADD COLUMN of_the_next_release text"
        )


async def widen_every_number(connection: asyncpg.Connection) -> None:
    """Give every number of 32 bits 64 of them."""
    columns = [one for one in await connection.fetch(_COLUMNS) if one["type"] in {"int4", "int2"}]
    assert len(columns) > 30
    for one in columns:
        await connection.execute(
            f"ALTER TABLE {one['table_name']} ALTER COLUMN {one['name']} TYPE bigint"
        )


async def change_the_type_of_texts(connection: asyncpg.Connection) -> None:
    """Let short texts be `varchar`; what has an index or a condition keeps its type."""
    columns = await connection.fetch(
        f"{_COLUMNS} AND t.typname = 'text' AND NOT EXISTS (SELECT FROM pg_depend d"
        " WHERE d.refobjid = a.attrelid AND d.refobjsubid = a.attnum)"
    )
    assert len(columns) > 30
    for one in columns:
        await connection.execute(
            f"ALTER TABLE {one['table_name']} ALTER COLUMN {one['name']} TYPE varchar"
        )


async def make_every_index_anew(connection: asyncpg.Connection) -> None:
    """Drop whatever is only an index, and make it again."""
    indexes = await connection.fetch(_INDEXES)
    assert len(indexes) > 20
    for one in indexes:
        await connection.execute(f"DROP INDEX {one['name']}")
        await connection.execute(one["sql"])


async def _in_one_transaction(database_url: str, change: Change) -> None:
    connection = await asyncpg.connect(owner_of(database_url))
    try:
        async with connection.transaction():
            await change(connection)
    finally:
        await connection.close()


async def _write(office: httpx.AsyncClient, unit: httpx.AsyncClient, period: str) -> list[str]:
    """Try a value, report, correct, return and hand it in again; return what was refused."""
    values = f"/plans/{XINMI}/submissions"
    body = a_submission(period=period)
    tried = await unit.post(f"{values}?validate_only=true", json=body)
    made = await unit.post(values, json=body, headers={"Idempotency-Key": period})
    again = await unit.post(values, json=body, headers={"Idempotency-Key": period})
    one = f"/submissions/{made.json().get('id')}"
    returned = await office.post(f"{one}/return", json={"reason": "数据来源不明"})
    tag = returned.headers.get("etag", "")
    edited = await unit.patch(one, json={"note": "已补"}, headers={"If-Match": tag})
    handed = await unit.post(f"{one}/submit", json={}, headers={"Idempotency-Key": f"s{period}"})
    approved = await office.post(f"{one}/approve", json={})
    answers = [tried, made, again, returned, edited, handed, approved]
    return [f"{at}: {one.text}" for at, one in enumerate(answers) if not one.is_success]


@pytest.mark.parametrize(
    "change",
    [
        add_a_column_everywhere,
        widen_every_number,
        change_the_type_of_texts,
        make_every_index_anew,
    ],
)
@pytest.mark.parametrize("callers", [1, 4])
async def test_a_change_of_the_schema_costs_no_answer(
    database_url: str, change: Change, callers: int
) -> None:
    async with (
        open_door(database_url) as door,
        await door.as_("office") as office,
        await door.as_("reporter", "UN15") as unit,
    ):
        assert await _write(office, unit, "2024") == []
        await door.react()
        listed = await office.get(f"/plans/{XINMI}/submissions")
        one = f"/submissions/{listed.json()['items'][0]['id']}"
        paths = [one, f"{one}/history", "/me/todo", "/events", "/plans", "/organizations"]
        paths += ["http://wufei.test/metrics"]
        paths += [f"/plans/{XINMI}/{read}" for read in READS]

        async def refused() -> list[str]:
            await door.forget_everything()
            asked = [office.get(path) for path in paths for _ in range(callers)]
            answers = await asyncio.gather(*asked)
            # By itself: beside all the others it may wait longer for the database than it may.
            answers.append(await office.get("http://wufei.test/readyz"))
            return [f"{one.url}: {one.text}" for one in answers if one.status_code != 200]

        for _ in range(2):  # statements are prepared with the first, and used again
            assert await refused() == []
        await _in_one_transaction(database_url, change)
        assert await _write(office, unit, "2023") == []
        assert await refused() == []
        await door.react()
        assert await refused() == []


class _Route(APIRoute):
    @override
    def get_route_handler(self) -> Handler:
        return tried_again(super().get_route_handler())


class _Refusing:
    """An application that meets a changed schema as often as it is told to."""

    def __init__(self, database: Database, times: int) -> None:
        self.times = times
        self.heard: list[bytes] = []
        self.commits = False
        self._database = database
        router = APIRouter(route_class=_Route)
        router.add_api_route("/", self._answer, methods=["POST"])
        self.app = FastAPI()
        self.app.state.resources = SimpleNamespace(reads=Reads(database))
        self.app.include_router(router)

    async def _answer(self, request: Request) -> dict[str, Any]:
        self.heard.append(await request.body())
        async with self._database.sessions() as session, session.begin():
            _ = await session.connection()
            if not self.commits and len(self.heard) <= self.times:
                raise asyncpg.InvalidCachedStatementError("cached statement plan is invalid")
        if len(self.heard) <= self.times:
            raise asyncpg.InvalidCachedStatementError("cached statement plan is invalid")
        return {"tries": len(self.heard)}

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin_context(scope, RequestContext("r-1"))
        await self.app(scope, receive, send)

    async def asked(self) -> int:
        """Return the status of the answer to one request."""
        transport = httpx.ASGITransport(self._serve, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://wufei.test") as client:
            with unit_of_work():
                answer = await client.post("/", content=b"a body")
        return answer.status_code


@pytest.mark.parametrize(
    ("times", "commits", "status", "tries"),
    [
        (0, False, 200, 1),
        (1, False, 200, 2),
        (2, False, 200, 3),
        (3, False, 500, 3),
        (1, True, 500, 1),
    ],
)
async def test_a_request_is_carried_out_anew_unless_it_has_written(
    database_url: str, times: int, *, commits: bool, status: int, tries: int
) -> None:
    async with connect(database_url, size=1) as database:
        refusing = _Refusing(database, times)
        refusing.commits = commits
        assert await refusing.asked() == status
    assert refusing.heard == [b"a body"] * tries
