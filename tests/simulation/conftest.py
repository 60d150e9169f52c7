"""A door whose way to Postgres can be cut, with something for every operation to be about."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta

import asyncpg
import pytest

from services.api.access_record import AccessRecord
from services.api.plan_cache import PlanCache
from services.api.security import Keys
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from tests.simulation.changes import watch_changes
from tests.simulation.wire import Wire
from tests.support.api import Door, open_door
from tests.support.ground import Ground, prepare
from tests.support.operations import OPERATIONS
from tests.support.owner import owner_of

_WRITE_THE_BEGINNING = """
INSERT INTO milestone_history (city_code, milestone_id, version, action, after, actor, occurred_at)
SELECT city_code, id, 1, 'assigned', '{}', assigned_by, created_at FROM milestone m
WHERE NOT EXISTS (SELECT FROM milestone_history h WHERE h.milestone_id = m.id)
"""
"""For the overdue milestone, which the ground has planted."""


@dataclass
class Stage:
    """A door behind a wire, its ground, and a connection of the test's own past the wire."""

    wire: Wire
    door: Door
    ground: Ground
    beside: asyncpg.Connection


@pytest.fixture(scope="module")
async def stage(module_database_url: str) -> AsyncIterator[Stage]:
    """The ledger as every cut finds it, and every change of it noted."""
    environment = {"database_direct_url": module_database_url, "WUFEI_DATABASE_CONNECTIONS": "2"}
    async with (
        Wire(module_database_url).open() as wire,
        open_door(wire.url, environment=environment) as door,
    ):
        ground = await prepare(door, OPERATIONS)
        # What the process keeps is kept for good, and no use of a key or refusal is noted beside:
        # what a call says to Postgres hangs on nothing but the call.
        held = door.held
        # Their clock stands where the ground was ready: read at import, a whole run would come to
        # tokens from its future.
        ready = Clock.true_now()
        held.keys._used.clear()
        await held.access.write(held.database, everything=True)
        door.app.state.resources = replace(
            held,
            keys=Keys(held.database, lambda: ready, held.tokens),
            access=AccessRecord(lambda: ready),
            plans=PlanCache(held.database, held.watch, kept=timedelta(days=1)),
        )
        beside = await asyncpg.connect(owner_of(module_database_url))
        try:
            await beside.execute(_WRITE_THE_BEGINNING)
            await watch_changes(beside)
            yield Stage(wire, door, ground, beside)
        finally:
            await beside.close()


@pytest.fixture
async def database(stage: Stage) -> AsyncIterator[Database]:
    """The worker's way to Postgres."""
    async with connect(stage.wire.url, size=2) as opened:
        yield opened
