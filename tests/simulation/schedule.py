"""Who goes on next: one statement of one actor at a time, and nothing else moves meanwhile.

An actor is a task: a call of the API, a round of a worker. Each of its statements stops at the
gate until it is let through. Then the schedule waits until the actor stands at its next
statement, waits in Postgres for another's lock, or is over. So what happens is a list of moves,
and the same moves have the same consequences.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any, Literal

import asyncpg
from typing_extensions import override

from services.core.kit.rested_connections import ALIVE
from tests.simulation.wire import CONNECT, PREPARE, Link, OpenGate

Fate = Literal["goes on", "loses the statement", "loses the answer"]

_AT_REST = 4
"""So many turns of the event loop without anything to do: whoever can move has moved."""

_PASSES = (
    *("BEGIN", ";", "ROLLBACK", CONNECT, PREPARE),
    *("show ", "select pg_catalog.version", "select current_schema", "SELECT current_setting"),
)
"""What begins with this passes by itself: nobody sees it, and most of it is the driver's own."""

_OF_THE_DRIVER = "pg_catalog.pg_type"


def _passes(words: str) -> bool:
    """Return whether what is said passes by itself: when a connection is tried hangs on time."""
    return words == ALIVE or words.startswith(_PASSES) or _OF_THE_DRIVER in words


_WAITING = """
SELECT a.pid, bool_or(l.pid IS NOT NULL) AS waits FROM pg_stat_activity a
LEFT JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted
WHERE a.pid = ANY($1::int[]) GROUP BY a.pid
"""


@dataclass(eq=False)
class Actor:
    """A task that makes statements."""

    name: str
    task: asyncio.Task[None]


@dataclass(eq=False)
class Held:
    """What stands at the gate: a statement that was not sent, or an answer that came late."""

    actor: Actor
    link: Link
    passes: asyncio.Future[bool]
    late: bool

    @property
    def ends(self) -> bool:
        """Whether it is the end of a transaction, or one by itself."""
        return self.link.words.startswith(("COMMIT", "\nWITH period"))

    @property
    def what(self) -> str:
        """Say what stands there, in few words."""
        words = " ".join(self.link.words.split())[:70]
        return f"the answer to {words}" if self.late else words


class Schedule(OpenGate):
    """Lets one statement through at a time, and knows when all has come to rest.

    `committed` says that something may have become visible since it was last set to False.
    """

    def __init__(self, beside: asyncpg.Connection) -> None:
        self._beside = beside
        self._moving: Actor | None = None
        self._sent: dict[Link, Actor] = {}
        self._in_transaction: set[Link] = set()
        self._dying: set[int] = set()
        self._lost: Link | None = None
        self.held: list[Held] = []
        self.actors: list[Actor] = []
        self.committed = False

    @override
    async def sent(self, link: Link) -> bool:
        actor = self._moving
        assert actor is not None, f"nobody was let go on: {link.words}"
        decides = not _passes(link.words)
        if decides and not await self._hold(actor, link, late=False):
            return False
        self._sent[link] = actor
        return True

    @override
    async def answered(self, link: Link) -> bool:
        actor = self._sent.pop(link)
        self._note_commit(link)
        if self._lost is link:
            return False
        # Of another's, which waited for a lock that was just given up, it waits for its turn.
        return self._moving is actor or await self._hold(actor, link, late=True)

    @override
    def ended(self, link: Link) -> None:
        self._sent.pop(link, None)
        self._in_transaction.discard(link)
        self._dying.add(link.pid)

    def _note_commit(self, link: Link) -> None:
        if link.words.startswith("BEGIN"):
            self._in_transaction.add(link)
        elif link.words.startswith(("COMMIT", "ROLLBACK")):
            self._in_transaction.discard(link)
        self.committed |= link not in self._in_transaction

    async def _hold(self, actor: Actor, link: Link, *, late: bool) -> bool:
        held = Held(actor, link, asyncio.get_running_loop().create_future(), late)
        self.held.append(held)
        return await held.passes

    async def begin(self, name: str, work: Coroutine[Any, Any, None]) -> Actor:
        """Let a new actor go to its first statement."""
        actor = Actor(name, asyncio.create_task(work))
        self.actors.append(actor)
        await self.rest(actor)
        return actor

    async def let(self, held: Held, fate: Fate) -> None:
        """Let what is held go on to the next statement, or lose its connection there."""
        self.held.remove(held)
        loses_answer = fate == "loses the answer" and not held.late
        self._lost = held.link if loses_answer else None
        held.passes.set_result(fate == "goes on" or loses_answer)
        await self.rest(held.actor)
        self._lost = None

    async def kill(self, actor: Actor) -> None:
        """End an actor as the death of its process does: its connections first."""
        for link in [link for link, whose in self._sent.items() if whose is actor]:
            link.cut()
        for held in [one for one in self.held if one.actor is actor]:
            self.held.remove(held)
            held.passes.set_result(False)
        await _idle()
        actor.task.cancel()
        await self.rest(actor)

    async def give_up(self) -> None:
        """End all actors, and let nobody stand at the gate."""
        for held in self.held:
            held.passes.set_result(False)
        tasks = [actor.task for actor in self.actors]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def rest(self, moving: Actor | None = None) -> None:
        """Wait until everything stands still; `moving` is who alone goes on meanwhile.

        Raises:
            BaseException: what an actor ended with.
        """
        self._moving = moving
        while await self._at_work():
            pass
        self._moving = None
        over = [one for one in self.actors if one.task.done()]
        self.actors = [one for one in self.actors if one not in over]
        for one in over:
            if not one.task.cancelled():
                one.task.result()

    async def _at_work(self) -> bool:
        """Return whether a server process still does something, or has yet to end."""
        await _idle()
        flying = {link.pid for link in self._sent}
        asked = flying | self._dying
        if not asked:
            return False
        found = await self._beside.fetch(_WAITING, list(asked))
        waiting = {row["pid"] for row in found if row["waits"]}
        self._dying &= {row["pid"] for row in found}
        await _idle()
        return {link.pid for link in self._sent} != flying or not (flying | self._dying) <= waiting


async def _idle() -> None:
    """Return once the event loop has nothing left to do of its own accord."""
    ready: Any = asyncio.get_running_loop()._ready  # type: ignore[attr-defined]
    quiet = 0
    while quiet < _AT_REST:
        await asyncio.sleep(0)
        quiet = 0 if ready else quiet + 1
