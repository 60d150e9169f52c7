"""Sign-ins: how many a second against Argon2 alone, and what 200 at once do to other calls."""

import asyncio
import time
from statistics import quantiles
from typing import Any

import httpx

from bench.report import Measure
from bench.system import System
from services.core.people.hashing import Hasher, hashed

_AT_ONCE = 200
_ROUNDS = 3
_PASSWORD = "three-unlike-words"  # noqa: S105 (of a user that the bench makes)
_GOAL, _WITHIN = 0.8, 1.5
_THREADS = 1


async def signing(system: System) -> list[str]:
    """Return the lines: sign-ins a second, and the 95th percentile of other calls beside them."""
    base = f"http://127.0.0.1:{system.port}/v1"
    limits = httpx.Limits(max_connections=_AT_ONCE + 10)
    async with httpx.AsyncClient(base_url=base, timeout=120, limits=limits) as client:
        await _user(client, system.administrator)
        rates, alone, ratios, stormy = [], [], [], []
        for _ in range(_ROUNDS):
            alone.append(await _bare())
            calm = await _others(client, system.office, asyncio.create_task(asyncio.sleep(4)))
            storm = asyncio.create_task(_storm(client))
            busy = await _others(client, system.office, storm)
            rates.append(await storm)
            ratios.append(busy)
            stormy.append(calm)
    return [
        Measure("sign-ins", rates, "argon2 alone", alone, _GOAL).line(),
        Measure("other calls' p95 beside them", ratios, "without", stormy, _WITHIN, "ms").line(),
    ]


async def _user(client: httpx.AsyncClient, administrator: str) -> None:
    admin = {"Authorization": f"Bearer {administrator}"}
    key = {"name": "security", "role": "security_admin"}
    made = await client.post("/api-keys", json=key, headers=admin)
    security = {"Authorization": f"Bearer {made.json()['secret']}"}
    user = await client.post("/users", json={"username": "bench", "name": "n"}, headers=security)
    accepted = {"invitation": user.json()["invitation"], "new_password": _PASSWORD}
    await client.post("/sign-in/invitation", json=accepted)
    post = await client.post("/posts", json={"title": "p", "role": "leader"}, headers=security)
    await client.post(
        f"/posts/{post.json()['id']}/hand-over",
        json={"user_id": user.json()["id"]},
        headers=security,
    )


async def _bare() -> float:
    """Return how many passwords a second as many threads try that do nothing else."""
    hasher, kept = Hasher(threads=_THREADS, queue=_AT_ONCE), hashed(_PASSWORD)
    began = time.perf_counter()
    await asyncio.gather(*(hasher.is_right(kept, _PASSWORD) for _ in range(_AT_ONCE // 2)))
    seconds = time.perf_counter() - began
    hasher.close()
    return _AT_ONCE / 2 / seconds


async def _storm(client: httpx.AsyncClient) -> float:
    proof = {"username": "bench", "password": _PASSWORD}
    began = time.perf_counter()
    answers = await asyncio.gather(*(client.post("/sign-in", json=proof) for _ in range(_AT_ONCE)))
    assert {one.status_code for one in answers} == {200}, answers[0].text
    return _AT_ONCE / (time.perf_counter() - began)


async def _others(client: httpx.AsyncClient, office: str, ends: asyncio.Task[Any]) -> float:
    """Return the 95th percentile, in ms, of a reading that is asked again and again meanwhile."""
    headers = {"Authorization": f"Bearer {office}"}
    waits: list[float] = []
    while not ends.done():
        began = time.perf_counter()
        answer = await client.get("/plans/410183-2025/scoreboard?period=2025", headers=headers)
        waits.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200
        await asyncio.sleep(0.01)
    return quantiles(waits, n=20)[-1]
