"""The previous release and this one side by side on one database, while values are changed."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.console.settings import PROJECT
from services.core.kit.clock import Clock
from services.core.kit.database import connect
from services.core.scoring.service import rebuild_inputs, recompute_plan
from tests.support.owner import served
from tests.support.releases import (
    Release,
    a_key,
    database_of,
    errors_in,
    oldest_at_work,
    previous_release,
    ready,
    settled,
)
from tests.support.servers import Addresses

CITY, PLAN = "410183", "410183-2025"
WRITERS = 3
_TRANSIENT = {502, 503}


@pytest.fixture
async def empty_url(addresses: Addresses) -> AsyncIterator[str]:
    """A database without a table."""
    async with database_of(addresses, "two_releases") as url:
        yield url


@dataclass
class Balancer:
    """Sends each request to the release whose turn it is; what is acknowledged, and when."""

    reporter: str
    office: str
    doors: list[str] = field(default_factory=list)
    acknowledged: dict[str, set[str]] = field(default_factory=dict)
    answered_by: dict[str, int] = field(default_factory=dict)
    longest_pause: float = 0.0
    _turn: Any = field(default_factory=itertools.count)

    async def send(self, method: str, path: str, **what: Any) -> httpx.Response:
        """Send a request until a release takes it."""
        async with asyncio.timeout(300):
            while True:
                door = self.doors[next(self._turn) % len(self.doors)]
                try:
                    async with httpx.AsyncClient(timeout=30) as client:
                        headers = {"Authorization": f"Bearer {what.get('by', self.reporter)}"}
                        headers |= what.get("more", {})
                        answer = await client.request(
                            method, f"{door}/v1{path}", headers=headers, json=what.get("json")
                        )
                except httpx.TransportError:
                    await asyncio.sleep(0.05)
                    continue
                if answer.status_code not in _TRANSIENT:
                    assert answer.status_code < 300, answer.text
                    self.answered_by[door] = self.answered_by.get(door, 0) + 1
                    return answer
                await asyncio.sleep(0.05)

    async def edit(self, number: int, done: asyncio.Event) -> None:
        """Change a draft over and over, and hand values in and have them approved meanwhile."""
        clock = asyncio.get_running_loop().time
        periods = (f"{year}-{month:02}" for year in (2024, 2025) for month in range(1, 13))
        draft = await self._report(f"2023-{number + 1:02}", draft=True)
        kept = self.acknowledged[draft] = set()
        for note in map(str, itertools.count(1)):
            if done.is_set():
                return
            asked = clock()
            what = {"json": {"note": note}, "more": {"If-Match": "*"}}
            await self.send("PATCH", f"/submissions/{draft}", **what)
            kept.add(note)
            if number == 0 and (period := next(periods, None)):
                made = await self._report(period, draft=False)
                await self.send("POST", f"/submissions/{made}/approve", by=self.office)
                await self.send("GET", f"/plans/{PLAN}/scoreboard?period={period}", by=self.office)
            self.longest_pause = max(self.longest_pause, clock() - asked)

    async def _report(self, period: str, *, draft: bool) -> str:
        body = {
            "indicator_code": "U08",
            "organization_code": "UN15",
            "period": period,
            "value": "40.65",
            "draft": draft,
        }
        made = await self.send("POST", f"/plans/{PLAN}/submissions", json=body)
        return str(made.json()["id"])

    async def goes_on(self, door: str, more: int) -> None:
        """Wait until a door has answered so many requests more."""
        wanted = self.answered_by.get(door, 0) + more
        async with asyncio.timeout(300):
            while self.answered_by.get(door, 0) < wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.02)


async def _compare(url: str, balancer: Balancer) -> None:
    """See that whatever was acknowledged is there, and the boards are what the log makes them."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT submission_id::text AS id, after->>'note' AS note FROM submission_history"
        )
    finally:
        await connection.close()
    there = {(row["id"], row["note"]) for row in rows}
    for draft, notes in balancer.acknowledged.items():
        assert {(draft, note) for note in notes} <= there
    before = await _boards(url)
    async with connect(url, size=1) as database, database.transaction() as session:
        assert not await rebuild_inputs(session, CITY, PLAN)
        done = await recompute_plan(session, CITY, PLAN, clock=Clock())
        again = await recompute_plan(session, CITY, PLAN, clock=Clock())
    assert (done.boards > 0, again.changed) == (True, 0)
    assert await _boards(url) == before


async def _boards(url: str) -> dict[tuple[str, str], Any]:
    """Return the boards in force, without what the release before does not say on one."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT DISTINCT ON (period, basis) period, basis, board::text AS board"
            " FROM score_snapshot ORDER BY period, basis, sequence DESC"
        )
    finally:
        await connection.close()
    boards = {(row["period"], row["basis"]): json.loads(row["board"]) for row in rows}
    for board in boards.values():
        for row in board["indicators"]:
            row["reporting"].pop("late", None)
            row.pop("months_of_sum", None)
            del row["trace_digest"]
    return boards


async def _walled(url: str) -> None:
    """See that what was an installation of one role keeps its log from the services' role."""
    connection = await asyncpg.connect(served(url))
    try:
        seen = await connection.fetchval("SELECT count(*) FROM event")
        for change in ("UPDATE event SET type = type", "DELETE FROM audit_entry"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)
    finally:
        await connection.close()
    assert seen > 0


async def _hand_over(
    old: Release, new: Release, balancer: Balancer, folder: Path
) -> tuple[Path, Path]:
    """Put one release in the place of the other as the runbook says; return the log of each."""
    done = asyncio.Event()
    async with AsyncExitStack() as after, asyncio.TaskGroup() as tasks:
        async with old.at_work(folder) as (first, old_log):
            balancer.doors = [first]
            await ready(first)
            for number in range(WRITERS):
                tasks.create_task(balancer.edit(number, done))
            await balancer.goes_on(first, 20)
            await new.command("migrate")
            await balancer.goes_on(first, 20)
            second, new_log = await after.enter_async_context(new.at_work(folder))
            await ready(second)
            balancer.doors = [first, second]
            await balancer.goes_on(second, 20)
            balancer.doors = [second]
        await balancer.goes_on(second, 20)
        done.set()
        await settled(second)
    return old_log, new_log


async def test_a_new_release_takes_over_while_the_old_one_works(
    empty_url: str, redis_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "old").mkdir()
    commit = previous_release(tmp_path / "old")
    if commit is None:
        with capsys.disabled():
            print(f"\nno history here has a release of revision {oldest_at_work()}: not tried")  # noqa: T201
        return
    old = Release(tmp_path / "old", empty_url, redis_url)
    # The old one owns its tables, as it always did; the new one works as the role of the services.
    new = Release(PROJECT, served(empty_url), redis_url, owner_url=empty_url)
    await old.command("migrate")
    await old.command("plan", "load", f"plans/{PLAN}.yaml")
    balancer = Balancer(
        await a_key(old, CITY, "--role", "reporter", "--organization", "UN15"),
        await a_key(old, CITY, "--role", "office"),
    )
    logs = await _hand_over(old, new, balancer, tmp_path)
    await _compare(empty_url, balancer)
    await _walled(empty_url)
    assert [line for log in logs for line in errors_in(log)] == []
    counted = sum(map(len, balancer.acknowledged.values()))
    with capsys.disabled():
        print(  # noqa: T201
            f"\na new release took over: {counted} changes acknowledged, 0 lost, none refused for"
            f" good, the longest wait of a writer {balancer.longest_pause:.1f} s"
        )
