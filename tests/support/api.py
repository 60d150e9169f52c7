"""The API inside the test's process, with Xinmi's plan loaded, and keys for whoever is needed."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
from fastapi import FastAPI

from services.api.context import Resources
from services.api.main import create_app
from services.api.settings import ApiSettings
from services.core.events.reading import LOG_CHANNEL
from services.core.identity.actor import system
from services.core.identity.service import create_first_key
from services.core.kit.clock import Clock
from services.core.kit.exact_yaml import read_yaml
from services.core.kit.sealing import new_seal_key
from services.core.plan.document import PlanDocument
from services.core.plan.loading import load_plan
from services.core.plan.rules import read_document
from services.worker.reactor import Reactor

ROOT = Path(__file__).resolve().parents[2]
XINMI = "410183-2025"
NEIGHBOUR = "410183-2016"
"""A small plan of the same city."""
IN_TIME = {"due_date": f"{(Clock.true_now() + timedelta(days=200)).date()}"}
"""What opening a period takes where the date of the plan's rule has passed long ago."""

_NOBODY = "000000"
_PLAN_FILE = ROOT / "plans" / f"{XINMI}.yaml"


def xinmi() -> PlanDocument:
    """Return Xinmi's plan."""
    return read_document(read_yaml(_PLAN_FILE.read_bytes()))


def neighbour() -> PlanDocument:
    """Return a small plan of Xinmi: six indicators, I1 led by UN15 and the others by UN10."""
    read: Any = read_yaml((ROOT / "plans/examples/green-development-index.yaml").read_bytes())
    ours = xinmi()
    units = [one for one in ours.organizations if one.code in {"UN10", "UN15"}]
    for one in read["indicators"]:
        one["owners"] = ["UN15" if one["code"] == "I1" else "UN10"]
    return read_document(
        {
            **read,
            "code": NEIGHBOUR,
            "city": ours.city.model_dump(),
            "organizations": [one.model_dump() for one in units],
        }
    )


@dataclass
class Door:
    """The API at work: its application, and what it holds open."""

    app: FastAPI
    admin_secret: str
    _keys: dict[tuple[str, str | None], str]

    @property
    def held(self) -> Resources:
        """What the process holds open."""
        found: Resources = self.app.state.resources
        return found

    def client(self, secret: str | None, **headers: str) -> httpx.AsyncClient:
        """Return a client with a credential, or without."""
        if secret is not None:
            headers["Authorization"] = f"Bearer {secret}"
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app, raise_app_exceptions=False),
            base_url="http://wufei.test/v1",
            headers={"Accept-Language": "en", **headers},
            timeout=30,
        )

    async def new_key(self, role: str, unit: str | None = None, **more: Any) -> str:
        """Return the secret of a new key, made through the API by the administrator."""
        async with self.client(self.admin_secret) as admin:
            body = {"name": f"{role} {unit}", "role": role, "organization_code": unit, **more}
            answer = await admin.post("/api-keys", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["secret"])

    async def as_(self, role: str, unit: str | None = None) -> httpx.AsyncClient:
        """Return a client for a role (and unit), its key made once."""
        if (role, unit) not in self._keys:
            self._keys[role, unit] = await self.new_key(role, unit)
        return self.client(self._keys[role, unit])

    async def load(self, document: PlanDocument) -> None:
        """Load another plan beside Xinmi's."""
        async with self.held.database.transaction() as session:
            now = self.held.clock.now()
            await load_plan(session, document=document, actor=system("test"), now=now)
        await self._hear_everything()

    async def react(self) -> None:
        """Do what the worker would do, and wait until this process has heard of it."""
        await Reactor(self.held.database, self.held.clock).react()
        await self._hear_everything()

    async def sweep(self) -> None:
        """Do what the worker does by the date alone."""
        reactor = Reactor(self.held.database, self.held.clock)
        await reactor.sweep()
        await reactor.react()
        await self._hear_everything()

    async def forget_everything(self) -> None:
        """Let all that is kept be old: keys, and what depends on the city's log."""
        self.held.keys.forget()
        await self._hear_everything("410183")

    async def _hear_everything(self, city_code: str = _NOBODY) -> None:
        """Wait for a notice of our own: Postgres delivers notices in the order of commits."""
        watch = self.held.watch
        async with asyncio.timeout(60):
            while (before := watch.generation(city_code)) is None:  # noqa: ASYNC110 (no event tells)
                await asyncio.sleep(0.01)
            await self.held.database.pool.execute(
                f"SELECT pg_notify('{LOG_CHANNEL}', '{city_code}:0')"
            )
            while watch.generation(city_code) == before:  # noqa: ASYNC110
                await asyncio.sleep(0.002)


@asynccontextmanager
async def open_door(
    database_url: str,
    *,
    offset: timedelta = timedelta(),
    redis_url: str | None = None,
    environment: Mapping[str, str | None] | None = None,
    make: Callable[[ApiSettings], FastAPI] = create_app,
) -> AsyncIterator[Door]:
    """Yield the API on a migrated database, with Xinmi's plan and an administrator.

    `make` makes the application from its settings.
    """
    with TemporaryDirectory() as files:
        settings = ApiSettings.model_validate(
            {
                "database_url": database_url,
                "redis_url": redis_url,
                "WUFEI_CLOCK_OFFSET": offset.total_seconds(),
                "WUFEI_SECRET_KEY": new_seal_key(),
                "WUFEI_FILES": files,
                "WUFEI_LIMITS": False,
                **(environment or {}),
            }
        )
        async with _door(make(settings)) as door:
            yield door


@asynccontextmanager
async def _door(app: FastAPI) -> AsyncIterator[Door]:
    async with app.router.lifespan_context(app):
        held: Resources = app.state.resources
        async with held.database.transaction() as session:
            now = held.clock.now()
            await load_plan(session, document=xinmi(), actor=system("test"), now=now)
            secret = await create_first_key(
                session, city_code="410183", actor=system("test"), now=held.clock.true_now()
            )
        yield Door(app, secret, {})


def a_submission(**changes: object) -> Mapping[str, object]:
    """Return a submission that is right, with changes."""
    return {
        "indicator_code": "U08",
        "organization_code": "UN15",
        "period": "2025",
        "value": "40.65",
        **changes,
    }


async def a_preview(door: Door) -> str:
    """Try a batch, and return the id of its preview."""
    async with await door.as_("office") as office:
        tried = await office.post(
            f"/plans/{XINMI}/submissions/batch",
            params={"validate_only": "true"},
            json={"items": [a_submission(period="2022-01")]},
        )
    return str(tried.json()["preview"]["preview_id"])
