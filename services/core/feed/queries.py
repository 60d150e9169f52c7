"""Reads the numbered log within a caller's scope."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, TextClause, and_, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from services.core.events.catalogue import EventType
from services.core.events.models import Event, EventPosition
from services.core.events.queries import check_position, position_since
from services.core.feed.errors import CursorExpired
from services.core.identity.actor import Actor
from services.core.identity.rules import Permission
from services.core.kit.statements import SqlCondition
from services.core.plan.visibility import Owned, scope, seen_by_each

APPROVED_EVENTS: tuple[EventType, ...] = (
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
    "assessment.published",
    "assessment.corrected",
    "score.updated",
)
"""Types of events about decisions on the plan, and about approved figures."""


@dataclass(frozen=True, slots=True)
class Positioned:
    """An event with its position."""

    position: int
    event: Event


def heard(actor: Actor) -> TextClause:
    """Return the condition on `event` that limits a caller to the events it may see."""
    seen = scope(actor, event_owner("event"))
    if actor.may(Permission.HEAR_OF_EVERY_WEBHOOK):
        return seen.clause
    own = SqlCondition(
        f"{seen.sql} AND {_receivers_own('event', ':scope_receiver')}",
        {**seen.parameters, "scope_receiver": str(actor.credential_id)},
    )
    return own.clause


def heard_by_owners(
    city_code: str, event: str, *, role: str, unit: str, credential: str
) -> TextClause:
    """Return the condition on events that owners of receivers may see, for many owners at once.

    `event` is the alias of the events; `role`, `unit` (null: the whole city) and `credential` are
    expressions on the receivers. The statement itself has to compare city and plan.
    """
    seen = seen_by_each(
        Permission.MANAGE_WEBHOOKS.roles,
        event_owner(event),
        city=":scope_city",
        role=role,
        unit=unit,
    )
    every = ", ".join(f"'{name}'" for name in sorted(Permission.HEAR_OF_EVERY_WEBHOOK.roles))
    heard = text(f"{seen} AND ({role} IN ({every}) OR {_receivers_own(event, credential)})")
    return heard.bindparams(scope_city=city_code)


def event_owner(event: str) -> Owned:
    """Return the ownership of an event, in a statement that uses this alias.

    An event without a unit (plans, periods, targets, approved scores) is visible to every reader of
    the plan. One of a unit is visible to that unit, to the leads of its indicator, measure or
    register, to assessors of its score sheet, and to those who see the whole plan. An unpublished
    assessment is visible only to its assessors and to those who see the whole plan.
    """
    of = "CASE WHEN {event}.subject_kind IN ({kinds}) THEN {event}.data->>'{member}' END"
    provisional = f"({event}.type = 'score.updated' AND {event}.data->>'basis' = 'submitted')"
    unpublished = f"({event}.subject_kind = 'assessment' AND {event}.data->>'state' <> 'published')"
    return Owned(
        city=f"{event}.city_code",
        plan=f"{event}.plan_code",
        unit=f"(CASE WHEN NOT {unpublished} THEN {event}.organization_code END)",
        indicator=of.format(event=event, kinds=_OF_INDICATOR, member="indicator_code"),
        measure=of.format(event=event, kinds=_OF_MEASURE, member="measure_code"),
        register=of.format(event=event, kinds=_OF_REGISTER, member="register_code"),
        sheet=of.format(event=event, kinds="'assessment', 'appeal'", member="sheet_code"),
        shared=f"({event}.organization_code IS NULL AND NOT {provisional} AND NOT {unpublished})",
        approved=f"{event}.type IN ({_APPROVED}) AND NOT {provisional}",
    )


_OF_INDICATOR = "'submission', 'conflict', 'observation', 'obligation', 'extension'"
_OF_MEASURE = "'milestone', 'milestone_conflict', 'extension'"
_OF_REGISTER = "'register_row', 'register_row_conflict'"
_APPROVED = ", ".join(f"'{name}'" for name in APPROVED_EVENTS)


def _receivers_own(event: str, credential: str) -> str:
    """Return the condition that excludes events about receivers that another key made.

    Such an event carries the organization of the receiver's owner. Without this condition the
    owner's colleagues would see it too.
    """
    return (
        f"({event}.subject_kind <> 'webhook_endpoint'"
        f" OR {event}.data->>'owner_credential_id' = {credential})"
    )


@dataclass(frozen=True, slots=True)
class EventFilter:
    """A reader's filter of the log; empty or None does not filter.

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
    """Return the visible events after a position that match a filter.

    At most `limit` positions are read, whether their events are visible or not. So the work of an
    answer is bounded, and a reader's cursor moves past events that are not for it.

    Raises:
        CursorExpired: the next events are older than `kept_since`, or deleted.
        PositionBeyondLog: there is no such position.
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
    # Each position is looked up by itself, even if the planner has no statistics of the events.
    told = (
        select(Event)
        .where(
            Event.city_code == city_code,
            Event.id == window.c.event_id,
            heard(actor) if actor.city_code == city_code else text("FALSE"),
            wanted.condition,
        )
        .limit(1)
        .lateral("told")
    )
    found_event = aliased(Event, told)
    rows = await session.execute(
        select(window.c.position, found_event)
        .select_from(window)
        .outerjoin(found_event, true())
        .order_by(window.c.position)
    )
    read = rows.all()
    if not read:
        await check_position(session, city_code, position)
    # Positions have no gap, so a missing one was deleted.
    if read and read[0][0] != position + 1:
        raise CursorExpired(extra={"oldest_position": read[0][0]})
    found = [Positioned(number, event) for number, event in read if event is not None]
    return Stretch(found, read[-1][0] if read else position, len(read) == limit)
