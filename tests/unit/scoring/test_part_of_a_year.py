"""Where periods add up, a part of a year is judged by the share of the year that has gone."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.decimals import plain
from services.core.scoring.aggregation import Operands
from services.core.scoring.board import ScoringContext, draw_board
from services.core.scoring.explanation import explain
from services.core.scoring.figures import Figure
from services.core.scoring.judgement import judge
from services.core.scoring.part_of_sum import SpanShare, to_date
from services.core.scoring.targets import Asked
from services.core.scoring.traces import case_of, result_of
from tests.support.periods import a_period
from tests.unit.scoring.builders import (
    a_baseline,
    a_scheme,
    a_state,
    a_target,
    a_value,
    an_indicator,
    draw,
    judged,
)


def a_flow(
    kind: str = "at_least", bound: object = 12, frequency: str = "monthly", **changes: Any
) -> dict[str, Any]:
    """A flow of 2025 whose periods add up."""
    base: dict[str, Any] = {
        "frequency": frequency,
        "aggregation": {"units": "direct", "periods": "sum"},
        "targets": [a_target(kind, bound, 2025, str(bound))],
        "baseline": a_baseline(10, 2024),
    }
    return an_indicator(**(base | changes))


def months(*values: str) -> list[Operands]:
    return [a_value(value, f"2025-{number:02}") for number, value in enumerate(values, 1)]


WASTE = a_flow("at_most", 23, "annual", baseline=a_baseline("23.47"))
"""The printed plan's R10."""


def test_a_quarter_of_waste_is_judged_by_a_quarter_of_the_cap() -> None:
    row = judged(WASTE, a_value("5.9", "2025-Q1"), period="2025-Q1", today=date(2025, 4, 10))
    assert (row["met"], row["light"], row["reason_code"]) == (None, "yellow", "behind")
    assert row["pace"] == "0.97457627118644067797"
    assert row["attainment"] == "97.45762711864406779661"


def test_a_whole_year_of_waste_is_judged_by_the_whole_cap() -> None:
    row = judged(WASTE, a_value("23.6"), period="2025")
    assert (row["met"], row["light"]) == (False, "red")
    assert row["reason_code"] == "not_met_at_target_date"


def test_a_month_is_never_compared_with_an_annual_baseline() -> None:
    row = judged(a_flow(), [a_value("1.2", "2025-09")], period="2025-09", today=date(2025, 10, 5))
    assert (row["light"], row["met"], row["pace"]) == ("green", None, "1.2")
    assert "劣于" not in row["reason"]


def test_a_cap_is_not_met_in_october() -> None:
    reported = months(*["0.99"] * 10)
    row = judged(a_flow("at_most"), reported, period="2025", today=date(2025, 11, 3))
    assert (row["value"], row["met"]) == ("9.9", None)
    assert (row["pace"], row["light"]) == ("1.01010101010101010101", "green")


def test_a_flow_of_nine_months_is_judged_by_nine_months() -> None:
    reported = months(*["1.2"] * 9)
    row = judged(a_flow(), reported, period="2025", today=date(2025, 10, 9))
    assert (row["value"], row["pace"], row["light"]) == ("10.8", "1.2", "green")
    assert row["attainment"] == "100"


@pytest.mark.parametrize(
    ("kind", "value", "light", "pace"),
    [
        ("at_least", "6", "green", "1"),
        ("at_least", "5.4", "yellow", "0.9"),
        ("at_least", "4.7", "red", "0.78333333333333333333"),
        ("at_most", "6", "green", "1"),
        ("at_most", "7.5", "yellow", "0.8"),
        ("at_most", "8", "red", "0.75"),
    ],
)
@pytest.mark.parametrize(
    ("frequency", "parts"),
    [
        ("half_yearly", ["2025-H1"]),
        ("quarterly", ["2025-Q1", "2025-Q2"]),
        ("monthly", [f"2025-{number:02}" for number in range(1, 7)]),
    ],
)
def test_half_a_year_is_judged_alike_however_it_is_reported(
    kind: str, value: str, light: str, pace: str, frequency: str, parts: list[str]
) -> None:
    first, *others = parts
    reported = [a_value(value, first), *(a_value(0, each) for each in others)]
    for period in ("2025", "2025-H1"):
        row = judged(a_flow(kind, 12, frequency), reported, period=period, today=date(2025, 7, 20))
        assert (row["pace"], row["light"], row["met"]) == (pace, light, None)


@pytest.mark.parametrize("period", ["2025-H2", "2025-Q4", "2025-12"])
@pytest.mark.parametrize("kind", ["at_least", "at_most"])
def test_no_part_of_a_year_is_not_met_when_the_targets_date_has_passed(
    kind: str, period: str
) -> None:
    board = draw(a_state(a_flow(kind)), {"R01": a_value(1, "2025-12")}, period, date(2026, 1, 10))
    (row,) = board["indicators"]
    assert (row["met"], row["reason_code"]) != (False, "not_met_at_target_date")
    assert row["met"] is None
    assert board["overall"]["gate"]["mandatory_not_met"] == []


