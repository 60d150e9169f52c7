"""Reading the numbered log within a caller's scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, false, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.models import Event, EventPosition
from services.core.identity.actor import Actor
from services.core.plan.models import IndicatorLead

_FOR_SUPERIOR = (
    "plan.published",
    "target.assigned",
    "question.settled",
    "period.opened",
    "period.closed",
    "period.published",
    "period.reopened",
    "period.rescheduled",
    "submission.approved",
    "submission.falsified",
    "score.updated",
)


@dataclass(frozen=True, slots=True)
class Positioned:
    """An event with its number."""

    position: int
    event: Event


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on events that keeps a caller to what it may hear of.

    What concerns no unit (plans, periods, targets, approved scores) every reader of the plan
    hears; what concerns one, that unit, who leads its indicator, the office and the leader.
    """
    conditions: list[ColumnElement[bool]] = [Event.city_code == actor.city_code]
    if actor.plan_code is not None:
        conditions.append(Event.plan_code == actor.plan_code)
    conditions.append(_of_role(actor))
    return and_(*conditions)


def _of_role(actor: Actor) -> ColumnElement[bool]:
    if actor.role in {"office", "leader"}:
        return true()
    provisional = and_(Event.type == "score.updated", Event.data["basis"].astext == "submitted")
    if actor.role == "superior":
        return and_(Event.type.in_(_FOR_SUPERIOR), ~provisional)
    if actor.role == "integrator" and actor.organization_code is None:
        return true()
    if actor.role not in {"reporter", "lead", "integrator"}:
        return false()
    own = or_(
        and_(Event.organization_code.is_(None), ~provisional),
        Event.organization_code == actor.organization_code,
    )
    if actor.role == "reporter":
        return own
    led = exists().where(
        IndicatorLead.city_code == Event.city_code,
        IndicatorLead.plan_code == Event.plan_code,
        IndicatorLead.organization_code == actor.organization_code,
        IndicatorLead.indicator_code == Event.data["indicator_code"].astext,
    )
    return or_(own, and_(Event.subject_kind.in_(("submission", "obligation")), led))


async def events_after(
    session: AsyncSession,
    actor: Actor,
    *,
    city_code: str,
    position: int,
    types: Sequence[str],
    limit: int,
) -> tuple[list[Positioned], int, bool]:
    """Return visible events after a position, the position read to, and whether more follow.

    At most `limit` numbers are read, whether their events are visible or not: the work of an
    answer is bounded, and a reader's cursor moves on past what is not for it.
    """
    window = (
        select(EventPosition.position, EventPosition.event_id)
        .where(EventPosition.city_code == city_code, EventPosition.position > position)
        .order_by(EventPosition.position)
        .limit(limit)
        .subquery()
    )
    wanted: list[Any] = [visible_to(actor)]
    if types:
        wanted.append(Event.type.in_(types))
    rows = await session.execute(
        select(window.c.position, Event)
        .select_from(window)
        .outerjoin(
            Event, and_(Event.city_code == city_code, Event.id == window.c.event_id, *wanted)
        )
        .order_by(window.c.position)
    )
    read = rows.all()
    found = [Positioned(number, event) for number, event in read if event is not None]
    return found, (read[-1][0] if read else position), len(read) == limit
