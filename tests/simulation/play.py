"""One play: a seed draws each move, the laws are looked at after it, and at the end all is quiet.

Everything that is chosen comes from the seed, and nothing from the time: the same seed makes the
same moves, in this process or in another.
"""

import logging
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from typing_extensions import override

from tests.simulation.invariants import boards_differ, broken_laws, chain_broken
from tests.simulation.receivers import ANSWERS, GONE, Receivers, UnderWay
from tests.simulation.schedule import Actor, Fate, Held, Schedule
from tests.simulation.wire import OpenGate
from tests.simulation.workers import Worker
from tests.simulation.world import CITY, WORKERS, WRITERS, World
from tests.simulation.writers import Asked, Broken, Writers
from tests.support.api import XINMI

STEPS = 160
_ROUNDS_TO_QUIET = 60
_HOURS = timedelta(hours=6)
_PASS_BY = """
UPDATE webhook_delivery SET next_attempt_at = next_attempt_at - interval '6 hours',
    lease_until = lease_until - interval '6 hours' WHERE state = 'pending'
"""
_RESUME = """
UPDATE webhook_endpoint SET paused_until = paused_until - interval '6 hours',
    failing_since = failing_since - interval '6 hours'
"""
_UNSETTLED = "SELECT count(*) FROM webhook_delivery WHERE state = 'pending'"
_BEHIND = """
SELECT (SELECT count(*) FROM event_pending) + (SELECT count(*) FROM log_head h JOIN reader_cursor c
    USING (city_code) WHERE c.reader NOT LIKE '%/%' AND c.position < h.position)
"""
_UNTAKEN = """
SELECT e.host, d.event_id::text FROM webhook_delivery d JOIN webhook_endpoint e
    ON e.city_code = d.city_code AND e.id = d.endpoint_id WHERE d.state = 'delivered'
"""
_CHANGES = "SELECT count(*) FROM submission_history"
_EVENTS = "SELECT count(*) FROM event WHERE subject_kind = 'submission'"

Move = tuple[float, str, Callable[[], Awaitable[object]]]
"""How likely it is beside the others, what it is called, and how it is made."""


@dataclass
class Played:
    """What a play was: every move in order, and how often each sort of fault came."""

    seed: int
    trace: list[str] = field(default_factory=list)
    faults: int = 0


class Failed(Exception):
    """A law was broken; it says where, and all that was done."""

    def __init__(self, played: Played, why: str) -> None:
        moves = "\n".join(played.trace)
        super().__init__(
            f"seed {played.seed}, step {len(played.trace)}: {why}\n{moves}\n"
            f"seed {played.seed}, step {len(played.trace)}: {why}"
        )


