"""Reads observations. Every query of a caller is limited to what the caller may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, and_, any_, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.core.identity.actor import Actor
from services.core.kit.database import lock_name
from services.core.observations.models import Observation, ObservationHistory
from services.core.observations.rules import ObservationDraft, ObservationRow, ObservedPlace
from services.core.observations.statements import AT_PLACES, KNOWN
from services.core.plan.state import PlanState
from services.core.plan.visibility import Owned, scope
from services.core.submissions.conflicts.models import SubmissionConflict
from services.core.submissions.models import Submission

OBSERVATIONS = Owned(
    city="observation.city_code",
    plan="observation.plan_code",
    unit="observation.organization_code",
    second_unit="observation.recorded_by_organization",
    more_units="observation.recording_units",
    indicator="observation.indicator_code",
)
"""The columns that decide who sees an observation: the figure's unit, and each that recorded it."""


@dataclass(frozen=True, slots=True)
class ObservationFilters:
    """The filters of a list; None does not filter."""

    source_code: str | None = None
    indicator_code: str | None = None
    organization_code: str | None = None
    period: str | None = None

    def named(self) -> dict[str, str]:
        """Return the filters that are set, by name."""
        given = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in given.items() if value is not None}


async def page(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    filters: ObservationFilters,
    after: UUID | None,
    limit: int,
) -> Sequence[Observation]:
    """Return up to `limit` visible observations of a plan, newest first, after the id `after`."""
    wanted = select(Observation).where(
        scope(actor, OBSERVATIONS).clause, Observation.plan_code == plan_code
    )
    for name, value in filters.named().items():
        wanted = wanted.where(getattr(Observation, name) == value)
    if after is not None:
        wanted = wanted.where(Observation.id < after)
    return (await session.scalars(wanted.order_by(Observation.id.desc()).limit(limit))).all()


async def one(session: AsyncSession, actor: Actor, observation_id: UUID) -> Observation | None:
    """Return one visible observation."""
    return await session.scalar(
        select(Observation).where(
            Observation.id == observation_id, scope(actor, OBSERVATIONS).clause
        )
    )


