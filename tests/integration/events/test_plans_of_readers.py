"""How Postgres reads the log for those who follow it, whatever it knows of the tables."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import text

from services.core.kit.database import Database, connect
from services.core.scoring import inputs
from tests.integration.scoring.ledger import Ledger
from tests.support.owner import as_owner
from tests.unit.scoring.builders import CITY, PLAN, a_document


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with connect(database_url, size=4) as database:
        yield Ledger(database)


async def _analysed_while_empty(database: Database) -> None:
    """Let Postgres believe that nothing is there, and that it knows it."""
    tables = ("event", "event_position", "event_pending", "submission_history")
    await as_owner(database.dsn, f"ANALYZE {', '.join(tables)}")


async def test_what_is_made_anew_is_compared_without_a_loop_in_a_loop(ledger: Ledger) -> None:
    await ledger.load(a_document())
    await ledger.report(90)
    await ledger.follow()
    await _analysed_while_empty(ledger.database)
    async with ledger.database.transaction() as session:
        await session.execute(text("SELECT 1"))
        assert not await inputs.remake(session, CITY, PLAN, upto=100)
        settings = "SELECT current_setting('enable_nestloop'), current_setting('enable_seqscan')"
        assert (await session.execute(text(settings))).one() == ("on", "on")
        known = "SELECT reltuples FROM pg_class WHERE relname = 'score_input_made'"
        assert await session.scalar(text(known)) == 2
