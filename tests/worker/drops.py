"""File drops: made, filled by the worker, and read."""

import json
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.core.drops.drop_lines import NAME, drop_faults, name_of, read_drop
from services.core.drops.lifecycle import (
    DropRequest,
    create_drop,
)
from services.core.identity.actor import operator
from services.core.kit.file_store import DirectoryStore
from services.worker.dropping import Dropping
from tests.support.api import Door, open_door
from tests.support.reported import begin_anew

CITY = "410183"
SCOPES = ["webhooks:write", "events:read", "plan:read", "submissions:read"]
STAMP = operator(CITY).stamp()


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    begin_anew()
    async with open_door(database_url) as opened:
        yield opened


async def an_owner(door: Door) -> tuple[UUID, str]:
    """Return the id and the secret of a key that may have events sent."""
    secret = await door.new_key("integrator", scopes=SCOPES)
    async with door.client(secret) as client:
        return UUID((await client.get("/me")).json()["credential_id"]), secret


async def a_drop(door: Door, owner: UUID, folder: str = "exchange", **more: Any) -> UUID:
    async with door.held.database.transaction() as session:
        made = await create_drop(
            session,
            CITY,
            DropRequest(folder, owner, **more),
            actor=operator(CITY),
            now=door.held.clock.true_now(),
        )
        return made.id


def dropping(door: Door, folder: Path) -> Dropping:
    return Dropping(
        door.held.database, DirectoryStore(folder), door.held.clock, seal=door.held.seal
    )


def dropped(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder by name; each is whole, and nothing else is there."""
    found = {one.name: one.read_bytes() for one in sorted((folder / CITY / "exchange").iterdir())}
    assert all(NAME.fullmatch(name) for name in found)
    read = {name: read_drop(content) for name, content in found.items()}
    assert [one.faults for one in read.values() if one.faults] == []
    numbered = {name: one.numbered for name, one in read.items() if one.numbered is not None}
    assert list(drop_faults(numbered)) == []
    assert list(found) == [name_of(number) for number in range(1, len(found) + 1)]
    covers = [json.loads(content.splitlines()[0]) for content in found.values()]
    for last, following in pairwise(covers):
        assert following["after_position"] == last["upto_position"], "no position lies between"
    return found


def bodies(files: dict[str, bytes]) -> list[bytes]:
    return [line for content in files.values() for line in content.splitlines()[1:-1]]
