"""Reads endpoints, deliveries and attempts, and finds which deliveries are due."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic_core import to_json
from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Text,
    TextClause,
    Uuid,
    and_,
    any_,
    cast,
    column,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute, aliased

from services.core.events.catalogue import EventType
from services.core.events.models import Event, EventPosition
from services.core.feed.queries import heard_by_owners
from services.core.identity.actor import Actor
from services.core.identity.models import ApiKey
from services.core.identity.rules import Permission
from services.core.kit.statements import SqlCondition
from services.core.plan.visibility import Made, made_scope
from services.core.webhooks.models import (
    WebhookAttempt,
    WebhookBody,
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)
from services.core.webhooks.rules import DeliveryFilters, EndpointState, owner_of

_owner = WebhookEndpoint.owner


def in_reach(actor: Actor) -> TextClause:
    """Return the condition that limits endpoints to those that a caller may manage.

    Whoever manages an endpoint may read events, because they could have them sent to themselves.
    Some callers manage all of their plan or city, others only those made by a key of their scope.
    """
    if not actor.may(Permission.READ_EVENTS) or not actor.may(Permission.MANAGE_WEBHOOKS):
        nowhere = {"scope_city": actor.city_code}
        return SqlCondition(f"{_ENDPOINTS.city} = :scope_city AND FALSE", nowhere).clause
    colleagues = SqlCondition(
        "webhook_endpoint.owner = CAST(:scope_owner AS jsonb)",
        {"scope_owner": to_json(owner_of(actor)).decode()},
    )
    made = replace(_ENDPOINTS, colleagues=colleagues)
    return made_scope(actor, made, everybodys=Permission.MANAGE_EVERY_WEBHOOK).clause


_ENDPOINTS = Made(
    city="webhook_endpoint.city_code",
    plan="webhook_endpoint.owner->>'plan_code'",
    credential="webhook_endpoint.owner_credential_id",
)


async def endpoints(
    session: AsyncSession,
    actor: Actor,
    *,
    state: EndpointState | None,
    after: UUID | None,
    limit: int,
) -> Sequence[WebhookEndpoint]:
    """Return the endpoints in the actor's reach, oldest first, after the given one."""
    wanted = select(WebhookEndpoint).where(in_reach(actor))
    if state is not None:
        wanted = wanted.where(WebhookEndpoint.state == state)
    if after is not None:
        wanted = wanted.where(WebhookEndpoint.id > after)
    found = await session.scalars(wanted.order_by(WebhookEndpoint.id).limit(limit))
    return found.all()


async def endpoint(
    session: AsyncSession, actor: Actor, endpoint_id: UUID, *, for_update: bool = False
) -> WebhookEndpoint | None:
    """Return an endpoint in the actor's reach."""
    wanted = select(WebhookEndpoint).where(in_reach(actor), WebhookEndpoint.id == endpoint_id)
    return await session.scalar(wanted.with_for_update() if for_update else wanted)


async def endpoint_count(session: AsyncSession, city_code: str) -> int:
    """Return how many endpoints a city has."""
    counted = select(func.count()).where(WebhookEndpoint.city_code == city_code)
    return await session.scalar(counted.select_from(WebhookEndpoint)) or 0


async def secrets_of(
    session: AsyncSession, city_code: str, endpoint_ids: Sequence[UUID], *, now: datetime
) -> Mapping[UUID, Sequence[WebhookSecret]]:
    """Return the secrets that sign for endpoints at an instant, newest first."""
    found = await session.scalars(
        select(WebhookSecret)
        .where(
            WebhookSecret.city_code == city_code,
            WebhookSecret.endpoint_id.in_(endpoint_ids),
            or_(WebhookSecret.expires_at.is_(None), WebhookSecret.expires_at > now),
        )
        .order_by(WebhookSecret.id.desc())
    )
    secrets: dict[UUID, list[WebhookSecret]] = {one: [] for one in endpoint_ids}
    for secret in found:
        secrets[secret.endpoint_id].append(secret)
    return secrets


async def deliveries(
    session: AsyncSession,
    of: WebhookEndpoint,
    filters: DeliveryFilters,
    *,
    before: int | None,
    limit: int,
) -> Sequence[WebhookDelivery]:
    """Return the deliveries of an endpoint, newest event first, before a position."""
    wanted = select(WebhookDelivery).where(
        WebhookDelivery.city_code == of.city_code, WebhookDelivery.endpoint_id == of.id
    )
    for name, value in asdict(filters).items():
        if value is not None:
            wanted = wanted.where(getattr(WebhookDelivery, name) == value)
    if before is not None:
        wanted = wanted.where(WebhookDelivery.position < before)
    found = await session.scalars(wanted.order_by(WebhookDelivery.position.desc()).limit(limit))
    return found.all()


