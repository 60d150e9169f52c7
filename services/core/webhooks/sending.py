"""Builds the request to a receiver, and interprets its answer. Pure: it does no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

KEPT_BYTES = 16 * 1024
"""Most bytes of an answer that are read and kept."""

OutcomeKind = Literal[
    "delivered",
    "status",
    "redirect",
    "refused",
    "throttled",
    "timeout",
    "blocked_address",
    "dns",
    "connect",
    "tls",
    "disconnected",
    "protocol",
    "too_large",
    "fault",
    "interrupted",
    "superseded",
]
"""How an attempt ended.

Only `delivered` is success. `status` is an answer outside 2xx and 3xx; `refused` and `throttled`
are a robot's 200 with an error inside, the latter for too many messages. `fault` is our own error,
and `interrupted` means that the worker was stopped. A `superseded` attempt ended after another
worker had claimed its delivery.
"""

FREE: frozenset[OutcomeKind] = frozenset({"fault", "interrupted", "superseded", "throttled"})
"""Outcomes that do not count against the receiver, and use no attempt of the schedule."""

_HEAD_BYTES = 4 * 1024
_CUT = "\n[truncated]"


@dataclass(frozen=True, slots=True)
class Message:
    """A POST request: its body and headers, and the most bytes to read of the answer's body."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    most_read: int = KEPT_BYTES


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of a POST.

    `said` is for people: the answer's head and the beginning of its body, or why there is none.
    `body` is the part of the answer's body that was read. `sent_seconds` is the time until the
    first byte was sent; None: none was.
    """

    kind: OutcomeKind
    duration_ms: int
    status_code: int | None = None
    said: str | None = None
    retry_after: str | None = None
    body: bytes = b""
    sent_seconds: float | None = None


def answer_head(
    status: int, reason: bytes, headers: tuple[tuple[bytes, bytes], ...], body: bytes, *, cut: bool
) -> str:
    """Return an answer as stored: at most `KEPT_BYTES` of text, marked if truncated."""
    head = f"{status} ".encode() + reason
    for name, value in headers:
        if len(head) + len(name) + len(value) > _HEAD_BYTES:
            cut = True
            break
        head += b"\n" + name + b": " + value
    return kept_text(head + (b"\n\n" + body if body else b""), cut=cut)


def kept_text(raw: bytes, *, cut: bool = False) -> str:
    """Return a stranger's bytes as text that Postgres accepts, bounded in bytes."""
    text = raw.decode("utf-8", "replace").replace("\0", "\N{REPLACEMENT CHARACTER}")
    room = KEPT_BYTES - len(_CUT)
    encoded = text.encode()
    if len(encoded) <= room and not cut:
        return text
    return encoded[:room].decode("utf-8", "ignore") + _CUT
