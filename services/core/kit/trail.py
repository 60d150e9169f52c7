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

    `waited` are the seconds that notices of deadlines went out after they were due.
    """

    request_id: str | None = None
    traceparent: str | None = None
    events: list[UUID] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)


_present: ContextVar[Trail | None] = ContextVar("trail", default=None)


@contextmanager
def on_trail(trail: Trail) -> Iterator[None]:
    """Let what runs inside, with all tasks that it starts, belong to a trail."""
    token = _present.set(trail)
    try:
        yield
    finally:
        _present.reset(token)


def present_trail() -> Trail | None:
    """Return the trail that this runs on; None: on none."""
    return _present.get()


def present_traceparent() -> str | None:
    """Return what an event that is written now carries as its `traceparent`."""
    trail = _present.get()
    return None if trail is None else trail.traceparent


def note_events(ids: Iterable[UUID]) -> None:
    """Note that events with these ids were written."""
    trail = _present.get()
    if trail is not None:
        trail.events.extend(ids)


def note_waits(seconds: Iterable[float]) -> None:
    """Note for how long notices of deadlines that went out now had been due."""
    trail = _present.get()
    if trail is not None:
        trail.waited.extend(seconds)


def forget_events() -> None:
    """Note that what was written so far was undone."""
    trail = _present.get()
    if trail is not None:
        trail.events.clear()


def read_traceparent(given: str) -> str | None:
    """Return the value of a `traceparent` header as version 00 writes it; None: it is not one.

    A later version may say more behind these parts, which is passed over (W3C Trace Context,
    section 3.2). Ids of nothing but zeros name nothing.
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