async def delivery(
    session: AsyncSession, actor: Actor, delivery_id: UUID, *, for_update: bool = False
) -> tuple[WebhookDelivery, WebhookEndpoint] | None:
    """Return a delivery with its endpoint, if that is in the actor's reach."""
    wanted = (
        select(WebhookDelivery, WebhookEndpoint)
        .join(
            WebhookEndpoint,
            and_(
                WebhookEndpoint.city_code == WebhookDelivery.city_code,
                WebhookEndpoint.id == WebhookDelivery.endpoint_id,
            ),
        )
        .where(
            in_reach(actor),
            WebhookDelivery.city_code == actor.city_code,
            WebhookDelivery.id == delivery_id,
        )
    )
    if for_update:
        # Endpoints are locked before deliveries, as in settling; a person's request can wait.
        wanted = wanted.with_for_update(of=[WebhookEndpoint, WebhookDelivery], read=False)
    row = (await session.execute(wanted)).one_or_none()
    return None if row is None else (row[0], row[1])


async def attempts_of(
    session: AsyncSession, city_code: str, delivery_ids: Sequence[UUID], *, cut: int
) -> Mapping[UUID, Sequence[Row[*tuple[Any, ...]]]]:
    """Return the attempts of deliveries, oldest first, with `cut` characters of their answers."""
    attempt = WebhookAttempt
    found = await session.execute(
        select(
            attempt.delivery_id,
            attempt.number,
            attempt.started_at,
            attempt.lease_until,
            attempt.outcome,
            attempt.status_code,
            attempt.duration_ms,
            func.left(attempt.response_head, cut).label("response_head"),
            attempt.request_head,
        )
        .where(attempt.city_code == city_code, attempt.delivery_id.in_(delivery_ids))
        .order_by(attempt.delivery_id, attempt.number)
    )
    attempts: dict[UUID, list[Row[*tuple[Any, ...]]]] = {one: [] for one in delivery_ids}
    for row in found:
        attempts[row.delivery_id].append(row)
    return attempts


async def body_of(session: AsyncSession, delivery: WebhookDelivery) -> bytes | None:
    """Return the body that a delivery sends."""
    return await session.scalar(
        select(WebhookBody.body).where(
            WebhookBody.city_code == delivery.city_code,
            WebhookBody.event_id == delivery.event_id,
        )
    )


async def orphans(
    session: AsyncSession, city_code: str, *, now: datetime
) -> Sequence[WebhookEndpoint]:
    """Lock and return a city's endpoints whose owner's key is no longer valid."""
    key_is_good = exists().where(
        ApiKey.city_code == city_code,
        ApiKey.id == WebhookEndpoint.owner_credential_id,
        ApiKey.revoked_at.is_(None),
        or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
        ApiKey.role == _owner["role"].astext,
        ApiKey.organization_code.is_not_distinct_from(_owner["organization_code"].astext),
        ApiKey.plan_code.is_not_distinct_from(_owner["plan_code"].astext),
    )
    found = await session.scalars(
        select(WebhookEndpoint)
        .where(
            WebhookEndpoint.city_code == city_code,
            WebhookEndpoint.state != "disabled",
            ~key_is_good,
        )
        .order_by(WebhookEndpoint.id)
        .with_for_update()
    )
    return found.all()


async def lock_receivers(session: AsyncSession, city_code: str) -> list[UUID]:
    """Return a city's enabled endpoints; none is disabled before this transaction ends."""
    of_city = (WebhookEndpoint.city_code == city_code, WebhookEndpoint.state != "disabled")
    wanted = select(WebhookEndpoint.id).where(*of_city).order_by(WebhookEndpoint.id)
    return list(await session.scalars(wanted.with_for_update(read=True)))


_TEST: EventType = "webhook.test"
_RECEIVER_KIND = "webhook_endpoint"

DELIVERY_COLUMNS = (
    "city_code",
    "id",
    "endpoint_id",
    "event_id",
    "position",
    "event_type",
    "state",
    "attempts",
    "attempts_before",
    "next_attempt_at",
    "manual",
    "created_at",
)
"""The columns of `wanted_deliveries`, in this order."""


Numbered = Sequence[tuple[int, UUID]]
"""Events of a stretch of the log: position and id, in order."""


