"""Correlation ids of a piece of work, from the request to the last attempt that it causes.

A process opens a trail for each request, each step and each attempt. Code that writes events stores
the trail's trace with them and adds their ids here; every line logged meanwhile carries the request
id. So each of these ids leads to the others, without an extra round trip.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from uuid import UUID

_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_VERSION = "00"
_NO_VERSION = "ff"


@dataclass(slots=True)
class Trail:
    """A request's id, the W3C `traceparent` that its events carry, and the ids of those events.

    `waited` are the delays in seconds of the deadline notices that were sent.
    """

    request_id: str | None = None
    traceparent: str | None = None
    events: list[UUID] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)


_present: ContextVar[Trail | None] = ContextVar("trail", default=None)


@contextmanager
def on_trail(trail: Trail) -> Iterator[None]:
    """Make the block, with all tasks that it starts, part of a trail."""
    token = _present.set(trail)
    try:
        yield
    finally:
        _present.reset(token)


def present_trail() -> Trail | None:
    """Return the current trail; None: there is none."""
    return _present.get()


def present_traceparent() -> str | None:
    """Return the `traceparent` for events that are written now."""
    trail = _present.get()
    return None if trail is None else trail.traceparent


def note_events(ids: Iterable[UUID]) -> None:
    """Note the ids of events that were written."""
    trail = _present.get()
    if trail is not None:
        trail.events.extend(ids)


def note_waits(seconds: Iterable[float]) -> None:
    """Note the delays, in seconds, of deadline notices that were sent now."""
    trail = _present.get()
    if trail is not None:
        trail.waited.extend(seconds)


def forget_events() -> None:
    """Forget the noted events, because they were rolled back."""
    trail = _present.get()
    if trail is not None:
        trail.events.clear()


def read_traceparent(given: str) -> str | None:
    """Return the value of a `traceparent` header in the form of version 00; None: it is invalid.

    A later version may append more parts, which are ignored (W3C Trace Context, section 3.2). Ids
    of only zeros are invalid.
    """
    parts = _TRACEPARENT.fullmatch(given)
    if parts is None:
        return None
    version, trace, span, flags, more = parts.groups()
    if version == _NO_VERSION or (version == _VERSION and more):
        return None
    if not (trace.strip("0") and span.strip("0")):
        return None
    return f"{_VERSION}-{trace}-{span}-{flags}"
