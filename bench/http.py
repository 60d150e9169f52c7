"""What callers wait for: creating a submission, reading the scoreboard, listing, and its lag."""

import asyncio
import time
from itertools import count

import asyncpg
import httpx

from bench.load import Outcome, request, volley
from bench.places import report_body, statement_values
from bench.report import Measure, percentile
from bench.system import PLAN, System
from services.core.submissions.creation import CREATE

ROUNDS = 5
_numbers = count()


async def creating(system: System, bare: int) -> list[Measure]:
    """Measure POST of a submission at 8 clients, beside the same statement without the rest."""
    figures: list[float] = []
    bares: list[float] = []
    raws: list[float] = []
    with system.worker_paused():
        for number in range(ROUNDS + 1):
            made = await _post(system, 1500)
            assert set(made.statuses) == {201}, made.statuses
            numbers = [next(_numbers) for _ in range(1500)]
            posts = [request("POST", "/statement", body=str(one).encode()) for one in numbers]
            plain = await volley(bare, posts, clients=8)
            assert set(plain.statuses) == {201}, plain.statuses
            raw = await _raw(system, 2500)
            if number:  # the first round warms everything up
                figures.append(made.rate)
                bares.append(plain.rate)
                raws.append(raw)
    return [
        Measure("POST submission, 8 clients", figures, "bare route, same statement", bares, 0.65),
        Measure("POST submission, 8 clients", figures, "asyncpg, same statement", raws, 0.30),
    ]


async def _post(system: System, amount: int) -> Outcome:
    posts = [
        request(
            "POST",
            f"/v1/plans/{PLAN}/submissions",
            body=report_body(number),
            Authorization=f"Bearer {system.office}",
            Content_Type="application/json",
            Idempotency_Key=f"bench-{number}",
        )
        for number in (next(_numbers) for _ in range(amount))
    ]
    return await volley(system.port, posts, clients=8)


async def _raw(system: System, amount: int) -> float:
    """Return the statements per second of asyncpg on 8 connections in one process."""
    values = iter([statement_values(next(_numbers)) for _ in range(amount)])
    async with asyncpg.create_pool(system.database_url, min_size=8, max_size=8) as pool:

        async def work() -> None:
            async with pool.acquire() as connection:
                for one in values:
                    await connection.fetchrow(CREATE, *one)

        started = time.perf_counter()
        await asyncio.gather(*(work() for _ in range(8)))
        return amount / (time.perf_counter() - started)


async def reading(system: System, bare: int) -> list[Measure]:
    """Measure the scoreboard and a list of 50, each beside its ceiling."""
    bearer = f"Bearer {system.office}"
    board = f"/v1/plans/{PLAN}/scoreboard?period=2025"
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{system.port}", headers={"Authorization": bearer}
    ) as client:
        answer = await client.get(board)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{bare}") as client:
        await client.put("/ready", content=answer.content)
    etag = answer.headers["ETag"]
    many = f"/v1/plans/{PLAN}/submissions?organization_code=UN15&page_size=50"
    asked = {
        "board": (system.port, request("GET", board, Authorization=bearer)),
        "304": (system.port, request("GET", board, If_None_Match=etag, Authorization=bearer)),
        "ready": (bare, request("GET", "/ready")),
        "list": (system.port, request("GET", many, Authorization=bearer)),
        "bare list": (bare, request("GET", "/list")),
    }
    rates: dict[str, list[float]] = {name: [] for name in asked}
    with system.worker_paused():
        await _raw(system, 20_000)
        for number in range(ROUNDS + 1):
            for name, (port, message) in asked.items():
                amount = 1000 if "list" in name else 4000
                done = await volley(port, [message] * amount, clients=16)
                assert set(done.statuses) == {304 if name == "304" else 200}, done.statuses
                if number:
                    rates[name].append(done.rate)
    return [
        Measure("GET scoreboard", rates["board"], "bare route, bytes ready", rates["ready"], 0.60),
        Measure("GET scoreboard, 304", rates["304"], "GET scoreboard", rates["board"], 1.0),
        Measure("GET 50 submissions", rates["list"], "bare route, query", rates["bare list"], 0.60),
    ]


async def lag(system: System) -> str:
    """Measure from sending an approval until the scoreboard shows it, with the worker at work."""
    waits = []
    base = f"http://127.0.0.1:{system.port}/v1"
    office = {"Authorization": f"Bearer {system.office}"}
    unit = {"Authorization": f"Bearer {system.reporter}"}
    async with httpx.AsyncClient(base_url=base, headers=office, timeout=60) as client:
        for number in range(30):
            period = f"{2090 + number // 12}-{number % 12 + 1:02}"
            body = {
                "indicator_code": "U08",
                "organization_code": "UN15",
                "period": period,
                "value": str(30 + number),
            }
            made = await client.post(f"/plans/{PLAN}/submissions", json=body, headers=unit)
            started = time.perf_counter()
            await client.post(f"/submissions/{made.json()['id']}/approve")
            while not await _shows(client, period, body["value"]):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            waits.append((time.perf_counter() - started) * 1000)
    return (
        f"{'approval until the scoreboard shows it':<46}{percentile(waits, 0.5):>10,.1f} ms  "
        f"p95 {percentile(waits, 0.95):,.1f} ms, worst {max(waits):,.1f} ms"
    )


async def _shows(client: httpx.AsyncClient, period: str, value: str) -> bool:
    board = (await client.get(f"/plans/{PLAN}/scoreboard", params={"period": period})).json()
    return any(row["code"] == "U08" and row["value"] == value for row in board["indicators"])
