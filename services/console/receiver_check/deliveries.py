"""Deliveries as Wufei makes them, for testing a receiver; forged ones are altered valid ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.core.kit.clock import Clock
from services.core.kit.ids import new_id
from services.core.webhooks.bodies import body_of
from services.core.webhooks.signing import SigningKey, signature_header


@dataclass(frozen=True, slots=True)
class Delivery:
    """A POST request: its own headers as sent, and its body."""

    headers: Mapping[str, bytes]
    body: bytes

    def with_(self, name: str, value: bytes | None) -> "Delivery":
        """Return the delivery with another header value, or without that header."""
        others = {key: kept for key, kept in self.headers.items() if key != name}
        return replace(self, headers=others if value is None else others | {name: value})

    def signed_as(self, value: bytes | None) -> "Delivery":
        """Return the delivery with another signature header, or without one."""
        return self.with_("webhook-signature", value)

    @property
    def signature(self) -> bytes:
        """The value of the signature header."""
        return self.headers["webhook-signature"]


class Maker:
    """Makes deliveries as Wufei does, signed with a key, each of its own event."""

    def __init__(self, key: SigningKey) -> None:
        self.key = key
        self._subject = str(new_id())
        self._position = 0

    def delivery(
        self,
        type_: str = "webhook.test",
        *,
        position: int | None = None,
        offset: int = 0,
        data: Mapping[str, object] | None = None,
    ) -> Delivery:
        """Return a valid delivery, signed `offset` seconds from now."""
        self._position += 1
        event_id = new_id()
        body = body_of(
            event_id=event_id,
            position=position or self._position,
            type_=type_,
            plan_code=None,
            subject=("webhook_check", self._subject),
            actor={"kind": "system", "name": "回调检查"},
            data=data or {},
            occurred_at=Clock.true_now(),
        )
        return self.of(body, message_id=str(event_id), offset=offset)

    def of(
        self,
        body: bytes,
        *,
        message_id: str | None = None,
        offset: int = 0,
        keys: Sequence[SigningKey] | None = None,
    ) -> Delivery:
        """Return a body as a delivery, signed with the given keys, by default the maker's."""
        message_id = message_id or str(new_id())
        timestamp = int(Clock.true_now().timestamp()) + offset
        signed = signature_header(
            keys or [self.key], message_id=message_id, timestamp=timestamp, body=body
        )
        headers = {
            "webhook-id": message_id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signed,
        }
        return Delivery({name: value.encode() for name, value in headers.items()}, body)

    def again(self, delivery: Delivery, *keys: SigningKey, offset: int = 0) -> Delivery:
        """Return another attempt at a delivery: the same id and body, signed anew."""
        message_id = delivery.headers["webhook-id"].decode()
        return self.of(delivery.body, message_id=message_id, offset=offset, keys=keys)
