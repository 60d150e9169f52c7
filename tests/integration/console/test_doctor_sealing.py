"""What the doctor says of the sealing key: what it opens, and what nobody can open any more."""

from collections.abc import AsyncIterator

import pytest

from services.console.doctor.findings import Finding
from services.console.doctor.work import work
from services.core.kit.city_scope import in_city
from services.core.kit.sealing import Seal, new_seal_key
from services.core.resealing.columns import SEALED
from services.core.resealing.service import reseal
from tests.support.api import Door, open_door
from tests.support.people import a_provider

OLD, NEW = new_seal_key(), new_seal_key()
CITY = "410183"


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API with a secret that was sealed with the old key."""
    async with open_door(database_url, environment={"WUFEI_SECRET_KEY": OLD}) as opened:
        await a_provider(opened)
        yield opened


async def told(door: Door, *keys: str) -> Finding:
    seal = Seal.read(",".join(keys)) if keys else None
    findings = {one.what: one async for one in work(door.held.database.dsn, seal)}
    return findings["sealing key"]


async def test_the_key_that_sealed_opens_all(door: Door) -> None:
    finding = await told(door, OLD)
    assert (finding.good, finding.reminds) == (True, False)


@pytest.mark.parametrize("keys", [(), (NEW,)], ids=["none", "another"])
async def test_without_the_key_that_sealed_it_is_a_fault_that_names_the_tables(
    door: Door, keys: tuple[str, ...]
) -> None:
    finding = await told(door, *keys)
    assert not finding.good
    assert "sign_in_provider" in finding.seen.en
    assert "sign_in_provider" in finding.seen.zh
    assert finding.todo is not None
    assert "secret.key" in finding.todo.en


async def test_an_earlier_key_is_called_to_mind_until_all_is_sealed_anew(door: Door) -> None:
    finding = await told(door, NEW, OLD)
    assert (finding.good, finding.reminds) == (True, True)
    seal = Seal.read(f"{NEW},{OLD}")
    for sealed in SEALED:
        async with door.held.database.transaction() as session:
            with in_city(CITY):
                await reseal(session, sealed, CITY, seal, after=None)
    assert not (await told(door, NEW)).reminds
    assert (await told(door, NEW)).good
