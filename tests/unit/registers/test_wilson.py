"""The interval of a share: published figures, and the laws that it keeps for any sample."""

from decimal import Decimal
from statistics import NormalDist
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.decimals import quotient
from services.core.plan.count_entries import Confidence
from services.core.registers.measures.wilson import Interval, Z, wilson

CONFIDENCES = st.sampled_from(get_args(Confidence))
ANSWERS = st.integers(min_value=1, max_value=999_999_999)


@st.composite
def samples(draw: st.DrawFn) -> tuple[int, int]:
    """Return how many gave an answer, and of how many."""
    answers = draw(ANSWERS)
    return draw(st.integers(min_value=0, max_value=answers)), answers


def interval(positive: int, answers: int, confidence: Confidence = 95) -> Interval:
    share = quotient(Decimal(positive), Decimal(answers))
    return wilson(share, Decimal(answers), confidence)


@pytest.mark.parametrize(
    ("positive", "answers", "lower", "upper"),
    [
        # Newcombe, Two-sided confidence intervals for the single proportion: comparison of seven
        # methods, Statistics in Medicine 17 (1998), 857-872, table I, score without correction.
        (81, 263, "0.2553", "0.3662"),
        (15, 148, "0.0624", "0.1605"),
        (0, 20, "0.0000", "0.1611"),
        (1, 29, "0.0061", "0.1718"),
    ],
)
def test_the_published_intervals_are_found(
    positive: int, answers: int, lower: str, upper: str
) -> None:
    found = interval(positive, answers)
    assert (round(found.lower, 4), round(found.upper, 4)) == (Decimal(lower), Decimal(upper))


@pytest.mark.parametrize("confidence", get_args(Confidence))
def test_the_quantiles_are_those_of_the_normal_distribution(confidence: Confidence) -> None:
    known = NormalDist().inv_cdf(0.5 + confidence / 200)
    assert abs(float(Z[confidence]) - known) < 1e-12


@given(samples(), CONFIDENCES)
def test_an_interval_lies_within_0_and_1_and_contains_its_share(
    sample: tuple[int, int], confidence: Confidence
) -> None:
    found = interval(*sample, confidence)
    share = quotient(Decimal(sample[0]), Decimal(sample[1]))
    assert 0 <= found.lower <= share <= found.upper <= 1
    assert found.lower < found.upper


@given(samples(), st.integers(min_value=2, max_value=1000))
def test_more_answers_with_the_same_share_narrow_it(sample: tuple[int, int], times: int) -> None:
    share, size = quotient(Decimal(sample[0]), Decimal(sample[1])), Decimal(sample[1])
    few, many = wilson(share, size, 95), wilson(share, size * times, 95)
    assert many.upper - many.lower < few.upper - few.lower
    assert few.lower <= many.lower
    assert many.upper <= few.upper


@given(samples())
def test_more_confidence_widens_it(sample: tuple[int, int]) -> None:
    of_90, of_95, of_99 = (interval(*sample, one) for one in get_args(Confidence))
    assert of_99.lower <= of_95.lower <= of_90.lower
    assert of_90.upper <= of_95.upper <= of_99.upper


@given(samples())
def test_the_other_answer_has_the_other_side(sample: tuple[int, int]) -> None:
    positive, answers = sample
    one, other = interval(positive, answers), interval(answers - positive, answers)
    assert abs(one.lower - (1 - other.upper)) <= Decimal("1e-19")


@given(samples())
def test_its_bounds_solve_the_equation_that_wilson_states(sample: tuple[int, int]) -> None:
    """|p − bound| = z·√(bound(1 − bound)/n), squared, at each bound that is not cut off."""
    share, size = quotient(Decimal(sample[0]), Decimal(sample[1])), Decimal(sample[1])
    found = wilson(share, size, 95)
    for bound in (found.lower, found.upper):
        if 0 < bound < 1:
            left = (share - bound) ** 2
            right = Z[95] ** 2 * bound * (1 - bound) / size
            assert abs(left - right) < Decimal("1e-19")


def test_nobody_and_everybody_leave_one_side_open() -> None:
    assert interval(0, 634).lower == 0
    assert interval(634, 634).upper == 1
