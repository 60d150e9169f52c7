"""What is judged of a value by the plan: its parts, its range, whether it can count, its period."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.checks.findings import kept, told
from services.core.plan.periods import is_within_reach
from services.core.plan.plausibility import is_within, plausible_ranges
from services.core.submissions.judging import (
    approval_faults,
    doubts_of,
    needs_parts,
    value_faults,
    why_not_counted,
)
from services.core.submissions.rules import Form
from tests.support.periods import a_period
from tests.unit.scoring.builders import a_baseline, a_document, a_state, a_target, an_indicator

MONTHS = [f"2025-{month:02}" for month in range(1, 13)]


def a_row(**changes: Any) -> dict[str, Any]:
    return {
        "indicator_code": "R01",
        "organization_code": "UN01",
        "period": "2025",
        "value": Decimal(50),
        "numerator": None,
        "level": None,
        "note": None,
        **changes,
    }


@pytest.mark.parametrize(
    ("units", "periods", "frequency", "period", "needed"),
    [
        ("ratio_of_sums", "last", "annual", "2025", True),
        ("ratio_of_sums", "last", "annual", "2025-03", True),
        ("direct", "ratio_of_sums", "annual", "2025", False),
        ("direct", "ratio_of_sums", "monthly", "2025-03", True),
        ("direct", "ratio_of_sums", "quarterly", "2025-Q1", True),
        ("direct", "ratio_of_sums", "monthly", "2025", False),
        ("sum", "last", "monthly", "2025-03", False),
        ("mean", "mean", "monthly", "2025-03", False),
    ],
)
def test_parts_are_demanded_where_units_or_periods_combine_by_them(
    units: str, periods: str, frequency: str, period: str, needed: bool
) -> None:
    entry = an_indicator(aggregation={"units": units, "periods": periods}, frequency=frequency)
    state = a_state(entry)
    indicator = state.indicators["R01"]
    assert needs_parts(indicator, a_period(period)) is needed
    for draft in (False, True):
        bare = value_faults(Form(value=Decimal(5)), indicator, state, period, draft=draft)
        assert [(fault.pointer, fault.code) for fault in bare] == (
            [("/value", "ratio-required")] if needed else []
        )
        assert [fault.value for fault in bare] == ["5"] * needed
    parts = Form(numerator=Decimal(45), denominator=Decimal(100))
    assert value_faults(parts, indicator, state, period, draft=False) == []
    nothing = Form(not_applicable_reason="无此类企业")
    assert value_faults(nothing, indicator, state, period, draft=False) == []


_SHARE = {"minimum": 0, "maximum": 100}


@pytest.mark.parametrize(
    ("changes", "of_units", "refused"),
    [
        ({}, [], ["-0.1", "100.1", "9500", "-5"]),
        ({"measure_type": "growth_rate"}, [], []),
        ({"measure_type": "relative_decline"}, [], []),
        ({"targets": [a_target("at_least", 120)]}, [], []),
        ({"baseline": a_baseline(-3)}, [], []),
        ({"targets": [a_target("negative_growth", None)]}, [], []),
        ({"plausible": {}}, [], []),
        ({"plausible": {"minimum": -10, "maximum": 100}}, [], ["100.1", "9500"]),
        ({"plausible": {"maximum": 9000}}, [], ["9500"]),
        ({"plausible": {**_SHARE, "outside": "warn"}}, [], []),
        ({"unit": "万吨"}, [], []),
        ({"unit": "万吨"}, [{"unit": "万吨", "minimum": 0}], ["-0.1", "-5"]),
        ({"unit": "万吨", "plausible": {}}, [{"unit": "万吨", "minimum": 0}], []),
    ],
)
def test_a_figure_outside_its_plausible_range_is_refused(
    changes: dict[str, Any], of_units: list[dict[str, Any]], refused: list[str]
) -> None:
    state = a_state(an_indicator(**changes), plausible=of_units)
    indicator = state.indicators["R01"]
    for text in ("-5", "-0.1", "0", "39.5", "100", "100.1", "9500"):
        faults = value_faults(Form(value=Decimal(text)), indicator, state, "2025", draft=False)
        assert [fault.code for fault in faults] == (
            ["implausible-value"] if text in refused else []
        ), text
        assert [(fault.pointer, fault.value) for fault in faults] == (
            [("/value", text)] if text in refused else []
        )


def test_a_ratio_is_judged_by_the_value_that_it_gives() -> None:
    state = a_state(an_indicator(multiplier=100))
    indicator = state.indicators["R01"]
    form = Form(numerator=Decimal(11), denominator=Decimal(10))
    faults = value_faults(form, indicator, state, "2025", draft=False)
    assert [(fault.pointer, fault.code, fault.value) for fault in faults] == [
        ("/numerator", "implausible-value", "110")
    ]
    assert "0–100" in faults[0].detail.zh


def test_a_part_above_its_whole_is_refused_with_both_figures_where_the_plan_says_so() -> None:
    state = a_state(
        an_indicator(
            plausible={"minimum": 0, "maximum": 1000}, entry_checks={"part_within_whole": "block"}
        )
    )
    form = Form(numerator=Decimal(11), denominator=Decimal(10))
    (fault,) = value_faults(form, state.indicators["R01"], state, "2025", draft=False)
    assert (fault.pointer, fault.code) == ("/numerator", "part-above-whole")
    assert "11 > 10" in fault.detail.zh


def test_where_the_plan_warns_a_reason_is_asked_for_and_then_no_more() -> None:
    state = a_state(an_indicator(plausible={**_SHARE, "outside": "warn"}))
    (asked,) = doubts_of(a_row(value=Decimal(110)), state)
    assert asked.code == "implausible-value"
    assert told(asked, figures=True).zh.endswith("请在 note 中说明原因")
    (given_,) = doubts_of(a_row(value=Decimal(110), note="含外县转入量"), state)
    assert "note" not in told(given_, figures=True).zh
    assert doubts_of(a_row(value=Decimal(100)), state) == []
    assert doubts_of(a_row(value=None), state) == []


def test_what_was_found_at_the_entry_stands_though_the_plan_asks_no_more() -> None:
    strict = a_state(an_indicator(plausible={**_SHARE, "outside": "warn"}))
    found = doubts_of(a_row(value=Decimal(110)), strict)
    loose = a_state(an_indicator(plausible={"minimum": 0, "maximum": 1000}))
    assert doubts_of(a_row(value=Decimal(110)), loose) == []
    assert doubts_of(a_row(value=Decimal(110), checks=kept(found)), loose) == found


BOUNDS = st.integers(-(10**37), 10**37)
"""What a plan can state: at most 38 digits."""


@given(value=st.decimals(allow_nan=False, allow_infinity=False), low=BOUNDS, high=BOUNDS)
def test_what_lies_within_both_bounds_is_believed(value: Decimal, low: int, high: int) -> None:
    document = a_document(an_indicator(plausible={"minimum": low, "maximum": high}))
    assert is_within(value, plausible_ranges(document)["R01"]) is (low <= value <= high)


@pytest.mark.parametrize(
    ("changes", "row", "code"),
    [
        ({}, {}, None),
        ({}, {"organization_code": "UN02"}, "another-units-indicator"),
        ({"owners": ["UN02", "UN01"]}, {}, "another-units-indicator"),
        ({"aggregation": {"units": "sum"}}, {"organization_code": "UN02"}, None),
        ({}, {"period": "2025-03"}, "period-too-fine"),
        ({}, {"period": "2025-H1"}, "period-too-fine"),
        ({"aggregation": {"units": "sum"}}, {"period": "2025-03"}, "period-too-fine"),
        ({"frequency": "monthly"}, {"period": "2025-03"}, None),
        ({"frequency": "monthly"}, {"period": "2025-Q1"}, None),
        ({"frequency": "monthly"}, {"period": "2025"}, None),
        ({}, {"indicator_code": "GONE"}, "indicator-dropped"),
    ],
)
def test_a_value_that_cannot_count_says_why(
    changes: dict[str, Any], row: dict[str, Any], code: str | None
) -> None:
    found = why_not_counted(a_row(**row), a_state(an_indicator(**changes)))
    assert (found.code if found else None) == code
    if code == "period-too-fine":
        assert found is not None
        assert "按年填报" in found.words.zh
        assert "reported once a year" in found.words.en


_LEVELS = [{"code": "a", "name": "甲", "points": 100}, {"code": "b", "name": "乙", "points": 50}]
_BY_LEVEL = {
    "levels": _LEVELS,
    "direction": "qualitative",
    "targets": [a_target("qualitative", None, text="建成")],
}


@pytest.mark.parametrize(
    ("changes", "row", "code"),
    [
        (_BY_LEVEL, {}, "level-asked"),
        (_BY_LEVEL, {"value": None, "level": "gone"}, "level-asked"),
        (_BY_LEVEL, {"value": None, "level": "b"}, None),
        (_BY_LEVEL, {"value": None}, None),
        ({**_BY_LEVEL, "level_with_value": True}, {"level": "a"}, None),
        ({}, {"value": None, "level": "a"}, "number-asked"),
        ({}, {"level": "a"}, None),
        ({}, {"value": None}, None),
    ],
)
def test_a_number_where_levels_are_asked_does_not_count_nor_a_level_where_a_number_is(
    changes: dict[str, Any], row: dict[str, Any], code: str | None
) -> None:
    state = a_state(an_indicator(**changes))
    found = why_not_counted(a_row(**row), state)
    assert (found.code if found else None) == code
    faults = approval_faults(a_row(**row), state)
    assert [one.code for one in faults] == ([] if code is None else [code])


def test_of_a_value_from_another_unit_it_is_said_whose_counts() -> None:
    state = a_state(an_indicator())
    found = why_not_counted(a_row(organization_code="UN02"), state)
    assert found is not None
    assert state.organizations["UN01"].name in found.words.zh


@pytest.mark.parametrize(
    ("changes", "unit", "period", "code"),
    [
        ({}, "UN02", "2025", None),
        ({}, "UN02", "2026", None),
        ({}, "UN03", "2025", "another-units-indicator"),
        ({"frequency": "annual"}, "UN02", "2025-03", "period-too-fine"),
        ({"owners": ["UN01", "UN03"], "aggregation": {"units": "sum"}}, "UN02", "2025", None),
        (
            {"owners": ["UN01", "UN03"], "aggregation": {"units": "sum"}},
            "UN02",
            "2026",
            "another-units-indicator",
        ),
    ],
)
def test_what_a_former_owner_reports_can_count(
    changes: dict[str, Any], unit: str, period: str, code: str | None
) -> None:
    handed_over = {"R01": {"UN02": date(2025, 6, 1)}}
    state = replace(a_state(an_indicator(**changes)), past_owners=handed_over)
    found = why_not_counted(a_row(organization_code=unit, period=period), state)
    assert (found.code if found else None) == code


START = date(2025, 1, 1)


@pytest.mark.parametrize(
    ("today", "code", "within"),
    [
        ("2027-03-02", "2027", True),
        ("2027-03-02", "2027-12", True),
        ("2027-03-02", "2028", True),
        ("2027-03-02", "2028-01", False),
        ("2027-12-01", "2028-01", True),
        ("2027-12-01", "2028-02", False),
        ("2027-03-02", "2029", False),
        ("2027-03-02", "2052", False),
        ("2023-05-01", "2025", True),
        ("2023-05-01", "2025-Q1", True),
        ("2023-05-01", "2025-Q2", False),
        ("2023-05-01", "2026", False),
    ],
)
def test_of_a_year_not_begun_only_the_next_period_is_within_reach(
    today: str, code: str, within: bool
) -> None:
    found = is_within_reach(a_period(code), date.fromisoformat(today), START)
    assert found is within


@given(
    today=st.dates(date(1999, 1, 1), date(2060, 1, 1)),
    code=st.sampled_from([*MONTHS, "2025", "2025-Q2", "2030-H1", "2031", "2052-Q4"]),
)
def test_what_has_begun_is_within_reach_and_stays_so(today: date, code: str) -> None:
    period = a_period(code)
    if period.first_day <= today:
        assert is_within_reach(period, today, START)
    if is_within_reach(period, today, START):
        assert is_within_reach(period, date(2060, 6, 1), START)
