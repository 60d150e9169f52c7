"""An installation, and a front-end server's database beside it."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from services.console.settings import PROJECT
from services.core.exchange import queries
from services.core.exchange.exchange_rows import ROW, row_hash
from services.core.exchange.service import (
    ROWS_AT_MOST,
    TakenRow,
    locked_channel,
    open_channel,
    take_rows,
    tell_taken,
    write_out,
)
from services.core.exchange.table_recon import Reconciling, TableRecon
from services.core.identity.actor import operator
from tests.support.packages import HERE, THERE, Installation, an_installation
from tests.support.reports import Place
from tests.support.servers import Addresses, empty_database
from tests.unit.scoring.builders import CITY, PLAN

TABLES = (PROJECT / "deploy" / "exchange.sql").read_text("utf-8")


@dataclass
class Front:
    """Writes out, takes in, and stands for the other side as well."""

    at: Installation
    beside: asyncpg.Connection
    url: str

    async def open(self) -> None:
        """Have the plan exchanged; what comes in is written as an integrator's key."""
        database = self.at.database
        key: UUID = await database.pool.fetchval(
            "SELECT key_id FROM package_peer WHERE city_code = $1", CITY
        )
        async with database.transaction() as session:
            await open_channel(session, CITY, PLAN, key, actor=operator(CITY), now=self.at.now)

    async def write(self, *, killed: bool = False) -> int:
        """Write out what is new; `killed` once the rows are there and not noted here."""
        number, more = 0, True
        while more:
            async with self.at.database.sessions() as session, session.begin() as transaction:
                channel = await locked_channel(session, CITY, PLAN)
                wrote, more = await write_out(session, self.beside, channel, now=self.at.now)
                if killed:
                    await transaction.rollback()
                    return wrote
            number += wrote
        return number

    async def take(self, *, killed: bool = False) -> list[TakenRow]:
        """Take what waits; `killed` before the other side is told."""
        rows = await queries.new_rows(self.beside, PLAN, most=ROWS_AT_MOST)
        async with self.at.database.transaction() as session:
            channel = await locked_channel(session, CITY, PLAN)
            taken = await take_rows(session, channel, rows, now=self.at.now)
        if not killed:
            await tell_taken(self.beside, taken, now=self.at.now)
        return taken

    async def insert(self, ex_id: str, place: Place, **more: Any) -> None:
        """Write a row as the other side does."""
        row: dict[str, Any] = {
            **dict.fromkeys(ROW),
            "ex_id": ex_id,
            "biz_key": "|".join((PLAN, *place)),
            "op": "U",
            "plan_code": PLAN,
            "indicator_code": place[0],
            "organization_code": place[1],
            "period": place[2],
            "value": "12.5",
            "batch_no": "1",
            "src_time": datetime(2026, 1, 5, tzinfo=UTC),
            "ver": 1,
            **more,
        }
        row["row_hash"] = row["row_hash"] or row_hash(row)
        values = ", ".join(f"${at}" for at in range(1, len(row) + 1))
        await self.beside.execute(
            f"INSERT INTO ex_in_submission ({', '.join(row)}) VALUES ({values})", *row.values()
        )

    async def statuses(self) -> dict[str, tuple[int, str | None]]:
        found = await self.beside.fetch("SELECT ex_id, ex_status, ex_msg FROM ex_in_submission")
        return {row[0]: (row[1], row[2]) for row in found}

    async def out(self) -> Sequence[Any]:
        found: Sequence[Any] = await self.beside.fetch(
            "SELECT * FROM ex_out_submission ORDER BY ver, ex_id"
        )
        return found

    async def reconciled(self, direction: str) -> TableRecon:
        async with self.at.database.sessions() as session:
            reconciling = Reconciling(await queries.rows_kept(session, CITY, PLAN, direction))
        async for rows in queries.rows_there(self.beside, direction, PLAN):
            reconciling.take(rows)
        return reconciling.end()


@pytest.fixture
async def front(addresses: Addresses) -> AsyncIterator[Front]:
    async with (
        addresses.clone() as one,
        empty_database(addresses) as url,
        an_installation(one, HERE, THERE) as here,
    ):
        beside = await asyncpg.connect(url)
        try:
            await beside.execute(TABLES)
            made = Front(here, beside, url)
            await made.open()
            yield made
        finally:
            await beside.close()
