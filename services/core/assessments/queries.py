"""Queries of assessments. A caller's queries always start from the condition on what it may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.assessments.errors import ScoreSheetNotFound
from services.core.assessments.models import Assessment, AssessmentHistory
from services.core.assessments.rules import SheetInForce
from services.core.identity.actor import Actor
from services.core.identity.reach import Reach
from services.core.plan.models import ScoreSheetVersion
from services.core.plan.sheet_entries import ScoreSheet
from services.core.plan.visibility import Owned, scope
from services.core.registers.models import RegisterRow
from services.core.registers.queries import ROWS
from services.core.registers.rules import STANDING

ASSESSMENTS = Owned(
    city="assessment.city_code",
    plan="assessment.plan_code",
    unit="(CASE WHEN assessment.state = 'published' THEN assessment.organization_code END)",
    sheet="assessment.sheet_code",
    approved="assessment.state = 'published'",
)
"""The owners of an assessment: those who assess by its sheet; once published, the unit too."""


async def sheet_version(
    session: AsyncSession, city_code: str, plan_code: str, code: str, version: int | None = None
) -> SheetInForce:
    """Return a version of a score sheet, by default the newest.

    Raises:
        ScoreSheetNotFound: there is none.
    """
    wanted = select(ScoreSheetVersion).where(
        ScoreSheetVersion.city_code == city_code,
        ScoreSheetVersion.plan_code == plan_code,
        ScoreSheetVersion.sheet_code == code,
    )
    if version is not None:
        wanted = wanted.where(ScoreSheetVersion.version == version)
    found = await session.scalar(wanted.order_by(ScoreSheetVersion.version.desc()).limit(1))
    if found is None:
        raise ScoreSheetNotFound
    return SheetInForce(found.version, ScoreSheet.model_validate(found.content))


async def sheet_versions(
    session: AsyncSession, city_code: str, plan_code: str, code: str, *, after: int, limit: int
) -> Sequence[ScoreSheetVersion]:
    """Return the versions of a score sheet with numbers above `after`, oldest first."""
    wanted = select(ScoreSheetVersion).where(
        ScoreSheetVersion.city_code == city_code,
        ScoreSheetVersion.plan_code == plan_code,
        ScoreSheetVersion.sheet_code == code,
        ScoreSheetVersion.version > after,
    )
    return (await session.scalars(wanted.order_by(ScoreSheetVersion.version).limit(limit))).all()


@dataclass(frozen=True, slots=True)
class AssessmentFilters:
    """The filters of a list; None does not filter."""

    period: str | None = None
    organization_code: str | None = None
    state: str | None = None
    colour: str | None = None

    def named(self) -> dict[str, str]:
        """Return the filters that are set."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in given.items() if value is not None}

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the SQL conditions; withdrawn assessments are left out unless asked for."""
        found = [getattr(Assessment, name) == value for name, value in self.named().items()]
        return found if self.state is not None else [*found, Assessment.state != "withdrawn"]


async def page(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    sheet_code: str,
    filters: AssessmentFilters,
    after: UUID | None,
    limit: int,
) -> Sequence[Assessment]:
    """Return up to `limit` visible assessments of a sheet, newest first, after the id `after`."""
    wanted = select(Assessment).where(
        scope(actor, ASSESSMENTS).clause,
        Assessment.plan_code == plan_code,
        Assessment.sheet_code == sheet_code,
        *filters.conditions(),
    )
    if after is not None:
        wanted = wanted.where(Assessment.id < after)
    return (await session.scalars(wanted.order_by(Assessment.id.desc()).limit(limit))).all()


async def one(session: AsyncSession, actor: Actor, assessment_id: UUID) -> Assessment | None:
    """Return one visible assessment."""
    return await session.scalar(
        select(Assessment).where(Assessment.id == assessment_id, scope(actor, ASSESSMENTS).clause)
    )


async def for_update(session: AsyncSession, actor: Actor, assessment_id: UUID) -> Assessment | None:
    """Return one visible assessment, locked until the transaction ends."""
    return await session.scalar(
        select(Assessment)
        .where(Assessment.id == assessment_id, scope(actor, ASSESSMENTS).clause)
        .with_for_update()
    )


async def standing(
    session: AsyncSession, city_code: str, plan_code: str, sheet_code: str, period: str, key: str
) -> UUID | None:
    """Return the id of a subject's assessment for a period, visible or not."""
    return await session.scalar(
        select(Assessment.id).where(
            Assessment.city_code == city_code,
            Assessment.plan_code == plan_code,
            Assessment.sheet_code == sheet_code,
            Assessment.period == period,
            Assessment.subject_key == key,
            Assessment.state != "withdrawn",
        )
    )


