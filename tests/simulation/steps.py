"""Steps of a worker that are cut off at each of their statements, and taken again.

What a step does uncut is the measure: a cut leaves all of it or nothing, and the next try the
whole.
"""

from collections.abc import Awaitable, Callable, Iterable

from services.core.kit.outage import is_away
from tests.simulation.changes import Effect, effect, keep, undo
from tests.simulation.conftest import Stage
from tests.simulation.cutting import ALL, Moment, Scissors, Tape, places
from tests.simulation.invariants import broken_laws
from tests.simulation.wire import Gate, OpenGate
from tests.support.ground import who_may
from tests.support.operations import good_request

_CURSOR = ("reader_cursor", "UPDATE")


class CutSteps:
    """Takes steps that are cut off, and counts the cuts."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.cuts = 0

    async def _through(self, gate: Gate, step: Callable[[], Awaitable[object]]) -> None:
        self._stage.wire.gate = gate
        try:
            await step()
        except Exception as error:
            if not is_away(error):
                raise
        finally:
            self._stage.wire.gate = OpenGate()

    async def _done(self) -> Effect:
        """Return what was written; a reader that holds its cursor sets it anew each time."""
        done = await effect(self._stage.beside)
        return Effect({what: 1 if what == _CURSOR else number for what, number in done.items()})

    async def everywhere(self, name: str, step: Callable[[], Awaitable[object]]) -> None:
        """Cut a step at each of its statements, and leave it taken."""
        tape = Tape()
        await self._through(tape, step)
        whole = await self._done()
        assert whole, f"{name} had nothing to do"
        for at in places(tape.words, self.cuts):
            taken = await self._cut(name, step, whole, at, "unanswered")
            if taken is None:
                break
            if taken or ALL:
                await self._cut(name, step, whole, at, "unheard")
        await keep(self._stage.beside)

    async def _cut(
        self,
        name: str,
        step: Callable[[], Awaitable[object]],
        whole: Effect,
        at: int,
        moment: Moment,
    ) -> bool | None:
        """Return whether the step was taken though it was cut; None: it has no such statement."""
        await undo(self._stage.beside)
        scissors = Scissors(at, moment)
        await self._through(scissors, step)
        if scissors.cut is None:
            return None
        cut = f"{name}, {at} {moment}: {scissors.cut}"
        done = await self._done()
        assert done in (Effect(), whole), cut
        await step()
        assert await self._done() == whole, cut
        assert await broken_laws(self._stage.beside) == [], cut
        self.cuts += 1
        return done == whole


async def happen(stage: Stage, labels: Iterable[str]) -> None:
    """Have these operations called, each by whoever may."""
    for label in labels:
        method, path, sent = good_request(label, stage.ground)
        url = str(stage.door.client(None).base_url.join(path))
        async with stage.door.client(stage.ground.secrets[who_may(label)]) as client:
            sent["headers"]["Idempotency-Key"] = label
            answer = await client.request(method, url, **sent)
        assert answer.status_code < 300, (label, answer.text)
