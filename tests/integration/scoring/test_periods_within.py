"""A wider period's board follows what becomes of the periods within it, whatever that is."""

from datetime import date, timedelta

import pytest

from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import a_document, a_target, an_indicator

FLOW = an_indicator(
    frequency="quarterly",
    unit="万吨",
    aggregation={"periods": "sum"},
    targets=[a_target(value=20)],
)
RISING = an_indicator(
    "R02",
    frequency="quarterly",
    unit="万吨",
    aggregation={"periods": "sum"},
    targets=[a_target("rising", None, 2026, "逐年提高")],
)
LATER = date(2026, 2, 20)


@pytest.fixture
async def year(ledger: Ledger) -> Ledger:
    """Three quarters of 2025 reported, of two flows; the fourth was never asked for."""
    await ledger.load(a_document(FLOW, RISING))
    for quarter in ("2025-Q1", "2025-Q2", "2025-Q3"):
        await ledger.report(6, indicator="R01", period=quarter)
        await ledger.report(6, indicator="R02", period=quarter)
    await ledger.follow()
    return ledger


async def _unchanged(ledger: Ledger) -> None:
    """What followed event by event is what a full recompute makes."""
    assert (await ledger.recompute()).changed == 0


async def test_a_quarter_opened_is_awaited_on_the_years_board(year: Ledger) -> None:
    assert (await year.row())["light"] == "red"
    await year.move("2025-Q4", "open", due_date=LATER)
    await year.follow()
    row = await year.row()
    assert (row["state"], row["met"], row["light"]) == ("not_due", None, "yellow")
    assert row["reporting"]["absent"][0]["period"] == "2025-Q4"
    await _unchanged(year)


async def test_a_quarter_closed_blank_is_missing_on_the_years_board(year: Ledger) -> None:
    await year.move("2025-Q4", "open", due_date=LATER)
    await year.move("2025-Q4", "close")
    await year.follow()
    row = await year.row()
    assert (row["state"], row["attainment"], row["reporting"]["overdue"]) == ("missing", "0", 1)
    await _unchanged(year)


async def test_a_quarter_reopened_is_awaited_again(year: Ledger) -> None:
    await year.move("2025-Q4", "open", due_date=LATER)
    await year.move("2025-Q4", "close")
    await year.follow()
    await year.move("2025-Q4", "reopen", due_date=LATER)
    await year.follow()
    row = await year.row()
    assert (row["state"], row["met"]) == ("not_due", None)
    await _unchanged(year)


async def test_a_quarter_published_or_taken_back_moves_the_year_too(year: Ledger) -> None:
    await year.move("2025-Q4", "open", due_date=LATER)
    await year.follow()
    await year.move("2025-Q4", "cancel")
    await year.follow()
    assert (await year.row())["state"] == "scored"
    await _unchanged(year)
    await year.move("2025-Q4", "open", due_date=LATER)
    await year.move("2025-Q4", "close")
    await year.move("2025-Q4", "publish")
    await year.follow()
    row = await year.row()
    assert (row["state"], row["reporting"]["overdue"]) == ("missing", 1)
    found = await year.snapshot()
    assert found is not None
    assert found.publication_number is None  # the quarter's number is not the year's
    await _unchanged(year)


async def test_a_year_that_was_never_drawn_is_not_drawn_for_a_quarter(ledger: Ledger) -> None:
    await ledger.load(a_document(FLOW))
    await ledger.move("2025-Q4", "open", due_date=LATER)
    await ledger.follow()
    assert await ledger.snapshot("2025-Q4") is not None
    assert await ledger.snapshot("2025") is None
    await _unchanged(ledger)


@pytest.mark.parametrize("days", [1, 40])
async def test_what_falls_due_after_a_quarters_move_turns_the_year(year: Ledger, days: int) -> None:
    await year.move("2025-Q4", "open", due_date=LATER)
    await year.follow()
    await year.follow_date()
    year.on(LATER + timedelta(days=days))
    await year.follow_date()
    assert (await year.row())["state"] == "missing"
    await _unchanged(year)
