"""How far two figures of one thing may lie apart: the laws of the rule, and what a plan may say."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.plan.errors import InvalidPlan
from services.core.plan.observing import Tolerance, apart
from services.core.plan.rules import read_document
from tests.support.observed import RULES, with_sources

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**18), max_value=10**18)
AMOUNTS = st.decimals(min_value=0, max_value=10**6, allow_nan=False, places=6)
SHARES = st.decimals(min_value=0, max_value=1, allow_nan=False, places=9)

TOLERANCES = st.builds(Tolerance, absolute=AMOUNTS, relative=SHARES)
SOURCE = RULES["sources"][0]


def agree(tolerance: Tolerance, one: Decimal, other: Decimal) -> bool:
    return apart(one, other) <= tolerance.allowed(one, other)


@given(NUMBERS, NUMBERS, TOLERANCES)
def test_a_tolerance_is_exact_and_the_same_from_either_side(
    one: Decimal, other: Decimal, tolerance: Tolerance
) -> None:
    gap = abs(Fraction(one) - Fraction(other))
    larger = max(abs(Fraction(one)), abs(Fraction(other)))
    assert Fraction(apart(one, other)) == gap
    assert agree(tolerance, one, other) is (
        gap <= max(Fraction(tolerance.absolute), Fraction(tolerance.relative) * larger)
    )
    assert agree(tolerance, one, other) is agree(tolerance, other, one)
    assert agree(tolerance, one, one)
    assert agree(tolerance, one.copy_negate(), other.copy_negate()) is agree(tolerance, one, other)


@given(NUMBERS, NUMBERS, TOLERANCES, TOLERANCES)
def test_what_a_tolerance_allows_a_wider_one_does(
    one: Decimal, other: Decimal, tolerance: Tolerance, more: Tolerance
) -> None:
    wide = Tolerance(
        absolute=tolerance.absolute + more.absolute,
        relative=max(tolerance.relative, more.relative),
    )
    assert not agree(tolerance, one, other) or agree(wide, one, other)


def test_a_plan_that_says_nothing_lets_no_figures_differ() -> None:
    assert agree(Tolerance(), Decimal("40.650"), Decimal("40.65"))
    assert not agree(Tolerance(), Decimal("40.65"), Decimal("40.6500000000000000000000000001"))


def test_an_indicator_states_a_tolerance_of_its_own() -> None:
    document = with_sources().model_dump(mode="json", exclude_none=True)
    document["indicators"][0]["tolerance"] = {"absolute": "0.5"}
    read = read_document(document)
    assert read.indicators[0].tolerance == Tolerance(absolute=Decimal("0.5"))
    assert read.indicators[1].tolerance is None


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"tolerance": {"absolute": "-1"}}, "/tolerance/absolute", "negative-tolerance"),
        ({"tolerance": {"relative": "1.5"}}, "/tolerance/relative", "out-of-range"),
        ({"sources": [SOURCE, SOURCE]}, "/sources/1/code", "duplicate-code"),
        (
            {"sources": [{**SOURCE, "units": ["UN10", "NOPE"]}]},
            "/sources/0/units/1",
            "unknown-organization",
        ),
        ({"sources": [{**SOURCE, "roles": ["leader"]}]}, "/sources/0/roles/0", None),
    ],
)
def test_what_a_plan_may_not_say_of_its_sources(
    change: dict[str, Any], pointer: str, code: str | None
) -> None:
    with pytest.raises(InvalidPlan) as refused:
        with_sources(**change)
    (fault,) = refused.value.faults
    assert fault.pointer == f"/observations{pointer}"
    assert fault.code == (code or "literal-error")
