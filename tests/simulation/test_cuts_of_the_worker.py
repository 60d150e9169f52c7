"""Each step of a worker survives the loss of its connection at any statement of it.

What the step does uncut is the measure: a cut leaves all of it or nothing, and the next try the
whole.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from functools import partial

import pytest

from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.followers import DATE_FOLLOWERS, FOLLOWERS
from services.core.kit.clock import Clock
from services.core.kit.database import Database, connect
from services.core.kit.idempotency import forget_old
from services.core.kit.outage import is_away
from tests.simulation.changes import Effect, effect, keep, undo
from tests.simulation.conftest import Stage
from tests.simulation.cutting import ALL, Moment, Scissors, Tape, places
from tests.simulation.invariants import boards_differ, broken_laws
from tests.simulation.wire import Gate, OpenGate
from tests.support.api import XINMI
from tests.support.ground import who_may
from tests.support.operations import good_request

CITY = XINMI.split("-", maxsplit=1)[0]
HAPPENED = (
    "POST /v1/plans/{plan}/periods/{period}/open",
    "POST /v1/plans/{plan}/submissions",
    "POST /v1/submissions/{submission_id}/approve",
    "POST /v1/submissions/{submission_id}/reopen",
    "POST /v1/obligations/{obligation_id}/extensions",
    "POST /v1/milestones/{milestone_id}/accept",
    "POST /v1/milestones/{milestone_id}/close",
    "POST /v1/extensions/{extension_id}/approve",
    "PUT /v1/plans/{plan}/indicators/{code}/targets/{year}",
    "POST /v1/webhook-endpoints/{endpoint_id}/test",
)
"""What the worker meets: something for each of its readers."""

_DAYS_LATER = {"webhook-retention": 60}
"""How much later than the log's readers what is done by the date looks, so that it has to do."""

_CURSOR = ("reader_cursor", "UPDATE")

Step = Callable[[Database, Clock], Awaitable[object]]


async def _number(database: Database, _clock: Clock) -> None:
    async with database.transaction() as session:
        await number_committed(session, CITY)


def _steps() -> Sequence[tuple[str, Step]]:
    """Every step in the order of a pass, then what is done by the date."""

    def reading(number: int) -> Step:
        async def step(database: Database, clock: Clock) -> None:
            async with database.transaction() as session:
                await follow(session, CITY, FOLLOWERS[number], clock)

        return step

    def by_date(name: str) -> Step:
        async def step(database: Database, clock: Clock) -> None:
            async with database.transaction() as session:
                later = clock.offset + timedelta(days=_DAYS_LATER.get(name, 1))
                await DATE_FOLLOWERS[name](session, CITY, Clock(later))

        return step

    async def forget(database: Database, clock: Clock) -> None:
        async with database.transaction() as session:
            await forget_old(session, CITY, now=clock.true_now() + timedelta(days=2))

    return (
        ("numbering", _number),
        *((one.reader, reading(number)) for number, one in enumerate(FOLLOWERS)),
        *((f"{name} by the date", by_date(name)) for name in DATE_FOLLOWERS),
        ("forgetting replies", forget),
    )


async def _happen(stage: Stage) -> None:
    """Let something happen for each reader, and a day go by on which milestones fall due."""
    for label in HAPPENED:
        method, path, sent = good_request(label, stage.ground)
        url = str(stage.door.client(None).base_url.join(path))
        async with stage.door.client(stage.ground.secrets[who_may(label)]) as client:
            sent["headers"]["Idempotency-Key"] = label
            answer = await client.request(method, url, **sent)
        assert answer.status_code < 300, (label, answer.text)


@pytest.fixture
async def database(stage: Stage) -> AsyncIterator[Database]:
    """The worker's way to Postgres."""
    async with connect(stage.wire.url, size=2) as opened:
        yield opened


class _Cutting:
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


async def test_a_step_that_loses_its_connection_at_any_statement_is_taken_whole_once(
    stage: Stage, database: Database, record_property: Callable[[str, object], None]
) -> None:
    await _happen(stage)
    await keep(stage.beside)
    clock = Clock(timedelta(days=1))
    cutting = _Cutting(stage)
    for name, step in _steps():
        await cutting.everywhere(name, partial(step, database, clock))
    for _ in range(3):
        for _name, step in _steps()[: 1 + len(FOLLOWERS)]:
            await step(database, clock)
    assert await boards_differ(database, CITY, XINMI, clock) == ""
    record_property("cuts of a connection", cutting.cuts)
