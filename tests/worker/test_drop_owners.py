"""A file drop whose key ends: it goes on as another, and never without one that hears."""

from pathlib import Path
from uuid import UUID

import pytest

from services.core.drops.errors import DropRefused
from services.core.drops.lifecycle import drop_of, open_drop
from tests.support.api import Door
from tests.support.reported import reported
from tests.worker.drops import CITY, STAMP, a_drop, an_owner, bodies, door, dropped, dropping

__all__ = ["door"]


async def test_one_whose_key_ended_goes_on_as_another_and_never_without_one(
    door: Door, tmp_path: Path
) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner)
    await reported(door)
    await door.react()
    assert await dropping(door, tmp_path).work_off() == 1
    async with door.client(door.admin_secret) as admin:
        assert (await admin.delete(f"/api-keys/{owner}")).is_success
    await reported(door)
    await door.react()
    await dropping(door, tmp_path).work_off()
    deaf = await door.new_key("integrator", scopes=["events:read"])
    async with door.client(deaf) as client:
        deaf_id = UUID((await client.get("/me")).json()["credential_id"])
    for wanted, told in ((None, "--owner"), (deaf_id, str(deaf_id)), (owner, str(owner))):
        with pytest.raises(DropRefused, match=told):
            await opened(door, wanted)
        assert await state_of(door) == ("disabled", "owner-lost", owner)
    heir, _ = await an_owner(door)
    await opened(door, heir)
    assert await state_of(door) == ("active", None, heir)
    assert await dropping(door, tmp_path).work_off() == 1
    submitted = b'"type":"submission.submitted"'
    told_of = [one for one in bodies(dropped(tmp_path)) if submitted in one]
    assert len(told_of) == len(set(told_of)) == 2, "what happened between is there, once"


async def test_one_that_is_open_changes_its_key_without_a_stop(door: Door, tmp_path: Path) -> None:
    owner, _ = await an_owner(door)
    await a_drop(door, owner)
    heir, _ = await an_owner(door)
    await opened(door, heir)
    async with door.client(door.admin_secret) as admin:
        assert (await admin.delete(f"/api-keys/{owner}")).is_success
    await reported(door)
    await door.react()
    assert await dropping(door, tmp_path).work_off() == 1
    assert await state_of(door) == ("active", None, heir)


async def opened(door: Door, owner: UUID | None) -> None:
    async with door.held.database.transaction() as session:
        drop = await drop_of(session, CITY, "exchange")
        await open_drop(session, drop, owner, actor=STAMP, now=door.held.clock.true_now())


async def state_of(door: Door) -> tuple[str, str | None, UUID]:
    found = await door.held.database.pool.fetchrow(
        "SELECT state, state_reason, owner_id FROM file_drop WHERE city_code = $1", CITY
    )
    return tuple(found)