def test_a_years_sum_handed_in_early_is_judged_by_the_full_months() -> None:
    early: dict[str, Any] = {"period": "2025", "today": date(2025, 10, 9)}
    row = judged(a_flow(frequency="annual"), a_value("9.9"), **early)
    assert (row["pace"], row["met"]) == ("1.1", None)
    january = judged(a_flow(frequency="annual"), a_value(1), period="2025", today=date(2025, 1, 31))
    assert (january["state"], january["reason_code"]) == ("not_assessable", "no_full_month")


@pytest.mark.parametrize(("value", "met", "light"), [("11.9", False, "red"), ("12", True, "green")])
def test_at_the_years_end_the_sum_is_met_or_not(value: str, met: bool, light: str) -> None:
    reported = [*months(*["1"] * 11), a_value(Decimal(value) - 11, "2025-12")]
    before = judged(a_flow(), reported, period="2025", today=date(2025, 12, 31))
    after = judged(a_flow(), reported, period="2025", today=date(2026, 1, 1))
    assert before["met"] is None
    assert (after["met"], after["light"]) == (met, light)


@pytest.mark.parametrize(
    ("kind", "bound", "value", "light", "attainment"),
    [
        ("at_most", 12, "0", "green", "100"),
        ("at_most", 12, "-1", "green", "100"),
        ("at_most", 0, "0", "green", "100"),
        ("at_most", 0, "1", "red", "0"),
        ("at_least", 0, "1", "green", "100"),
        ("at_least", 0, "-1", "red", "0"),
        ("at_least", 12, "-1", "red", "0"),
        ("at_most", -12, "-3", "green", "100"),
        ("at_most", -12, "-2.4", "yellow", "80"),
        ("at_least", -12, "-3", "green", "100"),
        ("at_least", -12, "-4", "red", "75"),
    ],
)
def test_zero_and_negative_shares_are_judged_without_a_division_by_zero(
    kind: str, bound: object, value: str, light: str, attainment: str
) -> None:
    row = judged(
        a_flow(kind, bound), [a_value(value, "2025-Q1")], period="2025-Q1", today=date(2025, 4, 2)
    )
    assert (row["light"], row["attainment"]) == (light, attainment)
    assert row["reason"]
    assert row["reason_en"]


def test_provisional_and_falsified_parts_are_marked_as_whole_years_are() -> None:
    period: dict[str, Any] = {"period": "2025-Q1", "today": date(2025, 4, 2)}
    soft = judged(a_flow(), [a_value(4, "2025-Q1", provisional=1)], **period)
    assert (soft["light"], soft["reason_code"]) == ("yellow", "on_pace_to_date_provisional")
    zero = judged(a_flow("at_most"), [a_value(0, "2025-Q1", provisional=1)], **period)
    assert (zero["light"], zero["reason_code"]) == ("yellow", "enough_to_date_provisional")
    false = judged(a_flow(), [a_value(4, "2025-Q1", falsified=1)], **period)
    assert false["light"] == "red"


def test_a_kind_without_a_number_has_no_verdict_on_an_unfinished_sum() -> None:
    row = judged(a_flow("rising", None), months("1", "2"), period="2025", today=date(2025, 3, 9))
    assert (row["state"], row["reason_code"], row["met"]) == (
        "not_assessable",
        "part_of_a_year",
        None,
    )


def a_dated_flow(kind: str, value: object, **until: str) -> dict[str, Any]:
    """A monthly flow with a target for a part of 2025, and one of 12 for the year."""
    return a_flow(
        kind,
        targets=[
            {"kind": kind, "value": value, "text": str(value), **until},
            a_target(kind, 12, text="12"),
        ],
    )


@pytest.mark.parametrize(
    ("kind", "each", "met", "light"),
    [
        ("at_least", "0.9", False, "red"),
        ("at_least", "1", True, "green"),
        ("at_most", "1", True, "green"),
        ("at_most", "1.1", False, "red"),
    ],
)
@pytest.mark.parametrize("until", [{"by": "2025-06-30"}, {"period": "2025-H1"}])
def test_a_target_for_half_a_year_is_met_or_not_by_the_sum_of_that_half(
    until: dict[str, str], kind: str, each: str, met: bool, light: str
) -> None:
    flow, reported = a_dated_flow(kind, 6, **until), months(*[each] * 6)
    row = judged(flow, reported, period="2025-H1", today=date(2025, 10, 15))
    assert (row["met"], row["light"]) == (met, light)
    before = judged(flow, reported, period="2025-H1", today=date(2025, 6, 30))
    assert before["met"] is None


@pytest.mark.parametrize(("period", "pace"), [("2025-Q1", "0.9"), ("2025-05", "0.9")])
def test_a_part_of_a_dated_targets_span_is_judged_by_its_share_of_that_span(
    period: str, pace: str
) -> None:
    flow = a_dated_flow("at_least", 6, by="2025-06-30")
    row = judged(flow, months(*["0.9"] * 6), period=period, today=date(2025, 10, 15))
    assert (row["pace"], row["met"], row["light"]) == (pace, None, "yellow")
    assert "6个月" in row["reason"] or "进度" in row["reason"]


