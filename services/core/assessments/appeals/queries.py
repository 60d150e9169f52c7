"""Queries of appeals, and of an assessment's publications before and after them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.assessments.appeals.models import Appeal, AppealHistory
from services.core.assessments.models import Assessment, AssessmentRevision
from services.core.evidence.models import Evidence
from services.core.identity.actor import Actor
from services.core.plan.visibility import Owned, scope

APPEALS = Owned(
    city="appeal.city_code",
    plan="appeal.plan_code",
    unit="appeal.organization_code",
    sheet="appeal.sheet_code",
)
"""The owners of an appeal: the unit that filed it, and those who assess by its sheet."""

_MOST_APPEALS = 200
"""The most appeals against one assessment that are read; each decided one settles an item."""


@dataclass(frozen=True, slots=True)
class AppealFilters:
    """The filters of a list; None does not filter."""

    sheet_code: str | None = None
    organization_code: str | None = None
    state: str | None = None
    assessment_id: UUID | None = None

    def named(self) -> dict[str, str]:
        """Return the filters that are set."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: str(value) for name, value in given.items() if value is not None}

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filters that are set as SQL conditions."""
        return [
            getattr(Appeal, name) == value
            for name in self.__dataclass_fields__
            if (value := getattr(self, name)) is not None
        ]


async def page(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    filters: AppealFilters,
    after: UUID | None,
    limit: int,
) -> Sequence[Appeal]:
    """Return up to `limit` visible appeals of a plan, newest first, after the id `after`."""
    wanted = select(Appeal).where(
        scope(actor, APPEALS).clause, Appeal.plan_code == plan_code, *filters.conditions()
    )
    if after is not None:
        wanted = wanted.where(Appeal.id < after)
    return (await session.scalars(wanted.order_by(Appeal.id.desc()).limit(limit))).all()


async def one(session: AsyncSession, actor: Actor, appeal_id: UUID) -> Appeal | None:
    """Return one visible appeal."""
    return await session.scalar(
        select(Appeal).where(Appeal.id == appeal_id, scope(actor, APPEALS).clause)
    )


async def with_assessment(
    session: AsyncSession, actor: Actor, appeal_id: UUID
) -> tuple[Appeal, Assessment] | None:
    """Return one visible appeal and its assessment, both locked: the assessment first."""
    found = await one(session, actor, appeal_id)
    if found is None:
        return None
    against = await session.scalar(
        select(Assessment)
        .where(Assessment.city_code == found.city_code, Assessment.id == found.assessment_id)
        .with_for_update()
    )
    appeal = await session.scalar(
        select(Appeal)
        .where(Appeal.id == appeal_id, scope(actor, APPEALS).clause)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return None if appeal is None or against is None else (appeal, against)


async def against(session: AsyncSession, city_code: str, assessment_id: UUID) -> Sequence[Appeal]:
    """Return the appeals against an assessment that were not withdrawn, newest first."""
    wanted = (
        select(Appeal)
        .where(
            Appeal.city_code == city_code,
            Appeal.assessment_id == assessment_id,
            Appeal.state != "withdrawn",
        )
        .order_by(Appeal.id.desc())
        .limit(_MOST_APPEALS)
    )
    return (await session.scalars(wanted)).all()


async def evidence_of(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    organization_code: str,
    ids: Collection[UUID],
) -> frozenset[UUID]:
    """Return which of these ids are files of a unit's evidence that were not removed."""
    if not ids:
        return frozenset()
    found = await session.scalars(
        select(Evidence.id).where(
            Evidence.city_code == city_code,
            Evidence.plan_code == plan_code,
            Evidence.organization_code == organization_code,
            Evidence.id.in_(list(ids)),
            Evidence.removed_at.is_(None),
        )
    )
    return frozenset(found)


async def history(
    session: AsyncSession, city_code: str, appeal_id: UUID, *, after: int, limit: int
) -> Sequence[AppealHistory]:
    """Return the changes of an appeal, oldest first; the caller has checked that it is visible."""
    wanted = select(AppealHistory).where(
        AppealHistory.city_code == city_code,
        AppealHistory.appeal_id == appeal_id,
        AppealHistory.version > after,
    )
    return (await session.scalars(wanted.order_by(AppealHistory.version).limit(limit))).all()


async def revisions(
    session: AsyncSession, city_code: str, assessment_id: UUID, *, after: int, limit: int
) -> Sequence[AssessmentRevision]:
    """Return the publications of an assessment known to be visible, oldest first."""
    wanted = select(AssessmentRevision).where(
        AssessmentRevision.city_code == city_code,
        AssessmentRevision.assessment_id == assessment_id,
        AssessmentRevision.revision > after,
    )
    return (await session.scalars(wanted.order_by(AssessmentRevision.revision).limit(limit))).all()
