"""Boards change at midnight without an event, and only then."""

from datetime import date

from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import a_document, a_target, an_indicator

DOCUMENT = a_document(
    an_indicator("R01", targets=[a_target(value=100)]),
    an_indicator("R02", targets=[a_target(value=100)]),
)
"""Due 31 days after the period's end."""


async def snapshots(ledger: Ledger) -> int:
    rows = await ledger.execute("SELECT count(*) FROM score_snapshot")
    return int(rows[0][0])


async def test_what_fell_due_becomes_missing_once(ledger: Ledger) -> None:
    await ledger.load(DOCUMENT)
    await ledger.move("2025", "open")
    await ledger.report(80)
    await ledger.follow()
    await ledger.follow_date()
    assert (await ledger.row("R02"))["state"] == "not_due"
    ledger.on(date(2026, 1, 31))
    assert await ledger.follow_date() == 0
    ledger.on(date(2026, 2, 1))
    assert await ledger.follow_date() == 2
    assert (await ledger.row("R02"))["state"] == "missing"
    written = await snapshots(ledger)
    assert await ledger.follow_date() == 0
    ledger.on(date(2026, 3, 1))
    assert await ledger.follow_date() == 0
    assert await snapshots(ledger) == written


async def test_a_date_set_back_takes_it_back(ledger: Ledger) -> None:
    await ledger.load(DOCUMENT)
    await ledger.move("2025", "open")
    ledger.on(date(2026, 2, 10))
    await ledger.follow()
    await ledger.follow_date()
    assert (await ledger.row())["state"] == "missing"
    ledger.on(date(2026, 1, 15))
    assert await ledger.follow_date() == 2
    assert (await ledger.row())["state"] == "not_due"


async def test_a_value_after_midnight_draws_the_whole_board_though_no_pass_ran(
    ledger: Ledger,
) -> None:
    await ledger.load(DOCUMENT)
    await ledger.move("2025", "open")
    await ledger.follow()
    ledger.on(date(2026, 2, 10))
    await ledger.report(80)
    await ledger.follow()
    assert (await ledger.row("R02"))["state"] == "missing"


async def test_a_published_period_does_not_change_at_midnight(ledger: Ledger) -> None:
    await ledger.load(DOCUMENT)
    await ledger.move("2025", "open")
    await ledger.follow()
    await ledger.move("2025", "publish")
    await ledger.follow()
    assert (await ledger.row())["state"] == "missing"
    ledger.on(date(2026, 2, 10))
    assert await ledger.follow_date() == 0
    assert (await ledger.row())["reason_code"] == "missing_when_closed"