@pytest.mark.parametrize(
    ("kind", "each", "met"), [("at_least", "0.95", False), ("at_most", "0.95", True)]
)
def test_a_quarters_target_is_for_that_quarter(kind: str, each: str, met: bool) -> None:
    flow = a_dated_flow(kind, 3, period="2025-Q1")
    row = judged(flow, months(*[each] * 3), period="2025-Q1", today=date(2025, 10, 15))
    assert row["met"] is met
    month = judged(flow, months(*[each] * 3), period="2025-02", today=date(2025, 10, 15))
    assert month["met"] is None


def test_a_sum_over_more_than_its_target_is_for_has_no_verdict() -> None:
    flow = a_flow(targets=[{"kind": "at_most", "value": 6, "text": "6", "by": "2025-06-30"}])
    row = judged(flow, months(*["0.9"] * 12), period="2025", today=date(2026, 1, 10))
    assert (row["state"], row["reason_code"]) == ("not_assessable", "beyond_target")


@pytest.mark.parametrize(
    ("each", "light", "pace"),
    [("1.2", "green", "1.2"), ("0.9", "yellow", "0.9"), ("2.5", "yellow", "0.8")],
)
def test_a_part_of_a_ranges_sum_is_judged_by_the_share_of_either_end(
    each: str, light: str, pace: str
) -> None:
    flow = a_flow(targets=[a_target("between", 12, text="12—24") | {"upper": 24}])
    for period in ("2025-06", "2025-H1", "2025"):
        row = judged(flow, months(*[each] * 6), period=period, today=date(2025, 7, 20))
        assert row["met"] is None
        assert row["light"] == light
        assert row["pace"].startswith(pace) or light == "yellow"


@pytest.mark.parametrize(
    ("kind", "conditions", "each", "seen"),
    [
        ("all_of", [("at_least", 12), ("at_least", 10)], "0.9", ("scored", "yellow")),
        ("all_of", [("at_least", 12), ("at_least", 10)], "1.1", ("scored", "green")),
        ("any_of", [("at_least", 12), ("at_least", 10)], "0.9", ("scored", "green")),
        ("all_of", [("at_most", 12), ("falling", None)], "1.2", ("scored", "yellow")),
        ("all_of", [("at_most", 12), ("falling", None)], "0.9", ("not_assessable", "grey")),
        ("any_of", [("at_most", 12), ("falling", None)], "0.9", ("scored", "green")),
        ("any_of", [("at_most", 12), ("falling", None)], "1.3", ("not_assessable", "grey")),
    ],
)
def test_several_conditions_on_a_part_of_a_sum_are_neither_met_nor_not_met(
    kind: str, conditions: list[tuple[str, object]], each: str, seen: tuple[str, str]
) -> None:
    wanted = [{"kind": one, "value": value} for one, value in conditions]
    flow = a_flow(targets=[a_target(kind, None, text="若干条件") | {"conditions": wanted}])
    if any(one == "at_most" for one, _ in conditions):
        flow["direction"] = "lower_better"
    row = judged(flow, months(*[each] * 6), period="2025-06", today=date(2025, 7, 20))
    assert (row["state"], row["light"], row["met"]) == (*seen, None)


@pytest.mark.parametrize("scheme", ["completion-rate", "distance-to-target"])
@pytest.mark.parametrize(("kind", "value"), [("at_least", "2"), ("at_most", "4"), ("at_most", "0")])
def test_a_part_of_a_year_replays_and_explains_itself(kind: str, value: str, scheme: str) -> None:
    state = a_state(a_flow(kind), scheme=a_scheme(name=scheme))
    drawn = draw_board(
        ScoringContext.of(state, date(2025, 4, 2)),
        a_period("2025-Q1"),
        {("R01", "2025-Q1"): a_value(value, "2025-Q1")},
    )
    trace = json.loads(json.dumps(drawn.traces["R01"]))
    assert result_of(judge(case_of(trace))) == trace["result"]
    steps = explain(trace)
    assert all(step.zh and step.en for step in steps)
    if value == "4":
        assert "进度 = 应完成 3 ÷ 已完成 4（12 × 3 ÷ 12 个月）= 0.75" in [step.zh for step in steps]
        assert "Pace = due by now 3 ÷ done 4 (12 × 3 of 12 months) = 0.75" in [
            step.en for step in steps
        ]


AMOUNTS = st.decimals(-1000, 1000, places=4)


@given(AMOUNTS, AMOUNTS, st.integers(1, 12), st.sampled_from(["at_least", "at_most"]))
def test_enough_is_a_pace_of_one_or_more(
    done: Decimal, bound: Decimal, gone: int, kind: Any
) -> None:
    found = to_date(Figure(done), Asked(kind, bound), SpanShare(gone, 12))
    share = bound * gone / 12
    assert found.enough is (done <= share if kind == "at_most" else done >= share)
    assert 0 <= found.attainment <= 100
    assert (found.attainment == 100) is found.enough or abs(done - share) < Decimal("1E-9")
    if found.pace is not None:
        ratio = found.pace.ratio
        assert (ratio.top >= ratio.bottom) is found.enough, plain(ratio.value)
