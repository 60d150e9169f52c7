"""The loop that does the work, inside the test's process."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, ClassVar

import pytest
from sqlalchemy import event
from typing_extensions import override

from services.core.events.queries import log_position, log_standing
from services.core.events.service import NewEvent, begin_log, record
from services.core.followers import READERS
from services.core.kit.clock import Clock
from services.core.scoring.service import READER
from services.worker import reactor as worker_reactor
from services.worker.jobs import react, sweep
from services.worker.reactor import Reactor, pause_after
from tests.integration.scoring.ledger import Ledger
from tests.support.api import open_door
from tests.support.owner import as_owner
from tests.unit.scoring.builders import CITY, a_document, an_indicator
from tests.worker.events import an_event, poison
from tests.worker.running import at_work, idle, shows, until

pytestmark = pytest.mark.citus

OTHER = "410184"


async def everything(ledger: Ledger) -> list[Any]:
    return [
        await ledger.execute(f"SELECT * FROM {table} ORDER BY {table}")
        for table in ("event_position", "reader_cursor", "log_head", "score_input")
    ] + await ledger.execute(
        "SELECT period, basis, max(sequence) FROM score_snapshot GROUP BY 1, 2"
    )


class _CountingPasses(Reactor):
    """A reactor that says how many passes it has ended: between two it is at rest."""

    passes = 0

    @override
    async def react(self) -> None:
        await super().react()
        self.passes += 1

    async def has_passed(self, times: int) -> bool:
        return self.passes == times


async def test_only_a_ring_wakes_it_early(ledger: Ledger) -> None:
    await ledger.load(a_document())
    reactor = _CountingPasses(ledger.database, ledger.clock, look_every=3600)

    async with at_work(reactor):
        await until(lambda: reactor.has_passed(1))
        before = await ledger.snapshot()
        await ledger.report(90)
        await asyncio.sleep(0.1)
        assert await ledger.snapshot() == before
        reactor.wake()
        await until(lambda: reactor.has_passed(2))
        assert await idle(ledger)
        await ledger.report(91)
        await asyncio.sleep(0.1)
        assert (await ledger.row())["value"] == "90"
        assert not await idle(ledger)
        reactor.wake()
        await until(shows(ledger, "91"))


async def test_a_ring_that_comes_with_the_request_to_end_does_not_cover_it(
    ledger: Ledger,
) -> None:
    await ledger.load(a_document())
    reactor = Reactor(ledger.database, ledger.clock, look_every=3600)
    running = asyncio.create_task(reactor.run())
    reactor.wake()
    await until(lambda: idle(ledger))
    await asyncio.sleep(0.1)
    reactor.wake()
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=30)
    assert done == {running}


async def test_without_any_ring_it_looks_by_itself(ledger: Ledger) -> None:
    await ledger.load(a_document())
    async with at_work(Reactor(ledger.database, ledger.clock, look_every=0.05)):
        await ledger.report(90)
        await until(shows(ledger, "90"))


@pytest.mark.parametrize("job", [react, sweep])
async def test_each_job_may_run_twice(
    ledger: Ledger, job: Callable[[dict[str, Any]], Awaitable[None]]
) -> None:
    await ledger.load(a_document())
    await ledger.report(90)
    reactor = Reactor(ledger.database, ledger.clock, look_every=3600)
    await reactor.react()
    await reactor.sweep()
    await reactor.react()
    assert await idle(ledger)
    before = await everything(ledger)
    async with at_work(reactor):
        for _ in range(2):
            await job({"reactor": reactor})
            await asyncio.sleep(0.2)
    assert await everything(ledger) == before


async def test_a_sweep_follows_the_date_once(ledger: Ledger) -> None:
    await ledger.load(a_document())
    reactor = Reactor(ledger.database, ledger.clock)
    await reactor.react()
    for _ in range(2):
        await reactor.sweep()
        rows = await ledger.execute(
            "SELECT position FROM reader_cursor WHERE reader LIKE 'scoring-date/%'"
        )
        assert rows == [(ledger.clock.today("Asia/Shanghai").toordinal(),)]


@contextmanager
def sent_by(ledger: Ledger) -> Iterator[list[tuple[str, Any]]]:
    """Yield what goes to the database meanwhile: each statement with what it is given."""
    sent: list[tuple[str, Any]] = []

    def note(_c: object, _cur: object, statement: str, given: Any, *_more: object) -> None:
        sent.append((statement, given))

    engine = ledger.database.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)


async def test_of_all_readers_those_take_a_turn_who_hear_what_happened(ledger: Ledger) -> None:
    await ledger.load(a_document())
    reactor = Reactor(ledger.database, ledger.clock)
    await reactor.react()
    await ledger.report(90)
    with sent_by(ledger) as sent:
        await reactor.go_round()
    turns = [given for statement, given in sent if "reader AS MATERIALIZED" in statement]
    asked = [reader for given in turns for reader in READERS if reader in given]
    hearing = ["webhooks", "obligations", "scoring", "observations", "alerts", "connectors"]
    hearing += ["audit"]
    assert asked == hearing, "each once, and none that hears nothing of an approval"
    await reactor.react()
    assert await idle(ledger), "the others stand where the log ends all the same"


class _Hand(Clock):
    """A clock that is set to the last of some times ahead."""

    ahead: ClassVar[list[timedelta]] = [timedelta()]

    @override
    def now(self) -> datetime:
        return self.true_now() + self.ahead[-1]


async def test_where_nothing_was_too_old_a_city_is_left_alone_for_a_while(ledger: Ledger) -> None:
    await ledger.load(a_document())
    hand = _Hand()
    reactor = Reactor(ledger.database, hand)
    await reactor.react()

    async def thrown_away() -> int:
        with sent_by(ledger) as sent:
            await reactor.sweep()
        return len({statement for statement, _ in sent if statement.lstrip().startswith("DELETE")})

    first = await thrown_away()
    assert await thrown_away() < 2 < first, "beats of workers are of no city"
    hand.ahead.append(timedelta(minutes=11))
    assert await thrown_away() == first
    hand.ahead.append(-timedelta(hours=1))
    assert await thrown_away() == first, "a clock that was set back holds nothing up"


@pytest.mark.citus(but="a cluster has no triggers on its tables, and one refuses the date here")
async def test_a_date_that_cannot_be_followed_is_named_and_holds_up_no_other(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    await ledger.load(a_document())
    reactor = Reactor(ledger.database, ledger.clock)
    await reactor.react()
    await ledger.execute("UPDATE alert_evaluation SET evaluated_for = NULL")
    await as_owner(
        ledger.database.dsn,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'no such date'; END $$;"
        "CREATE TRIGGER refuse BEFORE INSERT ON reader_cursor"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
    )
    await reactor.sweep()
    (said,) = [vars(each) for each in caplog.records if each.name == "wufei.worker"]
    assert (said["msg"], said["city"], said["reader"]) == ("date follower failed", CITY, "scoring")
    assert said["cause"] == "RaiseError: no such date"
    ((evaluated,),) = await ledger.execute("SELECT evaluated_for FROM alert_evaluation")
    assert evaluated is not None, "alerts are evaluated all the same"


async def test_two_at_once_do_the_work_once(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator(owners=[f"UN0{unit}" for unit in range(1, 6)])))
    reactors = [Reactor(ledger.database, ledger.clock) for _ in range(2)]
    for turn in range(10):
        await ledger.report(turn, unit="UN01")
        await asyncio.gather(*(each.react() for each in reactors))
    head = await ledger.execute("SELECT position FROM log_head")
    assert head == await ledger.execute(
        "SELECT position FROM reader_cursor WHERE reader = :reader", reader=READER
    )
    assert head == await ledger.execute("SELECT count(*) FROM event")
    assert (await ledger.recompute()).changed == 0


async def test_an_event_that_cannot_be_followed_is_named_and_never_passed_over(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    await ledger.load(a_document())
    await ledger.report(90)
    await poison(ledger)
    await ledger.report(91)
    with caplog.at_level(logging.INFO, "wufei.worker"):
        reactor = Reactor(ledger.database, ledger.clock)
        started = time.monotonic()
        for _ in range(8):
            await reactor.react()
        passed = time.monotonic() - started
    said = [each.getMessage() for each in caplog.records]
    pauses = [pause_after(times) for times in range(1, len(said))]
    assert sum(pauses) <= passed, "what is in trouble is not tried again at once"
    assert set(said) == {"reader stuck"}
    first = vars(caplog.records[0])
    assert (first["city"], first["reader"], first["position"]) == (CITY, READER, 3)
    assert (first["event_type"], first["cause"]) == ("period.opened", "KeyError: 'period'")
    assert caplog.records[0].exc_info is not None
    assert (await ledger.row())["value"] == "90", "what comes before it is done"

    opened = """UPDATE event SET data = '{"period": "2025"}' WHERE type = 'period.opened'"""
    await as_owner(ledger.database.dsn, opened)
    await Reactor(ledger.database, ledger.clock).react()
    assert (await ledger.row())["value"] == "91"
    assert (await ledger.recompute()).changed == 0


async def test_readers_follow_while_more_is_written_than_one_round_numbers(ledger: Ledger) -> None:
    await ledger.load(a_document())
    made = an_event("question.settled", "question", "1")
    async with ledger.database.transaction() as session:
        await record(session, *[made] * 4500)
    reactor = Reactor(ledger.database, ledger.clock)
    assert await reactor.go_round()
    positions = await ledger.execute(
        "SELECT DISTINCT position FROM reader_cursor WHERE reader NOT LIKE 'scoring-date%'"
    )
    assert [row[0] for row in positions] == [2000]
    await reactor.react()
    assert not await reactor.go_round()


async def test_a_city_in_trouble_is_tried_again_less_and_less_often(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    await ledger.load(a_document())
    await poison(ledger)

    def said() -> list[logging.LogRecord]:
        return [each for each in caplog.records if each.name == "wufei.worker"]

    async def said_twice() -> bool:
        return len(said()) >= 2

    async with at_work(Reactor(ledger.database, ledger.clock, look_every=0.02)):
        await until(said_twice)
    lines = [vars(each) for each in said()[:2]]
    assert [line["failures"] for line in lines] == [1, 2]
    assert [line["next"] for line in lines] == ["retrying in 1 s", "retrying in 2 s"]
    tracebacks = [each.exc_info is not None for each in said()[:2]]
    assert tracebacks == [True, False], "one a trouble"


async def test_a_city_in_trouble_does_not_hold_up_another(ledger: Ledger) -> None:
    await ledger.load(a_document())
    await poison(ledger)
    async with ledger.database.transaction() as session:
        await begin_log(session, OTHER)
        await record(
            session,
            NewEvent(OTHER, None, "plan.published", "plan", "x", None, {}, {}, Clock.true_now()),
        )
    await Reactor(ledger.database, ledger.clock).react()
    async with ledger.database.sessions() as session:
        assert await log_position(session, OTHER) == 1
    followed = await ledger.execute(
        "SELECT reader, position FROM reader_cursor WHERE city_code = :city", city=OTHER
    )
    assert {(row.reader, row.position) for row in followed} == {(name, 1) for name in READERS}


async def _beats(ledger: Ledger) -> list[Any]:
    return await ledger.execute("SELECT worker_id, beat_at FROM worker_heartbeat")


@pytest.mark.parametrize(("every", "again"), [(3600, False), (0, True)])
async def test_it_says_now_and_then_that_it_goes_on(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, every: float, *, again: bool
) -> None:
    monkeypatch.setattr(worker_reactor, "BEAT_EVERY_SECONDS", every)
    await ledger.load(a_document())
    reactor = Reactor(ledger.database, ledger.clock)
    await reactor.react()
    (first,) = await _beats(ledger)
    await reactor.react()
    await reactor.sweep()
    (second,) = await _beats(ledger)
    assert second.worker_id == first.worker_id
    assert (second.beat_at > first.beat_at) is again


async def test_a_worker_that_fell_silent_is_forgotten_after_an_hour(ledger: Ledger) -> None:
    await ledger.load(a_document())
    await Reactor(ledger.database, ledger.clock).react()
    long_ago = Clock.true_now() - timedelta(minutes=61)
    await ledger.execute("UPDATE worker_heartbeat SET beat_at = :at", at=long_ago)
    other = Reactor(ledger.database, ledger.clock)
    await other.react()
    assert len(await _beats(ledger)) == 2
    await other.sweep()
    assert len(await _beats(ledger)) == 1


async def test_a_beat_that_cannot_be_written_holds_up_no_work(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    await ledger.load(a_document())
    await ledger.report(90)
    await as_owner(ledger.database.dsn, "ALTER TABLE worker_heartbeat RENAME TO lost")
    await Reactor(ledger.database, ledger.clock).react()
    assert (await ledger.row())["value"] == "90"
    assert set(caplog.messages) == {"heartbeat failed"}


async def test_trouble_shows_in_the_readiness(database_url: str) -> None:
    async with open_door(database_url) as door:
        await door.react()
        async with door.client(None) as client:
            ready = (await client.get("http://wufei.test/readyz")).json()
            assert (ready["parts"]["drain"], ready["drain_lag_seconds"]) == ("ok", None)
            ledger = Ledger(door.held.database, door.held.clock)
            await poison(ledger)
            await door.react()
            waits = (await client.get("http://wufei.test/readyz")).json()["drain_lag_seconds"]
        assert waits is not None
        async with ledger.database.sessions() as session:
            standing = await log_standing(session, readers=READERS)
        assert standing.oldest is not None
        assert standing.behind.keys() == {"scoring"}


def test_two_workers_do_not_go_round_the_cities_in_step(ledger: Ledger) -> None:
    cities = [f"{number:06}" for number in range(50)]
    one, other = (Reactor(ledger.database, ledger.clock)._in_own_order(cities) for _ in range(2))
    assert sorted(one) == sorted(other) == cities
    assert one != other
