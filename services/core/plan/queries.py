"""Reading plans: the document in force and what is decided beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from cachetools import RRCache
from sqlalchemy import func, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.identity.actor import Actor
from services.core.identity.queries import city_codes
from services.core.kit.database import lock_name
from services.core.plan.document import (
    PlanDocument,
)
from services.core.plan.models import (
    AssignedTarget,
    IndicatorOwner,
    Plan,
    PlanPeriod,
    PlanVersion,
    Publication,
    Settlement,
)
from services.core.plan.state import PlanState
from services.core.plan.visibility import plan_scope

_Row = TypeVar("_Row", PlanPeriod, AssignedTarget, Settlement)


async def plan_state(session: AsyncSession, city_code: str, plan_code: str) -> PlanState | None:
    """Return the plan as it stands, or None where the city has no such plan."""
    version = await session.scalar(
        select(Plan.version).where(Plan.city_code == city_code, Plan.code == plan_code)
    )
    if version is None:
        return None
    return PlanState(
        city_code=city_code,
        code=plan_code,
        version=version,
        document=await plan_document(session, city_code, plan_code, version),
        assigned=await _assigned(session, city_code, plan_code),
        settlements={
            settlement.question_id: _apart(settlement)
            for settlement in await session.scalars(
                select(Settlement).where(
                    Settlement.city_code == city_code, Settlement.plan_code == plan_code
                )
            )
        },
        periods={
            period.period: _apart(period)
            for period in await session.scalars(
                select(PlanPeriod).where(
                    PlanPeriod.city_code == city_code,
                    PlanPeriod.plan_code == plan_code,
                    PlanPeriod.state != "planned",
                )
            )
        },
    )


async def plan_for_change(session: AsyncSession, plan: PlanState) -> PlanState:
    """Return a plan as it stands; until the transaction ends nobody else decides beside it.

    The plan is read after the lock is held; otherwise two changes could be based on one state.
    """
    await lock_name(session, plan.code)
    return await plan_state(session, plan.city_code, plan.code) or plan


async def version_in_force(session: AsyncSession, city_code: str, plan_code: str) -> int | None:
    """Return the version of a plan that is in force now; nothing is held."""
    found: int | None = await session.scalar(
        select(Plan.version).where(Plan.city_code == city_code, Plan.code == plan_code)
    )
    return found


async def with_document_in_force(session: AsyncSession, plan: PlanState) -> PlanState:
    """Return a plan with the document that is in force until the transaction ends."""
    # FOR SHARE: a new version waits until we end; others that share the lock do not wait.
    version = await session.scalar(
        select(Plan.version)
        .where(Plan.city_code == plan.city_code, Plan.code == plan.code)
        .with_for_update(read=True)
    )
    if version is None or version == plan.version:
        return plan
    document = await plan_document(session, plan.city_code, plan.code, version)
    return replace(plan, version=version, document=document)


DOCUMENTS_KEPT = 256
"""So many parsed documents a process keeps; one takes 0.6 to 0.9 MB, and 10 ms to be parsed."""

# Which one goes is left to chance. Whoever goes round a few more cities than there is room for
# would find none of them if the oldest went; so it finds most.
_parsed: RRCache[tuple[str, bytes], PlanDocument] = RRCache(maxsize=DOCUMENTS_KEPT)
"""Documents parsed before. A version never changes, so none is ever stale."""


async def plan_document(
    session: AsyncSession, city_code: str, plan_code: str, version: int
) -> PlanDocument:
    """Return the document of a version, parsed once a process. The version exists."""
    place = (
        PlanVersion.city_code == city_code,
        PlanVersion.plan_code == plan_code,
        PlanVersion.version == version,
    )
    digest = await session.scalar(select(PlanVersion.digest).where(*place))
    key = (plan_code, digest or b"")
    document = _parsed.get(key)
    if document is None:
        stored = await session.scalar(select(PlanVersion.document).where(*place))
        document = PlanDocument.model_validate(stored)
        _parsed[key] = document
    return document


async def year_begins(
    session: AsyncSession, city_code: str, plan_code: str, version: int
) -> str | None:
    """Return when a year of a version begins, as written; one too old to be parsed says it too."""
    found: str | None = await session.scalar(
        select(PlanVersion.document["fiscal_year_begins"].astext).where(
            PlanVersion.city_code == city_code,
            PlanVersion.plan_code == plan_code,
            PlanVersion.version == version,
        )
    )
    return found


async def _assigned(
    session: AsyncSession, city_code: str, plan_code: str
) -> Mapping[tuple[str, int], tuple[AssignedTarget, ...]]:
    found: dict[tuple[str, int], tuple[AssignedTarget, ...]] = {}
    rows = await session.scalars(
        select(AssignedTarget)
        .where(AssignedTarget.city_code == city_code, AssignedTarget.plan_code == plan_code)
        .order_by(AssignedTarget.sequence)
    )
    for row in rows:
        key = (row.indicator_code, row.year)
        found[key] = (*found.get(key, ()), _apart(row))
    return found


def _apart(row: _Row) -> _Row:
    """Return a copy of a row that no session knows.

    A plan is kept and shared: what the session that read it changes, rolls back or expires
    must not be seen through it.
    """
    return type(row)(**{name: getattr(row, name) for name in inspect(type(row)).columns.keys()})  # noqa: SIM118 (no dict)


_MOST_PLANS = 500


async def visible_plans(
    session: AsyncSession, actor: Actor, *, plan_code: str | None = None
) -> list[Plan]:
    """Return the plans of a caller's scope, at most 500, or the one of these of a code."""
    if plan_code is not None:
        cities: Sequence[str] = [plan_code.split("-", 1)[0]]
    else:
        cities = await city_codes(session) if actor.every_city else [actor.city_code]
    found: list[Plan] = []
    for city_code in cities:
        seen = plan_scope(actor, city_code, city="plan.city_code", plan="plan.code")
        wanted = select(Plan).where(seen.clause).order_by(Plan.code)
        if plan_code is not None:
            wanted = wanted.where(Plan.code == plan_code)
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
    """Return by indicator whose value is the city's since the last version that changed it."""
    rows = await session.execute(
        select(IndicatorOwner.indicator_code, IndicatorOwner.organization_code)
        .where(IndicatorOwner.city_code == city_code, IndicatorOwner.plan_code == plan_code)
        .order_by(IndicatorOwner.version)
    )
    return {row[0]: row[1] for row in rows}


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
    """Return the rows of the periods that are open, locked until the transaction ends."""
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
    """Return rows of periods by code, held in one order as they are until the transaction ends."""
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
    """Return how periods that were ever opened stand now, by code; nothing is held."""
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
    """Return the publication of a number."""
    return await session.get(Publication, (city_code, plan_code, number))


async def publications(
    session: AsyncSession, city_code: str, plan_code: str, *, after: int, limit: int
) -> list[Publication]:
    """Return a plan's publications with numbers above `after`, in their order."""
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
    """Return whether any plan is loaded: with its first plan a city is known."""
    return bool(await city_codes(session, limit=1))
