"""A city with a log, entries of its audit, and a chain over both."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from services.core.audit import linking
from services.core.audit.service import note
from services.core.events.reading import follow
from services.core.events.service import NewEvent, begin_log, number_committed, record
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.sealing import Seal, new_seal_key
from services.core.kit.signatures import Signer
from tests.support.owner import owner_of

CITY, OTHER = "410183", "410184"
SIGNER = Signer(Seal.read(new_seal_key()), linking.PURPOSE)
TRUSTED = frozenset(SIGNER.public_keys)
SIGNED = 10
"""So many links the kept head covers, of `LINKS` in all."""
LINKS = 16


async def happen(database: Database, number: int, city: str = CITY) -> None:
    """Let some things happen to the plan and to keys."""
    async with database.transaction() as session:
        await begin_log(session, city)
        await record(
            session,
            *(
                NewEvent(
                    city,
                    f"{city}-2025" if one % 2 else None,
                    "submission.changed",
                    "submission",
                    f'{one} "新密" \\ \n',
                    "UN15" if one % 2 else None,
                    {"kind": "test", "name": "领导小组办公室", "request_id": str(one)},
                    {"value": "1.50", "rows": [1, 1.50, None, True, {"b": "", "aa": one}]},
                    Clock.true_now(),
                )
                for one in range(number)
            ),
        )
    for one in range(number):
        await enter(database, f"key {one}", city)


async def enter(database: Database, subject: str, city: str = CITY) -> None:
    """Write an entry of the audit."""
    async with database.transaction() as session:
        await note(
            session,
            city_code=city,
            action="key.created",
            subject=("api_key", subject),
            actor={"kind": "test", "id": "019aafc0-0000-7000-8000-000000000000"},
            data={"scopes": ["plan:read"], "expires_at": None},
            at=Clock.true_now(),
        )


async def link(database: Database, city: str = CITY) -> None:
    """Number what was committed, and link it."""
    async with database.transaction() as session:
        await number_committed(session, city)
    async with database.transaction() as session:
        await follow(session, city, linking.FOLLOWER, Clock())


async def keep_head(
    database: Database,
    city: str = CITY,
    signer: Signer | None = SIGNER,
    clock: Clock = Clock(),  # noqa: B008 (it is frozen)
) -> int:
    """Do what is done by the date."""
    follow_date = linking.signing_heads(signer, kept=timedelta(days=1098))
    async with database.transaction() as session:
        return await follow_date(session, city, clock)


@pytest.fixture(scope="module")
async def shared(module_database_url: str) -> AsyncIterator[Database]:
    """Sixteen links, of which the first ten lie behind a signed head, as the owner has them.

    What is written is written as the services do; whoever tampers has to own the tables.
    """
    async with connect(module_database_url, size=4) as opened:
        await happen(opened, SIGNED // 2)
        await link(opened)
        assert await keep_head(opened) == 1
        await happen(opened, (LINKS - SIGNED) // 2)
        await link(opened)
    async with connect(owner_of(module_database_url), size=4) as owned:
        yield owned


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    async with connect(database_url, size=8) as opened:
        yield opened