class Play:
    """Plays one seed in a world."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._chance = random.Random(seed)
        self._receivers = Receivers()
        self._writers = Writers(world, self._chance)
        self._workers = [Worker(number, world, self._receivers) for number in range(WORKERS)]
        self._schedule = Schedule(world.beside)
        self._at: dict[str, Actor] = {}
        self.played = Played(seed)

    async def run(self, steps: int = STEPS) -> Played:
        """Make so many moves, then let all come to an end without faults.

        Raises:
            Failed: something was not as it must be.
        """
        self._world.wire.gate = self._schedule
        try:
            with _no_fault_of_ours():
                for _ in range(steps):
                    await self._step(list(self._moves()))
                await self._to_quiet()
                await self._judge()
        except Failed:
            raise
        except Exception as error:
            raise Failed(self.played, repr(error)) from error
        finally:
            await self._leave()
        return self.played

    async def _step(self, moves: list[Move]) -> None:
        weights = [weight for weight, *_ in moves]
        _, name, make = self._chance.choices(moves, weights)[0]
        self.played.trace.append(f"{len(self.played.trace) + 1:4} {name}")
        await make()
        if self._schedule.committed:
            self._schedule.committed = False
            broken = await broken_laws(self._world.beside)
            if broken:
                raise Failed(self.played, "; ".join(broken))

    def _moves(self) -> Iterator[Move]:
        busy = {actor.name for actor in self._schedule.actors}
        yield from self._moves_of_what_goes_on(faults=True)
        yield from self._moves_of_workers(busy)
        yield from self._new_calls(busy)
        yield from self._faults()

    def _moves_of_what_goes_on(self, *, faults: bool) -> Iterator[Move]:
        for held in self._schedule.held:
            yield 6, f"{held.actor.name}: {held.what}", partial(self._let, held, "goes on")
        for one in self._receivers.under_way:
            yield 2, f"receiver {one.host} answers", partial(self._answer, one, faults=faults)

    def _new_calls(self, busy: set[str]) -> Iterator[Move]:
        for number in range(1, WRITERS + 1):
            if f"writer {number}" not in busy:
                yield 2, f"writer {number} asks", partial(self._ask, number)

    def _moves_of_workers(self, busy: set[str]) -> Iterator[Move]:
        for worker in self._workers:
            if worker.name not in busy:
                rung = self._world.rings.waiting > 0
                yield (3 if rung else 1), f"{worker.name} looks", partial(self._look, worker)
                yield 0.1, f"{worker.name} sweeps", partial(self._begin, worker, worker.sweep)
                yield 0.6, f"{worker.name} claims", partial(self._begin, worker, worker.claim)
                if worker.has_outcomes:
                    yield 2, f"{worker.name} settles", partial(self._begin, worker, worker.settle)
            yield 0.08, f"{worker.name} dies", partial(self._die, worker)

    def _faults(self) -> Iterator[Move]:
        fates: tuple[Fate, ...] = ("loses the statement", "loses the answer")
        for held in self._schedule.held:
            # The end of a transaction is where both ends may believe another thing.
            weight = 0.6 if held.ends else 0.1
            for fate in fates:
                name = f"{held.actor.name} {fate}: {held.what}"
                yield weight, name, partial(self._let, held, fate)
        if self._world.rings.waiting:
            yield 0.2, "a ring is lost", partial(self._ring, 0)
            yield 0.5, "a ring comes twice", partial(self._ring, 2)
        yield 0.08, "the clock jumps by a day", partial(self._jump, timedelta(days=1))
        yield 0.08, "the clock jumps by six hours", partial(self._jump, _HOURS)
        yield 0.06, "the clock is set back", partial(self._jump, timedelta(minutes=-7))
        if not self._schedule.actors:
            yield 0.4, "six hours go by for deliveries", self._pass_by

    async def _let(self, held: Held, fate: Fate) -> None:
        self.played.faults += fate != "goes on"
        await self._schedule.let(held, fate)

    async def _ask(self, number: int) -> None:
        asked = self._writers.draw()
        self.played.trace[-1] += f" {asked.path.rsplit('/', 1)[1]} ({asked.key})"
        twice = self._chance.random() < 0.15
        await self._schedule.begin(f"writer {number}", self._call(asked))
        if twice:
            self.played.trace[-1] += ", and again at once"
            await self._schedule.begin(f"writer {number} again", self._call(asked))

    async def _call(self, asked: Asked) -> None:
        await self._writers.call(asked)

    async def _look(self, worker: Worker) -> None:
        self._world.rings.waiting = max(0, self._world.rings.waiting - 1)
        await self._begin(worker, worker.go_round)

    async def _begin(self, worker: Worker, work: Callable[[], Awaitable[None]]) -> None:
        async def pass_() -> None:
            await work()

        await self._schedule.begin(worker.name, pass_())

    async def _die(self, worker: Worker) -> None:
        self.played.faults += 1
        for actor in self._schedule.actors:
            if actor.name == worker.name:
                await self._schedule.kill(actor)
        worker.die()
        await self._schedule.rest()

    async def _answer(self, one: UnderWay, *, faults: bool) -> None:
        answer = self._chance.choice(ANSWERS) if faults else ANSWERS[0]
        if faults and self._chance.random() < 0.02:
            answer = GONE
        self.played.faults += answer is not ANSWERS[0]
        self.played.trace[-1] += f" {answer.name}"
        self._receivers.answer(one, answer)
        await self._schedule.rest()

    async def _ring(self, number: int) -> None:
        self.played.faults += 1
        self._world.rings.waiting = number

    async def _jump(self, by: timedelta) -> None:
        self.played.faults += 1
        self._world.clock.move(by)

    async def _pass_by(self) -> None:
        await self._world.beside.execute(_PASS_BY)
        await self._world.beside.execute(_RESUME)

    async def _to_quiet(self) -> None:
        """Let everybody come to an end, and the workers find nothing more to do."""
        self.played.trace.append("     no more faults")
        for _ in range(_ROUNDS_TO_QUIET):
            while self._schedule.actors or self._receivers.under_way:
                await self._go_on()
            if not await self._waits():
                return
            for worker in self._workers:
                for work in (worker.settle, worker.sweep, worker.go_round, worker.claim):
                    await self._begin(worker, work)
                    while self._schedule.actors:
                        await self._go_on()
            await self._pass_by()
        raise Broken("the workers do not come to an end")

    async def _go_on(self) -> None:
        moves = list(self._moves_of_what_goes_on(faults=False))
        if not moves:
            raise Broken("everybody waits for somebody")
        await self._step(moves)

    async def _waits(self) -> int:
        unsettled: int = await self._world.beside.fetchval(_UNSETTLED)
        behind: int = await self._world.beside.fetchval(_BEHIND)
        return unsettled + behind + sum(worker.has_outcomes for worker in self._workers)

    async def _judge(self) -> None:
        """Compare what is there with what was acknowledged and with a full recompute.

        Raises:
            Broken: it is another thing.
        """
        beside = self._world.beside
        acknowledged = self._writers.changes_of_submissions()
        for query in (_CHANGES, _EVENTS):
            if (found := await beside.fetchval(query)) != acknowledged:
                raise Broken(f"{found} changes of submissions, {acknowledged} acknowledged")
        untaken = [tuple(row) for row in await beside.fetch(_UNTAKEN)]
        for host, event in untaken:
            if not self._receivers.taken[host.split(".")[0], event]:
                raise Broken(f"{host} never took event {event}, which counts as delivered")
        self._world.wire.gate = OpenGate()
        differ = await boards_differ(self._world.workers[0], CITY, XINMI, self._world.clock)
        broken = await chain_broken(self._world.workers[0], CITY)
        if differ or broken:
            raise Broken(differ or broken)

    async def _leave(self) -> None:
        """End what is still going on, so that the world can be closed."""
        self._world.wire.gate = OpenGate()
        self._world.wire.cut()
        await self._schedule.give_up()
        for worker in self._workers:
            worker.die()


class _Errors(logging.Handler):
    """Keeps what is logged as a fault of ours."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    @override
    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(f"{record.getMessage()}: {vars(record).get('cause')}")


@contextmanager
def _no_fault_of_ours() -> Iterator[None]:
    """Have each error that our programs log count as a broken law.

    Raises:
        Broken: they logged one.
    """
    errors, ours = _Errors(), logging.getLogger("wufei")
    ours.addHandler(errors)
    try:
        yield
    finally:
        ours.removeHandler(errors)
    if errors.said:
        raise Broken("; ".join(errors.said[:3]))
