"""Reads connectors and their items, and finds what is to be reported."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.connectors.figures.queries import ReportedPlace, place_arrays
from services.core.connectors.models import (
    Connector,
    ConnectorBatch,
    ConnectorItem,
    ConnectorStatement,
    ConnectorStatementLine,
)
from services.core.connectors.rules import ITEM_STATES, QueuedItem, knows_connectors
from services.core.connectors.statements import (
    BATCHES_OF,
    CITIES_REPORTING,
    CONNECTOR_QUEUES,
    CONNECTORS_DUE,
    COUNTS_OF,
    ITEMS_AT,
    ITEMS_DUE,
    REPLACED,
)
from services.core.connectors.use import BatchUse, ConnectorQueue
from services.core.identity.actor import Actor
from services.core.identity.queries import administered
from services.core.kit.city_scope import enter_city, in_city, in_every_city
from services.core.kit.ids import first_id_at
from services.core.kit.statements import SqlCondition
from services.core.plan.visibility import plan_scope


def _visible(actor: Actor, city_code: str) -> TextClause:
    """Return the condition on the connectors of a city that a caller may see."""
    if not knows_connectors(actor):
        return SqlCondition("connector.city_code = :c AND FALSE", {"c": city_code}).clause
    city, plan = "connector.city_code", "connector.plan_code"
    return plan_scope(actor, city_code, city=city, plan=plan).clause


async def visible_connectors(
    session: AsyncSession, actor: Actor, *, after: tuple[str, UUID] | None, limit: int
) -> Sequence[Connector]:
    """Return the connectors in a caller's reach, by city and age, after the given one."""
    found: list[Connector] = []
    for city in (await administered(session, actor)).cities:
        if len(found) >= limit or (after is not None and city < after[0]):
            continue
        wanted = select(Connector).where(_visible(actor, city))
        if after is not None and city == after[0]:
            wanted = wanted.where(Connector.id > after[1])
        with in_city(city):
            found += await session.scalars(wanted.order_by(Connector.id).limit(limit - len(found)))
    return found


async def visible_connector(
    session: AsyncSession, actor: Actor, connector_id: UUID, *, for_update: bool = False
) -> Connector | None:
    """Return a connector in a caller's reach; later queries are limited to its city."""
    for city in (await administered(session, actor)).cities:
        wanted = select(Connector).where(_visible(actor, city), Connector.id == connector_id)
        # Not FOR UPDATE, because rows that refer to it are inserted meanwhile.
        locked = wanted.with_for_update(key_share=True)
        with in_city(city):
            found = await session.scalar(locked if for_update else wanted)
        if found is not None:
            enter_city(city)
            return found
    return None


def _going_on(city_code: str) -> Sequence[ColumnElement[bool]]:
    return Connector.city_code == city_code, Connector.ended_at.is_(None)


async def connector_count(session: AsyncSession, city_code: str) -> int:
    """Return how many of a city's connectors have not ended."""
    return await session.scalar(select(func.count(Connector.id)).where(*_going_on(city_code))) or 0


async def connectors_of(
    session: AsyncSession, city_code: str, plan_codes: Sequence[str]
) -> Sequence[Connector]:
    """Return the connectors of some plans of a city that have not ended, oldest first."""
    found = await session.scalars(
        select(Connector)
        .where(*_going_on(city_code), Connector.plan_code.in_(plan_codes))
        .order_by(Connector.id)
    )
    return found.all()


async def items(
    session: AsyncSession,
    of: Connector,
    *,
    state: str | None,
    period: str | None,
    after: UUID | None,
    limit: int,
) -> Sequence[ConnectorItem]:
    """Return items of a connector, newest first, before the id `after`."""
    wanted = select(ConnectorItem).where(
        ConnectorItem.city_code == of.city_code, ConnectorItem.connector_id == of.id
    )
    if state is not None:
        wanted = wanted.where(ConnectorItem.state == state)
    if period is not None:
        wanted = wanted.where(ConnectorItem.period == period)
    if after is not None:
        wanted = wanted.where(ConnectorItem.id < after)
    return (await session.scalars(wanted.order_by(ConnectorItem.id.desc()).limit(limit))).all()


