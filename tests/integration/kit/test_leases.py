"""A row is one worker's at a time, until its lease runs out or is given back."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from services.core.evidence.models import EvidenceArchive
from services.core.imports.models import SheetImport
from services.core.kit.city_scope import in_city
from services.core.kit.database import Database, connect
from services.core.kit.ids import new_id
from services.core.kit.leases import LeasedRow, Leases, Taken
from services.core.papers.models import Paper

CITY = "410183"
NOW = datetime(2026, 4, 1, tzinfo=UTC)

KINDS: dict[type[LeasedRow], dict[str, Any]] = {
    SheetImport: {
        "state": "checking",
        "actor": {},
        "form": "indicators",
        "format": "xlsx",
        "size": 1,
        "sha256": "",
        "options": {},
        "report": {},
        "check_id": new_id(),
    },
    EvidenceArchive: {"state": "making", "operation_id": new_id()},
    Paper: {
        "state": "making",
        "operation_id": new_id(),
        "kind": "bulletin",
        "year": 2026,
        "wanted": {},
        "made_by": {},
    },
}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connect(database_url, size=4) as opened:
        with in_city(CITY):
            yield opened


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def kind(request: pytest.FixtureRequest) -> type[LeasedRow]:
    found: type[LeasedRow] = request.param
    return found


@pytest.fixture
def leases(kind: type[LeasedRow]) -> Leases[LeasedRow]:
    return Leases(kind, str(KINDS[kind]["state"]))


async def _wanted(database: Database, kind: type[LeasedRow], count: int = 1) -> list[UUID]:
    make: Any = kind
    ids = [new_id() for _ in range(count)]
    said = {"city_code": CITY, "plan_code": "p", "credential_id": new_id(), "attempts": 0}
    said |= {"created_at": NOW, "updated_at": NOW, **KINDS[kind]}
    async with database.transaction() as session:
        session.add_all([make(id=one, **said) for one in ids])
    return ids


async def _take(database: Database, leases: Leases[LeasedRow]) -> Taken | None:
    async with database.transaction() as session:
        return await leases.take(session, CITY)


async def _run_out(database: Database, kind: type[LeasedRow]) -> None:
    table = kind.__tablename__  # type: ignore[attr-defined]
    gone = f"UPDATE {table} SET lease_until = now() - interval '1 s' WHERE city_code = :city"
    async with database.transaction() as session:
        await session.execute(text(gone), {"city": CITY})


async def test_each_worker_takes_another_row_the_oldest_first(
    database: Database, kind: type[LeasedRow], leases: Leases[LeasedRow]
) -> None:
    ids = await _wanted(database, kind, 2)
    taken = [await _take(database, leases) for _ in range(3)]
    assert [one and one.id for one in taken] == [*ids, None]


async def test_many_workers_at_once_take_each_row_once(
    database: Database, kind: type[LeasedRow], leases: Leases[LeasedRow]
) -> None:
    ids = await _wanted(database, kind, 3)
    found = await asyncio.gather(*(_take(database, leases) for _ in range(8)))
    assert sorted(one.id for one in found if one) == ids


async def test_a_lease_that_ran_out_is_the_next_workers_alone(
    database: Database, kind: type[LeasedRow], leases: Leases[LeasedRow]
) -> None:
    await _wanted(database, kind)
    slow = await _take(database, leases)
    await _run_out(database, kind)
    quick = await _take(database, leases)
    assert slow is not None
    assert quick is not None
    async with database.transaction() as session:
        assert not await leases.renew(session, slow)
        assert await leases.held(session, slow) is None
        await leases.give_back(session, slow)
        held = await leases.held(session, quick)
        assert held is not None
        assert held.attempts == 2
        assert await leases.renew(session, quick)
    assert await _take(database, leases) is None


async def test_what_is_given_back_waits_again_and_was_not_begun(
    database: Database, kind: type[LeasedRow], leases: Leases[LeasedRow]
) -> None:
    await _wanted(database, kind)
    taken = await _take(database, leases)
    assert taken is not None
    async with database.transaction() as session:
        await leases.give_back(session, taken)
    again = await _take(database, leases)
    assert again is not None
    assert again.token != taken.token
    async with database.transaction() as session:
        held = await leases.held(session, again)
        assert held is not None
        assert held.attempts == 1


async def test_a_row_in_another_state_is_nobodys(database: Database, kind: type[LeasedRow]) -> None:
    await _wanted(database, kind)
    assert await _take(database, Leases(kind, "over")) is None
