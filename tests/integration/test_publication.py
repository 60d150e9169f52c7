"""A publication freezes the board as of its place in the log, not as of some table's state."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from services.core.kit.database import connect
from services.core.kit.errors import InvalidInput
from services.core.plan.queries import publications
from services.core.scoring.queries import latest_board
from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import CITY, PLAN, a_document, a_target, an_indicator

QUARTERLY = (
    an_indicator(frequency="quarterly", aggregation={"units": "direct", "periods": "sum"}),
    an_indicator("R02", targets=[a_target("assigned_by_superior", None)]),
)


@pytest.fixture
async def ledger(database_url: str) -> AsyncIterator[Ledger]:
    async with connect(database_url, size=4) as database:
        yield Ledger(database)


async def _boards(ledger: Ledger) -> list[Any]:
    return await ledger.execute(
        "SELECT basis, period, sequence, position FROM score_snapshot ORDER BY 1, 2, 3"
    )


async def _position(ledger: Ledger, event_type: str) -> int:
    ((position,),) = await ledger.execute(
        "SELECT max(p.position) FROM event e JOIN event_position p ON p.event_id = e.id"
        " WHERE e.type = :type",
        type=event_type,
    )
    return int(position)


@pytest.mark.parametrize("most", [1, 2, 500])
async def test_what_was_approved_just_before_is_in_the_published_board(
    ledger: Ledger, most: int
) -> None:
    await ledger.load(a_document())
    await ledger.move("2025", "open")
    await ledger.report(90)
    await ledger.follow()
    await ledger.report(97)
    await ledger.move("2025", "publish")
    await ledger.follow(most=most)
    for basis in ("approved", "submitted"):
        assert (await ledger.row(basis=basis))["value"] == "97"
    assert (await ledger.recompute()).boards == 0


async def test_a_board_that_was_never_drawn_before_is_drawn_at_its_publication(
    ledger: Ledger,
) -> None:
    await ledger.load(a_document())
    await ledger.move("2025", "open")
    await ledger.report(97)
    await ledger.move("2025", "publish")
    await ledger.follow()
    assert (await ledger.row())["value"] == "97"
    found = await ledger.snapshot()
    assert found is not None
    assert found.position <= await _position(ledger, "period.published")


@pytest.mark.parametrize("most", [1, 3, 500])
async def test_what_comes_after_it_in_the_log_is_not(ledger: Ledger, most: int) -> None:
    await ledger.load(a_document(*QUARTERLY))
    for period in ("2025", "2025-Q4"):
        await ledger.move(period, "open")
    await ledger.report(10, period="2025-Q4")
    await ledger.move("2025", "publish")
    await ledger.report(12, period="2025-Q4")
    await ledger.follow(most=most)
    assert (await ledger.row(period="2025"))["value"] == "10"
    assert (await ledger.row(period="2025-Q4"))["value"] == "12"
    frozen = await ledger.snapshot("2025")
    await ledger.report(13, period="2025-Q4")
    await ledger.assign("R02", 50)
    await ledger.load(a_document(*QUARTERLY, title="第二版"))
    await ledger.follow(most=most)
    after = await ledger.snapshot("2025")
    assert frozen
    assert after
    assert after.sequence == frozen.sequence
    assert (await ledger.row(period="2025-Q4"))["value"] == "13"


async def test_a_new_version_of_the_plan_just_before_it_counts_too(ledger: Ledger) -> None:
    await ledger.load(a_document())
    await ledger.move("2025", "open")
    await ledger.report(90)
    await ledger.follow()
    await ledger.load(a_document(an_indicator(), title="第二版"))
    await ledger.move("2025", "publish")
    await ledger.follow()
    found = await ledger.snapshot()
    assert found is not None
    assert found.plan_version == 2


async def test_a_recompute_before_the_publication_is_followed_does_not_lose_it(
    ledger: Ledger,
) -> None:
    await ledger.load(a_document())
    await ledger.move("2025", "open")
    await ledger.follow()
    await ledger.report(97)
    await ledger.move("2025", "publish")
    await ledger.recompute()
    await ledger.follow_date()
    await ledger.follow()
    assert (await ledger.row())["value"] == "97"


async def test_reopened_and_published_again_before_anything_was_followed(ledger: Ledger) -> None:
    await ledger.load(a_document())
    await ledger.move("2025", "open")
    await ledger.report(90)
    await ledger.move("2025", "publish")
    await ledger.move("2025", "reopen", reason="更正")
    await ledger.report(91)
    await ledger.move("2025", "publish")
    await ledger.follow()
    assert (await ledger.row())["value"] == "91"
    assert (await ledger.recompute()).boards == 0
    await ledger.move("2025", "reopen", reason="更正")
    await ledger.report(92)
    await ledger.follow()
    assert (await ledger.row())["value"] == "92"


async def test_a_publication_followed_twice_writes_nothing_the_second_time(
    ledger: Ledger,
) -> None:
    await ledger.load(a_document())
    await ledger.move("2025", "open")
    await ledger.report(90)
    await ledger.move("2025", "publish")
    await ledger.follow()
    before = await _boards(ledger)
    place = await _position(ledger, "period.published")
    await ledger.execute(
        "UPDATE reader_cursor SET position = :position WHERE reader = 'scoring'", position=place - 1
    )
    await ledger.follow()
    assert await _boards(ledger) == before
    events = await ledger.execute("SELECT count(*) FROM event WHERE plan_code = :p", p=PLAN)
    assert events == await ledger.execute("SELECT position FROM log_head")


async def test_a_number_belongs_to_the_board_it_froze_for_ever(ledger: Ledger) -> None:
    await ledger.load(a_document())
    await ledger.move("2025", "open")
    await ledger.report(90)
    await ledger.follow()
    before = await ledger.snapshot()
    await ledger.move("2025", "publish")
    await ledger.follow()
    first = await ledger.snapshot()
    await ledger.move("2025", "reopen", reason="更正分子")
    await ledger.follow()
    reopened = await ledger.snapshot()
    await ledger.report(91)
    await ledger.follow()
    corrected = await ledger.snapshot()
    await ledger.move("2025", "publish")
    await ledger.follow()
    second = await ledger.snapshot()
    boards = (before, first, reopened, corrected, second)
    assert [each and each.publication_number for each in boards] == [None, 1, None, None, 2]
    async with ledger.database.sessions() as session:
        for number, value in ((1, "90"), (2, "91")):
            found = await latest_board(
                session, CITY, PLAN, period="2025", basis="approved", publication=number
            )
            assert found is not None
            assert found.board["indicators"][0]["value"] == value


async def test_nothing_but_a_publication_brings_a_number(ledger: Ledger) -> None:
    await ledger.load(a_document())
    await ledger.move("2025", "open")
    await ledger.report(90)
    await ledger.move("2025", "publish")
    await ledger.follow()
    await ledger.move("2025", "reopen", reason="更正分子")
    await ledger.follow(most=1)
    await ledger.recompute()
    await ledger.follow_date()
    found = await ledger.snapshot()
    assert found is not None
    assert found.publication_number is None
    numbered = await ledger.execute(
        "SELECT basis, publication_number FROM score_snapshot"
        " WHERE publication_number IS NOT NULL ORDER BY 1"
    )
    assert [tuple(row) for row in numbered] == [("approved", 1), ("submitted", 1)]


async def test_what_was_published_is_reopened_for_a_reason_alone(ledger: Ledger) -> None:
    await ledger.load(a_document())
    await ledger.move("2025", "open")
    await ledger.move("2025", "close")
    await ledger.move("2025", "reopen")
    await ledger.move("2025", "publish")
    with pytest.raises(InvalidInput) as refused:
        await ledger.move("2025", "reopen")
    assert [(one.pointer, one.code) for one in refused.value.faults] == [
        ("/reason", "reason-required")
    ]
    await ledger.move("2025", "reopen", reason="更正分子")
    async with ledger.database.sessions() as session:
        (kept,) = await publications(session, CITY, PLAN, after=0, limit=10)
    assert (kept.number, kept.reopen_reason, kept.reopened_by) == (1, "更正分子", {"kind": "test"})
    assert (await ledger.state()).periods["2025"].publication_number is None
    ((data,),) = await ledger.execute(
        "SELECT data FROM event WHERE type = 'period.reopened' ORDER BY id DESC LIMIT 1"
    )
    assert data["reason"] == "更正分子"


async def test_no_number_is_given_twice(ledger: Ledger) -> None:
    await ledger.load(a_document())
    for _ in range(2):
        for period in ("2025", "2025-Q4"):
            if period not in (await ledger.state()).periods:
                await ledger.move(period, "open")
            await ledger.move(period, "publish")
            await ledger.move(period, "reopen", reason="再次")
    async with ledger.database.sessions() as session:
        found = await publications(session, CITY, PLAN, after=0, limit=10)
    assert [(one.number, one.period) for one in found] == [
        (1, "2025"),
        (2, "2025-Q4"),
        (3, "2025"),
        (4, "2025-Q4"),
    ]
