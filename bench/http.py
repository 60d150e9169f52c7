"""What callers wait for: creating a submission, reading the scoreboard, listing, and its lag."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import asyncpg
import httpx

from bench.load import Outcome, request, volley
from bench.places import bound_statement, choices, fresh, report_body
from bench.report import Measure, waiting
from bench.system import CITY, PLAN, System

Shown = Callable[[httpx.AsyncClient, int, float], Awaitable[float]]
"""Waits until so many approvals are heard of; returns the milliseconds since an instant."""

_ROUNDS = 15
"""Short and many: what else the machine does then hits a figure and its ceiling alike."""

_POSTS = 600
_LISTED_ROWS = 100_000


async def creating(system: System, bare: int) -> list[str]:
    """Measure POST of a submission at 8 clients, beside the same statement without the rest."""
    figures, bares, raws = [], [], []
    for number in range(_ROUNDS + 1):
        made = await volley(system.port, _posts(system, _POSTS), clients=8)
        assert set(made.statuses) == {201}, made.statuses
        plain = await _bare(bare)
        assert set(plain.statuses) == {201}, plain.statuses
        raw = await written(system, 2 * _POSTS)
        if number:  # the first round warms everything up
            figures.append(made.rate)
            bares.append(plain.rate)
            raws.append(raw)
    what = "POST submission, 8 clients"
    return [
        Measure(what, figures, "bare route, same statement", bares, 0.65).line(),
        Measure(what, figures, "asyncpg, same statement", raws, 0.30).line(),
    ]


async def parallel(system: System, _bare: int) -> list[str]:
    """Measure how long each of 50 callers waits who report at the same time, over and over."""
    made = await volley(system.port, _posts(system, 2000), clients=50)
    assert set(made.statuses) == {201}, made.statuses
    waits = [1000 * seconds for seconds in made.latencies]
    return [waiting("POST submission, 50 clients", waits)]


def _posts(system: System, amount: int) -> list[bytes]:
    return [
        request(
            "POST",
            f"/v1/plans/{PLAN}/submissions",
            body=report_body(number),
            Authorization=f"Bearer {system.office}",
            Content_Type="application/json",
            Idempotency_Key=f"bench-{number}",
        )
        for number in fresh(amount)
    ]


async def _bare(port: int) -> Outcome:
    numbers = fresh(_POSTS)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        await client.put("/values", params={"first": numbers[0], "amount": len(numbers)})
    posts = [request("POST", "/statement", body=report_body(number)) for number in numbers]
    return await volley(port, posts, clients=8)


async def written(system: System, amount: int) -> float:
    """Create so many submissions by asyncpg on 8 connections; return how many a second."""
    statements = iter([bound_statement(number) for number in fresh(amount)])
    async with asyncpg.create_pool(system.database_url, min_size=8, max_size=8) as pool:

        async def work() -> None:
            async with pool.acquire() as connection:
                for one in statements:
                    await connection.fetchrow(*one)

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(8)))
        return amount / (time.perf_counter() - started)


async def reading(system: System, bare: int) -> list[str]:
    """Measure the scoreboard and its 304, beside a route that has the bytes ready."""
    bearer = f"Bearer {system.office}"
    board = f"/v1/plans/{PLAN}/scoreboard?period=2025"
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{system.port}", headers={"Authorization": bearer}
    ) as client:
        answer = await client.get(board)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{bare}") as client:
        await client.put("/ready", content=answer.content)
    etag = answer.headers["ETag"]
    rates = await _rates(
        {
            "board": (system.port, request("GET", board, Authorization=bearer)),
            "304": (system.port, request("GET", board, If_None_Match=etag, Authorization=bearer)),
            "ready": (bare, request("GET", "/ready")),
        },
        amount=2000,
    )
    ready, boards = rates["ready"], rates["board"]
    return [
        Measure("GET scoreboard", boards, "bare route, bytes ready", ready, 0.60).line(),
        Measure("GET scoreboard, 304", rates["304"], "GET scoreboard", boards, 1.0).line(),
    ]


async def listing(system: System, bare: int) -> list[str]:
    """Measure a list of 50 among 100,000 rows, beside its query in a route that writes rows."""
    await _fill(system)
    path = f"/v1/plans/{PLAN}/submissions?organization_code=UN15&page_size=50"
    rates = await _rates(
        {
            "list": (system.port, request("GET", path, Authorization=f"Bearer {system.office}")),
            "bare": (bare, request("GET", "/list")),
        },
        amount=500,
    )
    return [
        Measure(
            "GET 50 submissions", rates["list"], "bare route, query", rates["bare"], 0.60
        ).line()
    ]


async def _rates(
    asked: Mapping[str, tuple[int, bytes]], *, amount: int
) -> Mapping[str, list[float]]:
    """Return the answers per second of each request, round by round, at 16 clients."""
    rates: dict[str, list[float]] = {name: [] for name in asked}
    for number in range(_ROUNDS + 1):
        for name, (port, message) in asked.items():
            done = await volley(port, [message] * amount, clients=16)
            assert set(done.statuses) == {304 if name == "304" else 200}, done.statuses
            if number:
                rates[name].append(done.rate)
    return rates


async def _fill(system: System) -> None:
    """Write submissions, in a time that no other benchmark reports for."""
    indicators, units = choices()
    connection = await asyncpg.connect(system.database_url)
    await connection.execute(
        """
        INSERT INTO submission (city_code, id, plan_code, indicator_code, organization_code,
            period, state, revision, version, value, data_status, on_behalf, falsified,
            reported_by, reported_by_organization, created_at, updated_at, submitted_at)
        SELECT $1, uuidv7(), $2, indicator, unit, 'filled-' || number, 'submitted', 1, 1,
            94.78, 'final', false, false, gen_random_uuid(), unit, now(), now(), now()
        FROM generate_series(1, $5::int / cardinality($3::text[]) / cardinality($4::text[]) + 1)
            AS number, unnest($4::text[]) AS unit, unnest($3::text[]) AS indicator
        """,
        *(CITY, PLAN, indicators, units, _LISTED_ROWS),
        timeout=120,
    )
    await connection.execute("VACUUM ANALYZE submission", timeout=120)
    await connection.close()


async def lag(system: System) -> str:
    """Measure from sending an approval until the scoreboard shows it, with the worker at work."""
    waits = [wait async for wait in approvals(system, number=30)]
    return waiting("approval until the scoreboard shows it", waits)


async def approvals(
    system: System, *, number: int, indicator: str = "U08", shown: Shown | None = None
) -> AsyncIterator[float]:
    """Approve a value, and correct and approve it again; yield each time the milliseconds.

    They run from sending the approval until the board of the year shows it, or `shown` says so,
    which takes the client and how many were approved.
    """
    base = f"http://127.0.0.1:{system.port}/v1"
    office = {"Authorization": f"Bearer {system.office}"}
    unit = {"Authorization": f"Bearer {system.reporter}"}
    path = ""
    async with httpx.AsyncClient(base_url=base, headers=office, timeout=60) as client:
        for turn in range(1, number + 1):
            value = str(30 + turn % 60)
            if path:
                told = await _sent(client, "POST", f"{path}/reopen", office, {"reason": "bench"})
                told = await _sent(client, "PATCH", path, unit | told, {"value": value})
                await _sent(client, "POST", f"{path}/submit", unit | told)
            else:
                body = {"indicator_code": indicator, "organization_code": "UN15"}
                body |= {"period": "2025", "value": value}
                told = await _sent(client, "POST", f"/plans/{PLAN}/submissions", unit, body)
                path = told["Location"].removeprefix("/v1")
            started = time.monotonic()
            await _sent(client, "POST", f"{path}/approve", office)
            if shown is None:
                while not await _shows(client, indicator, value):  # noqa: ASYNC110 (no event tells)
                    await asyncio.sleep(0.005)
                yield (time.monotonic() - started) * 1000
            else:
                yield await shown(client, turn, started)


async def _sent(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """Send what must be taken; return the place that it made, and the tag for what comes next."""
    answer = await client.request(method, path, headers=dict(headers), json=body)
    assert answer.is_success, answer.text
    kept = {"ETag": "If-Match", "Location": "Location"}
    return {name: answer.headers[told] for told, name in kept.items() if told in answer.headers}


async def _shows(client: httpx.AsyncClient, indicator: str, value: str) -> bool:
    board = (await client.get(f"/plans/{PLAN}/scoreboard", params={"period": "2025"})).json()
    return any(row["code"] == indicator and row["value"] == value for row in board["indicators"])
