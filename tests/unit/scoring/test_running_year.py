"""Until its target's date has passed, a running year is judged by how far it has come."""

from datetime import date
from typing import Any

import pytest

from services.core.scoring.aggregation import Operands
from tests.unit.scoring.builders import (
    a_baseline,
    a_scheme,
    a_state,
    a_target,
    a_value,
    an_indicator,
    draw,
    judged,
    row_of,
)

MARCH = date(2027, 3, 2)
"""Two full months of 2027 have gone."""


def a_stock(kind: str = "at_least", bound: object = 100, **changes: Any) -> dict[str, Any]:
    """A monthly stock that stood at 10 at the end of 2026."""
    base: dict[str, Any] = {
        "frequency": "monthly",
        "targets": [a_target(kind, bound, 2027, str(bound))],
        "baseline": a_baseline(10, 2026),
    }
    return an_indicator(**(base | changes))


@pytest.mark.parametrize("period", ["2027", "2027-H1", "2027-Q1", "2027-01"])
def test_a_year_has_gone_as_far_as_its_last_month_with_a_value(period: str) -> None:
    row = judged(a_stock(), [a_value(20, "2027-01")], period=period, today=MARCH)
    assert (row["light"], row["reason_code"]) == ("green", "on_pace")
    assert row["pace"] == "1.33333333333333333333"
    assert "目标时间已到" not in row["reason"]


@pytest.mark.parametrize(
    ("frequency", "part", "value", "pace"),
    [
        ("quarterly", "2027-Q1", 40, "1.33333333333333333333"),
        ("half_yearly", "2027-H1", 64, "1.2"),
        ("monthly", "2027-09", 64, "0.8"),
    ],
)
def test_a_year_has_gone_as_far_as_its_last_finer_period(
    frequency: str, part: str, value: int, pace: str
) -> None:
    row = judged(
        a_stock(frequency=frequency), [a_value(value, part)], period="2027", today=date(2027, 10, 9)
    )
    assert (row["pace"], row["met"]) == (pace, False)


@pytest.mark.parametrize(
    ("today", "pace"),
    [
        (date(2027, 2, 28), "2.66666666666666666667"),
        (date(2027, 3, 1), "1.33333333333333333333"),
        (MARCH, "1.33333333333333333333"),
        (date(2027, 3, 31), "1.33333333333333333333"),
        (date(2027, 4, 1), "0.88888888888888888889"),
    ],
)
def test_a_value_handed_in_early_reaches_as_far_as_the_last_full_month(
    today: date, pace: str
) -> None:
    row = judged(a_stock(frequency="annual"), a_value(30, "2027"), period="2027", today=today)
    assert row["pace"] == pace


def test_before_a_month_is_full_an_early_value_has_no_pace_and_says_why() -> None:
    row = judged(
        a_stock(frequency="annual"), a_value(30, "2027"), period="2027", today=date(2027, 1, 31)
    )
    assert (row["pace"], row["light"], row["reason_code"]) == (None, "grey", "no_full_month")


@pytest.mark.parametrize(
    ("kind", "bound", "value"), [("at_least", 100, 30), ("at_most", 4, 9), ("more_than", 30, 30)]
)
@pytest.mark.parametrize("baseline", [a_baseline(10, 2026), None])
def test_the_target_is_not_met_from_the_midnight_after_its_date_only(
    kind: str, bound: object, value: int, baseline: object
) -> None:
    indicator = a_stock(kind, bound, frequency="annual", baseline=baseline)
    reported = a_value(value, "2027")
    last_day = judged(indicator, reported, period="2027", today=date(2027, 12, 31))
    assert last_day["reason_code"] != "not_met_at_target_date"
    next_day = judged(indicator, reported, period="2027", today=date(2028, 1, 1))
    assert (next_day["light"], next_day["reason_code"]) == ("red", "not_met_at_target_date")


def test_a_target_in_words_is_not_missed_before_its_date() -> None:
    levels = [{"code": "A", "name": "全", "points": 100}, {"code": "B", "name": "半", "points": 50}]
    indicator = a_stock("qualitative", None, levels=levels, frequency="annual", baseline=None)
    half = Operands("2027", 1, levels=("B",))
    assert judged(indicator, half, period="2027", today=MARCH)["light"] == "grey"
    assert judged(indicator, half, period="2027", today=date(2028, 1, 1))["light"] == "red"


@pytest.mark.parametrize(
    ("today", "not_met", "grade"),
    [(date(2027, 12, 31), [], "excellent"), (date(2028, 1, 1), ["R01"], "good")],
)
def test_the_gate_is_closed_until_the_targets_date_has_passed(
    today: date, not_met: list[str], grade: str
) -> None:
    mandatory = an_indicator(targets=[a_target(value=100, year=2027)])
    other = an_indicator("R02", selection="optional", weight=100, targets=[a_target(value=1)])
    board = draw(
        a_state(mandatory, other),
        {"R01": a_value(50, "2027"), "R02": a_value(1, "2027")},
        "2027",
        today,
    )
    assert board["overall"]["gate"]["mandatory_not_met"] == not_met
    assert board["overall"]["grade"] == grade


def test_a_value_that_meets_the_target_early_has_met_it() -> None:
    row = judged(a_stock(), [a_value(100, "2027-01")], period="2027", today=MARCH)
    assert (row["met"], row["light"], row["attainment"]) == (True, "green", "100")


@pytest.mark.parametrize("scheme", ["completion-rate", "distance-to-target"])
def test_a_year_before_the_targets_is_judged_as_far_as_it_has_gone(scheme: str) -> None:
    indicator = a_stock(targets=[a_target(value=100, year=2028)])
    row = judged(
        indicator,
        [a_value(25, "2027-03")],
        period="2027",
        today=date(2027, 5, 1),
        scheme=a_scheme(name=scheme),
    )
    assert row["pace"] == "1.33333333333333333333"


def test_of_two_months_the_later_one_says_how_far_the_year_has_gone() -> None:
    reported = [a_value(20, "2027-01"), a_value(22, "2027-04")]
    board = draw(a_state(a_stock()), {"R01": reported}, "2027", date(2027, 5, 6))
    assert row_of(board)["pace"] == "0.4"
