"""What is absent in the earlier period never helps a later one: nothing is compared with a part."""

from datetime import date
from typing import Any

import pytest

from tests.integration.scoring.ledger import Ledger
from tests.unit.scoring.builders import a_baseline, a_document, a_target, an_indicator

RISING = a_target("rising", None, 2025, "逐年提高")
QUARTERS = an_indicator(
    unit="万吨", frequency="quarterly", targets=[RISING], aggregation={"periods": "sum"}
)
TOWNS = an_indicator(
    unit="万吨", owners=["UN01", "UN02"], targets=[RISING], aggregation={"units": "sum"}
)
ENOUGH = {"2025-Q1": 9, "2025-Q2": 9, "2025-Q3": 9, "2025-Q4": 9}


async def _quarters(ledger: Ledger, values: dict[str, int]) -> None:
    for period, value in values.items():
        await ledger.report(value, period=period)


async def _row(ledger: Ledger) -> dict[str, Any]:
    await ledger.follow()
    row = await ledger.row()
    assert (await ledger.recompute()).changed == 0
    return row


@pytest.mark.parametrize("asked", ["never", "closed", "open"])
async def test_a_year_is_not_compared_with_three_quarters(ledger: Ledger, asked: str) -> None:
    await ledger.load(a_document(QUARTERS))
    await _quarters(ledger, {"2024-Q1": 10, "2024-Q2": 10, "2024-Q3": 10})
    await _quarters(ledger, ENOUGH)
    await ledger.follow()
    if asked != "never":
        await ledger.move("2024-Q4", "open", due_date=date(2026, 3, 31))
    if asked == "closed":
        await ledger.move("2024-Q4", "close")
    row = await _row(ledger)
    assert (row["state"], row["met"]) == ("not_assessable", None)
    assert row["reason_code"] == "previous_incomplete"
    assert "单位1（2024-Q4）" in row["reason"]


async def test_once_the_earlier_year_is_whole_it_is_compared_with(ledger: Ledger) -> None:
    await ledger.load(a_document(QUARTERS))
    await _quarters(ledger, ENOUGH | {"2024-Q1": 10, "2024-Q2": 10, "2024-Q3": 10})
    assert (await _row(ledger))["met"] is None
    await ledger.report(10, period="2024-Q4")
    row = await _row(ledger)
    assert (row["state"], row["met"]) == ("scored", False)
    await ledger.report(3, period="2024-Q4")
    assert (await _row(ledger))["met"] is True


async def test_two_units_are_not_compared_with_one(ledger: Ledger) -> None:
    await ledger.load(a_document(TOWNS))
    await ledger.move("2024", "open", due_date=date(2026, 3, 31))
    await ledger.report(20, period="2024")
    await ledger.move("2024", "close")
    for unit in ("UN01", "UN02"):
        await ledger.report(15, unit=unit)
    row = await _row(ledger)
    assert (row["met"], row["reason_code"]) == (None, "previous_incomplete")
    assert "单位2（2024）" in row["reason"]


async def test_a_stock_is_compared_with_the_end_of_the_year_alone(ledger: Ledger) -> None:
    stock = QUARTERS | {"aggregation": {"periods": "last"}}
    await ledger.load(a_document(stock))
    await _quarters(ledger, {"2024-Q2": 10, "2025-Q4": 11})
    assert (await _row(ledger))["reason_code"] == "previous_incomplete"
    await ledger.report(10, period="2024-Q4")  # what came before the end does not matter
    row = await _row(ledger)
    assert (row["state"], row["met"]) == ("scored", True)


async def test_a_baseline_of_that_year_stands_in_for_an_incomplete_one(ledger: Ledger) -> None:
    await ledger.load(a_document(QUARTERS | {"baseline": a_baseline(40, 2024)}))
    await _quarters(ledger, ENOUGH | {"2024-Q1": 10})
    row = await _row(ledger)
    assert (row["state"], row["met"]) == ("scored", False)
    found = await ledger.snapshot()
    assert found is not None
    assert found.traces["R01"]["previous"]["source"] == "baseline"


async def test_conditions_that_compare_know_of_it_too(ledger: Ledger) -> None:
    asked = [{"kind": "rising"}, {"kind": "at_least", "value": 90}]
    target = a_target("any_of", None, 2025, "≥90或持续提高") | {"conditions": asked}
    await ledger.load(a_document(QUARTERS | {"targets": [target]}))
    await _quarters(ledger, ENOUGH | {"2024-Q1": 10})
    assert (await _row(ledger))["reason_code"] == "previous_incomplete"
    await ledger.report(80, period="2025-Q4")
    assert (await _row(ledger))["met"] is True  # by the number, whatever was before
