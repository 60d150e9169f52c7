"""Many cities and one loop: none waits until all others have had what they ask for."""

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from services.core.events.queries import log_position
from services.core.events.service import NewEvent, begin_log, record
from services.core.kit.city_scope import in_city
from services.core.kit.clock import Clock
from services.core.scoring.service import READER
from services.worker import reactor as worker_reactor
from services.worker.reactor import Reactor
from tests.integration.scoring.ledger import Ledger
from tests.support.owner import as_owner
from tests.unit.scoring.builders import CITY, a_document
from tests.worker.running import at_work, until

pytestmark = pytest.mark.citus

OTHERS = ("410184", "410185")


def _event(city_code: str) -> NewEvent:
    return NewEvent(
        city_code, None, "question.settled", "question", "1", None, {}, {}, Clock.true_now()
    )


async def _three_cities(ledger: Ledger) -> None:
    await ledger.load(a_document())
    for city_code in OTHERS:
        await ledger.execute("INSERT INTO city VALUES (:city, '邻市')", city=city_code)
        with in_city(city_code):
            async with ledger.database.transaction() as session:
                await begin_log(session, city_code)
    await Reactor(ledger.database, ledger.clock).react()


async def test_the_log_is_followed_between_two_cities_of_a_sweep(ledger: Ledger) -> None:
    await _three_cities(ledger)
    swept: list[str] = []
    numbered: list[bool] = []

    async def position_of(city_code: str) -> int:
        with in_city(city_code):
            async with ledger.database.sessions() as session:
                return await log_position(session, city_code)

    before = {one: await position_of(one) for one in (CITY, *OTHERS)}

    async def follow(session: AsyncSession, city_code: str, _clock: Clock) -> int:
        if swept:
            numbered.append(await position_of(swept[-1]) == before[swept[-1]] + 1)
        await record(session, _event(city_code))
        swept.append(city_code)
        reactor.wake()
        return 1

    async def is_swept() -> bool:
        return len(swept) >= 3

    reactor = Reactor(ledger.database, ledger.clock, look_every=3600, by_date={"x": follow})
    reactor.wake(sweep=True)
    async with at_work(reactor):
        await until(is_swept)
    assert numbered == [True, True], "what one city's turn wrote is followed before the next"


async def test_a_reader_that_is_far_behind_holds_up_no_other_city(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _three_cities(ledger)
    async with ledger.database.transaction() as session:
        await record(session, *[_event(CITY)] * 1800)
    reactor = Reactor(ledger.database, ledger.clock)
    await reactor.react()
    behind = "UPDATE reader_cursor SET position = 0 WHERE city_code = :city AND reader = :reader"
    await ledger.execute(behind, city=CITY, reader=READER)
    monkeypatch.setattr(worker_reactor, "_MOST_TURNS", 2)
    assert await reactor.go_round()
    at = "SELECT position FROM reader_cursor WHERE city_code = :city AND reader = :reader"
    ((reached,),) = await ledger.execute(at, city=CITY, reader=READER)
    assert reached == 1000, "two turns, and it is the next city's"
    await reactor.react()
    ((reached,),) = await ledger.execute(at, city=CITY, reader=READER)
    assert reached > 1800
    assert not await reactor.go_round()


@pytest.mark.citus(but="a cluster has no triggers on its tables")
async def test_what_cannot_be_forgotten_in_one_city_ends_no_sweep(
    ledger: Ledger, caplog: pytest.LogCaptureFixture
) -> None:
    await _three_cities(ledger)
    swept: set[str] = set()

    async def follow(_session: AsyncSession, city_code: str, _clock: Clock) -> int:
        swept.add(city_code)
        return 0

    await as_owner(
        ledger.database.dsn,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'not now'; END $$;"
        "CREATE TRIGGER refuse BEFORE DELETE ON stored_reply"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse()",
    )
    await Reactor(ledger.database, ledger.clock, by_date={"x": follow}).sweep()
    assert swept == {CITY, *OTHERS}
    said = [vars(each) for each in caplog.records if each.name == "wufei.worker"]
    assert {(one["msg"], one["city"], one["reader"]) for one in said} == {
        ("date follower failed", city_code, "old") for city_code in (CITY, *OTHERS)
    }
