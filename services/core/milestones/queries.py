"""Queries of milestones. A caller's queries always start from the condition on what it may see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ColumnElement, TextClause, Uuid, and_, case, cast, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.models import Event, EventPosition
from services.core.events.queries import check_position
from services.core.identity.actor import Actor
from services.core.milestones.conditions import MILESTONES, light_on, overdue_on
from services.core.milestones.models import Milestone, MilestoneHistory
from services.core.milestones.rules import MilestoneState, Share
from services.core.obligations.models import Obligation
from services.core.plan.document import Lights
from services.core.plan.visibility import scope
from services.core.scoring.lights import Light


@dataclass(frozen=True, slots=True)
class Sight:
    """The day and time zone for which milestones are shown, and the rules of lights."""

    today: date
    time_zone: str
    lights: Lights


@dataclass(frozen=True, slots=True)
class MilestoneFilters:
    """The filters of a list; None does not filter."""

    measure_code: str | None = None
    organization_code: str | None = None
    state: MilestoneState | None = None
    due_before: date | None = None
    parent_id: UUID | None = None
    light: Light | None = None
    overdue: bool | None = None

    def named(self) -> dict[str, str]:
        """Return the filters that are set, as text: a page token is bound to them."""
        given = {name: getattr(self, name) for name in self.__slots__}
        return {name: str(value) for name, value in given.items() if value is not None}

    def conditions(self, sight: Sight) -> list[ColumnElement[bool]]:
        """Return the filters that are set as SQL conditions; `sight` gives the day and rules."""
        found = [
            getattr(Milestone, name) == getattr(self, name)
            for name in ("measure_code", "organization_code", "state", "parent_id")
            if getattr(self, name) is not None
        ]
        if self.due_before is not None:
            found.append(Milestone.due_date < self.due_before)
        if self.light is not None:
            found.append(light_on(sight.today, sight.time_zone, sight.lights) == self.light)
        if self.overdue is not None:
            late = overdue_on(sight.today)
            found.append(late if self.overdue else ~late)
        return found


def _seen(actor: Actor) -> TextClause:
    return scope(actor, MILESTONES).clause


async def page(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    filters: MilestoneFilters,
    sight: Sight,
    after: tuple[date, UUID] | None,
    limit: int,
) -> Sequence[Milestone]:
    """Return up to `limit` visible milestones of a plan after `after`, soonest due first."""
    wanted = select(Milestone).where(
        _seen(actor), Milestone.plan_code == plan_code, *filters.conditions(sight)
    )
    if after is not None:
        wanted = wanted.where(tuple_(Milestone.due_date, Milestone.id) > tuple_(*after))
    found = await session.scalars(wanted.order_by(Milestone.due_date, Milestone.id).limit(limit))
    return found.all()


async def one(session: AsyncSession, actor: Actor, milestone_id: UUID) -> Milestone | None:
    """Return one visible milestone."""
    return await session.scalar(select(Milestone).where(Milestone.id == milestone_id, _seen(actor)))


async def for_update(session: AsyncSession, actor: Actor, milestone_id: UUID) -> Milestone | None:
    """Return one visible milestone, locked until the transaction ends."""
    return await session.scalar(
        select(Milestone)
        .where(Milestone.id == milestone_id, _seen(actor))
        .with_for_update(of=Milestone)
    )


async def by_id_for_update(
    session: AsyncSession, city_code: str, milestone_id: UUID
) -> Milestone | None:
    """Return one milestone, locked; the caller already sees something that belongs to it."""
    return await session.scalar(
        select(Milestone)
        .where(Milestone.city_code == city_code, Milestone.id == milestone_id)
        .with_for_update()
    )


async def parent_for_update(
    session: AsyncSession, actor: Actor, plan_code: str, parent_id: UUID
) -> Milestone | None:
    """Return a visible milestone of a plan, locked so that a branch can be added."""
    return await session.scalar(
        select(Milestone)
        .where(Milestone.id == parent_id, Milestone.plan_code == plan_code, _seen(actor))
        .with_for_update(of=Milestone)
    )


async def planted_for_update(
    session: AsyncSession, city_code: str, plan_code: str
) -> Sequence[Milestone]:
    """Return the milestones made from the plan's own measures, locked."""
    found = await session.scalars(
        select(Milestone)
        .where(
            Milestone.city_code == city_code,
            Milestone.plan_code == plan_code,
            Milestone.from_plan,
        )
        .order_by(Milestone.id)
        .with_for_update()
    )
    return found.all()


