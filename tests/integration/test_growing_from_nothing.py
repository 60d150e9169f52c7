"""A ledger in its first minute: it grew from nothing, and nothing reads more than it gives.

Nobody has counted the rows of any table yet, and every connection has prepared its statements
while all tables were empty.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import text

from bench.growth import GrowingLedger, places
from bench.whole_recompute import synthetic
from services.core.events.queries import log_position
from services.core.identity.actor import system
from services.core.identity.service import create_first_key
from services.core.kit.ids import new_id
from services.core.kit.partitions import TimeSpan
from services.core.partitions import cut_tables
from services.core.webhooks.dispatch import Limits, claim
from tests.support.api import Door, open_door
from tests.support.own_postgres import own_postgres
from tests.support.parts import QUARTER, grow_old, ids_since
from tests.support.reads import SETTINGS, Read, Reads

_PLAN = synthetic()
_PLACE = f"/plans/{_PLAN.code}"
_CITY = _PLAN.city.code
_GROWN = 6_000
_MOST = 600
"""A turn of a reader takes 500 events at most, a page of a list 50 things."""

_QUARTERS = 20
_CUT = [table for table in cut_tables() if table.span is TimeSpan.QUARTER]
"""Five years of parts, over which what is written lies: of each as little is read as of one."""

_OBLIGATIONS = text("""
INSERT INTO obligation (city_code, id, plan_code, indicator_code, organization_code, period, state,
    due_date, original_due_date, epoch, extensions, version, created_at, updated_at)
SELECT city_code, gen_random_uuid(), plan_code, indicator_code, organization_code, period, 'owed',
    DATE '2099-12-31', DATE '2099-12-31', 1, 0, 1, now(), now()
FROM submission WHERE city_code = :city
""")

_LISTS = (
    "submissions",
    "submissions?organization_code=V001",
    "submissions?changed_after=0",
    "obligations?organization_code=V001",
    "obligations?status=missing&period=2021-01",
    "milestones",
    "alerts",
    "extensions",
)


@dataclass
class _Ledger:
    """An API at work on a city of its own, and what its server reads."""

    door: Door
    growing: GrowingLedger
    reads: Reads
    secrets: dict[str, str]
    sent: int = 0

    async def once(self) -> None:
        """Do once all that recurs: report, approve, follow, deliver, read feed, todo and lists."""
        async with self._as("office") as office, self._as("reporter") as unit:
            indicator, period, _ = places(_PLAN, 10**6)[self.sent * 400]
            self.sent += 1
            value = {"indicator_code": indicator, "organization_code": "V000", "period": period}
            made = await unit.post(f"{_PLACE}/submissions", json={**value, "value": "0.5"})
            assert made.status_code == 201, made.text
            done = await office.post(f"/submissions/{made.json()['id']}/approve")
            assert done.status_code == 200, done.text
            await self.door.react()
            await self._deliver()
            async with self.door.held.database.sessions() as session:
                head = await log_position(session, _CITY)
            paths = [f"{_PLACE}/{one}" for one in _LISTS]
            paths += [f"/events?after={max(0, head - 50)}", "/me/todo"]
            paths += [f"/submissions/{made.json()['id']}{more}" for more in ("", "/history")]
            for client in (office, unit):
                for path in paths:
                    answer = await client.get(path)
                    assert answer.status_code == 200, answer.text
            await office.get("/readyz")

    def _as(self, role: str) -> Any:
        return self.door.client(self.secrets[role])

    async def _deliver(self) -> None:
        async with self.door.held.database.transaction() as session:
            await claim(session, _CITY, token=new_id(), busy={}, limits=Limits(200, 8, 60))


@pytest.fixture
async def ledger() -> AsyncIterator[_Ledger]:
    async with own_postgres(SETTINGS) as server, open_door(server.url) as door:
        database = door.held.database
        await grow_old(database, _CUT, quarters=_QUARTERS)
        await door.load(_PLAN)
        async with database.transaction() as session:
            now = door.held.clock.true_now()
            secret = await create_first_key(session, city_code=_CITY, actor=system("test"), now=now)
        secrets = {}
        async with door.client(secret) as admin:
            for role, unit in (("office", None), ("reporter", "V000")):
                body = {"name": role, "role": role, "organization_code": unit}
                made = await admin.post("/api-keys", json=body)
                assert made.status_code == 201, made.text
                secrets[role] = made.json()["secret"]
        async with door.client(secrets["office"]) as office:
            hook = {"url": "https://example.org/hook"}
            made = await office.post("/webhook-endpoints", json=hook)
            assert made.status_code == 201, made.text
        # Of each value two ids: its own and its event's.
        aged = ids_since(_QUARTERS * QUARTER, number=2 * _GROWN)
        growing = GrowingLedger(database, _PLAN, places(_PLAN, 20_000)[10_000:], aged)
        yield _Ledger(door, growing, Reads(server.folder), secrets)


async def test_nothing_reads_more_than_it_gives_after_a_sudden_growth(ledger: _Ledger) -> None:
    for _ in range(7):  # by then every connection has the plans that it keeps
        await ledger.once()
    await ledger.growing.write(0, _GROWN)
    async with ledger.door.held.database.transaction() as session:
        await session.execute(_OBLIGATIONS, {"city": _CITY})
    ledger.reads.since()
    await ledger.door.react()
    # A stretch of hundreds may be compared with a whole table, once; never a row with each other.
    assert _above(ledger.reads.since(), 2 * _GROWN) == []
    await ledger.once()
    assert _above(ledger.reads.since(), _MOST) == []


def _above(reads: list[Read], most: int) -> list[Read]:
    """Return what read more rows; the catalogue of tables has a bound of its own."""
    return [one for one in reads if one.rows > most and not one.table.startswith("pg_")]
