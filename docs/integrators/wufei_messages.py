"""Verifies Wufei's webhooks and reads their events; needs nothing but Python's standard library.

`whpk_…` also needs the package `cryptography`. Pure: it reads no network, no file and no clock.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:
    Ed25519PublicKey = None

TOLERANCE = 300
"""Seconds that a delivery's time may differ from ours, to either side."""


MOST_SIGNATURES = 32


_ID = r"[A-Za-z0-9_-]{1,200}"


class Refused(Exception):
    """A request that is not taken: the status of its answer, and why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True)
class Key:
    """One live key: `v1` with the bytes of `whsec_…`, `v1a` with those of `whpk_…`."""

    version: str
    raw: bytes

    def fits(self, content: bytes, signature: str) -> bool:
        """Return whether a signature is this key's; the comparison takes the same time always."""
        if self.version == "v1":
            expected = base64.b64encode(hmac.digest(self.raw, content, hashlib.sha256))
            return hmac.compare_digest(expected, signature.encode())
        try:
            given = base64.b64decode(signature.encode(), validate=True)
            Ed25519PublicKey.from_public_bytes(self.raw).verify(given, content)
        except (binascii.Error, InvalidSignature):
            return False
        return True


def read_keys(text: str) -> list[Key]:
    """Return the keys that a setting gives, separated by spaces.

    Raises:
        ValueError: there is none, or one is not written as a key.
    """
    keys = [_read_key(word) for word in text.split()]
    if not keys:
        raise ValueError("set WUFEI_WEBHOOK_SECRET to the endpoint's secret")
    return keys


def _read_key(text: str) -> Key:
    prefix, _, encoded = text.partition("_")
    raw = base64.b64decode(encoded.encode(), validate=True)
    if prefix == "whsec" and 24 <= len(raw) <= 64:  # noqa: PLR2004
        return Key("v1", raw)
    if prefix == "whpk" and len(raw) == 32:  # noqa: PLR2004
        if Ed25519PublicKey is None:
            raise ValueError("whpk_… needs the package cryptography")
        return Key("v1a", raw)
    raise ValueError("a secret is whsec_… or whpk_…, as it was shown")


def verify(keys: list[Key], message_id: str, timestamp: str, signatures: str, body: bytes) -> None:
    """Do nothing where one of the signatures is one of the keys'; versions unknown are skipped.

    Raises:
        Refused: none is, or the headers cannot be read.
    """
    if not re.fullmatch(_ID, message_id):
        raise Refused(400, "webhook-id is missing or malformed")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        raise Refused(400, "webhook-timestamp is missing or malformed")
    content = f"{message_id}.{timestamp}.".encode() + body
    for word in signatures.split(" ")[:MOST_SIGNATURES]:
        version, _, signature = word.partition(",")
        if any(key.version == version and key.fits(content, signature) for key in keys):
            return
    raise Refused(401, "no signature fits")


def check_time(timestamp: str, now: float) -> None:
    """Do nothing where a verified time is near ours.

    Raises:
        Refused: it is too old or too new. Wufei signs every attempt anew, so only a recording
            or a wrong clock is.
    """
    if abs(int(now) - int(timestamp)) > TOLERANCE:
        raise Refused(400, "webhook-timestamp is too far from our time")


@dataclass(frozen=True)
class Event:
    """Something that happened; `data` holds the type's own members."""

    id: str
    position: int
    type: str
    timestamp: str
    plan: str | None
    subject: str
    actor: dict[str, Any]
    data: dict[str, Any]


def read_delivery(message_id: str, body: bytes) -> Event:
    """Return the event of a verified body.

    Raises:
        Refused: it is none.
    """
    try:
        message = json.loads(body, parse_float=Decimal)
        data = message["data"]
        event = event_of({**data, "type": message["type"], "timestamp": message["timestamp"]}, data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Refused(400, "the body is no event") from None
    if event.id != message_id:
        raise Refused(400, "webhook-id is not the event's")
    return event


def event_of(item: dict[str, Any], data: dict[str, Any]) -> Event:
    """Return an event, as the feed has it; members that we do not know are passed over."""
    subject = f"{item['subject']['kind']}/{item['subject']['id']}"
    if not (re.fullmatch(_ID, item["id"]) and re.fullmatch(r"[A-Za-z0-9_.]{1,100}", item["type"])):
        raise ValueError("no id, or no type")
    if not subject.isprintable():
        raise ValueError("no subject")
    if type(item["position"]) is not int or not 0 < item["position"] < 2**63:
        raise ValueError("no position")
    return Event(
        id=item["id"],
        position=item["position"],
        type=item["type"],
        timestamp=str(item["timestamp"]),
        plan=item["plan"],
        subject=subject,
        actor=item["actor"],
        data=data,
    )