async def with_branches(
    session: AsyncSession, city_code: str, milestone_ids: Sequence[UUID]
) -> set[UUID]:
    """Return which of these milestones have branches."""
    found = await session.scalars(
        select(Milestone.parent_id)
        .distinct()
        .where(Milestone.city_code == city_code, Milestone.parent_id.in_(milestone_ids))
    )
    return {parent for parent in found if parent is not None}


async def turns(session: AsyncSession, city_code: str, plan_code: str) -> list[tuple[str, date]]:
    """Return the distinct states and first days of all turns with a deadline."""
    rows = await session.execute(
        select(Milestone.state, Milestone.turn_began)
        .distinct()
        .where(
            Milestone.city_code == city_code,
            Milestone.plan_code == plan_code,
            Milestone.state.in_(("assigned", "completed", "returned")),
            Milestone.turn_began.is_not(None),
        )
    )
    return [(state, began) for state, began in rows if began is not None]


async def measures_of(
    session: AsyncSession, city_code: str, milestone_ids: Sequence[UUID]
) -> Mapping[UUID, str]:
    """Return the code of each milestone's measure."""
    if not milestone_ids:
        return {}
    rows = await session.execute(
        select(Milestone.id, Milestone.measure_code).where(
            Milestone.city_code == city_code, Milestone.id.in_(milestone_ids)
        )
    )
    return {row.id: row.measure_code for row in rows}


async def indicators_of(
    session: AsyncSession, city_code: str, obligation_ids: Sequence[UUID]
) -> Mapping[UUID, str]:
    """Return the code of each obligation's indicator."""
    if not obligation_ids:
        return {}
    rows = await session.execute(
        select(Obligation.id, Obligation.indicator_code).where(
            Obligation.city_code == city_code, Obligation.id.in_(obligation_ids)
        )
    )
    return {row.id: row.indicator_code for row in rows}


async def branch_count(session: AsyncSession, parent: Milestone) -> int:
    """Return how many branches a milestone has, visible or not."""
    found = await session.scalar(
        select(func.count()).where(
            Milestone.city_code == parent.city_code, Milestone.parent_id == parent.id
        )
    )
    return found or 0


async def branches(session: AsyncSession, actor: Actor, parent_id: UUID) -> Sequence[Milestone]:
    """Return the visible branches of a milestone, soonest due first; their number is bounded."""
    found = await session.scalars(
        select(Milestone)
        .where(Milestone.parent_id == parent_id, _seen(actor))
        .order_by(Milestone.due_date, Milestone.id)
    )
    return found.all()


async def branch_shares(
    session: AsyncSession, actor: Actor, parents: Sequence[UUID]
) -> Mapping[UUID, tuple[int, Share]]:
    """Return by parent the number of visible branches, without cancelled ones, and their share."""
    if not parents:
        return {}
    rows = await session.execute(
        select(
            Milestone.parent_id,
            func.count(),
            func.sum(Milestone.weight),
            func.sum(Milestone.weight * Milestone.percent),
        )
        .where(Milestone.parent_id.in_(parents), Milestone.state != "cancelled", _seen(actor))
        .group_by(Milestone.parent_id)
    )
    return {
        parent: (number, Share(weight, weighted))
        for parent, number, weight, weighted in rows
        if parent is not None
    }


async def last_reported_percent(session: AsyncSession, milestone: Milestone) -> Decimal:
    """Return the last percentage that a unit reported; 0 if it never did."""
    found = await session.scalar(
        select(MilestoneHistory.after["percent"].astext)
        .where(
            MilestoneHistory.city_code == milestone.city_code,
            MilestoneHistory.milestone_id == milestone.id,
            MilestoneHistory.action == "progressed",
        )
        .order_by(MilestoneHistory.version.desc())
        .limit(1)
    )
    return Decimal(found or 0)


