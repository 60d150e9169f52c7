"""How Postgres reads the log for those who follow it, whatever it knows of the tables."""

from collections.abc import AsyncIterator

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.queries import next_stretch
from services.core.events.service import number_committed
from services.core.kit.database import Database, connect
from services.core.scoring import inputs
from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import CITY, PLAN, a_document


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with connect(database_url, size=4) as database:
        yield Ledger(database)


async def _analysed_while_empty(database: Database) -> None:
    """Let Postgres believe that nothing is there, and that it knows it."""
    async with database.transaction() as session:
        for table in ("event", "event_position", "event_pending", "submission_history"):
            await session.execute(text(f"ANALYZE {table}"))


async def _plans(session: AsyncSession) -> list[str]:
    """Explain every statement of this session that follows, in its place; return the plans."""
    connection = await session.connection()
    plans: list[str] = []
    told = connection.sync_connection
    assert told is not None

    @event.listens_for(told, "before_cursor_execute", retval=True)
    def explain(
        _connection: object, cursor: object, statement: str, parameters: object, *_rest: object
    ) -> tuple[str, object]:
        if "event" in statement and not statement.startswith("EXPLAIN"):
            cursor.execute("EXPLAIN " + statement, parameters)  # type: ignore[attr-defined]
            plans.append("\n".join(row[0] for row in cursor.fetchall()))  # type: ignore[attr-defined]
        return statement, parameters

    return plans


async def test_the_next_events_are_found_by_index_on_an_empty_ledger(ledger: Ledger) -> None:
    await ledger.load(a_document())
    await ledger.follow()
    await _analysed_while_empty(ledger.database)
    async with ledger.database.transaction() as session:
        plans = await _plans(session)
        await next_stretch(session, CITY, reader="scoring", types=["x"], most=500)
        await number_committed(session, CITY)
    assert len(plans) >= 2
    for plan in plans:
        assert "Seq Scan on event" not in plan, plan
        assert "Hash Join" not in plan, plan


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
