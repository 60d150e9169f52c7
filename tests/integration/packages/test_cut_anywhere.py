"""A package on its way in while the connection is lost at every round trip: all of it, or none."""

from collections.abc import Callable
from contextlib import suppress

from asyncpg import InterfaceError, PostgresError
from sqlalchemy.exc import SQLAlchemyError

from services.core.kit.database import connect
from tests.simulation.cutting import ALL, MOMENTS, Moment, Scissors, Tape, places
from tests.simulation.wire import Wire
from tests.support.packages import Gap, Installation
from tests.support.reports import Reports

AWAY = (OSError, TimeoutError, SQLAlchemyError, PostgresError, InterfaceError)


async def _words(there: Installation, content: bytes) -> list[str]:
    """Return the words of every round trip of taking a package in."""
    async with Wire(there.database.dsn).open() as wire:
        wire.gate = tape = Tape()
        async with connect(wire.url, size=1) as database:
            await Installation(there.name, Reports(database)).take(content)
    return tape.words


async def _cut(there: Installation, content: bytes, at: int, moment: Moment) -> str | None:
    """Take a package in and lose the connection there; return what was said then, if it was."""
    async with Wire(there.database.dsn).open() as wire:
        wire.gate = scissors = Scissors(at, moment)
        try:
            async with connect(wire.url, size=1) as database:
                await Installation(there.name, Reports(database)).take(content)
        except AWAY:
            assert scissors.cut is not None
    return scissors.cut


async def test_a_package_comes_in_whole_and_once_wherever_the_connection_is_lost(
    gap: Gap, record_property: Callable[[str, object], None]
) -> None:
    made = await gap.carried(150 if ALL else 20)
    words = await _words(gap.there, made[0].content)
    assert any(said.startswith("COMMIT") for said in words)
    packages, cuts, committed = iter(made[1:]), 0, 0
    for moment in MOMENTS:
        for at in places(words, len(moment)):
            package = next(packages)
            before = await gap.there.counted()
            cut = await _cut(gap.there, package.content, at, moment)
            after = await gap.there.counted()
            cuts += cut is not None
            committed += after != before
            whole = tuple(one + more for one, more in zip(before, (1, 1, 1, 1), strict=True))
            assert after in {before, whole}, cut
            taken = await gap.there.take(package.content)
            assert taken.judged.verdict == ("next" if after == before else "repeated"), cut
            assert await gap.there.counted() == whole, cut
            assert taken.receipt is not None
            assert (await gap.here.close(taken.receipt[1])).counts["created"] == 1
            if cut is None:
                break
    assert cuts > len(MOMENTS)
    assert committed >= 1, "one was cut after its commit"
    record_property("cuts of packages", cuts)


async def test_a_package_on_its_way_out_gets_one_number_wherever_the_connection_is_lost(
    gap: Gap,
) -> None:
    async def once(url: str) -> None:
        async with connect(url, size=1) as database:
            await Installation(gap.here.name, Reports(database)).export()

    async with Wire(gap.here.database.dsn).open() as wire:
        wire.gate = tape = Tape()
        await gap.here.approve(("R01", "UN01", "2025"))
        await once(wire.url)
    number = 1
    for moment in MOMENTS:
        for at in places(tape.words, len(moment)):
            await gap.here.approve(("R01", "UN01", "2025"), value=at)
            async with Wire(gap.here.database.dsn).open() as wire:
                wire.gate = scissors = Scissors(at, moment)
                with suppress(*AWAY):
                    await once(wire.url)
            rows = await gap.here.database.pool.fetch(
                "SELECT number, content FROM carried_package WHERE city_code = '410183'"
                " ORDER BY number"
            )
            assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
            assert len(rows) in {number, number + 1}
            made = await gap.here.export()
            assert (made is None) == (len(rows) == number + 1)
            number += 1
            if scissors.cut is None:
                break
    assert number > len(MOMENTS)
