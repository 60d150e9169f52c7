"""The demonstration's environment: the API in this process, its actors, and a clock that jumps."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import httpx
from fastapi import FastAPI

from services.api.context import Resources
from services.api.main import create_app
from services.api.settings import ApiSettings
from services.console.data_directory import DataDirectory
from services.console.errors import ConsoleError
from services.core.kit.clock import Clock
from services.core.webhooks.wording import Names, told
from services.worker.papering import Papering
from services.worker.reactor import Reactor

_REFUSED = 400
PLAN = "/plans/410183-2025"
"""The path of the demonstrated plan."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the story: the local day, the actor, the event, and its subject."""

    day: str
    who: str
    what: str
    about: str


class Stage:
    """The API on the demonstration's own ledger; `now` is its clock's time."""

    def __init__(self, app: FastAPI, directory: DataDirectory) -> None:
        self._app = app
        self._actors: dict[str, httpx.AsyncClient] = {}
        self._open = AsyncExitStack()
        self.directory = directory

    @property
    def _held(self) -> Resources:
        found: Resources = self._app.state.resources
        return found

    @property
    def now(self) -> datetime:
        """The time of the domain's clock."""
        return self._held.clock.now()

    def set_clock(self, instant: datetime) -> None:
        """Set the domain's clock to an instant, from where it goes on."""
        clock = Clock(instant - Clock.true_now())
        self._app.state.resources = replace(self._held, clock=clock)

    async def enter(self, name: str, secret: str) -> None:
        """Add an actor with a name and a secret."""
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self._app),
            base_url="http://wufei/v1",
            headers={"Authorization": f"Bearer {secret}", "Accept-Language": "zh-CN"},
            timeout=30,
        )
        self._actors[name] = await self._open.enter_async_context(client)

    async def leave(self) -> None:
        """Remove all actors."""
        await self._open.aclose()

    async def ask(
        self, name: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Call the API as an actor and return its answer.

        Raises:
            ConsoleError: it refused; the demonstration does not fit this version.
        """
        answer = await self._actors[name].request(method, path, json=body)
        if answer.status_code >= _REFUSED:
            raise ConsoleError(f"{name}: {method} {path}: {answer.status_code} {answer.text}")
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    async def file(self, name: str, path: str) -> bytes:
        """Return a file at a path given by the API, as an actor.

        Raises:
            ConsoleError: it refused.
        """
        answer = await self._actors[name].get(f"http://wufei{path}")
        if answer.status_code >= _REFUSED:
            raise ConsoleError(f"{name}: {path}: {answer.status_code} {answer.text}")
        return answer.content

    async def let_time_act(self) -> None:
        """Do the worker's tasks on wake-up and on a change of date."""
        reactor = Reactor(self._held.database, self._held.clock)
        await reactor.react()
        await reactor.sweep()
        await reactor.react()

    async def make_papers(self) -> None:
        """Do the worker's tasks for requested papers."""
        held = self._held
        await Papering(held.database, held.clock, held.files, seal=held.seal).work_off()

    async def told(self, reader: str) -> list[Line]:
        """Return the log as sentences, as an actor may read it; values are counted by day."""
        names = await self._names(reader)
        lines: list[Line] = []
        after, more = 0, True
        while more:
            page = await self.ask(reader, "GET", f"/events?after={after}&limit=1000")
            for event in page["items"]:
                _tell(lines, event, names)
            after, more = page["last_position"], page["has_more"]
        return lines

    async def _names(self, reader: str) -> Names:
        units = await self.ask(reader, "GET", "/organizations?page_size=500")
        named = await self.ask(reader, "GET", f"{PLAN}/indicators")
        return Names(
            organizations={unit["code"]: unit["name"] for unit in units["items"]},
            indicators={one["code"]: one["name"] for one in named["items"]},
        )


_BY_THE_DAY = {
    "submission.submitted": "填报提交",
    "submission.approved": "审核通过",
    "milestone.created": "里程碑下达",
}
"""Events that are only counted: the values of every unit, and the plan's own milestones."""

_LEFT_OUT = {"score.updated"}


def _tell(lines: list[Line], event: Mapping[str, Any], names: Names) -> None:
    """Add an event to the story; values only as a count for the day."""
    kind = event["type"]
    if kind in _LEFT_OUT:
        return
    said = told(event, names)
    day, who = said.at.split(" ")[0], str(event["actor"].get("name", ""))
    by_people = kind == "milestone.created" and event["actor"].get("kind") != "system"
    if kind not in _BY_THE_DAY or by_people:
        lines.append(Line(day, who, said.heading, said.line))
        return
    what = _BY_THE_DAY[kind]
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number]
        if line.day != day:
            break
        if line.what == what:
            count = int(line.about.split(" ")[0]) + 1
            lines[number] = replace(line, about=f"{count} 项")
            return
    lines.append(Line(day, "各单位" if kind.endswith("submitted") else who, what, "1 项"))


@asynccontextmanager
async def open_stage(
    database_url: str, directory: DataDirectory, clock: Clock
) -> AsyncIterator[Stage]:
    """Yield a stage with the first administrator."""
    settings = ApiSettings.model_validate(
        {
            "database_url": database_url,
            "redis_url": None,
            "WUFEI_CLOCK_OFFSET": clock.offset.total_seconds(),
        }
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        stage = Stage(app, directory)
        try:
            secret = await asyncio.to_thread(directory.admin_key.read_text)
            await stage.enter("管理员", secret.strip())
            yield stage
        finally:
            await stage.leave()
