"""What is owed and absent, from the tables: by unit, by month, by what was owed then."""

from datetime import date

import pytest

from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import a_document, a_target, an_indicator

TOWNS = ["UN01", "UN02", "UN03"]
CAP = an_indicator(
    owners=TOWNS,
    aggregation={"units": "sum", "periods": "sum"},
    targets=[a_target("at_most", 23, text="23")],
)
MONTHLY = an_indicator(
    "R02",
    frequency="monthly",
    aggregation={"units": "direct", "periods": "sum"},
    targets=[a_target("at_most", 12, text="12")],
)
DOCUMENT = a_document(CAP, MONTHLY)
"""Due on 31 January 2026; months 10 days after their end."""


async def catch_up(ledger: Ledger) -> None:
    await ledger.follow_date()
    await ledger.follow()
    assert (await ledger.recompute()).changed == 0


@pytest.fixture
async def two_of_three(ledger: Ledger) -> Ledger:
    """Two of three townships reported 10 each for 2025."""
    await ledger.load(DOCUMENT)
    await ledger.move("2025", "open")
    for town in TOWNS[:2]:
        await ledger.report(10, unit=town)
    await catch_up(ledger)
    return ledger


async def test_a_township_is_awaited_until_it_is_due_and_then_overdue(
    two_of_three: Ledger,
) -> None:
    ledger = two_of_three
    awaited = await ledger.row()
    assert (awaited["state"], awaited["light"], awaited["met"]) == ("not_due", "yellow", None)
    ledger.on(date(2026, 2, 1))
    await catch_up(ledger)
    late = await ledger.row()
    assert (late["state"], late["attainment"], late["met"]) == ("missing", "0", None)
    assert [each["organization_code"] for each in late["reporting"]["absent"]] == ["UN03"]
    await ledger.report(3, unit="UN03")
    await catch_up(ledger)
    assert (await ledger.row())["met"] is True


async def test_more_time_for_the_third_holds_nothing_against_it(two_of_three: Ledger) -> None:
    ledger = two_of_three
    await ledger.extend(date(2026, 2, 13), unit="UN03")
    for day, state in ((date(2026, 2, 13), "not_due"), (date(2026, 2, 14), "missing")):
        ledger.on(day)
        await catch_up(ledger)
        assert (await ledger.row())["state"] == state


async def test_closing_before_the_due_date_holds_the_blank_against_it_at_once(
    two_of_three: Ledger,
) -> None:
    ledger = two_of_three
    await ledger.move("2025", "close")
    await catch_up(ledger)
    assert (await ledger.row())["state"] == "missing"
    assert (await ledger.row("R02"))["reason_code"] == "missing_when_closed"
    await ledger.move("2025", "reopen")
    await catch_up(ledger)
    assert (await ledger.row())["state"] == "not_due"


async def test_a_closed_period_asks_for_what_was_owed_before_a_new_version(
    two_of_three: Ledger,
) -> None:
    ledger = two_of_three
    await ledger.report(3, unit="UN03")
    await ledger.move("2025", "close")
    await ledger.load(a_document(CAP | {"owners": [*TOWNS, "UN04"]}, MONTHLY))
    await ledger.keep_in_step()
    await catch_up(ledger)
    assert (await ledger.row())["met"] is True
    await ledger.load(a_document(CAP | {"owners": ["UN04"]}, MONTHLY))
    await ledger.keep_in_step()
    await catch_up(ledger)
    assert (await ledger.row())["reporting"]["absent"] == []


async def test_both_bases_name_those_that_are_absent_from_them(two_of_three: Ledger) -> None:
    ledger = two_of_three
    await ledger.report(0, unit="UN03", state="submitted")
    ledger.on(date(2026, 2, 1))
    await catch_up(ledger)
    assert (await ledger.row())["state"] == "missing"
    assert (await ledger.row(basis="submitted"))["met"] is True


async def test_a_year_of_months_is_not_met_without_its_december(ledger: Ledger) -> None:
    await ledger.load(DOCUMENT)
    await ledger.move("2025-12", "open")
    for month in range(1, 12):
        await ledger.report("1.05", indicator="R02", period=f"2025-{month:02}")
    await catch_up(ledger)
    # December is due on 10 January, the day it is.
    awaited = await ledger.row("R02")
    assert (awaited["met"], awaited["light"]) == (None, "yellow")
    ledger.on(date(2026, 1, 11))
    await catch_up(ledger)
    late = await ledger.row("R02")
    assert (late["state"], late["value"], late["met"]) == ("missing", "11.55", None)
    assert "11 of 12 reported" in late["reason_en"]


async def test_a_board_of_an_earlier_version_is_drawn_whole_with_its_next_event(
    two_of_three: Ledger,
) -> None:
    ledger = two_of_three
    await ledger.execute(
        "UPDATE score_snapshot SET board = jsonb_set(board, '{indicators}',"
        " (SELECT jsonb_agg(row - 'reporting' - 'target_date_passed')"
        " FROM jsonb_array_elements(board->'indicators') AS row))"
    )
    await ledger.report(1, indicator="R02")
    await ledger.follow()
    assert (await ledger.row())["reporting"]["reported"] == 2
