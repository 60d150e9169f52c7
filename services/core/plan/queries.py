"""Queries of plans: the document in force and the decisions made beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import asyncpg
from cachetools import RRCache
from sqlalchemy import ColumnElement, func, inspect, select, text
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.identity.queries import city_codes
from services.core.identity.rules import city_of_plan
from services.core.kit.city_scope import in_city
from services.core.kit.database import lock_name
from services.core.kit.statements import DriverStatement
from services.core.plan.document import PlanDocument
from services.core.plan.earlier.queries import said_earlier
from services.core.plan.models import (
    AssignedTarget,
    IndicatorOwner,
    Plan,
    PlanPeriod,
    PlanVersion,
    Publication,
    ScoreSheetVersion,
    Settlement,
)
from services.core.plan.state import PlanState
from services.core.plan.statements import STANDING
from services.core.plan.visibility import plan_scope

_Row = TypeVar("_Row", PlanPeriod, AssignedTarget, Settlement)

_Standing = tuple[int, bytes, bytes]
"""A fingerprint of a plan's state: version, document digest, digest of the decisions beside it."""

_STANDING = text(STANDING)
_STANDING_ALONE = DriverStatement(STANDING)


async def plan_state(session: AsyncSession, city_code: str, plan_code: str) -> PlanState | None:
    """Return the plan's current state, or None if the city has no such plan.

    This process's cached state is returned while the fingerprint is unchanged.
    """
    standing = await _standing(session, city_code, plan_code)
    if standing is None:
        return None
    known = _known_at(city_code, plan_code, standing)
    if known is not None:
        return known
    state = await _read(session, city_code, plan_code, standing)
    # Each statement sees newer commits, so the state is cached only if nothing changed meanwhile.
    if await _standing(session, city_code, plan_code) == standing:
        _known[city_code, plan_code] = standing, state
    return state


async def known_plan(pool: asyncpg.Pool, city_code: str, plan_code: str) -> PlanState | None:
    """Return the plan's current state if it is cached in this process, in one round trip.

    None: it must be read first, or there is no such plan.
    """
    if (city_code, plan_code) not in _known:
        return None
    given = {"city": city_code, "plan": plan_code}
    row = await pool.fetchrow(*_STANDING_ALONE.bind(given))
    return None if row is None else _known_at(city_code, plan_code, tuple(row))


async def _standing(session: AsyncSession, city_code: str, plan_code: str) -> _Standing | None:
    found = await session.execute(_STANDING, {"city": city_code, "plan": plan_code})
    row = found.one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def _known_at(city_code: str, plan_code: str, standing: tuple[object, ...]) -> PlanState | None:
    known = _known.get((city_code, plan_code))
    return None if known is None or known[0] != standing else known[1]


async def _read(
    session: AsyncSession, city_code: str, plan_code: str, standing: _Standing
) -> PlanState:
    version, digest, _ = standing
    of_plan = (session, city_code, plan_code)
    assigned: dict[tuple[str, int], tuple[AssignedTarget, ...]] = {}
    for row in await _rows(*of_plan, AssignedTarget):
        key = (row.indicator_code, row.year)
        assigned[key] = (*assigned.get(key, ()), row)
    document = await _document(*of_plan, version, digest)
    earlier = await said_earlier(session, city_code, document, version)
    return PlanState(
        city_code=city_code,
        code=plan_code,
        version=version,
        document=document,
        assigned=assigned,
        settlements={row.question_id: row for row in await _rows(*of_plan, Settlement)},
        periods={
            row.period: row for row in await _rows(*of_plan, PlanPeriod) if row.state != "planned"
        },
        **earlier.members,
    )


async def _rows(
    session: AsyncSession, city_code: str, plan_code: str, table: type[_Row]
) -> list[_Row]:
    """Return the rows of a plan ordered by key, as copies that are detached from the session.

    The plan is cached and shared: it must not show what its session later changes, rolls back or
    expires, nor changes that are not flushed yet.
    """
    found = await session.execute(
        select(*table.__table__.columns)
        .where(table.city_code == city_code, table.plan_code == plan_code)
        .order_by(*inspect(table).primary_key)
    )
    return [table(**row) for row in found.mappings()]


async def plan_for_change(session: AsyncSession, plan: PlanState) -> PlanState:
    """Lock a plan until the transaction ends, and return its current state.

    The plan is read after the lock is held; otherwise two changes could be based on one state.
    """
    await lock_name(session, plan.code)
    return await plan_state(session, plan.city_code, plan.code) or plan