async def numbered(
    session: AsyncSession, city_code: str, *, after: int, upto: int, since: datetime | None = None
) -> Numbered:
    """Return the events of (after, upto], of which some may be older than `since`."""
    position, event_id = EventPosition.position, EventPosition.event_id
    found = await session.execute(
        select(position, event_id)
        .where(EventPosition.city_code == city_code, position > after, position <= upto)
        .order_by(position)
    )
    events = [(row[0], row[1]) for row in found]
    if since is None or not events:
        return events
    told = told_events(city_code, events)
    kept = set(await session.scalars(select(told.c.position).where(told.c.occurred_at >= since)))
    return [one for one in events if one[0] in kept]


def told_events(city_code: str, events: Numbered) -> CTE:
    """Return events with their positions, as the first CTE of a statement.

    They are named by id and read once, whatever statistics the planner has of the log.
    """
    numbers = func.unnest(
        literal([one[0] for one in events], ARRAY(BigInteger)),
        literal([one[1] for one in events], ARRAY(Uuid)),
    ).table_valued(column("position", BigInteger), column("event_id", Uuid), name="numbered")
    rows = numbers.render_derived()
    told = (
        select(rows.c.position, Event)
        .select_from(rows)
        .join(Event, and_(Event.city_code == city_code, Event.id == rows.c.event_id))
    )
    return told.cte("told").prefix_with("MATERIALIZED")


def wanted_deliveries(
    city_code: str, told: CTE, *, first: int, only: ColumnElement[bool] | None = None
) -> Select[*tuple[Any, ...]]:
    """Return the selection of new deliveries for events, whose first position is `first`.

    They become due in the order of the log, a microsecond apart, from the time of the statement,
    because two transactions may begin in another order than they lock the cursor. `only` narrows
    it.
    """
    event, position = aliased(Event, told), told.c.position
    wanted = (
        select(
            literal(city_code, Text),
            _new_id(event.id),
            WebhookEndpoint.id,
            event.id,
            position,
            event.type,
            literal("pending", Text),
            literal(0),
            literal(0),
            func.statement_timestamp() + (position - first) * literal(_APART),
            literal(value=False),
            func.now(),
        )
        .join_from(told, WebhookEndpoint, _addressed(city_code, event, position))
        .where(WebhookEndpoint.city_code == city_code)
    )
    return wanted if only is None else wanted.where(only)


_APART = timedelta(microseconds=1)


def _new_id(event_id: InstrumentedAttribute[UUID]) -> ColumnElement[UUID]:
    """Return a UUIDv7 with the instant of an event's id and a new random part."""
    instant = func.left(cast(event_id, Text), 15)
    return cast(func.concat(instant, func.substr(cast(func.gen_random_uuid(), Text), 16)), Uuid)


def _addressed(
    city_code: str, event: type[Event], position: ColumnElement[int]
) -> ColumnElement[bool]:
    """Return the condition that an endpoint gets an event.

    It gets none about itself, or each could cause the next; a test goes to its endpoint alone.
    """
    is_itself = and_(
        event.subject_kind == _RECEIVER_KIND, event.subject_id == cast(WebhookEndpoint.id, Text)
    )
    return and_(
        WebhookEndpoint.state != "disabled",
        WebhookEndpoint.planned_from < position,
        or_(
            and_(event.type == _TEST, is_itself),
            and_(event.type != _TEST, ~is_itself, _wants(event), _hears(city_code, event)),
        ),
    )


def _wants(event: type[Event]) -> ColumnElement[bool]:
    types = WebhookEndpoint.event_types
    return and_(
        or_(func.cardinality(types) == 0, event.type == any_(types)),
        or_(
            WebhookEndpoint.plan_code.is_(None),
            WebhookEndpoint.plan_code == event.plan_code,
        ),
        or_(
            WebhookEndpoint.organization_code.is_(None),
            WebhookEndpoint.organization_code == event.organization_code,
        ),
    )


def _hears(city_code: str, event: type[Event]) -> ColumnElement[bool]:
    """Return the condition that an endpoint's owner may see an event: the feed's own rule."""
    plan = _owner["plan_code"].astext
    heard = heard_by_owners(
        city_code,
        "told",
        role="webhook_endpoint.owner->>'role'",
        unit="webhook_endpoint.owner->>'organization_code'",
        credential="CAST(webhook_endpoint.owner_credential_id AS text)",
    )
    return and_(or_(plan.is_(None), plan == event.plan_code), heard)


def planned_events(planned: CTE, told: CTE) -> Select[int, Event, int]:
    """Return the selection of those events that deliveries were planned for.

    Each comes with its position, and the number of deliveries planned for all of them.
    """
    counted = select(func.count()).select_from(planned).scalar_subquery()
    return select(told.c.position, aliased(Event, told), counted).where(
        told.c.position.in_(select(planned.c.position).distinct())
    )
