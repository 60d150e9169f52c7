"""Reads for forms what units owe, reported and promised; and reads imports and their files."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.imports.errors import ImportNotFound
from services.core.imports.models import SheetImport, SheetImportFault, SheetImportFile
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.obligations.queries import ended_units
from services.core.obligations.rules import owed_for
from services.core.plan.leads import reporters_of
from services.core.plan.periods import Period
from services.core.plan.state import PlanState
from services.core.submissions.models import Submission

_OVER = ("closed", "cancelled", "declined")
_READ_AT_ONCE = 2_000


async def owed_by(
    session: AsyncSession, plan: PlanState, period: Period, unit: str | None
) -> dict[str, set[str]]:
    """Return the indicators that a unit, or each unit, has to report in a period, by unit.

    An opened period asks for what it was opened with. One that is not open asks for the indicators
    of its frequency; if there are none, for all that the unit reports.
    """
    asked: dict[str, set[str]] = {}
    if period.code in plan.periods:
        wanted = select(Obligation.organization_code, Obligation.indicator_code).where(
            Obligation.city_code == plan.city_code,
            Obligation.plan_code == plan.code,
            Obligation.period == period.code,
            Obligation.state == "owed",
        )
        if unit is not None:
            wanted = wanted.where(Obligation.organization_code == unit)
        for code, indicator in await session.execute(wanted):
            asked.setdefault(code, set()).add(indicator)
        return asked
    ended = await ended_units(session, plan.city_code, plan.document.time_zone)
    for one in owed_for(plan.document, period, period.last_day, ended, {}, cycle=plan.cycle):
        asked.setdefault(one.organization_code, set()).add(one.indicator_code)
    if asked:
        return asked
    return _reported_by(plan, ended, period.last_day)


def _reported_by(plan: PlanState, ended: Mapping[str, date], last_day: date) -> dict[str, set[str]]:
    reported: dict[str, set[str]] = {}
    for indicator in plan.document.indicators:
        for unit in reporters_of(indicator, plan.organizations):
            if ended.get(unit, last_day) >= last_day:
                reported.setdefault(unit, set()).add(indicator.code)
    return reported


async def reported_in(
    session: AsyncSession, plan: PlanState, periods: Sequence[str], unit: str | None
) -> dict[tuple[str, str, str], Submission]:
    """Return the submissions of a unit, or of each, for some periods."""
    wanted = select(Submission).where(
        Submission.city_code == plan.city_code,
        Submission.plan_code == plan.code,
        Submission.indicator_code.in_(list(plan.indicators)),
        Submission.period.in_(periods),
        Submission.state != "withdrawn",
    )
    if unit is not None:
        wanted = wanted.where(Submission.organization_code == unit)
    found = await session.scalars(wanted)
    return {(one.organization_code, one.indicator_code, one.period): one for one in found}


async def promised_by(
    session: AsyncSession, plan: PlanState, unit: str | None
) -> dict[str, list[Milestone]]:
    """Return the open milestones of a unit, or of each, soonest due first, by unit.

    It reads all of them in parts, because a unit finds those that its form lacks nowhere else.
    """
    wanted = select(Milestone).where(
        Milestone.city_code == plan.city_code,
        Milestone.plan_code == plan.code,
        Milestone.state.not_in(_OVER),
    )
    if unit is not None:
        wanted = wanted.where(Milestone.organization_code == unit)
    place = (Milestone.organization_code, Milestone.due_date, Milestone.id)
    wanted = wanted.order_by(*place).limit(_READ_AT_ONCE)
    promised: dict[str, list[Milestone]] = {}
    rows = (await session.scalars(wanted)).all()
    while rows:
        for one in rows:
            promised.setdefault(one.organization_code, []).append(one)
        if len(rows) < _READ_AT_ONCE:
            break
        last = (one.organization_code, one.due_date, one.id)
        rows = (await session.scalars(wanted.where(tuple_(*place) > last))).all()
    return promised


async def import_of(
    session: AsyncSession,
    city_code: str,
    import_id: UUID,
    *,
    credential_id: UUID | None = None,
    for_update: bool = False,
) -> SheetImport:
    """Return an import; with a `credential_id`, only one of that credential.

    Raises:
        ImportNotFound: there is none.
    """
    wanted = select(SheetImport).where(
        SheetImport.city_code == city_code, SheetImport.id == import_id
    )
    if credential_id is not None:
        wanted = wanted.where(SheetImport.credential_id == credential_id)
    if for_update:
        wanted = wanted.with_for_update().execution_options(populate_existing=True)
    found = await session.scalar(wanted)
    if found is None:
        raise ImportNotFound
    return found


async def under_way(
    session: AsyncSession, city_code: str, credential_id: UUID, *, most: int
) -> Sequence[UUID]:
    """Return up to `most` ids of a credential's imports that may still be written, oldest first.

    A file with faults is never written.
    """
    found = await session.scalars(
        select(SheetImport.id)
        .where(
            SheetImport.city_code == city_code,
            SheetImport.credential_id == credential_id,
            or_(
                SheetImport.state.in_(("checking", "confirming")),
                and_(SheetImport.state == "checked", ~_has_faults()),
            ),
        )
        .order_by(SheetImport.id)
        .limit(most)
    )
    return found.all()


def _has_faults() -> ColumnElement[bool]:
    return func.coalesce(SheetImport.report["faults"].as_integer(), 0) > 0


async def file_of(
    session: AsyncSession, city_code: str, import_id: UUID, part: str
) -> bytes | None:
    """Return the bytes of an import's file; None: there are none, or they were deleted."""
    return await session.scalar(
        select(SheetImportFile.content).where(
            SheetImportFile.city_code == city_code,
            SheetImportFile.import_id == import_id,
            SheetImportFile.part == part,
        )
    )


async def faults_of_import(
    session: AsyncSession,
    city_code: str,
    import_id: UUID,
    *,
    after: tuple[int, int] | None,
    limit: int,
) -> Sequence[SheetImportFault]:
    """Return up to `limit` faults of an import, in the order of its rows, after a cursor."""
    wanted = select(SheetImportFault).where(
        SheetImportFault.city_code == city_code, SheetImportFault.import_id == import_id
    )
    if after is not None:
        place = tuple_(SheetImportFault.row_number, SheetImportFault.sequence)
        wanted = wanted.where(place > after)
    found = await session.scalars(
        wanted.order_by(SheetImportFault.row_number, SheetImportFault.sequence).limit(limit)
    )
    return found.all()
