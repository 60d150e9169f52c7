"""Some units reported the year, others its quarters: each counts once, by what it reported."""

from datetime import date
from typing import Any

import pytest

from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import a_document, a_target, an_indicator

QUARTERS = ["2025-Q1", "2025-Q2", "2025-Q3", "2025-Q4"]


def a_flow(units: str, periods: str, **changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "unit": "万吨",
        "owners": ["UN01", "UN02"],
        "frequency": "quarterly",
        "targets": [a_target(value=50)],
        "aggregation": {"units": units, "periods": periods},
    }
    return an_indicator(**(base | changes))


async def _by_quarters(ledger: Ledger, value: int, *units: str, **form: Any) -> None:
    for unit in units:
        for period in QUARTERS:
            await ledger.report(value, unit=unit, period=period, **form)


async def _row(ledger: Ledger) -> dict[str, Any]:
    await ledger.follow()
    row = await ledger.row()
    assert (await ledger.recompute()).changed == 0
    return row


@pytest.mark.parametrize(
    ("units", "periods", "before", "after"),
    [
        ("sum", "sum", "80", "85"),
        ("sum", "last", "20", "55"),
        ("sum", "mean", "20", "55"),
        ("mean", "sum", "40", "42.5"),
        ("mean", "last", "10", "27.5"),
    ],
)
async def test_one_units_year_replaces_its_own_quarters_alone(
    ledger: Ledger, units: str, periods: str, before: str, after: str
) -> None:
    await ledger.load(a_document(a_flow(units, periods)))
    await _by_quarters(ledger, 10, "UN01", "UN02")
    row = await _row(ledger)
    assert (row["value"], row["reporting"]["reported"]) == (before, 8)
    await ledger.report(45, unit="UN01")
    row = await _row(ledger)
    assert row["value"] == after
    reporting = row["reporting"]
    assert (row["state"], reporting["reported"], reporting["expected"]) == ("scored", 5, 5)
    await ledger.report(30, unit="UN02")
    row = await _row(ledger)
    assert row["value"] == ("75" if units == "sum" else "37.5")
    assert row["reporting"]["expected"] == 2


async def test_parts_are_added_up_over_both(ledger: Ledger) -> None:
    rate = a_flow("ratio_of_sums", "ratio_of_sums", unit="%", multiplier=100)
    await ledger.load(a_document(rate))
    await _by_quarters(ledger, 50, "UN01", "UN02", numerator="10", denominator="20")
    assert (await _row(ledger))["value"] == "50"
    await ledger.report(90, unit="UN01", numerator="72", denominator="80")
    assert (await _row(ledger))["value"] == "70"  # (72 + 40) ÷ (80 + 80)


async def test_what_others_lack_of_their_quarters_is_still_owed(ledger: Ledger) -> None:
    await ledger.load(a_document(a_flow("sum", "sum", targets=[a_target("at_most", 100)])))
    await ledger.report(10, unit="UN02", period="2025-Q1")
    await ledger.move("2025-Q2", "open", due_date=date(2026, 3, 31))
    await ledger.move("2025-Q2", "close")
    await ledger.report(45, unit="UN01")
    row = await _row(ledger)
    assert (row["state"], row["met"]) == ("missing", None)
    assert ("2025-Q2", "UN02") in {
        (one["period"], one["organization_code"]) for one in row["reporting"]["absent"]
    }


async def test_both_bases_and_an_unfinished_change_agree(ledger: Ledger) -> None:
    await ledger.load(a_document(a_flow("sum", "sum")))
    await _by_quarters(ledger, 10, "UN01", "UN02")
    await ledger.report(45, unit="UN01", state="submitted")
    await ledger.follow()
    assert (await ledger.row())["value"] == "80"
    assert (await ledger.row(basis="submitted"))["value"] == "85"
    await ledger.report(20, unit="UN02", period="2025-Q4")
    await ledger.follow()
    assert (await ledger.row())["value"] == "90"
    assert (await ledger.row(basis="submitted"))["value"] == "95"
    assert (await ledger.recompute()).changed == 0