async def version_in_force(session: AsyncSession, city_code: str, plan_code: str) -> int | None:
    """Return the version of a plan that is in force now, without a lock."""
    found: int | None = await session.scalar(
        select(Plan.version).where(Plan.city_code == city_code, Plan.code == plan_code)
    )
    return found


async def with_document_in_force(session: AsyncSession, plan: PlanState) -> PlanState:
    """Return a plan with the document in force, which is locked until the transaction ends."""
    # FOR SHARE: a new version waits until we end; others that share the lock do not wait.
    version = await session.scalar(
        select(Plan.version)
        .where(Plan.city_code == plan.city_code, Plan.code == plan.code)
        .with_for_update(read=True)
    )
    if version is None or version == plan.version:
        return plan
    document = await plan_document(session, plan.city_code, plan.code, version)
    earlier = await said_earlier(session, plan.city_code, document, version)
    return replace(plan, version=version, document=document, **earlier.members)


DOCUMENTS_KEPT = 256
"""Parsed documents cached per process; each takes 0.6 to 0.9 MB, and 10 ms to parse."""

# Eviction is random. With LRU, a cyclic scan over slightly more cities than the cache holds would
# never hit; with random eviction it mostly hits.
_parsed: RRCache[tuple[str, bytes], PlanDocument] = RRCache(maxsize=DOCUMENTS_KEPT)
"""Cache of parsed documents. A version never changes, so none is ever stale."""


_known: RRCache[tuple[str, str], tuple[_Standing, PlanState]] = RRCache(maxsize=DOCUMENTS_KEPT)
"""Cache of plan states as last read, with everything derived from them since."""


async def plan_document(
    session: AsyncSession, city_code: str, plan_code: str, version: int
) -> PlanDocument:
    """Return the document of a version, parsed once per process. The version exists."""
    digest = await session.scalar(
        select(PlanVersion.digest).where(*_of_version(city_code, plan_code, version))
    )
    return await _document(session, city_code, plan_code, version, digest or b"")


async def _document(
    session: AsyncSession, city_code: str, plan_code: str, version: int, digest: bytes
) -> PlanDocument:
    document = _parsed.get((plan_code, digest))
    if document is None:
        stored = await session.scalar(
            select(PlanVersion.document).where(*_of_version(city_code, plan_code, version))
        )
        document = PlanDocument.model_validate(stored)
        _parsed[plan_code, digest] = document
    return document


def _of_version(city_code: str, plan_code: str, version: int) -> tuple[ColumnElement[bool], ...]:
    return (
        PlanVersion.city_code == city_code,
        PlanVersion.plan_code == plan_code,
        PlanVersion.version == version,
    )


async def year_begins(
    session: AsyncSession, city_code: str, plan_code: str, version: int
) -> str | None:
    """Return the start of a version's years as written, even if its format can't be parsed now."""
    found: str | None = await session.scalar(
        select(PlanVersion.document["fiscal_year_begins"].astext).where(
            PlanVersion.city_code == city_code,
            PlanVersion.plan_code == plan_code,
            PlanVersion.version == version,
        )
    )
    return found


_MOST_PLANS = 500


async def visible_plans(
    session: AsyncSession, actor: Actor, *, plan_code: str | None = None
) -> list[Plan]:
    """Return the plans in a caller's scope, at most 500; with `plan_code` only that one."""
    if plan_code is not None:
        cities: Sequence[str] = [city_of_plan(plan_code)]
    else:
        cities = await city_codes(session) if actor.every_city else [actor.city_code]
    found: list[Plan] = []
    for city_code in cities:
        seen = plan_scope(actor, city_code, city="plan.city_code", plan="plan.code")
        wanted = select(Plan).where(seen.clause).order_by(Plan.code)
        if plan_code is not None:
            wanted = wanted.where(Plan.code == plan_code)
        with in_city(city_code):
            found += await session.scalars(wanted.limit(_MOST_PLANS - len(found)))
        if len(found) == _MOST_PLANS:
            break
    return found


async def plan_codes(session: AsyncSession, city_code: str) -> Sequence[str]:
    """Return the codes of a city's plans."""
    found = await session.scalars(
        select(Plan.code).where(Plan.city_code == city_code).order_by(Plan.code)
    )
    return found.all()


async def version_and_digest(
    session: AsyncSession, city_code: str, plan_code: str
) -> tuple[int, bytes] | None:
    """Return the version in force and the digest of its document."""
    found = await session.execute(
        select(PlanVersion.version, PlanVersion.digest)
        .where(PlanVersion.city_code == city_code, PlanVersion.plan_code == plan_code)
        .order_by(PlanVersion.version.desc())
        .limit(1)
    )
    row = found.one_or_none()
    return (row.version, row.digest) if row else None


