"""Makes deliveries from the numbered log, in one statement for each stretch of events.

It runs in the transaction that advances the cursor, so each event is planned exactly once. The
database makes the deliveries, however many endpoints subscribe to an event; only the events
themselves pass through here, to serialize each once.
"""

from sqlalchemy import ARRAY, ColumnElement, Uuid, any_, literal
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.queries import LogStretch, log_position
from services.core.events.reading import Follower
from services.core.kit.clock import Clock
from services.core.webhooks import queries
from services.core.webhooks.bodies import body_of
from services.core.webhooks.lifecycle import disable_orphans
from services.core.webhooks.models import WebhookBody, WebhookDelivery, WebhookEndpoint


async def _handle(
    session: AsyncSession, city_code: str, stretch: LogStretch, clock: Clock
) -> int | None:
    """Plan the deliveries of a stretch; if nobody subscribes, skip to the end of the log."""
    # The end is read before the receivers, so that nothing is skipped: an endpoint created between
    # the two statements gets only later events.
    head = await log_position(session, city_code)
    await disable_orphans(session, city_code, clock=clock)
    # A transaction that disables an endpoint waits for this one and cancels what it plans, or this
    # one waits and plans nothing.
    receivers = await queries.lock_receivers(session, city_code)
    if not receivers:
        return max(stretch.upto, head)
    events = await queries.numbered(session, city_code, after=stretch.after, upto=stretch.upto)
    only = WebhookEndpoint.id == any_(literal(receivers, ARRAY(Uuid)))
    await plan_deliveries(session, city_code, events, only=only)
    return None


FOLLOWER = Follower("webhooks", (), _handle, at_once=200)
"""It subscribes to no type, because the database plans by position and reads the events itself."""


async def plan_deliveries(
    session: AsyncSession,
    city_code: str,
    events: queries.Numbered,
    *,
    only: ColumnElement[bool] | None = None,
) -> int:
    """Plan the deliveries of events that are not planned yet; return how many."""
    if not events:
        return 0
    told = queries.told_events(city_code, events)
    planned = (
        insert(WebhookDelivery)
        .from_select(
            queries.DELIVERY_COLUMNS,
            queries.wanted_deliveries(city_code, told, first=events[0][0], only=only),
        )
        .on_conflict_do_nothing()
        .returning(WebhookDelivery.position)
        .cte("planned")
    )
    found = (await session.execute(queries.planned_events(planned, told))).all()
    if not found:
        return 0
    bodies = [
        {
            "city_code": city_code,
            "event_id": event.id,
            "body": body_of(
                event_id=event.id,
                position=position,
                type_=event.type,
                plan_code=event.plan_code,
                subject=(event.subject_kind, event.subject_id),
                actor=event.actor,
                data=event.data,
                occurred_at=event.occurred_at,
            ),
            "traceparent": event.traceparent,
        }
        for position, event, _ in found
    ]
    await session.execute(insert(WebhookBody).on_conflict_do_nothing(), bodies)
    return int(found[0][2])
