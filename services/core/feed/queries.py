"""Reading the numbered log within a caller's scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, exists, false, literal, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.core.events.models import Event, EventPosition
from services.core.events.queries import position_since
from services.core.feed.errors import CursorExpired
from services.core.identity.actor import Actor
from services.core.identity.rules import Role
from services.core.plan.models import IndicatorLead, MeasureUnit

_FOR_SUPERIOR = (
    "plan.published",
    "target.assigned",
    "question.settled",
    "period.opened",
    "period.closed",
    "period.published",
    "period.reopened",
    "period.rescheduled",
    "period.cancelled",
    "submission.approved",
    "submission.falsified",
    "score.updated",
)

_RECEIVER = "webhook_endpoint"
"""Kind of the subject of events about a receiver itself; its organization is the owner's, whose
colleagues do not hear of it."""


@dataclass(frozen=True, slots=True)
class Positioned:
    """An event with its number."""

    position: int
    event: Event


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on events that keeps a caller to what it may hear of."""
    conditions: list[ColumnElement[bool]] = [Event.city_code == actor.city_code]
    if actor.plan_code is not None:
        conditions.append(Event.plan_code == actor.plan_code)
    heard = heard_by(
        actor.role,
        organization=literal(actor.organization_code, Text),
        credential=literal(str(actor.credential_id), Text),
    )
    return and_(*conditions, heard)


def heard_by(
    role: Role,
    *,
    organization: ColumnElement[Any],
    credential: ColumnElement[Any],
    event: type[Event] = Event,
) -> ColumnElement[bool]:
    """Return the condition on events that a credential of a role and organization hears.

    What concerns no unit (plans, periods, targets, approved scores) every reader of the plan
    hears; what concerns one, that unit, who leads its indicator or measure, the office and the
    leader.
    What befell a receiver is for the office and for its owner. `organization` (null: the whole
    city) and `credential` may be values or columns, so that one caller and many receivers are
    judged by the same rule; `event` may be an alias.
    """
    if role in {"office", "leader"}:
        return true()
    provisional = and_(event.type == "score.updated", event.data["basis"].astext == "submitted")
    if role == "superior":
        return and_(event.type.in_(_FOR_SUPERIOR), ~provisional)
    if role not in {"reporter", "lead", "integrator"}:
        return false()
    of_receiver = event.subject_kind == _RECEIVER
    own = or_(
        and_(event.organization_code.is_(None), ~provisional, ~of_receiver),
        and_(event.organization_code == organization, ~of_receiver),
        and_(of_receiver, event.data["owner_credential_id"].astext == credential),
    )
    if role == "reporter":
        return own
    led = exists().where(
        IndicatorLead.city_code == event.city_code,
        IndicatorLead.plan_code == event.plan_code,
        IndicatorLead.organization_code == organization,
        IndicatorLead.indicator_code == event.data["indicator_code"].astext,
    )
    leading = exists().where(
        MeasureUnit.city_code == event.city_code,
        MeasureUnit.plan_code == event.plan_code,
        MeasureUnit.organization_code == organization,
        MeasureUnit.measure_code == event.data["measure_code"].astext,
        MeasureUnit.part == "lead",
    )
    heard = or_(
        own,
        and_(event.subject_kind.in_(("submission", "obligation", "extension")), led),
        and_(event.subject_kind.in_(("milestone", "extension")), leading),
    )
    if role == "lead":
        return heard
    return or_(heard, and_(organization.is_(None), ~of_receiver))


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a reader narrows the log to; what is empty or None does not narrow.

    `subject` is a kind, or a kind and an id.
    """

    types: tuple[str, ...] = ()
    plan_code: str | None = None
    organization_code: str | None = None
    subject: tuple[str, ...] = ()

    @property
    def condition(self) -> ColumnElement[bool]:
        """Return the condition on events."""
        columns = (Event.plan_code, Event.organization_code)
        values = (self.plan_code, self.organization_code)
        given = [column == value for column, value in zip(columns, values, strict=True) if value]
        about = zip((Event.subject_kind, Event.subject_id), self.subject, strict=False)
        types = [Event.type.in_(self.types)] if self.types else []
        return and_(true(), *types, *given, *(column == value for column, value in about))


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the log: its events, the position read to, and whether more follow."""

    events: Sequence[Positioned]
    last_position: int
    has_more: bool


async def events_after(
    session: AsyncSession,
    actor: Actor,
    *,
    city_code: str,
    position: int,
    wanted: EventFilter,
    limit: int,
    kept_since: datetime | None = None,
) -> Stretch:
    """Return the visible events after a position that are wanted.

    At most `limit` numbers are read, whether their events are visible or not: the work of an
    answer is bounded, and a reader's cursor moves on past what is not for it.

    Raises:
        CursorExpired: the events that come next are older than `kept_since`, or are gone.
    """
    if kept_since is not None:
        oldest = await position_since(session, city_code, kept_since)
        if position + 1 < oldest:
            raise CursorExpired(extra={"oldest_position": oldest})
    window = (
        select(EventPosition.position, EventPosition.event_id)
        .where(EventPosition.city_code == city_code, EventPosition.position > position)
        .order_by(EventPosition.position)
        .limit(limit)
        .subquery()
    )
    # Each number is looked up by itself, however little is known of the table of events.
    heard = (
        select(Event)
        .where(
            Event.city_code == city_code,
            Event.id == window.c.event_id,
            visible_to(actor),
            wanted.condition,
        )
        .limit(1)
        .lateral("heard")
    )
    found_event = aliased(Event, heard)
    rows = await session.execute(
        select(window.c.position, found_event)
        .select_from(window)
        .outerjoin(found_event, true())
        .order_by(window.c.position)
    )
    read = rows.all()
    if read and read[0][0] != position + 1:
        raise CursorExpired(extra={"oldest_position": read[0][0]})
    found = [Positioned(number, event) for number, event in read if event is not None]
    return Stretch(found, read[-1][0] if read else position, len(read) == limit)
