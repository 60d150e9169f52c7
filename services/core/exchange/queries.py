"""Reads exchanges: our own tables, and the exchange tables of another database."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import asyncpg
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.exchange.models import ExchangeChannel, ExchangedRow
from services.core.exchange.statements import LATEST_OF, NEW_IN, PART_OF, TAKEN_BEFORE
from services.core.exchange.table_recon import KeptRow

_AT_ONCE = 2_000


async def channel_for_update(
    session: AsyncSession, city_code: str, plan_code: str
) -> ExchangeChannel | None:
    """Return the exchange of a plan, locked against other exchanges meanwhile."""
    return await session.scalar(
        select(ExchangeChannel)
        .where(ExchangeChannel.city_code == city_code, ExchangeChannel.plan_code == plan_code)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def new_rows(
    beside: asyncpg.Connection, plan_code: str, *, most: int
) -> Sequence[Mapping[str, Any]]:
    """Return rows of a plan that wait to be taken, lowest versions first."""
    found: Sequence[Mapping[str, Any]] = await beside.fetch(
        *NEW_IN.bind({"plan": plan_code, "most": most})
    )
    return found


async def taken_before(
    session: AsyncSession, city_code: str, plan_code: str, ids: Sequence[str]
) -> dict[str, Any]:
    """Return the results of rows that were taken before, by id."""
    given = {"city": city_code, "plan": plan_code, "ids": list(ids)}
    return {row.ex_id: row for row in await session.execute(TAKEN_BEFORE, given)}


async def latest_versions(
    session: AsyncSession, city_code: str, plan_code: str, keys: Sequence[str]
) -> dict[str, int]:
    """Return the latest version that was taken of each place, by key."""
    given = {"city": city_code, "plan": plan_code, "keys": list(keys)}
    return {row.biz_key: row.ver for row in await session.execute(LATEST_OF, given)}


async def rows_there(
    beside: asyncpg.Connection, direction: str, plan_code: str
) -> AsyncIterator[Sequence[Any]]:
    """Yield the rows of an exchange table in order of id, many at once."""
    after = ""
    while True:
        given = {"plan": plan_code, "after": after, "most": _AT_ONCE}
        found: Sequence[Any] = await beside.fetch(*PART_OF[direction].bind(given))
        if found:
            yield found
        if len(found) < _AT_ONCE:
            return
        after = found[-1]["ex_id"]


async def rows_kept(
    session: AsyncSession, city_code: str, plan_code: str, direction: str
) -> dict[str, KeptRow]:
    """Return our records of all rows that we wrote or took, by id."""
    kept: dict[str, KeptRow] = {}
    after = ""
    while True:
        found = (
            await session.execute(
                select(ExchangedRow.ex_id, ExchangedRow.row_hash, ExchangedRow.outcome)
                .where(
                    ExchangedRow.city_code == city_code,
                    ExchangedRow.plan_code == plan_code,
                    ExchangedRow.direction == direction,
                    ExchangedRow.ex_id > after,
                )
                .order_by(ExchangedRow.ex_id)
                .limit(_AT_ONCE)
            )
        ).all()
        kept |= {row.ex_id: KeptRow(row.row_hash, row.outcome == "refused") for row in found}
        if len(found) < _AT_ONCE:
            return kept
        after = found[-1].ex_id
