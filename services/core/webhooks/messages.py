"""Builds messages for an endpoint, whose address and secrets are open only while sending. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from services.core.kit.sealing import Seal
from services.core.webhooks import robots
from services.core.webhooks.dispatch import Claimed
from services.core.webhooks.robots import robot_message
from services.core.webhooks.sending import Message, Outcome
from services.core.webhooks.signing import SigningKey, signature_header
from services.core.webhooks.wording import Names, told

AGENT = "wufei-webhooks/1"

_MASK = "***"
_TRACE = "traceparent"
_STANDARD: Mapping[str, str] = {
    "Content-Type": "application/json",
    "User-Agent": AGENT,
    "Accept": "*/*",
    # Compressed answers are not requested, and never inflated.
    "Accept-Encoding": "identity",
}


@dataclass(frozen=True, slots=True)
class OpenTarget:
    """An endpoint with its secrets unsealed; its `repr` shows none of them."""

    city_code: str
    id: UUID
    format: str
    shown: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    secrets: Sequence[tuple[str, bytes]] = field(repr=False)

    @property
    def robot(self) -> str | None:
        """The robot that it is; None: it uses Standard Webhooks."""
        return None if self.format == "standard" else self.format


def url_context(endpoint_id: UUID) -> str:
    """Return the context that a sealed URL is bound to."""
    return f"webhook_endpoint.url {endpoint_id}"


def headers_context(endpoint_id: UUID) -> str:
    """Return the context that sealed headers are bound to."""
    return f"webhook_endpoint.headers {endpoint_id}"


def secret_context(secret_id: UUID) -> str:
    """Return the context that a sealed secret is bound to."""
    return f"webhook_secret {secret_id}"


def open_target(row: Any, seal: Seal) -> OpenTarget:
    """Return an endpoint with its live secrets, unsealed.

    Raises:
        CannotUnseal: they were sealed with a key that is not ours.
    """
    url = seal.unseal(row.url_sealed, url_context(row.id))
    headers = seal.unseal(row.headers_sealed, headers_context(row.id))
    return OpenTarget(
        row.city_code,
        row.id,
        row.format,
        row.url_shown,
        url.decode(),
        from_json(headers),
        [
            (kind, seal.unseal(sealed, secret_context(secret_id)))
            for secret_id, kind, sealed in zip(
                row.secret_ids, row.kinds, row.secrets_sealed, strict=True
            )
        ],
    )


def fitting(target: OpenTarget, group: Sequence[Claimed], names: Names) -> Sequence[Claimed]:
    """Return those of a robot's deliveries that fit into one message, the gravest first."""
    assert target.robot is not None  # noqa: S101 (only a robot is told of several)
    words = [told(from_json(one.body), names) for one in group]
    return [group[place] for place in robots.fitting(target.robot, words)]


def message_of(
    target: OpenTarget,
    group: Sequence[Claimed],
    *,
    names: Names,
    now: datetime,
    traceparent: str | None = None,
) -> Message:
    """Return the message for these deliveries; only a robot's may hold several.

    A `traceparent` lets another system continue its trace; a robot gets none.
    """
    if target.robot is None:
        (one,) = group
        return standard_message(
            target, event_id=one.event_id, body=one.body, now=now, traceparent=traceparent
        )
    secret = next((secret for _, secret in target.secrets), None)
    words = [told(from_json(one.body), names) for one in group]
    return robot_message(target.robot, target.url, secret, words, now=now)


def judged(target: OpenTarget, outcome: Outcome) -> Outcome:
    """Return the outcome of an answer; for a robot by the code in its body."""
    return outcome if target.robot is None else robots.judged(target.robot, outcome)


def standard_message(
    target: OpenTarget,
    *,
    event_id: UUID,
    body: bytes,
    now: datetime,
    traceparent: str | None = None,
) -> Message:
    """Return an event's body with the headers of Standard Webhooks, signed for this attempt.

    A `traceparent` is added, unless the owner's own headers have one.
    """
    timestamp = int(now.timestamp())
    keys = [SigningKey("v1a" if kind == "v1a" else "v1", secret) for kind, secret in target.secrets]
    signed = {
        "webhook-id": str(event_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature_header(
            keys, message_id=str(event_id), timestamp=timestamp, body=body
        ),
    }
    headers = {**target.headers, **_STANDARD, **signed}
    if traceparent is not None and not any(name.lower() == _TRACE for name in target.headers):
        headers[_TRACE] = traceparent
    return Message(target.url, headers, body)


def shown_request(target: OpenTarget, message: Message) -> Mapping[str, object]:
    """Return the stored form of a request: no token, and no value of the owner's own headers."""
    headers = {
        name: _MASK if name in target.headers and name not in _STANDARD else value
        for name, value in message.headers.items()
    }
    return {"method": "POST", "url": target.shown, "headers": headers}
