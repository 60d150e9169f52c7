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
"""The channel of LISTEN on which doors hear `city:position` when a city's log was followed."""

Handle = Callable[[AsyncSession, str, LogStretch, Clock], Coroutine[Any, Any, int | None]]
"""Does what a stretch of a city's log asks for, in the transaction that moves the cursor.

It returns the position up to which it read; None: all of the stretch. Events after that position
come again the next time.
"""


@dataclass(frozen=True, slots=True)
class Follower:
    """A reader of the log: the name of its cursor, the types it hears, and what it does.

    `handle` is called for every stretch, also for one without an event of its types; of one that
    `passes_over` such a stretch asks for nothing, so that its cursor may be moved without it.
    `at_once` is how many positions a stretch has at most. One that `announces` tells the doors that
    what they keep of a city may be old.
    """

    reader: str
    types: tuple[EventType, ...]
    handle: Handle
    at_once: int = 500
    announces: bool = False
    passes_over: bool = False


@dataclass(frozen=True, slots=True)
class NumberedEvents:
    """How many events were given numbers; `passed` are the readers that need no turn for those."""

    number: int
    passed: Collection[str]


@dataclass(frozen=True, slots=True)
class Followed:
    """What a reader has done: the positions (`after`, `position`], and those of them it heard.

    `more` may follow: the log did not end there when it was read.
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
    """Let a follower do what comes next in a city's log; return how far it came, None: no further.

    It runs in the caller's transaction. `most` positions are read, `at_once` of the follower
    unless it says otherwise.
    """
    reader, most = follower.reader, most or follower.at_once
    stretch = await next_stretch(session, city_code, reader=reader, types=follower.types, most=most)
    # A reader that is new in this city: two workers may meet here, so the row is made first, where
    # the second waits for the first, and locked after that.
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
    """Move the cursors of those who pass over what they do not hear, all in one statement.

    Each comes to stand before the next event of its types, or at the end of what was read. Returns
    the readers that came to the end: nothing that was read concerns them.
    """
    passing = [each for each in followers if each.passes_over]
    readers = [each.reader for each in passing]
    types = [",".join(each.types) for each in passing]
    given = {"city": city_code, "readers": readers, "types": types, "most": most}
    moved = await session.execute(PASS_OVER, given)
    return [reader for reader, through in moved if through]


async def _begin(session: AsyncSession, city_code: str, reader: str) -> None:
    """Give a reader its cursor at the start of a city's log; one that has a cursor keeps it."""
    await session.execute(BEGIN_CURSOR, {"city": city_code, "reader": reader})


async def lock_cursor(session: AsyncSession, city_code: str, *, reader: str) -> int:
    """Lock a reader's cursor to the end of the transaction and return its position."""
    position = await locked_position(session, city_code, reader)
    if position is None:
        await _begin(session, city_code, reader)
        position = await locked_position(session, city_code, reader)
    return position or 0


async def set_cursor(session: AsyncSession, city_code: str, *, reader: str, position: int) -> None:
    """Note how far something else than the log was followed, as the calendar by days."""
    values = {"city": city_code, "reader": reader, "position": position}
    await session.execute(SET_CURSOR, values)


def announce(session: AsyncSession, city_code: str, *, position: int) -> None:
    """Tell the doors, after this is committed, that what they keep of a city may be old."""
    notify_after_commit(session, LOG_CHANNEL, f"{city_code}:{position}")