async def standing_among(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    sheet_code: str,
    places: Sequence[tuple[str, str]],
    *,
    locked: bool,
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return the assessments of subjects by (period, key); with `locked` in a fixed order."""
    wanted = (
        select(Assessment.__table__)
        .where(
            Assessment.city_code == city_code,
            Assessment.plan_code == plan_code,
            Assessment.sheet_code == sheet_code,
            tuple_(Assessment.period, Assessment.subject_key).in_(places),
            Assessment.state != "withdrawn",
        )
        .order_by(Assessment.id)
    )
    found = await session.execute(wanted.with_for_update() if locked else wanted)
    return {(row["period"], row["subject_key"]): dict(row) for row in found.mappings()}


async def standing_in(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    sheet_code: str,
    periods: Sequence[str],
    organization_code: str | None,
    limit: int,
) -> Sequence[Assessment]:
    """Return up to `limit` visible, not withdrawn assessments of some periods, by subject."""
    wanted = select(Assessment).where(
        scope(actor, ASSESSMENTS).clause,
        Assessment.plan_code == plan_code,
        Assessment.sheet_code == sheet_code,
        Assessment.period.in_(periods),
        Assessment.state != "withdrawn",
    )
    if organization_code is not None:
        wanted = wanted.where(Assessment.organization_code == organization_code)
    ordered = wanted.order_by(Assessment.subject_key, Assessment.period)
    return (await session.scalars(ordered.limit(limit))).all()


async def rows_to_assess(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    register_code: str,
    organization_code: str | None,
    limit: int,
) -> Sequence[RegisterRow]:
    """Return up to `limit` visible rows of a register that hold their keys, oldest first."""
    wanted = select(RegisterRow).where(
        scope(actor, ROWS).clause,
        RegisterRow.plan_code == plan_code,
        RegisterRow.register_code == register_code,
        RegisterRow.state.in_(sorted(STANDING)),
    )
    if organization_code is not None:
        wanted = wanted.where(RegisterRow.organization_code == organization_code)
    return (await session.scalars(wanted.order_by(RegisterRow.id).limit(limit))).all()


async def rows_seen(
    session: AsyncSession, actor: Actor, ids: Sequence[UUID]
) -> dict[UUID, RegisterRow]:
    """Return those of some register rows that the caller sees, by id."""
    if not ids:
        return {}
    found = await session.scalars(
        select(RegisterRow).where(RegisterRow.id.in_(ids), scope(actor, ROWS).clause)
    )
    return {one.id: one for one in found}


async def history(
    session: AsyncSession,
    actor: Actor,
    city_code: str,
    assessment_id: UUID,
    *,
    in_full: bool,
    after: int,
    limit: int,
) -> Sequence[AssessmentHistory]:
    """Return the changes of a visible assessment, oldest first.

    Callers who do not assess by its sheet (not `in_full`) see changes from its publication on.
    """
    wanted = select(AssessmentHistory).where(
        AssessmentHistory.city_code == city_code,
        AssessmentHistory.assessment_id == assessment_id,
        AssessmentHistory.version > after,
    )
    if not in_full and actor.reach is not Reach.WHOLE_PLAN:
        wanted = wanted.where(AssessmentHistory.after["state"].astext == "published")
    return (await session.scalars(wanted.order_by(AssessmentHistory.version).limit(limit))).all()


_RANKED = (
    *("id", "subject_kind", "subject_key", "subject_name", "organization_code", "comparable"),
    *("state", "total", "colour"),
)


async def of_period(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    sheet_code: str,
    period: str,
    *,
    limit: int,
    confirmed: bool = False,
) -> Sequence[Mapping[str, Any]]:
    """Return up to `limit` current assessments of a sheet and a period, for any caller, by subject.

    With `confirmed` only those that were confirmed, each with its findings.
    """
    columns = [getattr(Assessment, name) for name in _RANKED]
    states = ["draft", "submitted", "confirmed", "published"]
    wanted = select(*columns, Assessment.findings) if confirmed else select(*columns)
    wanted = wanted.where(
        Assessment.city_code == city_code,
        Assessment.plan_code == plan_code,
        Assessment.sheet_code == sheet_code,
        Assessment.period == period,
        Assessment.state.in_(states[2:] if confirmed else states),
    )
    found = await session.execute(wanted.order_by(Assessment.subject_key).limit(limit))
    return [dict(row) for row in found.mappings()]
