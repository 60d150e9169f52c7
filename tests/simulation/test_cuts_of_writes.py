"""Each call that writes survives the loss of its connection at any statement of it.

The statements are cut one after the other until the call has no more; what one uncut call does
is the measure of all others.
"""

from collections.abc import Callable

import httpx
import pytest

from services.api.problems import MEDIA_TYPE
from tests.simulation.changes import Effect, effect, keep, undo
from tests.simulation.conftest import Stage
from tests.simulation.cutting import ALL, Moment, Scissors, Tape, places
from tests.simulation.invariants import broken_laws
from tests.simulation.wire import Gate, OpenGate
from tests.support.contract import BY_OTHERS
from tests.support.ground import who_may
from tests.support.operations import OPERATIONS, good_request

WRITES = sorted(
    (
        label
        for label in OPERATIONS
        # Of the others one writes nothing, and one only what another operation does; a proof is
        # good once, so that whoever has lost the answer proves anew.
        if not label.startswith("GET ") and not label.endswith(tuple(BY_OTHERS))
    ),
    # A user's first: their token ends some minutes after the stage was set.
    key=lambda label: (who_may(label) != "user", label),
)
COMES_AFTER = {
    "POST /v1/plans/{plan}/periods/{period}/reopen": "POST /v1/plans/{plan}/periods/{period}/close"
}
"""What has to be done for another to be possible, which undoes it."""

_KEPT_IN_THE_PROCESS = {
    "api_key",
    "sign_in",
    "plan",
    "plan_period",
    "assigned_target",
    "settlement",
}
_DONE_ALREADY = {"DELETE": {404, 410}, "PATCH": {412}, "PUT": {412, 428}}
"""How a repeat without a key may be told that the first try was taken."""


class Call:
    """One request, which can be made again and again from the same ground."""

    def __init__(self, stage: Stage, label: str) -> None:
        self._stage = stage
        self.method, path, self._sent = good_request(label, stage.ground)
        self._url = str(stage.door.client(None).base_url.join(path))
        self._secret = stage.ground.secrets[who_may(label)]
        if self.method == "POST":
            self._sent["headers"]["Idempotency-Key"] = label

    @property
    def told_done(self) -> set[int]:
        """By what a repeat is told that the first try was taken, where it has no key."""
        if self._url.endswith("/sign-out"):
            return {401}  # its token ended with the session
        return _DONE_ALREADY.get(self.method, set())

    async def name_the_version(self) -> None:
        """Base the change on the version that there is, as a careful caller does."""
        if "If-Match" in self._sent["headers"]:
            async with self._stage.door.client(self._secret) as client:
                read = await client.get(self._url)
            self._sent["headers"]["If-Match"] = read.headers["ETag"]

    async def make(self, gate: Gate | None = None) -> httpx.Response:
        """Make it, through a gate."""
        async with self._stage.door.client(self._secret) as client:
            self._stage.wire.gate = gate or OpenGate()
            try:
                return await client.request(self.method, self._url, **self._sent)
            finally:
                self._stage.wire.gate = OpenGate()

    async def done(self) -> Effect:
        """Return what was written since the ground."""
        return await effect(self._stage.beside)

    async def back_to_the_ground(self) -> None:
        """Undo it, in what the process keeps too."""
        done = await self.done()
        await undo(self._stage.beside)
        if _KEPT_IN_THE_PROCESS & {table for table, _ in done}:
            await self._stage.door.forget_everything()


def _check_first(answer: httpx.Response, done: Effect, whole: Effect, cut: str) -> None:
    told = (answer.status_code, answer.text, cut)
    if answer.status_code < 300:
        assert done == whole, told
        return
    assert answer.status_code == 503, told
    assert answer.headers["Content-Type"] == MEDIA_TYPE, told
    assert answer.json()["code"] == "database-unavailable", told
    assert done in (Effect(), whole), told


async def _survives(
    call: Call, stage: Stage, whole: Effect, at: int, moment: Moment
) -> tuple[bool, bool]:
    """Cut a call there and make it again.

    Returns whether it had so many statements, and whether the first try was taken all the same.
    """
    await call.back_to_the_ground()
    scissors = Scissors(at, moment)
    first = await call.make(scissors)
    done = await call.done()
    if scissors.cut is None:
        assert first.status_code < 300, first.text
        return False, True
    cut = f"{at} {moment}: {scissors.cut}"
    _check_first(first, done, whole, cut)
    again = await call.make()
    allowed = call.told_done if done == whole else set()
    assert again.status_code < 300 or again.status_code in allowed, (cut, again.text)
    assert await call.done() == whole, cut
    assert await broken_laws(stage.beside) == [], cut
    return True, done == whole


async def _survives_near(call: Call, stage: Stage, whole: Effect, at: int) -> tuple[int, bool]:
    """Cut a call there, or of a share of all places at the nearest before it.

    It has fewer statements than before where less had to be looked up, or no connection had rested.
    Returns where it was cut, 0: nowhere, and whether it was taken all the same.
    """
    for place in range(at, 0, -1):
        reached, taken = await _survives(call, stage, whole, place, "unanswered")
        if reached:
            return place, taken
        if ALL:
            break
    return 0, False


@pytest.mark.parametrize("label", WRITES)
async def test_a_call_that_loses_its_connection_at_any_statement_is_made_whole_once(
    stage: Stage, label: str, record_property: Callable[[str, object], None]
) -> None:
    call = Call(stage, label)
    await call.back_to_the_ground()
    if label in COMES_AFTER:
        assert (await Call(stage, COMES_AFTER[label]).make()).status_code < 300
        await keep(stage.beside)
        await stage.door.forget_everything()
    await call.name_the_version()
    assert (await call.make()).status_code < 300
    await call.back_to_the_ground()
    tape = Tape()
    answer = await call.make(tape)
    assert answer.status_code < 300, answer.text
    whole = await call.done()
    assert await broken_laws(stage.beside) == []
    cuts = 0
    for at in places(tape.words, WRITES.index(label)):
        place, taken = await _survives_near(call, stage, whole, at)
        if not place:
            break
        cuts += 1
        # What a transaction wrote before its end is gone with it, heard of or not.
        if (taken or ALL) and (await _survives(call, stage, whole, place, "unheard"))[0]:
            cuts += 1
    if label not in COMES_AFTER:
        await call.back_to_the_ground()
    await keep(stage.beside)
    assert cuts > 0
    record_property("cuts of a connection", cuts)
