"""The ground of a simulation: cities with a plan each, keys, lived values, deadlines, receivers."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import httpx

from bench.deadlines import PLANT
from bench.growth import GrowingLedger, places
from bench.load import request
from bench.system import System
from bench.whole_recompute import synthetic
from services.core.events.queries import cities_behind
from services.core.followers import READERS
from services.core.identity.actor import system as system_actor
from services.core.kit.clock import Clock
from services.core.kit.database import Database
from services.core.plan.document import PlanDocument
from services.core.plan.loading import load_plan

UNITS = 20
"""Units of a city that report; each of 48 indicators every month."""

LIVED = 960
"""Values of a city that were reported, approved and followed before: a month's."""

DEADLINES = 200
"""Open milestones of a city, a tenth of which falls due when an evaluation is measured."""

_CLOCK = Clock()
_FIRST = 900_000
_MONTHS_AHEAD = 12
"""Periods after those that are lived, for what is reported meanwhile."""


@dataclass
class City:
    """A city of the simulation, and the keys of its office; `next` is the next free place.

    Who reported a value may not approve it, so `decides` is the key of another.
    """

    number: int
    plan: PlanDocument
    office: str
    decides: str
    places: Sequence[tuple[str, str, str]]
    next: int = LIVED

    @property
    def path(self) -> str:
        """Return the path of its plan."""
        return f"/v1/plans/{self.plan.code}"

    def report(self, key: str) -> bytes:
        """Return the request that reports a value for the next free place."""
        indicator, month, unit = self.places[self.next % len(self.places)]
        self.next += 1
        body = {
            "indicator_code": indicator,
            "organization_code": unit,
            "period": month,
            "source": "simulation",
        }
        if int(indicator[1:]) % 2:  # `synthetic` sums up every other one as a ratio
            body |= {"numerator": str(self.next % 97), "denominator": "100"}
        else:
            body["value"] = str(self.next % 97)
        return self.asked(
            "POST", f"{self.path}/submissions", json.dumps(body).encode(), Idempotency_Key=key
        )

    def approval(self, path: str, key: str) -> bytes:
        """Return the request that approves what is at a path."""
        bearer = f"Bearer {self.decides}"
        return request("POST", f"{path}/approve", Authorization=bearer, Idempotency_Key=key)

    def asked(self, method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
        """Return the bytes of a request by its office."""
        if body:
            headers["Content_Type"] = "application/json"
        return request(method, path, body=body, Authorization=f"Bearer {self.office}", **headers)


@asynccontextmanager
async def administrator(system: System, port: int) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client with the key of the first administrator."""
    headers = {"Authorization": f"Bearer {system.administrator}"}
    base = f"http://127.0.0.1:{port}/v1"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=120) as client:
        yield client


async def settle(database: Database, client: httpx.AsyncClient, number: int) -> City:
    """Make a city: its plan, the keys of its office, lived values and deadlines."""
    plan = synthetic(units=UNITS, city=str(_FIRST + number))
    async with database.transaction() as session:
        await load_plan(session, document=plan, actor=system_actor("simulation"), now=_CLOCK.now())
    office, decides = [await _key(client, plan.code, name) for name in ("reports", "decides")]
    city = City(number, plan, office, decides, places(plan, LIVED * (_MONTHS_AHEAD + 1)))
    await GrowingLedger(database, plan, city.places).write(0, LIVED)
    far = _CLOCK.today("Asia/Shanghai") + timedelta(days=90)
    unit = city.places[0][2]
    await database.pool.execute(
        PLANT, plan.city.code, plan.code, unit, far, "in_progress", None, DEADLINES
    )
    return city


async def _key(client: httpx.AsyncClient, plan_code: str, name: str) -> str:
    body = {"name": name, "role": "office", "plan": plan_code}
    made = await client.post("/api-keys", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["secret"])


async def hears(client: httpx.AsyncClient, city: City, receiver: str) -> None:
    """Have a receiver told of what is approved in a city from now on."""
    told = await client.post(
        "/webhook-endpoints",
        json={"url": receiver, "event_types": ["submission.approved"]},
        headers={"Authorization": f"Bearer {city.office}"},
    )
    assert told.status_code == 201, told.text


async def followed(database: Database, *, within: float = 1800) -> None:
    """Wait until every event is numbered and read by all who read, and every delivery is sent."""
    async with asyncio.timeout(within):
        while True:
            async with database.sessions() as session:
                behind = await cities_behind(session, readers=READERS)
            if not behind and not await _queued(database.pool):
                return
            await asyncio.sleep(0.05)


async def _queued(pool: asyncpg.Pool) -> bool:
    return bool(
        await pool.fetchval(
            "SELECT EXISTS (SELECT FROM webhook_delivery WHERE state = 'pending'"
            " AND next_attempt_at <= now())"
        )
    )