async def for_update(
    session: AsyncSession, actor: Actor, observation_id: UUID
) -> Observation | None:
    """Return one visible observation; locks it and its source until the transaction ends."""
    found = await one(session, actor, observation_id)
    if found is None:
        return None
    await lock_source(session, found.city_code, found.plan_code, found.source_code)
    return await session.scalar(
        select(Observation)
        .where(Observation.id == observation_id, scope(actor, OBSERVATIONS).clause)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def for_share(
    session: AsyncSession, city_code: str, observation_id: UUID
) -> Observation | None:
    """Return an observation, for any caller, share-locked until the transaction ends."""
    return await session.scalar(
        select(Observation)
        .where(Observation.city_code == city_code, Observation.id == observation_id)
        .with_for_update(read=True)
        .execution_options(populate_existing=True)
    )


async def lock_source(
    session: AsyncSession, city_code: str, plan_code: str, source_code: str
) -> None:
    """Lock a source against other writers until the transaction ends."""
    await lock_name(session, f"observations {city_code} {plan_code} {source_code}")


async def history(
    session: AsyncSession, city_code: str, observation_id: UUID, *, after: int, limit: int
) -> Sequence[ObservationHistory]:
    """Return the history of a figure that the caller may see, oldest first."""
    found = await session.scalars(
        select(ObservationHistory)
        .where(
            ObservationHistory.city_code == city_code,
            ObservationHistory.observation_id == observation_id,
            ObservationHistory.version > after,
        )
        .order_by(ObservationHistory.version)
        .limit(limit)
    )
    return found.all()


async def of_unit(
    session: AsyncSession, plan: PlanState, period: str, unit: str
) -> dict[str, list[Observation]]:
    """Return the figures of other sources for a unit and period, by indicator.

    Withdrawn ones are left out.
    """
    found = await session.scalars(
        select(Observation)
        .where(
            Observation.city_code == plan.city_code,
            Observation.plan_code == plan.code,
            # Listed by code, so that the index of slots is used for each of them.
            Observation.indicator_code.in_(list(plan.indicators)),
            Observation.organization_code == unit,
            Observation.period == period,
            or_(
                Observation.withdrawn_version.is_(None),
                Observation.withdrawn_version != Observation.version,
            ),
        )
        .order_by(Observation.updated_at.desc(), Observation.source_code)
    )
    told: dict[str, list[Observation]] = {}
    for one_of_them in found:
        told.setdefault(one_of_them.indicator_code, []).append(one_of_them)
    return told


async def said_at(
    session: AsyncSession, plan: PlanState, source_code: str, places: Sequence[ObservedPlace]
) -> Sequence[Observation]:
    """Return the figures of a source at some slots that are not withdrawn, locked, by id."""
    ids = await at_places(session, plan.city_code, plan.code, places)
    found = await session.scalars(
        select(Observation)
        .where(
            Observation.city_code == plan.city_code,
            Observation.id == any_(literal(list(ids), ARRAY(Uuid))),
            Observation.source_code == source_code,
            or_(
                Observation.withdrawn_version.is_(None),
                Observation.withdrawn_version != Observation.version,
            ),
        )
        .order_by(Observation.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.all()


@dataclass(frozen=True, slots=True)
class KnownFigure:
    """A source's present figure in a slot, and its figure under a reference; None: none."""

    row: ObservationRow
    said: Mapping[str, Any] | None


async def known(
    session: AsyncSession, plan: PlanState, source_code: str, drafts: Sequence[ObservationDraft]
) -> Mapping[int, KnownFigure]:
    """Return earlier figures of a source in the slots of some drafts, by the draft's index."""
    found = await session.execute(
        KNOWN,
        {
            "city": plan.city_code,
            "plan": plan.code,
            "source": source_code,
            "indicators": [one.indicator_code for one in drafts],
            "units": [one.organization_code for one in drafts],
            "periods": [one.period for one in drafts],
            "references": [one.reference for one in drafts],
        },
    )
    return {
        drafts[row["place"] - 1].index: KnownFigure(dict(row), row["said"])
        for row in found.mappings()
    }


async def at_places(
    session: AsyncSession,
    city_code: str,
    plan_code: str,
    places: Sequence[tuple[str, str, str]],
) -> Sequence[UUID]:
    """Return the observations in some slots, given as indicator, unit and period."""
    if not places:
        return ()
    indicators, units, periods = map(list, zip(*places, strict=True))
    given = {"indicators": indicators, "units": units, "periods": periods}
    found = await session.scalars(AT_PLACES, {"city": city_code, "plan": plan_code, **given})
    return found.all()


async def ids_after(
    session: AsyncSession, city_code: str, plan_code: str, *, after: UUID | None, limit: int
) -> Sequence[UUID]:
    """Return up to `limit` observations of a plan after an id, oldest first."""
    wanted = select(Observation.id).where(
        Observation.city_code == city_code, Observation.plan_code == plan_code
    )
    if after is not None:
        wanted = wanted.where(Observation.id > after)
    return (await session.scalars(wanted.order_by(Observation.id).limit(limit))).all()


async def latest_conflicts_for_update(
    session: AsyncSession, city_code: str, ids: Sequence[UUID]
) -> Mapping[UUID, SubmissionConflict]:
    """Return the latest conflict of each of some observations, locked."""
    later = aliased(SubmissionConflict)
    found = await session.scalars(
        select(SubmissionConflict)
        .where(
            SubmissionConflict.city_code == city_code,
            SubmissionConflict.observation_id.in_(ids),
            ~select(later.id)
            .where(
                later.city_code == city_code,
                later.observation_id == SubmissionConflict.observation_id,
                later.id > SubmissionConflict.id,
            )
            .exists(),
        )
        .order_by(SubmissionConflict.id)
        .with_for_update(of=SubmissionConflict)
        .execution_options(populate_existing=True)
    )
    return {one.observation_id: one for one in found if one.observation_id is not None}


async def with_official(
    session: AsyncSession, city_code: str, ids: Sequence[UUID]
) -> Sequence[tuple[Observation, Submission | None]]:
    """Return some observations, each with the submission in its slot; None: there is none."""
    found = await session.execute(
        select(Observation, Submission)
        .outerjoin(
            Submission,
            and_(
                Submission.city_code == city_code,
                Submission.plan_code == Observation.plan_code,
                Submission.indicator_code == Observation.indicator_code,
                Submission.organization_code == Observation.organization_code,
                Submission.period == Observation.period,
                Submission.state != "withdrawn",
            ),
        )
        .where(Observation.city_code == city_code, Observation.id.in_(ids))
        .order_by(Observation.id)
        .execution_options(populate_existing=True)
    )
    return [(observed, official) for observed, official in found]
