"""Chooses where a unit of work reads: the primary, or a replica that is recent enough.

Every change on a server has a position in its write-ahead log (WAL), and a replica reports how far
it has replayed that log. So a replica may answer a caller that needs nothing later than that
position. It is recent enough for anybody while it has replayed all that the primary had a given
time ago. Both are comparisons of WAL positions, so no other machine's clock takes part.

A unit of work reads from one server, which `Reads.choose` picks. Writes, and reads that belong to
a write, never come here.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from zlib import crc32

import asyncpg
from cachetools import TTLCache
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from services.core.kit.database import Database
from services.core.kit.one_connection import OneEachPool
from services.core.kit.outage import told_of
from services.core.kit.wal_watch import WalPosition, WalWatch

logger = logging.getLogger("wufei.api")

NOT_KNOWN = 1 << 63
"""A WAL position after every other: a caller with it reads from the primary."""

_JUDGED_EVERY_SECONDS = 0.25
_KEPT_EVERY_SECONDS = 0.1
_WAITS_SECONDS = 0.1
"""How long a read waits for a replica to catch up before it goes to the primary."""

_LOOKS_AGAIN_SECONDS = 0.01
_MOST_CALLERS = 10_000

Reached = Callable[[Database], Awaitable[bool]]
"""Returns whether a replica has reached a state that the caller named in terms of the domain."""


class ReplicaWentBack(ConnectionError):
    """A restarted replica is behind its earlier position and must catch up first."""


@dataclass
class Replica:
    """A replica: its name, its connections, its position, and why it is not used, if so.

    `caught_up_at` is the loop's time when the primary was last seen no further than this replica.
    """

    name: str
    database: Database
    watch: WalWatch
    caught_up_at: float | None = None
    set_aside: str | None = None
    told: bool = False


@dataclass(frozen=True, slots=True)
class Need:
    """What a read must see: a WAL position, and the state that `reached` checks, if any."""

    place: int = 0
    reached: Reached | None = None


@dataclass
class _Reading:
    """Where a unit of work reads from, and for which caller."""

    caller: object = None
    need: Need = field(default_factory=Need)
    replica: Replica | None = None
    failed: bool = False


_present: ContextVar[_Reading | None] = ContextVar("reading", default=None)


class Reads:
    """The databases to read from: the primary, and its replicas, of which there may be none.

    A replica is used while it is at most `within` seconds behind. A caller never reads older data
    than it has seen or changed through this process.
    """

    def __init__(
        self,
        primary: Database,
        watch: WalWatch | None = None,
        replicas: Sequence[Replica] = (),
        *,
        within: float = 0,
    ) -> None:
        self.primary = primary
        self.replicas = replicas
        self._watch = watch
        self._within = within
        self._lately: deque[WalPosition] = deque()
        self._seen: TTLCache[object, int] = TTLCache(
            _MOST_CALLERS, ttl=within, timer=lambda: asyncio.get_running_loop().time()
        )

    @property
    def pool(self) -> OneEachPool:
        """Return the bare pool of the server that this unit of work reads from."""
        return self._database.pool

    @property
    def sessions(self) -> async_sessionmaker[AsyncSession]:
        """Return the sessions of the server that this unit of work reads from."""
        return self._database.sessions

    @property
    def _database(self) -> Database:
        reading = _present.get()
        replica = reading.replica if reading else None
        return replica.database if replica else self.primary

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Begin a unit of work, which reads from the primary until it chooses otherwise."""
        token = _present.set(_Reading())
        try:
            yield
        finally:
            _present.reset(token)

    @property
    def server(self) -> str:
        """Return the name of the server this unit of work reads from, as metrics label it."""
        reading = _present.get()
        return reading.replica.name if reading and reading.replica else "primary"

    @property
    def on_replica(self) -> bool:
        """Whether this unit of work reads from a replica, which may be behind the primary."""
        reading = _present.get()
        return reading is not None and reading.replica is not None

    async def choose(self, caller: object, need: Need) -> None:
        """Choose where this unit of work reads from, by its need and by what its caller has seen.

        It may wait a moment for a replica that is almost there; it holds no connection meanwhile.
        """
        reading = _present.get()
        if reading is None or reading.failed or not self.replicas:
            return
        reading.caller, reading.need = caller, need
        reading.replica = await self._recent_enough(caller, need)

    async def look_again(self) -> None:
        """Choose again, so that this unit of work sees what the primary has by now."""
        reading = _present.get()
        if reading is None or reading.replica is None or self._watch is None:
            return
        place = await self._watch.ask()
        self._note(reading.caller, place.wal if place else NOT_KNOWN)
        reading.replica = await self._recent_enough(reading.caller, reading.need)

    def falls_back(self, error: BaseException) -> bool:
        """Return whether this unit of work may start over on the primary: its replica failed."""
        reading = _present.get()
        if reading is None or reading.replica is None:
            return False
        # The position counts as unknown until the replica reports it again.
        reading.replica.watch.doubt(told_of(error))
        return self.asks_primary()

    def asks_primary(self) -> bool:
        """Return whether this unit of work may restart on the primary: the replica lacks it."""
        reading = _present.get()
        if reading is None or reading.replica is None:
            return False
        reading.replica, reading.failed = None, True
        return True

    async def seen(self, caller: object) -> int | None:
        """Return the WAL position that this unit of work may have seen or written, and note it.

        Its caller then reads from no server that is behind that. None: the position is unknown now,
        or there are no replicas.
        """
        reading = _present.get()
        if reading is None or self._watch is None:
            return None
        watch = reading.replica.watch if reading.replica else self._watch
        place = await watch.ask()
        self._note(caller, place.wal if place else NOT_KNOWN)
        return place.wal if place else None

    async def run(self) -> None:
        """Check the replicas forever, and log when one is set aside or used again."""
        while self.replicas:
            await asyncio.sleep(_JUDGED_EVERY_SECONDS)
            for replica in self.replicas:
                self._judge(replica)

    def lag(self, replica: Replica) -> float | None:
        """Return the upper bound of a replica's lag in seconds; None: unknown."""
        if replica.caught_up_at is None:
            return None
        return max(0.0, asyncio.get_running_loop().time() - replica.caught_up_at)

    async def _recent_enough(self, caller: object, need: Need) -> Replica | None:
        place = max(need.place, self._seen.get(caller, 0))
        for replica in self._in_turn(caller):
            if self._why_not(replica) is None:
                return replica if await self._has(replica, place, need.reached) else None
        return None

    def _in_turn(self, caller: object) -> Sequence[Replica]:
        """Return the replicas, beginning with the caller's own, the same one in every process.

        A replica never goes back by itself, so a caller that stays with it never sees older data.
        """
        first = crc32(str(caller).encode()) % len(self.replicas)
        return [*self.replicas[first:], *self.replicas[:first]]

    async def _has(self, replica: Replica, wal: int, reached: Reached | None) -> bool:
        """Return whether a replica has what is needed; wait a moment for it."""
        clock = asyncio.get_running_loop().time
        give_up = clock() + _WAITS_SECONDS
        place = replica.watch.known
        while place is not None:
            if place.wal >= wal and (reached is None or await reached(replica.database)):
                return True
            if clock() >= give_up:
                return False
            await asyncio.sleep(_LOOKS_AGAIN_SECONDS)
            place = await replica.watch.ask()
        return False

    def _note(self, caller: object, wal: int) -> None:
        self._seen[caller] = max(wal, self._seen.get(caller, 0))

    def _why_not(self, replica: Replica) -> str | None:
        """Return why a replica may not be read from; None: it may."""
        known, wanted = replica.watch.known, self._wanted()
        if known is None or self._watch is None:
            return replica.watch.trouble or "it has not been asked yet"
        if wanted is None or self._watch.known is None:
            return "how far the primary is cannot be asked"
        if not known.replays:
            return "it is no replica: it takes writes"
        if known.of != self._watch.known.of:
            return "it is no replica of this primary's database"
        if known.wal < wanted:
            return f"it is more than {self._within:g} s behind"
        return None

    def _wanted(self) -> int | None:
        """Return the primary's position `within` seconds ago, or slightly later; None: unknown."""
        lately = self._lately
        newest = self._watch.known if self._watch else None
        if newest and (not lately or newest.asked_at - lately[-1].asked_at >= _KEPT_EVERY_SECONDS):
            lately.append(newest)
        since = asyncio.get_running_loop().time() - self._within
        while lately and lately[0].asked_at < since:
            lately.popleft()
        return lately[0].wal if lately else None

    def _judge(self, replica: Replica) -> None:
        why = self._why_not(replica)
        known = replica.watch.known
        if known is not None:
            reached = [one.asked_at for one in self._lately if one.wal <= known.wal]
            replica.caught_up_at = max([*reached, replica.caught_up_at or 0.0]) or None
        replica.set_aside = why
        if (why is not None) == replica.told or replica.watch.untried:
            return
        replica.told = why is not None
        if why is None:
            logger.info("replica used again", extra={"replica": replica.name})
        else:
            logger.warning(
                "replica set aside",
                extra={
                    "replica": replica.name,
                    "cause": why,
                    "next": "readings go to the primary until it is recent again",
                },
            )


def checking(watch: WalWatch) -> Callable[[asyncpg.Connection], Awaitable[None]]:
    """Return a check that refuses a connection to a server that is behind its earlier position.

    A restarted replica may begin earlier; its old connections ended with it.
    """

    async def check(connection: asyncpg.Connection) -> None:
        known = watch.known
        place = await watch.read(connection)
        if known is not None and place.wal < known.wal:
            watch.doubt("it was started again and catches up")
            raise ReplicaWentBack("the replica is not as far as it was")

    return check
