"""Tables of webhooks: endpoints, their secrets, deliveries, and every attempt.

Ids of deliveries begin with the instant of their event, as a UUIDv7 does, so the rows to delete for
their age are a range of the primary key of each large table.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from services.core.kit.database import Base


class WebhookEndpoint(Base):
    """A receiver: its address, its subscription within its owner's scope, and its health.

    `url_sealed` and `headers_sealed` may hold tokens and are sealed; `url_shown` is the address
    without them. `owner` is the scope of its events (role, organization_code, plan_code,
    city_code), `owner_credential_id` the key that must still be valid. Events up to `planned_from`
    are never sent. `failing_since`, `warned` (percent of the time until it is disabled) and
    `consecutive_failures` count failures since the last success; `paused_until` is what the
    receiver asked for. `tokens` is the rest of its rate's token bucket at `tokens_at`. `version`
    counts changes by people, not of its health.
    """

    __tablename__ = "webhook_endpoint"
    __table_args__ = (
        CheckConstraint("format IN ('standard', 'dingtalk', 'wecom', 'feishu')", name="format"),
        CheckConstraint("signature IN ('v1', 'v1a')", name="signature"),
        CheckConstraint("state IN ('active', 'failing', 'disabled')", name="state"),
        CheckConstraint(
            "(state = 'disabled') = (state_reason IS NOT NULL)"
            " AND state_reason IN ('gone', 'failing', 'manual', 'scope-lost')",
            name="state_reason",
        ),
        CheckConstraint("rate_per_minute > 0", name="rate_per_minute"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    plan_code: Mapped[str | None] = mapped_column(Text)
    organization_code: Mapped[str | None] = mapped_column(Text)
    url_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    url_shown: Mapped[str] = mapped_column(Text)
    host: Mapped[str] = mapped_column(Text)
    format: Mapped[str] = mapped_column(Text)
    signature: Mapped[str] = mapped_column(Text)
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    headers_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    header_names: Mapped[list[str]] = mapped_column(ARRAY(Text))
    description: Mapped[str | None] = mapped_column(Text)
    rate_per_minute: Mapped[int | None] = mapped_column()
    state: Mapped[str] = mapped_column(Text)
    state_reason: Mapped[str | None] = mapped_column(Text)
    owner_credential_id: Mapped[UUID] = mapped_column()
    owner: Mapped[dict[str, Any]] = mapped_column(JSONB)
    planned_from: Mapped[int] = mapped_column(BigInteger)
    failing_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    warned: Mapped[int] = mapped_column(SmallInteger)
    consecutive_failures: Mapped[int] = mapped_column()
    paused_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    tokens: Mapped[Decimal] = mapped_column(Numeric)
    tokens_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column()


class WebhookSecret(Base):
    """A key, sealed, that an endpoint's messages are signed with.

    The newest has no `expires_at`; older ones sign beside it until theirs, which is checked at
    signing. The receiver verifies `v1a` with `public_key`. A robot's secret is stored as its maker
    gave it, with the kind 'v1'.
    """

    __tablename__ = "webhook_secret"
    __table_args__ = (
        ForeignKeyConstraint(
            ["city_code", "endpoint_id"],
            ["webhook_endpoint.city_code", "webhook_endpoint.id"],
            ondelete="CASCADE",
        ),
        CheckConstraint("kind IN ('v1', 'v1a')", name="kind"),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    secret_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    public_key: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class WebhookBody(Base):
    """The body of an event: stored once, signed and sent unchanged to every endpoint.

    A robot's message is made from it when it is sent. `traceparent` is the event's.
    """

    __tablename__ = "webhook_body"
    __table_args__ = ({"postgresql_partition_by": "RANGE (event_id)"},)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    traceparent: Mapped[str | None] = mapped_column(Text)


class WebhookDelivery(Base):
    """The delivery of an event to an endpoint, and its state.

    `attempts` counts those begun; the schedule counts from `attempts_before`, those made before the
    last request to send it again. `manual` means that a person requested it: it is sent next, and
    not retried on failure. The sending worker holds `lease_token` until `lease_until`. An event has
    one delivery for each endpoint: so its position identifies it as well as its id, and lists
    deliveries in order.
    """

    __tablename__ = "webhook_delivery"
    __table_args__ = (
        Index("uq_webhook_delivery_position", "city_code", "endpoint_id", "position", unique=True),
        Index(
            "ix_webhook_delivery_due",
            "city_code",
            "endpoint_id",
            "next_attempt_at",
            postgresql_where=text("state = 'pending'"),
        ),
        CheckConstraint(
            "state IN ('pending', 'delivered', 'failed', 'cancelled')",
            name="state",
        ),
    )

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    id: Mapped[UUID] = mapped_column(primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column()
    event_id: Mapped[UUID] = mapped_column()
    position: Mapped[int] = mapped_column(BigInteger)
    event_type: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column()
    attempts_before: Mapped[int] = mapped_column()
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lease_token: Mapped[UUID | None] = mapped_column()
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    manual: Mapped[bool] = mapped_column()
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    settled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class WebhookAttempt(Base):
    """An attempt to deliver, written before the call; without an outcome its worker was lost."""

    __tablename__ = "webhook_attempt"
    __table_args__ = ({"postgresql_partition_by": "RANGE (delivery_id)"},)

    city_code: Mapped[str] = mapped_column(Text, primary_key=True)
    delivery_id: Mapped[UUID] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    lease_until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    outcome: Mapped[str | None] = mapped_column(Text)
    status_code: Mapped[int | None] = mapped_column()
    duration_ms: Mapped[int | None] = mapped_column()
    response_head: Mapped[str | None] = mapped_column(Text)
    request_head: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
