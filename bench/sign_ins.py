"""Sign-ins: how many a second against Argon2 alone, and what 200 at once do to other calls."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from statistics import quantiles
from typing import Any

import httpx

from bench.report import Measure
from bench.system import ROOT, System
from services.core.people.hashing import Hasher, hashed

_AT_ONCE = 200
_ROUNDS = 3
_PASSWORD = "three-unlike-words"  # noqa: S105 (of a user that the bench makes)
_GOAL, _WITHIN = 0.8, 1.5
_THREADS = 1


async def signing(system: System) -> list[str]:
    """Return the lines: sign-ins a second, and the 95th percentile of other calls beside them."""
    base = f"http://127.0.0.1:{system.port}/v1"
    async with httpx.AsyncClient(base_url=base, timeout=120) as client:
        await _user(client, system.administrator)
        rates, alone, ratios, stormy = [], [], [], []
        for _ in range(_ROUNDS):
            alone.append(await _bare())
            calm = await _others(client, system.office, asyncio.create_task(asyncio.sleep(4)))
            storm = asyncio.create_task(_storm(base))
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


async def _storm(base: str) -> float:
    """Return how many sign-ins a second came of 200 at once, of a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.storm", base, "bench", _PASSWORD, str(_AT_ONCE)),
        cwd=ROOT,
        stdout=PIPE,
    )
    told, _ = await process.communicate()
    return float(told)


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
