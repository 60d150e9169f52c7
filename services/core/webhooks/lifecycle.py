"""Tests, enables, disables and deletes endpoints.

Each change is recorded as an event that the owner receives, and in the audit.
"""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, delete, exists, func, update
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.audit.service import note_of
from services.core.events.service import record
from services.core.identity.actor import Actor, system
from services.core.kit.clock import Clock
from services.core.webhooks import queries
from services.core.webhooks.endpoint_events import of_endpoint
from services.core.webhooks.errors import EndpointTransitionRefused, ScopeNotYours
from services.core.webhooks.models import WebhookAttempt, WebhookDelivery, WebhookEndpoint
from services.core.webhooks.rules import Action, StateReason, allowed_actions
from services.core.webhooks.service import changed, shown_settings, take_over


async def send_test(
    session: AsyncSession, endpoint: WebhookEndpoint, *, actor: Actor, now: datetime
) -> UUID:
    """Record a `webhook.test` event for this endpoint alone; return the event's id.

    Raises:
        EndpointTransitionRefused: it is disabled.
    """
    check(endpoint, "test")
    [event_id] = await record(
        session, of_endpoint(endpoint, "webhook.test", actor.stamp(), {}, now)
    )
    return event_id


async def enable(
    session: AsyncSession, endpoint: WebhookEndpoint, *, actor: Actor, now: datetime
) -> None:
    """Enable an endpoint and reset its failures. A key of the owner's scope becomes the owner.

    Cancelled deliveries stay so until they are replayed.

    Raises:
        EndpointTransitionRefused: it is active.
        ScopeNotYours: its owner's key is no longer valid, and the actor's scope is another.
    """
    check(endpoint, "enable")
    taken = take_over(endpoint, actor)
    if endpoint.state_reason == "scope-lost" and not taken:
        raise ScopeNotYours
    before = {"state": endpoint.state, "state_reason": endpoint.state_reason}
    endpoint.state, endpoint.state_reason = "active", None
    endpoint.failing_since, endpoint.paused_until = None, None
    endpoint.warned = endpoint.consecutive_failures = 0
    await changed(session, endpoint, now)
    await note_of(
        session,
        "webhook_endpoint",
        endpoint,
        "webhook_endpoint.enabled",
        actor=actor.stamp(),
        data=before,
        at=now,
    )


async def disable(
    session: AsyncSession, endpoint: WebhookEndpoint, *, actor: Actor, now: datetime
) -> None:
    """Disable an endpoint, and cancel its pending deliveries.

    Raises:
        EndpointTransitionRefused: it is disabled already.
    """
    check(endpoint, "disable")
    await _disable(session, endpoint, "manual", actor.stamp(), now)


async def disable_unwell(
    session: AsyncSession,
    endpoint: WebhookEndpoint,
    reason: StateReason,
    *,
    found: Mapping[str, object],
    now: datetime,
) -> None:
    """Disable an endpoint that is gone or has failed for too long; `found` is the event's data."""
    await _disable(session, endpoint, reason, system("webhooks"), now, found)


async def disable_orphans(session: AsyncSession, city_code: str, *, clock: Clock) -> int:
    """Disable a city's endpoints whose owner's key is no longer valid; return how many."""
    orphans = await queries.orphans(session, city_code, now=clock.true_now())
    for endpoint in orphans:
        await _disable(session, endpoint, "scope-lost", system("webhooks"), clock.now())
    return len(orphans)


async def _disable(
    session: AsyncSession,
    endpoint: WebhookEndpoint,
    reason: StateReason,
    actor: Mapping[str, object],
    now: datetime,
    found: Mapping[str, object] | None = None,
) -> None:
    endpoint.state, endpoint.state_reason = "disabled", reason
    await changed(session, endpoint, now)
    await _cancel(session, endpoint)
    data = {"reason": reason, **(found or {})}
    await note_of(
        session,
        "webhook_endpoint",
        endpoint,
        "webhook_endpoint.disabled",
        actor=actor,
        data=data,
        at=now,
    )
    await record(session, of_endpoint(endpoint, "webhook.disabled", actor, data, now))


async def _cancel(session: AsyncSession, endpoint: WebhookEndpoint) -> None:
    """Cancel pending deliveries. One that is being sent still settles under its lease.

    A delivery that succeeded before and waits to be sent again becomes delivered. Planning under
    way is waited for, so that nothing is left pending for a disabled endpoint.
    """
    await session.refresh(endpoint, with_for_update=True)
    delivered_before = exists().where(
        WebhookAttempt.city_code == endpoint.city_code,
        WebhookAttempt.delivery_id == WebhookDelivery.id,
        WebhookAttempt.outcome == "delivered",
    )
    await session.execute(
        update(WebhookDelivery)
        .where(
            WebhookDelivery.city_code == endpoint.city_code,
            WebhookDelivery.endpoint_id == endpoint.id,
            WebhookDelivery.state == "pending",
        )
        .values(
            state=case((delivered_before, "delivered"), else_="cancelled"), settled_at=func.now()
        )
    )


async def delete_endpoint(
    session: AsyncSession, endpoint: WebhookEndpoint, *, actor: Actor, now: datetime
) -> None:
    """Delete an endpoint and its secrets, and cancel its pending deliveries.

    Its deliveries are no longer visible, and are deleted when they are old; the audit keeps its
    settings.
    """
    await _cancel(session, endpoint)
    await note_of(
        session,
        "webhook_endpoint",
        endpoint,
        "webhook_endpoint.deleted",
        actor=actor.stamp(),
        data=shown_settings(endpoint),
        at=now,
    )
    await session.execute(
        delete(WebhookEndpoint).where(
            WebhookEndpoint.city_code == endpoint.city_code, WebhookEndpoint.id == endpoint.id
        )
    )


def check(endpoint: WebhookEndpoint, action: Action) -> None:
    """Check that the endpoint's state allows an action.

    Raises:
        EndpointTransitionRefused: it does not; `extra` lists the allowed actions.
    """
    allowed = allowed_actions(endpoint.state, endpoint.format)  # type: ignore[arg-type]
    if action not in allowed:
        raise EndpointTransitionRefused(extra={"state": endpoint.state, "allowed_actions": allowed})
