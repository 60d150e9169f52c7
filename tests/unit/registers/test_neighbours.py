"""A month of hazardous waste held against earlier months and against its manifests."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.registers.neighbours.rules import (
    Neighbours,
    judged_together,
    keeping_out,
    keys_before,
    months_before,
    row_findings,
    summed,
)
from tests.support.api import xinmi

MONTHS = next(one for one in xinmi().registers if one.code == "HW-MONTH")
ROW = {
    "month": "2025-09",
    "credit_code": "91410183MA0000015J",
    "waste_code": "900-249-08",
    "opening": "0.50",
    "generated": "3.20",
    "treated": "0",
    "transferred": "3.00",
    "closing": "0.70",
}


def year_of(generated: str) -> dict[str, dict[str, str]]:
    return {
        month: {"generated": generated, "closing": "0.50"} for month in months_before("2025-09", 11)
    }


def found(
    months: dict[str, dict[str, str]], moved: str = "3.00", **changes: Any
) -> list[tuple[str, str]]:
    near = Neighbours(months, {("HW-MANIFEST", "amount"): Decimal(moved)})
    return [(one.check.code, one.outcome) for one in row_findings(MONTHS, {**ROW, **changes}, near)]


def test_a_month_that_goes_on_from_the_last_one_holds_together() -> None:
    assert found(year_of("1.00")) == []


@pytest.mark.parametrize(
    ("opening", "holding"),
    [("0.50", True), ("0.51", True), ("0.49", True), ("0.511", False), ("0", False)],
)
def test_a_month_opens_with_what_the_last_one_closed_with(opening: str, holding: bool) -> None:
    expected = [] if holding else [("carried-over", "broken")]
    assert found(year_of("1.00"), opening=opening) == expected


@pytest.mark.parametrize(
    ("moved", "holding"), [("3.00", True), ("2.99", True), ("2.98", False), ("0", False)]
)
def test_what_left_is_what_the_manifests_say(moved: str, holding: bool) -> None:
    expected = [] if holding else [("manifests", "broken")]
    assert found(year_of("1.00"), moved=moved) == expected


def test_more_than_a_year_has_generated_has_been_stored_for_over_a_year() -> None:
    """12 months generated 11 × 0.01 + 0.50; whatever is above that came before them."""
    assert found(year_of("0.01"), generated="0.50", closing="0.61") == []
    assert found(year_of("0.01"), generated="0.50", closing="0.62") == [
        ("stored-over-a-year", "broken")
    ]


def test_what_is_missing_is_named_and_is_no_0() -> None:
    (carried, stored) = row_findings(
        MONTHS, ROW, Neighbours({}, {("HW-MANIFEST", "amount"): Decimal("3.00")})
    )
    assert (carried.check.code, carried.outcome) == ("carried-over", "unknown")
    assert carried.missing == ("closing@2025-08",)
    assert (stored.outcome, len(stored.missing)) == ("unknown", 11)
    assert stored.missing[-1] == "generated@2024-10"
    blank = found(year_of("1.00"), opening=None)
    assert blank == [("carried-over", "unknown")]


def test_only_what_is_broken_and_blocks_keeps_a_row_out() -> None:
    near = Neighbours(year_of("0"), {("HW-MANIFEST", "amount"): Decimal("2.00")})
    findings = row_findings(MONTHS, {**ROW, "generated": "0.60"}, near)
    assert {one.check.code for one in findings} == {"manifests", "stored-over-a-year"}
    (fault,) = keeping_out(findings)
    assert (fault.pointer, fault.code) == ("/values/transferred", "check-broken")


def test_what_was_confirmed_decides_and_drafts_only_where_it_says_nothing() -> None:
    moved = {("HW-MANIFEST", "amount"): Decimal("3.00")}
    none = {("HW-MANIFEST", "amount"): Decimal(0)}
    whole, wrong = year_of("1.00"), {**year_of("1.00"), "2025-08": {"closing": "9"}}

    def judged(present: Neighbours, confirmed: Neighbours) -> list[tuple[str, bool]]:
        found = [row_findings(MONTHS, ROW, one) for one in (present, confirmed)]
        told = judged_together(*found)
        return [(one.check.code, one.of_confirmed) for one in told if one.outcome == "broken"]

    assert judged(Neighbours(whole, moved), Neighbours(whole, none)) == [("manifests", True)]
    assert judged(Neighbours(whole, none), Neighbours(whole, moved)) == []
    assert judged(Neighbours(whole, none), Neighbours(whole, none)) == [("manifests", False)]
    assert judged(Neighbours(wrong, moved), Neighbours(whole, moved)) == []
    assert ("carried-over", False) in judged(Neighbours(wrong, moved), Neighbours({}, moved))
    assert judged(Neighbours({}, moved), Neighbours({}, moved)) == []


def test_the_rows_that_are_looked_up_have_the_same_key_but_for_the_month() -> None:
    keys = keys_before(MONTHS, ROW)
    assert len(keys) == 11
    assert keys["2025-08"] == '["2025-08","91410183MA0000015J","900-249-08"]'
    (one,) = summed(MONTHS, ROW)
    assert (one.register, one.column) == ("HW-MANIFEST", "amount")
    assert one.matching == {name: ROW[name] for name in ("month", "credit_code", "waste_code")}


@given(st.integers(min_value=1991, max_value=2100), st.integers(min_value=1, max_value=12))
def test_twelve_months_back_is_the_same_month_of_the_year_before(year: int, month: int) -> None:
    before = months_before(f"{year}-{month:02}", 12)
    assert before[-1] == f"{year - 1}-{month:02}"
    assert sorted(before, reverse=True) == before
    assert len(set(before)) == 12


@pytest.mark.parametrize("said", [None, "很多", "NaN", "", "true", True])
def test_what_is_no_number_is_missing(said: object) -> None:
    near = Neighbours(by_month={"2025-08": {"closing": said}}, sums={})
    found = {one.check.code: one for one in row_findings(MONTHS, ROW, near)}
    told = found["carried-over"]
    assert (told.outcome, told.left, told.right) == ("unknown", None, None)
    assert told.missing == ("closing@2025-08",)