async def owners_last(
    session: AsyncSession, city_code: str, plan_code: str
) -> Mapping[str, str | None]:
    """Return by indicator the unit whose value is the city's, as last recorded."""
    rows = await session.execute(
        select(IndicatorOwner.indicator_code, IndicatorOwner.organization_code)
        .where(IndicatorOwner.city_code == city_code, IndicatorOwner.plan_code == plan_code)
        .order_by(IndicatorOwner.version)
    )
    return {row[0]: row[1] for row in rows}


async def sheets_last(
    session: AsyncSession, city_code: str, plan_code: str
) -> Mapping[str, tuple[int, Mapping[str, Any]]]:
    """Return the newest version number and content of each score sheet."""
    rows = await session.execute(
        select(ScoreSheetVersion.sheet_code, ScoreSheetVersion.version, ScoreSheetVersion.content)
        .where(ScoreSheetVersion.city_code == city_code, ScoreSheetVersion.plan_code == plan_code)
        .ext(distinct_on(ScoreSheetVersion.sheet_code))
        .order_by(ScoreSheetVersion.sheet_code, ScoreSheetVersion.version.desc())
    )
    return {code: (version, content) for code, version, content in rows}


async def period_for_update(
    session: AsyncSession, city_code: str, plan_code: str, period: str
) -> PlanPeriod | None:
    """Return a period's row, locked until the transaction ends."""
    return await session.scalar(
        select(PlanPeriod)
        .where(
            PlanPeriod.city_code == city_code,
            PlanPeriod.plan_code == plan_code,
            PlanPeriod.period == period,
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def open_periods_for_update(
    session: AsyncSession, city_code: str, plan_code: str
) -> list[PlanPeriod]:
    """Return the rows of the open periods, locked until the transaction ends."""
    found = await session.scalars(
        select(PlanPeriod)
        .where(
            PlanPeriod.city_code == city_code,
            PlanPeriod.plan_code == plan_code,
            PlanPeriod.state == "open",
        )
        .order_by(PlanPeriod.period)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(found)


async def periods_for_share(
    session: AsyncSession, city_code: str, plan_code: str, *codes: str
) -> Mapping[str, PlanPeriod]:
    """Return rows of periods by code, share-locked in a fixed order until the transaction ends."""
    found = await session.scalars(
        select(PlanPeriod)
        .where(PlanPeriod.city_code == city_code, PlanPeriod.plan_code == plan_code)
        .where(PlanPeriod.period.in_(codes))
        .order_by(PlanPeriod.period)
        .with_for_update(read=True)
    )
    return {row.period: row for row in found}


async def period_states(
    session: AsyncSession, city_code: str, plan_code: str, *codes: str
) -> Mapping[str, str]:
    """Return the current state of periods that were ever opened, by code, without a lock."""
    found = await session.execute(
        select(PlanPeriod.period, PlanPeriod.state)
        .where(PlanPeriod.city_code == city_code, PlanPeriod.plan_code == plan_code)
        .where(PlanPeriod.period.in_(codes))
    )
    return {row[0]: row[1] for row in found}


async def next_publication_number(session: AsyncSession, city_code: str, plan_code: str) -> int:
    """Return the number of the plan's next publication; a unique key settles a race."""
    last = await session.scalar(
        select(func.max(Publication.number)).where(
            Publication.city_code == city_code, Publication.plan_code == plan_code
        )
    )
    return (last or 0) + 1


async def publication(
    session: AsyncSession, city_code: str, plan_code: str, number: int
) -> Publication | None:
    """Return the publication with this number."""
    return await session.get(Publication, (city_code, plan_code, number))


async def publications(
    session: AsyncSession, city_code: str, plan_code: str, *, after: int, limit: int
) -> list[Publication]:
    """Return a plan's publications with numbers above `after`, in order."""
    found = await session.scalars(
        select(Publication)
        .where(
            Publication.city_code == city_code,
            Publication.plan_code == plan_code,
            Publication.number > after,
        )
        .order_by(Publication.number)
        .limit(limit)
    )
    return list(found)


async def assignments(
    session: AsyncSession, city_code: str, plan_code: str, indicator_code: str, year: int
) -> int:
    """Return how many targets were assigned to an indicator for a year."""
    found = await session.scalar(
        select(func.count()).where(
            AssignedTarget.city_code == city_code,
            AssignedTarget.plan_code == plan_code,
            AssignedTarget.indicator_code == indicator_code,
            AssignedTarget.year == year,
        )
    )
    return found or 0


async def has_plan(session: AsyncSession) -> bool:
    """Return whether any plan is loaded: a city exists once it has its first plan."""
    return bool(await city_codes(session, limit=1))
