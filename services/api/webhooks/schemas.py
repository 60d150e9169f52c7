"""Pydantic schemas of webhook endpoints, their deliveries and attempts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, WrapValidator

from services.api.contract.choices import one_of
from services.api.deferred_faults import keep_faults
from services.api.instants import Instant
from services.core.kit.said import CodeIn, Line, Said, Title, Words
from services.core.kit.secrets import DEFAULT_OVERLAP, LONGEST_OVERLAP
from services.core.webhooks.models import (
    WebhookDelivery,
    WebhookEndpoint,
    WebhookSecret,
)
from services.core.webhooks.rules import (
    ACTIONS,
    DELIVERY_STATES,
    FORMATS,
    STATE_REASONS,
    STATES,
    Format,
    allowed_actions,
)
from services.core.webhooks.signing import KINDS, SecretKind

_Types = Annotated[list[Annotated[str, StringConstraints(max_length=60)]], Field(max_length=100)]
_Headers = dict[str, str]
_Rate = Annotated[int, Field(strict=True, ge=1, le=6000)]

_MASK = "…"

_URL = "Where messages go: https, or http within the intranet that the deployment allows"
_TYPES = "Which events it hears of; empty: all"
_PLAN = "Only events of this plan"
_ORGANIZATION = "Only events that concern this organization"
_RATE = "Most messages a minute; what is beyond waits. A robot takes 18 at most"
_HEADERS = (
    "Sent with every message, such as `Authorization`; kept sealed, and shown without values."
    " Not `Host`, `Content-…`, `Webhook-…` and others that are ours to set"
)


class EndpointIn(Said):
    """A receiver of events."""

    url: Words = Field(description=_URL)
    event_types: _Types = Field(default=[], description=_TYPES)
    format: Format = Field(
        default="standard",
        description="Standard Webhooks, or the messages of a robot of DingTalk, WeCom or Feishu",
    )
    signature: SecretKind = Field(
        default="v1", description="`v1`: HMAC-SHA256 with a shared secret; `v1a`: ed25519"
    )
    secret: Title | None = Field(
        default=None,
        description="Default: a new one. `whsec_` and base64 of 24-64 bytes, or `whsk_` and base64"
        " of an ed25519 key; for a robot of DingTalk or Feishu its own",
    )
    plan: CodeIn | None = Field(default=None, description=_PLAN)
    organization_code: CodeIn | None = Field(default=None, description=_ORGANIZATION)
    description: Line | None = Field(default=None, description="For people")
    rate_per_minute: _Rate | None = Field(default=None, description=_RATE)
    headers: _Headers = Field(default={}, description=_HEADERS)


class EndpointPatch(Said):
    """What may change. Of `plan` to `rate_per_minute` null clears."""

    url: Words = Field(default="", description=_URL)
    event_types: _Types = Field(default=[], description=_TYPES)
    plan: CodeIn | None = Field(default=None, description=_PLAN)
    organization_code: CodeIn | None = Field(default=None, description=_ORGANIZATION)
    description: Line | None = Field(default=None, description="For people")
    rate_per_minute: _Rate | None = Field(default=None, description=_RATE)
    headers: _Headers = Field(default={}, description=_HEADERS)


CheckedEndpoint = Annotated[EndpointIn, WrapValidator(keep_faults)]
"""An `EndpointIn`, or a `Faulty` if it fails validation."""

CheckedPatch = Annotated[EndpointPatch, WrapValidator(keep_faults)]
"""An `EndpointPatch`, or a `Faulty` if it fails validation."""


class RotationIn(Said):
    """How long the older secrets go on, and the new one where it is not for us to make."""

    overlap_seconds: Annotated[int, Field(strict=True)] = Field(
        default=int(DEFAULT_OVERLAP.total_seconds()),
        ge=0,
        le=int(LONGEST_OVERLAP.total_seconds()),
        description="For so long messages are signed with the older ones too; 0 ends them all now",
    )
    secret: Title | None = Field(
        default=None, description="Default: a new one; required for a robot, whose maker gives it"
    )


class ReplayIn(Said):
    """Since when."""

    since: Instant = Field(description="Events that happened from then on; 90 days ago at most")


class SecretOut(BaseModel):
    """A secret that messages are signed with, without the secret."""

    id: UUID = Field(description="Its id")
    kind: Annotated[str, one_of(KINDS)] = Field(description="The version of its signatures")
    public_key: str | None = Field(
        description="`whpk_…`: what the receiver verifies `v1a` with; null for a `v1`"
    )
    created_at: datetime = Field(description="Since when")
    expires_at: datetime | None = Field(description="Until when; null: until another is made")


class OwnerOut(BaseModel):
    """The scope that an endpoint hears in: that of the key which owns it."""

    credential_id: UUID = Field(description="Id of the key; once it is revoked, nothing is sent")
    role: str = Field(description="Its role")
    organization_code: str | None = Field(description="Its organization; null: the whole city")
    plan: str | None = Field(description="Its plan; null: every plan of the city")


class EndpointOut(BaseModel):
    """A receiver of events, as it may be shown at any time."""

    id: UUID = Field(description="Its id, for good")
    url: str = Field(description="Where messages go, without what may be a token")
    event_types: list[str] = Field(description=_TYPES)
    format: Annotated[str, one_of(FORMATS)] = Field(description="How messages are written")
    signature: Annotated[str, one_of(KINDS)] = Field(description="How messages are signed")
    plan: str | None = Field(description=_PLAN)
    organization_code: str | None = Field(description=_ORGANIZATION)
    description: str | None = Field(description="For people")
    rate_per_minute: int | None = Field(description=_RATE)
    headers: dict[str, str] = Field(description="Names of the headers sent; values are not shown")
    state: Annotated[str, one_of(STATES)] = Field(
        description="`failing`: nothing has come through lately; `disabled`: nothing is sent"
    )
    state_reason: Annotated[str | None, one_of(STATE_REASONS, nullable=True)] = Field(
        description="Why it is disabled: it answered 410, failed for five days, was disabled by"
        " somebody, or its owner's key is good no more"
    )
    failing_since: datetime | None = Field(description="Since when nothing has come through")
    secrets: list[SecretOut] = Field(description="Those in use, the newest first")
    owner: OwnerOut = Field(description="In whose scope it hears")
    created_at: datetime = Field(description="When it was made; it hears what happened since")
    updated_at: datetime = Field(description="When somebody changed it last")
    allowed_actions: list[Annotated[str, one_of(ACTIONS)]] = Field(
        description="What can be done with it now"
    )


class EndpointMadeOut(EndpointOut):
    """An endpoint with a new secret, which is shown this once."""

    secret: str | None = Field(
        description="What the receiver verifies with: `whsec_…`, or `whsk_…` of which it needs the"
        " public key only. Shown this once; null for a robot, and where the answer is repeated"
    )


class EndpointListOut(BaseModel):
    """A page of endpoints."""

    items: list[EndpointOut] = Field(description="At most `page_size`, the oldest first")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


class TestOut(BaseModel):
    """A test that is on its way."""

    event_id: UUID = Field(description="Id of the `webhook.test` event: the `webhook-id`")


class AttemptOut(BaseModel):
    """One try to deliver."""

    number: int = Field(description="1, 2, 3, …")
    at: datetime = Field(description="When it began")
    outcome: str | None = Field(
        description="`delivered`, or how it failed, such as `timeout`, `status` or `tls`;"
        " `unknown`: the worker was lost; null: it is under way"
    )
    status_code: int | None = Field(description="The status of the answer, if there was one")
    duration_ms: int | None = Field(description="How long it took")
    response_head: str | None = Field(
        description="The beginning of the answer, or what went wrong; in lists at most 500"
        " characters"
    )
    request_head: dict[str, Any] | None = Field(
        description="What was sent: method, URL without tokens, headers"
    )


class DeliveryOut(BaseModel):
    """That an endpoint is told of an event, and what became of it."""

    id: UUID = Field(description="Its id")
    endpoint_id: UUID = Field(description="Id of the endpoint")
    event_id: UUID = Field(description="Id of the event: the `webhook-id` of every attempt")
    event_type: str = Field(description="Type of the event")
    position: int = Field(description="Number of the event in the city's log")
    state: Annotated[str, one_of(DELIVERY_STATES)] = Field(
        description="`failed`: the schedule is over; `cancelled`: the endpoint was disabled"
    )
    manual: bool = Field(description="Whether somebody asked for its last attempt")
    attempts: list[AttemptOut] = Field(description="Every try, the first first")
    next_attempt_at: datetime | None = Field(description="When it is tried next; null: not again")
    created_at: datetime = Field(description="When it became due")
    settled_at: datetime | None = Field(description="When it was delivered or given up")
    allowed_actions: list[Annotated[str, one_of(("retry",))]] = Field(
        description="What can be done with it now"
    )


class DeliveryDetailOut(DeliveryOut):
    """A delivery with what is sent."""

    body: str | None = Field(description="The bytes that are signed and sent, as text")


class DeliveryListOut(BaseModel):
    """A page of deliveries."""

    items: list[DeliveryOut] = Field(description="At most `page_size`, the newest event first")
    next_page_token: str | None = Field(description="For the next page; null: this is the last")


def endpoint_fields(
    endpoint: WebhookEndpoint, secrets: Sequence[WebhookSecret]
) -> Mapping[str, Any]:
    """Return the members of an endpoint; its secrets are only described."""
    owner = endpoint.owner
    return {
        "id": endpoint.id,
        "url": endpoint.url_shown,
        "event_types": endpoint.event_types,
        "format": endpoint.format,
        "signature": endpoint.signature,
        "plan": endpoint.plan_code,
        "organization_code": endpoint.organization_code,
        "description": endpoint.description,
        "rate_per_minute": endpoint.rate_per_minute,
        "headers": dict.fromkeys(endpoint.header_names, _MASK),
        "state": endpoint.state,
        "state_reason": endpoint.state_reason,
        "failing_since": endpoint.failing_since,
        "secrets": [
            SecretOut(
                id=secret.id,
                kind=secret.kind,
                public_key=secret.public_key,
                created_at=secret.created_at,
                expires_at=secret.expires_at,
            )
            for secret in secrets
        ],
        "owner": OwnerOut(
            credential_id=endpoint.owner_credential_id,
            role=owner["role"],
            organization_code=owner["organization_code"],
            plan=owner["plan_code"],
        ),
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
        "allowed_actions": allowed_actions(endpoint.state, endpoint.format),  # type: ignore[arg-type]
    }


def delivery_fields(
    delivery: WebhookDelivery,
    endpoint: WebhookEndpoint,
    attempts: Sequence[Any],
    *,
    now: datetime,
) -> Mapping[str, Any]:
    """Return the members of a delivery, with its attempts."""
    pending = delivery.state == "pending"
    return {
        "id": delivery.id,
        "endpoint_id": delivery.endpoint_id,
        "event_id": delivery.event_id,
        "event_type": delivery.event_type,
        "position": delivery.position,
        "state": delivery.state,
        "manual": delivery.manual,
        "attempts": [_attempt_out(one, now) for one in attempts],
        "next_attempt_at": delivery.next_attempt_at if pending else None,
        "created_at": delivery.created_at,
        "settled_at": delivery.settled_at,
        "allowed_actions": [] if endpoint.state == "disabled" else ["retry"],
    }


def _attempt_out(attempt: Any, now: datetime) -> AttemptOut:
    lost = attempt.outcome is None and attempt.lease_until < now
    return AttemptOut(
        number=attempt.number,
        at=attempt.started_at,
        outcome="unknown" if lost else attempt.outcome,
        status_code=attempt.status_code,
        duration_ms=attempt.duration_ms,
        response_head=attempt.response_head,
        request_head=attempt.request_head,
    )
