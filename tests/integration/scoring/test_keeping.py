"""What is kept between steps, in memory and in snapshots, is never old and never partial."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from services.core.events.reading import follow
from services.core.events.service import number_committed
from services.core.kit.database import connect
from services.core.scoring.queries import WHOLE_EVERY
from services.core.scoring.service import FOLLOWER
from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import CITY, a_document, a_target, an_indicator

ASSIGNED = an_indicator(targets=[a_target("assigned_by_superior", None)])


@pytest.fixture
async def elsewhere(ledger: Ledger) -> AsyncIterator[Ledger]:
    """The same ledger as another process has it: nothing in memory is shared."""
    async with connect(ledger.database.dsn, size=4) as database:
        yield Ledger(database, clock=ledger.clock, entries=ledger.entries)


async def test_a_target_followed_by_another_process_is_not_overlooked(
    ledger: Ledger, elsewhere: Ledger
) -> None:
    await ledger.load(a_document(ASSIGNED))
    await ledger.report(50)
    await ledger.follow()
    await elsewhere.assign("R01", 60)
    await elsewhere.follow()
    await ledger.report(70)
    await ledger.follow()
    assert (await ledger.row())["met"] is True
    assert (await ledger.recompute()).changed == 0


async def test_a_plan_read_by_a_step_that_was_rolled_back_is_read_again(
    ledger: Ledger, elsewhere: Ledger
) -> None:
    await ledger.load(a_document(ASSIGNED))
    await ledger.assign("R01", 60)
    await ledger.move("2025", "open")
    await ledger.report(50)
    async with ledger.database.transaction() as session:
        await number_committed(session, CITY)
    async with ledger.database.sessions() as session:
        await follow(session, CITY, FOLLOWER, ledger.clock)
        await session.rollback()
    # Another process goes on to exactly where the rolled back step would have led.
    async with elsewhere.database.transaction() as session:
        await follow(session, CITY, FOLLOWER, ledger.clock)
    await ledger.report(70)
    await ledger.follow()
    assert (await ledger.row())["met"] is True


async def test_a_step_on_the_next_day_judges_by_that_day(ledger: Ledger) -> None:
    two = [an_indicator(code, targets=[a_target(value=100)]) for code in ("R01", "R02")]
    await ledger.load(a_document(*two))
    await ledger.move("2025", "open")
    await ledger.follow()
    await ledger.report(10)
    await ledger.follow()
    ledger.on(date(2026, 2, 1))
    await ledger.report(20)
    await ledger.follow()
    found = await ledger.snapshot()
    assert found is not None
    assert found.local_date == date(2026, 2, 1)
    assert (await ledger.row("R02"))["state"] == "missing"


async def test_a_snapshot_has_all_traces_though_it_stores_the_new_ones(ledger: Ledger) -> None:
    codes = ["R01", "R02", "R03"]
    await ledger.load(a_document(*(an_indicator(code) for code in codes)))
    for value in range(WHOLE_EVERY + 2):
        await ledger.report(value, indicator=codes[value % 2])
        await ledger.follow()
    stored = await ledger.execute(
        "SELECT sequence FROM score_snapshot, jsonb_object_keys(traces)"
        " WHERE basis = 'approved' GROUP BY sequence HAVING count(*) = 3 ORDER BY sequence"
    )
    assert [row[0] for row in stored] == [1, WHOLE_EVERY]
    found = await ledger.snapshot()
    assert found is not None
    values = {code: trace["result"]["value"] for code, trace in found.traces.items()}
    assert values == {"R01": "50", "R02": "51", "R03": None}
    digests = {row["code"]: row["trace_digest"] for row in found.board["indicators"]}
    assert len(set(digests.values())) == 3


async def test_a_corrected_numerator_is_kept_though_the_value_stays(ledger: Ledger) -> None:
    await ledger.load(a_document(an_indicator(multiplier=100)))
    await ledger.report(50, numerator="1", denominator="2")
    await ledger.follow()
    await ledger.report(50, numerator="2", denominator="4")
    await ledger.follow()
    found = await ledger.snapshot()
    assert found is not None
    assert found.sequence == 2
    assert found.traces["R01"]["operands"]["denominator_sum"] == "4"
