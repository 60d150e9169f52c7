"""Sends failed deliveries again: a single one, or all since an instant.

A replay is an operation. It begins with an event of the log. The log's reader finds that event,
also after a crash, and does the replay in stretches, one in each pass.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.queries import LogStretch, log_position, position_since, turns
from services.core.events.reading import Follower
from services.core.events.service import record
from services.core.identity.actor import Actor
from services.core.kit import operations
from services.core.kit.clock import Clock
from services.core.kit.errors import Fault, InvalidInput
from services.core.kit.operations import Operation, OperationNotFound
from services.core.kit.text import Text
from services.core.webhooks import queries
from services.core.webhooks.endpoint_events import of_endpoint
from services.core.webhooks.lifecycle import check
from services.core.webhooks.models import WebhookDelivery, WebhookEndpoint
from services.core.webhooks.planning import plan_deliveries
from services.core.webhooks.rules import KEPT

KIND = "webhook-replay"
"""The kind of a replay's operation."""

_SLACK = timedelta(hours=1)
"""Margin by which an event's instant may be later than the instant in its id."""


async def retry(
    session: AsyncSession, delivery: WebhookDelivery, endpoint: WebhookEndpoint
) -> None:
    """Send a delivery next, once, whatever its state; a waiting one no longer waits.

    Raises:
        EndpointTransitionRefused: its endpoint is disabled.
    """
    check(endpoint, "replay")
    if delivery.state != "pending":
        delivery.attempts_before = delivery.attempts
        delivery.manual = True
    delivery.state = "pending"
    delivery.settled_at = None
    # Only the database's clock decides when a delivery is due.
    delivery.next_attempt_at = func.now()
    await session.flush()
    await session.refresh(delivery)


async def begin_replay(
    session: AsyncSession,
    endpoint: WebhookEndpoint,
    *,
    since: datetime,
    actor: Actor,
    clock: Clock,
) -> Operation:
    """Send again, in order, all events since an instant that were not delivered.

    Those are failed and cancelled deliveries, and events never planned because the endpoint was
    disabled. Delivered and pending ones are left alone.

    Raises:
        EndpointTransitionRefused: the endpoint is disabled.
        InvalidInput: the instant is in the future, or so long ago that its events are deleted.
    """
    check(endpoint, "replay")
    now = clock.now()
    if not now - KEPT <= since <= now:
        raise InvalidInput(faults=[_unknown_instant(since)])
    city_code = endpoint.city_code
    # Ids carry the true time, but `since` is domain time, which differs by the clock's offset.
    made_since = since - clock.offset - _SLACK
    first = await position_since(session, city_code, made_since)
    after = max(endpoint.planned_from, first - 1)
    head = await log_position(session, city_code)
    operation = await operations.begin(
        session,
        city_code=city_code,
        credential_id=actor.credential_id,
        kind=KIND,
        request={"endpoint_id": str(endpoint.id), "since": since.isoformat()},
        progress={"first": after, "position": after, "last": max(after, head), "resent": 0},
        now=now,
    )
    data = {"since": since.isoformat(), "operation_id": str(operation.id)}
    await record(session, of_endpoint(endpoint, "webhook.replayed", actor.stamp(), data, now))
    return operation


def _unknown_instant(since: datetime) -> Fault:
    return Fault(
        "/since",
        "since-out-of-range",
        Text("须在过去 90 天之内", "Must lie within the last 90 days"),
        since.isoformat(),
    )


async def _handle(
    session: AsyncSession, city_code: str, stretch: LogStretch, clock: Clock
) -> int | None:
    """Do a stretch of the next replay.

    Until a replay is done the cursor stays before the event that requested it. A follower whose
    cursor stays has done nothing more in this round, so a long replay blocks no other work.
    """
    asked = next(iter(stretch.events), None)
    if asked is None:
        return None
    operation_id = asked.data["operation_id"]
    over = await _go_on(session, city_code, operation_id, clock, stretch.most)
    return asked.position if over else asked.position - 1


FOLLOWER = Follower(
    "webhook-replays", ("webhook.replayed",), _handle, at_once=2000, passes_over=True
)


async def _go_on(
    session: AsyncSession, city_code: str, operation_id: str, clock: Clock, most: int
) -> bool:
    """Do a stretch of a replay, of so many positions; return whether it is over."""
    try:
        operation = await operations.operation_of(
            session, city_code, UUID(operation_id), for_update=True
        )
    except OperationNotFound:
        return True
    if operation.state not in operations.OPEN:
        return True
    progress: dict[str, Any] = dict(operation.progress)
    after = progress["position"]
    upto = min(after + most, progress["last"])
    place = (city_code, UUID(operation.request["endpoint_id"]))
    # A transaction that disables it waits for this one and cancels what is due, or this one waits
    # and makes nothing due.
    endpoint = await session.get(WebhookEndpoint, place, with_for_update={"read": True})
    receives = endpoint is not None and endpoint.state != "disabled"
    if endpoint is not None and receives and upto > after:
        since = datetime.fromisoformat(operation.request["since"])
        progress["resent"] += await _send_again(session, endpoint, since, after=after, upto=upto)
    progress["position"] = upto
    operation.progress = progress
    operation.updated_at = clock.now()
    operation.state = "running"
    over = not receives or upto >= progress["last"]
    if over:
        # The rest is not sent to an endpoint that was deleted or disabled meanwhile.
        operation.state = "succeeded" if receives else "cancelled"
        operation.result = {"resent": progress["resent"]}
    await session.flush()
    return over


async def _send_again(
    session: AsyncSession, endpoint: WebhookEndpoint, since: datetime, *, after: int, upto: int
) -> int:
    """Make the undelivered events of the positions (after, upto] due; return how many."""
    city_code = endpoint.city_code
    events = await queries.numbered(session, city_code, after=after, upto=upto, since=since)
    due = turns([position for position, _ in events], first=after)
    again = await session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.city_code == city_code,
            WebhookDelivery.endpoint_id == endpoint.id,
            WebhookDelivery.position == due.c.position,
            WebhookDelivery.state.in_(("failed", "cancelled")),
        )
        .values(
            state="pending",
            settled_at=None,
            manual=False,
            attempts_before=WebhookDelivery.attempts,
            next_attempt_at=due.c.due_at,
        )
        .returning(WebhookDelivery.id)
        .execution_options(synchronize_session=False)
    )
    only = WebhookEndpoint.id == endpoint.id
    missed = await plan_deliveries(session, city_code, events, only=only)
    return len(again.all()) + missed
