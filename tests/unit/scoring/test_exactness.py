"""Sums and means of ratios: exact fractions until the verdict is reached, however many."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.decimals import quotient, times, total
from services.core.scoring.aggregation import Operands
from services.core.scoring.figures import Figure, added, compare, divided, fraction
from services.core.scoring.rollup import Part, roll_up
from tests.unit.scoring.builders import a_ratio, a_target, an_indicator, judged

THIRD = quotient(Decimal(1), Decimal(3))
WHOLE_NUMBERS = st.integers(-(10**38), 10**38).map(Decimal)
DENOMINATORS = st.integers(1, 10**38).map(Decimal)


def a_sum_of_thirds(count: int, *, plain: Decimal | None = None) -> Operands:
    """Operands of units that each report one of three, and perhaps one that has no parts."""
    values = count + (plain is not None)
    return Operands(
        "2025",
        values,
        values=values,
        value_sum=total([THIRD] * count + ([plain] if plain is not None else [])),
        ratios=count,
        numerator_sum=Decimal(count),
        denominator_sum=Decimal(3 * count),
        plain_sum=plain,
        quotients=((Decimal(count), Decimal(3)),),
    )


def over(units: str, periods: str, target: object) -> dict[str, Any]:
    return an_indicator(
        aggregation={"units": units, "periods": periods},
        frequency="quarterly",
        multiplier=1,
        targets=[a_target(value=target)],
    )


def test_three_thirds_of_units_are_one() -> None:
    row = judged(over("sum", "last", 1), a_sum_of_thirds(3))
    assert (row["value"], row["display"], row["met"]) == ("1", "1.00", True)


def test_a_value_without_parts_is_added_to_the_ratios() -> None:
    row = judged(over("sum", "last", 4), a_sum_of_thirds(3, plain=Decimal(3)))
    assert (row["value"], row["met"]) == ("4", True)


def test_the_mean_of_thirds_of_units_is_a_third() -> None:
    row = judged(over("mean", "last", THIRD + Decimal("1e-21")), a_sum_of_thirds(3))
    assert row["met"] is True
    assert row["value"] == "0.33333333333333333333"


@pytest.mark.parametrize(("periods", "target"), [("sum", 4), ("mean", 1)])
def test_quarters_of_thirds_are_added_before_they_are_rounded(periods: str, target: int) -> None:
    quarters = [a_ratio(1, 3, f"2025-Q{number}") for number in (1, 2, 3)]
    row = judged(over("direct", periods, target), [*quarters, a_ratio(3, 1, "2025-Q4")])
    assert (row["value"], row["met"]) == (str(target), True)


@given(st.lists(st.tuples(WHOLE_NUMBERS, DENOMINATORS), max_size=60))
def test_a_sum_of_fractions_loses_nothing(terms: list[tuple[Decimal, Decimal]]) -> None:
    found = added([fraction(top, bottom) for top, bottom in terms])
    exact = sum((Fraction(top) / Fraction(bottom) for top, bottom in terms), Fraction(0))
    assert Fraction(found.top) / Fraction(found.bottom) == exact
    assert found.bottom > 0


@given(WHOLE_NUMBERS, DENOMINATORS, st.integers(1, 1000))
def test_so_many_equal_parts_make_the_whole_again(
    top: Decimal, bottom: Decimal, count: int
) -> None:
    part = divided(fraction(top, bottom), Decimal(count))
    whole = added([part] * count)
    assert compare(Figure(times(whole.top, bottom), whole.bottom), top) == 0


@given(st.integers(-(10**700), 10**700), st.integers(1, 10**700))
def test_a_quotient_of_any_length_is_rounded_once_half_to_even(top: int, bottom: int) -> None:
    scaled, rest = divmod(abs(top) * 10**20, bottom)
    scaled += 2 * rest > bottom or (2 * rest == bottom and scaled % 2)
    found = quotient(Decimal(top), Decimal(bottom))
    assert abs(found) == Decimal(scaled).scaleb(-20)


def test_a_score_is_not_above_what_its_parts_allow() -> None:
    third = [Part("A", "scored", Decimal(1), Decimal(100))]
    third += [Part("A", "not_due", Decimal(2), None)]
    assert roll_up({"A": Decimal(1)}, third).score == 100
    assert roll_up({"A": Decimal(1)}, third).coverage == THIRD
