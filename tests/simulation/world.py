"""What a simulation plays in: a ledger made once, and for each seed a copy of it that is open."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import httpx

from services.api.access_record import AccessRecord
from services.api.main import create_app
from services.api.security import Keys
from services.api.settings import ApiSettings
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.sealing import Seal, new_seal_key
from services.core.plan import queries as plan_queries
from tests.simulation.wire import Wire
from tests.support.api import XINMI, Door, open_door
from tests.support.milestones import LEAD, a_milestone_in
from tests.support.servers import Addresses

CITY = XINMI.split("-", maxsplit=1)[0]
UNIT = "UN15"
BEGINNING = datetime.fromisoformat("2026-03-02T10:00:00+08:00")
WRITERS, WORKERS = 3, 2

_SEAL_KEY = new_seal_key()
_NOWHERE = "postgresql://nobody:none@/none?host=/nonexistent"
"""Where no notice is heard: every call then reads from Postgres what it would keep otherwise."""

_PATIENT = {"lock_timeout": "0"}
"""How long somebody waits is for the seed to say, not for the speed of this machine."""


class MovedClock(Clock):
    """A clock whose domain hand the simulation moves."""

    __slots__ = ()

    def move(self, by: timedelta) -> None:
        """Let the domain's time jump, forward or back."""
        object.__setattr__(self, "offset", self.offset + by)


def _at_the_beginning() -> MovedClock:
    return MovedClock(BEGINNING - Clock.true_now())


@dataclass(frozen=True)
class Template:
    """The name of a prepared database, the secrets of its callers, and what is in it."""

    name: str
    secrets: Mapping[str, str]
    milestone: str
    endpoints: tuple[UUID, ...]


@asynccontextmanager
async def prepared(addresses: Addresses) -> AsyncIterator[Template]:
    """Make the ledger that every seed begins with: keys, a milestone, two receivers."""
    environment = {"WUFEI_SECRET_KEY": _SEAL_KEY}
    async with addresses.clone() as url:
        async with open_door(
            url, offset=_at_the_beginning().offset, environment=environment
        ) as door:
            template = await _made(door, url.rsplit("/", 1)[1])
            await door.sweep()
        yield template


async def _made(door: Door, name: str) -> Template:
    secrets = {
        "office": await door.new_key("office"),
        UNIT: await door.new_key("reporter", UNIT),
        LEAD: await door.new_key("reporter", LEAD),
    }
    milestone = await a_milestone_in(door, "accepted", due_date="2026-03-20")
    endpoints = []
    async with door.client(secrets["office"]) as office:
        for host in ("one", "two"):
            body = {"url": f"https://{host}.example.org/"}
            answer = await office.post("/webhook-endpoints", json=body)
            assert answer.status_code == 201, answer.text
            endpoints.append(UUID(answer.json()["id"]))
    return Template(name, secrets, milestone.json()["id"], tuple(endpoints))


@dataclass
class Rings:
    """The doorbell between the API and the workers, whose rings may be lost or come twice."""

    waiting: int = 0
    answering: bool = True

    def ring(self) -> None:
        """Ask for the worker to wake up."""
        self.waiting = max(self.waiting, 1)


@dataclass
class World:
    """A copy of the ledger with an open API and a way to Postgres for each worker."""

    wire: Wire
    door: Door
    beside: asyncpg.Connection
    workers: list[Database]
    template: Template
    clock: MovedClock
    rings: Rings = field(default_factory=Rings)

    def client(self, who: str) -> httpx.AsyncClient:
        """Return a client of the API for one of the callers."""
        return self.door.client(self.template.secrets[who])

    @property
    def seal(self) -> Seal:
        """What opens the receivers' addresses and secrets."""
        return Seal.read(_SEAL_KEY)


@asynccontextmanager
async def opened(addresses: Addresses, template: Template) -> AsyncIterator[World]:
    """Yield a copy of the prepared ledger, at its beginning and at rest."""
    clock = _at_the_beginning()
    # What a play reads must not hang on what this process has read before it.
    plan_queries._known.clear()
    async with addresses.clone(template.name) as url, Wire(url, _PATIENT).open() as wire:
        app = create_app(
            ApiSettings.model_validate(
                {
                    "database_url": wire.url,
                    "database_direct_url": _NOWHERE,
                    "WUFEI_SECRET_KEY": _SEAL_KEY,
                }
            )
        )
        async with (
            app.router.lifespan_context(app),
            connect(wire.url, size=2) as first,
            connect(wire.url, size=2) as second,
        ):
            beside = await asyncpg.connect(url)
            try:
                world = World(wire, Door(app, "", {}), beside, [first, second], template, clock)
                held = world.door.held
                # A key is asked for once: when it is asked for again hangs on the time.
                app.state.resources = replace(
                    held,
                    clock=clock,
                    keys=Keys(held.database, lambda: BEGINNING),
                    access=AccessRecord(lambda: BEGINNING),
                    doorbell=world.rings,  # type: ignore[arg-type] # rings the simulation's bell
                )
                yield world
            finally:
                await beside.close()