async def items_for_update(
    session: AsyncSession, city_code: str, connector_id: UUID, ids: Sequence[UUID]
) -> Sequence[ConnectorItem]:
    """Return items of a connector among these, locked, oldest first."""
    found = await session.scalars(
        select(ConnectorItem)
        .where(
            ConnectorItem.city_code == city_code,
            ConnectorItem.connector_id == connector_id,
            ConnectorItem.id.in_(ids),
        )
        .order_by(ConnectorItem.id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )
    return found.all()


async def connector_for_update(
    session: AsyncSession, city_code: str, connector_id: UUID
) -> Connector | None:
    """Return a connector of a city, locked."""
    return await session.scalar(
        select(Connector)
        .where(Connector.city_code == city_code, Connector.id == connector_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


async def batches(
    session: AsyncSession, of: Connector, *, after: UUID | None, limit: int
) -> Sequence[ConnectorBatch]:
    """Return batches of a connector, newest first, before the id `after`."""
    wanted = select(ConnectorBatch).where(
        ConnectorBatch.city_code == of.city_code, ConnectorBatch.connector_id == of.id
    )
    if after is not None:
        wanted = wanted.where(ConnectorBatch.id < after)
    return (await session.scalars(wanted.order_by(ConnectorBatch.id.desc()).limit(limit))).all()


async def batch_for_update(
    session: AsyncSession, city_code: str, batch_id: UUID
) -> ConnectorBatch | None:
    """Return a batch of a city, locked."""
    return await session.scalar(
        select(ConnectorBatch)
        .where(ConnectorBatch.city_code == city_code, ConnectorBatch.id == batch_id)
        .with_for_update()
    )


async def indicators_of_items(
    session: AsyncSession, city_code: str, connector_ids: Collection[UUID]
) -> set[str]:
    """Return the indicators of which connectors have items, whatever became of them."""
    found = await session.scalars(
        select(ConnectorItem.indicator_code)
        .where(ConnectorItem.city_code == city_code, ConnectorItem.connector_id.in_(connector_ids))
        .distinct()
    )
    return set(found)


async def items_at(
    session: AsyncSession,
    city_code: str,
    connectors: Sequence[UUID],
    places: Sequence[ReportedPlace],
) -> Mapping[tuple[UUID, ReportedPlace], list[QueuedItem]]:
    """Return the items of some places that were not superseded, by connector, oldest first."""
    rows = await session.execute(
        ITEMS_AT, {"city": city_code, "connectors": list(connectors), **place_arrays(places)}
    )
    found: dict[tuple[UUID, ReportedPlace], list[QueuedItem]] = {}
    for row in rows:
        place = (row.indicator_code, row.organization_code, row.period)
        item = QueuedItem(row.id, row.submission_id, row.revision, row.withdrawn, row.state)
        found.setdefault((row.connector_id, place), []).append(item)
    return found


async def standing_items(
    session: AsyncSession, of: Connector, period: str
) -> Sequence[ConnectorItem]:
    """Return the items of a period that were not superseded, oldest first."""
    found = await session.scalars(
        select(ConnectorItem)
        .where(
            ConnectorItem.city_code == of.city_code,
            ConnectorItem.connector_id == of.id,
            ConnectorItem.period == period,
            ConnectorItem.state != "superseded",
        )
        .order_by(ConnectorItem.id)
    )
    return found.all()


async def cities_reporting(session: AsyncSession) -> list[str]:
    """Return the cities that have something to report."""
    with in_every_city():
        return list(await session.scalars(CITIES_REPORTING))


async def connectors_due(session: AsyncSession, city_code: str, *, most: int) -> Sequence[UUID]:
    """Lock and return a city's connectors that have items due and no batch under way."""
    found = await session.scalars(CONNECTORS_DUE, {"city": city_code, "most": most})
    return found.all()


async def items_due(
    session: AsyncSession, of: Connector, *, asking: bool | None, most: int
) -> Sequence[ConnectorItem]:
    """Lock and return due items of a connector: to ask about, to send, or both."""
    given = {"city": of.city_code, "connector": of.id, "asking": asking, "most": most}
    ids = (await session.scalars(ITEMS_DUE, given)).all()
    return await items_for_update(session, of.city_code, of.id, ids) if ids else ()


async def replaced(
    session: AsyncSession, city_code: str, ids: Sequence[UUID]
) -> Mapping[UUID, UUID | None]:
    """Return for each item the one of its place that the superior holds, or may hold."""
    found = await session.execute(REPLACED, {"city": city_code, "ids": list(ids)})
    return {row.id: row.replaced for row in found}


async def newest_statement(
    session: AsyncSession, of: Connector, period: str
) -> ConnectorStatement | None:
    """Return the newest statement of a period; None: there is none."""
    return await session.scalar(
        select(ConnectorStatement)
        .where(
            ConnectorStatement.city_code == of.city_code,
            ConnectorStatement.connector_id == of.id,
            ConnectorStatement.period == period,
        )
        .order_by(ConnectorStatement.id.desc())
        .limit(1)
    )


async def lines_of(
    session: AsyncSession, statement: ConnectorStatement
) -> Sequence[ConnectorStatementLine]:
    """Return the lines of a statement."""
    found = await session.scalars(
        select(ConnectorStatementLine).where(
            ConnectorStatementLine.city_code == statement.city_code,
            ConnectorStatementLine.statement_id == statement.id,
        )
    )
    return found.all()


async def database_now(session: AsyncSession) -> datetime:
    """Return the database's time, which alone decides what is due."""
    found = await session.execute(select(func.now()))
    return found.scalar_one()


async def counts_of(session: AsyncSession, of: Connector) -> Mapping[str, int]:
    """Return how many items of a connector are in each state, counted up to 10,000."""
    given = {"city": of.city_code, "connector": of.id, "states": list(ITEM_STATES)}
    return {row.state: row.number for row in await session.execute(COUNTS_OF, given)}


async def batch_use(session: AsyncSession, of: Connector, *, since: datetime) -> BatchUse:
    """Return usage figures of a connector's requests since an instant."""
    given = {"city": of.city_code, "connector": of.id, "since": first_id_at(since)}
    row = (await session.execute(BATCHES_OF, given)).one()
    batches, faults, reported, accepted, refused, unanswered, unasked = map(int, row[:7])
    return BatchUse(
        batches,
        faults,
        reported,
        accepted,
        refused,
        unanswered,
        unasked,
        p95_ms=None if row[7] is None else round(row[7]),
        last_success_at=row[8],
    )


async def connector_queues(session: AsyncSession, city_code: str) -> Sequence[ConnectorQueue]:
    """Return the queue of every connector of a city."""
    found: dict[UUID, ConnectorQueue] = {}
    for row in await session.execute(CONNECTOR_QUEUES, {"city": city_code}):
        queue = found.setdefault(row.id, ConnectorQueue(*row[:6]))
        if row.of_state is not None:
            queue.numbers[row.of_state] = row.number
            queue.waiting_seconds[row.of_state] = float(row.waiting_seconds)
    return list(found.values())