async def history(
    session: AsyncSession, city_code: str, milestone_id: UUID, *, after: int, limit: int
) -> Sequence[MilestoneHistory]:
    """Return the changes of a milestone that the caller may see, oldest first."""
    found = await session.scalars(
        select(MilestoneHistory)
        .where(
            MilestoneHistory.city_code == city_code,
            MilestoneHistory.milestone_id == milestone_id,
            MilestoneHistory.version > after,
        )
        .order_by(MilestoneHistory.version)
        .limit(limit)
    )
    return found.all()


@dataclass(frozen=True, slots=True)
class ChangedMilestones:
    """Milestones that changed after a log position, each with the position of its last change.

    `position` is the next position to read from, `more` whether more follow.
    """

    found: Sequence[tuple[int, Milestone]]
    position: int
    more: bool


async def changed_after(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    filters: MilestoneFilters,
    sight: Sight,
    position: int,
    limit: int,
) -> ChangedMilestones:
    """Return visible milestones that changed, or whose extensions did, after a log position.

    Raises:
        PositionBeyondLog: there is no such position.
    """
    of_milestone = case(
        (Event.subject_kind == "milestone", Event.subject_id),
        (
            and_(
                Event.subject_kind == "extension",
                Event.data["subject_kind"].astext == "milestone",
            ),
            Event.data["subject_id"].astext,
        ),
    )
    read = (
        select(EventPosition.position, cast(of_milestone, Uuid).label("id"))
        .join(
            Event,
            and_(Event.city_code == EventPosition.city_code, Event.id == EventPosition.event_id),
        )
        .where(EventPosition.city_code == actor.city_code, EventPosition.position > position)
        .order_by(EventPosition.position)
        .limit(limit)
        .cte("read")
    )
    reach = select(func.max(read.c.position), func.count())
    upto, number = (await session.execute(reach)).one()
    if not number:
        await check_position(session, actor.city_code, position)
    last = select(func.max(read.c.position).label("position"), read.c.id).group_by(read.c.id)
    changes = last.subquery()
    rows = await session.execute(
        select(changes.c.position, Milestone)
        .join(changes, changes.c.id == Milestone.id)
        .where(_seen(actor), Milestone.plan_code == plan_code, *filters.conditions(sight))
        .order_by(changes.c.position)
    )
    return ChangedMilestones([(at, row) for at, row in rows], upto or position, number == limit)


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of several milestones; cancelled ones do not count."""

    share: Share
    number: int
    closed: int
    overdue: int
    red: int
    yellow: int
    green: int
    next_due: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureTally(Sum):
    """The sum of the milestones of one unit under one measure."""

    measure_code: str
    organization_code: str


async def tallies(
    session: AsyncSession,
    actor: Actor,
    *,
    plan_code: str,
    today: date,
    time_zone: str,
    lights: Lights,
    measures: Sequence[str] | None = None,
) -> list[MeasureTally]:
    """Return the sums of a plan's visible milestones by measure and unit, in one statement."""
    wanted = select(
        Milestone,
        light_on(today, time_zone, lights).label("light"),
        overdue_on(today).label("overdue"),
    ).where(_seen(actor), Milestone.plan_code == plan_code, Milestone.state != "cancelled")
    if measures is not None:
        wanted = wanted.where(Milestone.measure_code.in_(measures))
    one_by_one = wanted.subquery()
    column = one_by_one.c
    rows = await session.execute(
        select(
            column.measure_code,
            column.organization_code,
            func.sum(column.weight),
            func.sum(column.weight * column.percent),
            func.count(),
            func.count().filter(column.state == "closed"),
            func.count().filter(column.overdue),
            *(func.count().filter(column.light == each) for each in ("red", "yellow", "green")),
            func.min(column.due_date).filter(column.state != "closed"),
        )
        .group_by(column.measure_code, column.organization_code)
        .order_by(column.measure_code, column.organization_code)
    )
    return [
        MeasureTally(Share(row[2], row[3]), *row[4:], measure_code=row[0], organization_code=row[1])
        for row in rows
    ]
