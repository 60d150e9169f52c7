"""The first minute of an installation: filled as fast as it takes, and its boards still follow."""

import asyncio
from statistics import median

import asyncpg
import httpx

from bench.http import approvals, written
from bench.report import Measure
from bench.system import System, running_system

_FIRST = 9_468
_PREPARED = 6
"""After so many times a connection keeps the plan of a statement."""

_ROUNDS = 3
_LAG_ALLOWED = 1_000.0


async def starting() -> list[str]:
    """Fill a new ledger, approve a value at once; beside the same when all is done and counted.

    The API and the worker are processes of their own, and everything is at its first start. The
    values come by the creating statement alone, faster than one API process takes them.
    """
    firsts, rates, rested = [], [], []
    for _ in range(_ROUNDS):
        async with running_system() as system:
            prepared = approvals(system, number=_PREPARED, indicator="U07")
            assert [wait async for wait in prepared]
            rates.append(await written(system, _FIRST))
            waits = approvals(system, number=10)
            firsts.append(await anext(waits))
            await _rest(system)
            rested.append(median([wait async for wait in waits]))
    what = "first approval after the filling"
    verdict = "ok" if max(firsts) < _LAG_ALLOWED else "SHORT"
    shown = ", ".join(f"{first:,.0f}" for first in firsts)
    return [
        f"{f'{_FIRST:,} values into a new ledger':<46}{median(rates):>10,.1f} /s",
        f"    one approval after that, until its board shows it: {shown} ms  goal <1 s {verdict}",
        Measure(what, firsts, "one, all done and counted", rested, 10.0, "ms").line(),
    ]


async def _rest(system: System) -> None:
    """Wait until all was numbered and followed, and count every table."""
    base = f"http://127.0.0.1:{system.port}"
    async with httpx.AsyncClient(base_url=base, timeout=60) as client:
        while (await client.get("/readyz")).json()["drain_lag_seconds"] is not None:  # noqa: ASYNC110 (no event tells)
            await asyncio.sleep(0.2)
    connection = await asyncpg.connect(system.database_url)
    await connection.execute("ANALYZE", timeout=120)
    await connection.close()
