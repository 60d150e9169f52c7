"""The built-in checks: a part above its whole, a change beyond its bounds, an outlier."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.checks.outliers import median, robust_score
from tests.unit.checks.builders import a_plan, a_row, figures, found

THRESHOLD = Decimal("3.5")
NUMBERS = st.decimals(
    allow_nan=False, allow_infinity=False, places=3, min_value=-(10**6), max_value=10**6
)
SERIES = st.lists(NUMBERS, min_size=4, max_size=36)
MONTHS = [f"2024_{month:02}" for month in range(1, 13)]
NEAR_100 = (98, 101, 99, 100, 102, 97, 100, 103, 99, 101, 100, 98)


@given(NUMBERS, SERIES, st.integers(1, 10**6), NUMBERS)
def test_a_score_is_the_same_in_any_unit_of_measure(
    value: Decimal, earlier: list[Decimal], scale: int, shift: Decimal
) -> None:
    def moved(number: Decimal) -> Decimal:
        return number * scale + shift

    one = robust_score(value, earlier, THRESHOLD)
    other = robust_score(moved(value), [moved(each) for each in earlier], THRESHOLD)
    assert (one.z, one.is_outlier, one.spread) == (other.z, other.is_outlier, other.spread)
    mirrored = robust_score(-value, [-each for each in earlier], THRESHOLD)
    assert mirrored.is_outlier is one.is_outlier
    assert mirrored.z == (None if one.z is None else -one.z)


@given(SERIES)
def test_the_middle_is_no_outlier_and_half_lies_on_either_side(earlier: list[Decimal]) -> None:
    middle = median(earlier)
    assert sum(one <= middle for one in earlier) * 2 >= len(earlier)
    assert sum(one >= middle for one in earlier) * 2 >= len(earlier)
    score = robust_score(middle, earlier, THRESHOLD)
    assert not score.is_outlier
    assert score.z in {0, None}


@pytest.mark.parametrize(
    ("earlier", "value", "spread", "z", "is_outlier"),
    [
        # Median 3, MAD 1: 0.6745 × 6 = 4.047, and 0.6745 × 5 = 3.3725.
        ([1, 2, 3, 4, 5], 9, "mad", "4.047", True),
        ([1, 2, 3, 4, 5], 8, "mad", "3.3725", False),
        # MAD 0, mean distance 8 ÷ 8 = 1: 5 ÷ 1.253314.
        ([0, 0, 0, 0, 0, 0, 0, 8], 5, "mean_distance", "3.989423", True),
        ([0, 0, 0, 0, 0, 0, 0, 8], 4, "mean_distance", "3.191539", False),
        ([7, 7, 7, 7], 7, "none", None, False),
        ([7, 7, 7, 7], "7.01", "none", None, True),
    ],
)
def test_a_score_by_hand(
    earlier: list[int], value: object, spread: str, z: str | None, is_outlier: bool
) -> None:
    score = robust_score(Decimal(str(value)), [Decimal(one) for one in earlier], THRESHOLD)
    assert (score.spread, score.is_outlier) == (spread, is_outlier)
    shown = None if score.z is None else score.z.quantize(Decimal("0.000001"))
    assert shown == (None if z is None else Decimal(z))


def test_a_score_that_is_just_the_threshold_is_no_outlier() -> None:
    # 0.6745 × 3500 ÷ 674.5 = 3.5 exactly.
    earlier = [Decimal(one) for one in ("-674.5", "0", "0", "674.5", "674.5", "-674.5")]
    assert robust_score(Decimal(3500), earlier, THRESHOLD).z == THRESHOLD
    assert not robust_score(Decimal(3500), earlier, THRESHOLD).is_outlier
    assert robust_score(Decimal("3500.0000000001"), earlier, THRESHOLD).is_outlier


def _months(*values: object, code: str = "W1") -> dict[str, object]:
    return {f"{code}_{month}": value for month, value in zip(MONTHS, values, strict=False)}


def test_a_thousand_after_twelve_months_near_a_hundred_is_told_with_its_figures() -> None:
    plan = a_plan(entry_checks={"outlier": {}})
    beside = figures(**_months(*NEAR_100))
    assert found(a_row("W1", 104), plan, beside) == []
    (one,) = found(a_row("W1", 1000), plan, beside)
    assert (one.code, one.kind, one.importance) == ("outlier", "outlier", "warn")
    said = one.statistics
    assert (said["count"], said["median"], said["mad"]) == ("12", "100", "1")
    assert (said["z"], said["threshold"], said["spread"]) == ("607.05", "3.5", "mad")
    assert said["mean"] == "99.83333333333333333333"
    assert Decimal(said["lower"] or 0) < 98
    assert Decimal(said["upper"] or 0) > 102
    assert one.said.zh.startswith("此前 12 期中位数 100，MAD 1，z = 607.05，正常范围 94.81")


def test_too_few_figures_tell_nothing_and_their_number_is_the_plans() -> None:
    seven = figures(**_months(*NEAR_100[:7]))
    eight = figures(**_months(*NEAR_100[:8]))
    plan = a_plan(entry_checks={"outlier": {}})
    assert found(a_row("W1", 1000), plan, seven) == []
    assert found(a_row("W1", 1000), plan, eight) != []
    less = a_plan(entry_checks={"outlier": {"least": 4, "window": 4}})
    # September to December: the window holds none of the first seven months.
    assert found(a_row("W1", 1000), less, seven) == []


@pytest.mark.parametrize(
    ("bounds", "earlier", "value", "unusual"),
    [
        ({"percent": 30}, 100, 130, False),
        ({"percent": 30}, 100, "130.0001", True),
        ({"percent": 30}, 100, "69.9999", True),
        ({"percent": 30}, -100, -131, True),
        ({"percent": 30}, 0, 5, False),
        ({"absolute": 5}, 0, 5, False),
        ({"absolute": 5}, 0, "5.01", True),
        ({"percent": 30, "absolute": 5}, 1, 3, False),
        ({"percent": 30, "absolute": 5}, 1, 7, True),
        ({"percent": 30, "absolute": 5}, 100, 106, False),
        ({"percent": 30, "absolute": 5}, 0, 6, True),
        ({"percent": 0}, 100, 100, False),
    ],
)
def test_a_change_is_unusual_beyond_every_bound_that_is_given(
    bounds: dict[str, Any], earlier: int, value: object, unusual: bool
) -> None:
    for against, month in (("previous_period", "2024_12"), ("same_period_last_year", "2024_01")):
        plan = a_plan(entry_checks={"changes": [{"against": against, **bounds}]})
        beside = figures(**{f"W1_{month}": earlier})
        assert bool(found(a_row("W1", value), plan, beside)) is unusual
        assert found(a_row("W1", value), plan) == []


def test_a_change_tells_what_it_was_and_by_how_much() -> None:
    change = {"against": "previous_period", "percent": 30, "needs_justification": True}
    plan = a_plan(entry_checks={"changes": [change]})
    (one,) = found(a_row("W1", 50), plan, figures(W1_2024_12=100))
    assert (one.code, one.needs_justification) == ("unusual-change", True)
    assert (one.statistics["difference"], one.statistics["percent"]) == ("-50", "-50")
    assert one.said.zh == "由 100 到 50（差 -50，-50%）"


def test_a_part_above_its_whole_is_told_of_shares_and_where_it_is_stated() -> None:
    ratio = {"numerator": Decimal(11), "denominator": Decimal(10)}
    plan = a_plan(entry_checks={"part_within_whole": "warn"}, S1={"multiplier": 1})
    (one,) = found(a_row("S1", "1.1", **ratio), plan)
    assert (one.code, one.left, one.right) == ("part-above-whole", "11", "10")
    equal = {"numerator": Decimal(10), "denominator": Decimal(10)}
    assert found(a_row("S1", "1", **equal), plan) == []
    assert found(a_row("W1", "1.1", **ratio), plan) == []
    stated = a_plan(W1={"entry_checks": {"part_within_whole": "block"}})
    assert [each.importance for each in found(a_row("W1", "1.1", **ratio), stated)] == ["block"]
    # In percent it is above 100, which is what is told.
    told = found(a_row("S1", "110", **ratio), a_plan(entry_checks={"part_within_whole": "warn"}))
    assert [each.code for each in told] == ["implausible-value"]


def test_an_indicator_that_states_its_own_checks_takes_none_of_the_plans() -> None:
    change = {"against": "previous_period", "percent": 30}
    plan = a_plan(entry_checks={"changes": [change]}, W1={"entry_checks": {}})
    assert found(a_row("W1", 50), plan, figures(W1_2024_12=1)) == []
    assert found(a_row("W2", 50), plan, figures(W2_2024_12=1)) != []
