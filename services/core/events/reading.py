"""How a reader follows the log: lock its cursor, read the next events, handle them, advance it.

A reader has one cursor per city. Its row stays locked from the reading of the events until the
commit of the work done for them. So two workers never handle the same event, and a worker that is
killed at any line leaves the cursor where it was.
"""

from collections.abc import Callable, Collection, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.catalogue import EventType
from services.core.events.queries import LogEvent, LogStretch, locked_position, next_stretch
from services.core.events.statements import BEGIN_CURSOR, MOVE_CURSOR, PASS_OVER, SET_CURSOR
from services.core.kit.clock import Clock
from services.core.kit.database import notify_after_commit

LOG_CHANNEL = "wufei_log"
"""The LISTEN channel on which processes hear `city:position` when a city's log was followed."""

Handle = Callable[[AsyncSession, str, LogStretch, Clock], Coroutine[Any, Any, int | None]]
"""Handles a stretch of a city's log, in the transaction that moves the cursor.

It returns the position up to which it handled it; None: all of the stretch. Events after that
position come again the next time.
"""


@dataclass(frozen=True, slots=True)
class Follower:
    """A reader of the log: the name of its cursor, the event types it handles, and its handler.

    `handle` is called for every stretch, even one without an event of its types. With `passes_over`
    such a stretch needs no work, so that its cursor may be moved without calling `handle`.
    `at_once` is the most positions of a stretch. With `announces` it tells the processes that their
    caches of a city may be stale.
    """

    reader: str
    types: tuple[EventType, ...]
    handle: Handle
    at_once: int = 500
    announces: bool = False
    passes_over: bool = False


@dataclass(frozen=True, slots=True)
class NumberedEvents:
    """How many events were numbered; `passed` are the readers that need no turn for them."""

    number: int
    passed: Collection[str]


@dataclass(frozen=True, slots=True)
class Followed:
    """The result of a reader: it handled the positions (`after`, `position`] and these events.

    `more`: the log did not end there when it was read.
    """

    after: int
    position: int
    events: Sequence[LogEvent]
    more: bool


async def follow(
    session: AsyncSession,
    city_code: str,
    follower: Follower,
    clock: Clock,
    *,
    most: int | None = None,
) -> Followed | None:
    """Let a follower handle the next events of a city; return how far it got, None: no further.

    It runs in the caller's transaction. At most `most` positions are read, by default the
    follower's `at_once`.
    """
    reader, most = follower.reader, most or follower.at_once
    stretch = await next_stretch(session, city_code, reader=reader, types=follower.types, most=most)
    # A reader that is new in this city: two workers may meet here. So the row is inserted first,
    # where the second worker waits for the first, and locked after that.
    if stretch is None:
        await _begin(session, city_code, reader)
        stretch = await next_stretch(
            session, city_code, reader=reader, types=follower.types, most=most
        )
    if stretch is None or stretch.upto == stretch.after:
        return None
    reached = await follower.handle(session, city_code, stretch, clock)
    position = stretch.upto if reached is None else reached
    moved = {"city": city_code, "reader": reader, "position": position}
    await session.execute(MOVE_CURSOR, moved)
    if follower.announces:
        announce(session, city_code, position=position)
    if position <= stretch.after:
        return None
    heard = [event for event in stretch.events if event.position <= position]
    more = position < stretch.upto or stretch.upto - stretch.after >= most
    return Followed(stretch.after, position, heard, more)


async def pass_over(
    session: AsyncSession, city_code: str, followers: Sequence[Follower], *, most: int = 2000
) -> Sequence[str]:
    """Advance the cursors of followers that pass over events of other types, in one statement.

    Each cursor ends before the next event of its types, or at the end of what was read. Returns
    the readers that reached the end: none of the events concerns them.
    """
    passing = [each for each in followers if each.passes_over]
    readers = [each.reader for each in passing]
    types = [",".join(each.types) for each in passing]
    given = {"city": city_code, "readers": readers, "types": types, "most": most}
    moved = await session.execute(PASS_OVER, given)
    return [reader for reader, through in moved if through]


async def _begin(session: AsyncSession, city_code: str, reader: str) -> None:
    """Create a reader's cursor at the start of a city's log, unless it has one."""
    await session.execute(BEGIN_CURSOR, {"city": city_code, "reader": reader})


async def lock_cursor(session: AsyncSession, city_code: str, *, reader: str) -> int:
    """Lock a reader's cursor to the end of the transaction and return its position."""
    position = await locked_position(session, city_code, reader)
    if position is None:
        await _begin(session, city_code, reader)
        position = await locked_position(session, city_code, reader)
    return position or 0


async def set_cursor(session: AsyncSession, city_code: str, *, reader: str, position: int) -> None:
    """Save how far something other than the log was followed, such as the calendar by days."""
    values = {"city": city_code, "reader": reader, "position": position}
    await session.execute(SET_CURSOR, values)


def announce(session: AsyncSession, city_code: str, *, position: int) -> None:
    """Tell the processes, after the commit, that their caches of a city may be stale."""
    notify_after_commit(session, LOG_CHANNEL, f"{city_code}:{position}")
