"""Numbers divided and shown: to the last digit, and never against what was decided."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.decimals import display, display_bound, quotient


@pytest.mark.parametrize(
    ("number", "shown"),
    [("0.125", "0.13"), ("-0.125", "-0.13"), ("0.135", "0.14"), ("0.1249", "0.12"), ("7", "7.00")],
)
def test_a_number_is_shown_rounded_half_up(number: str, shown: str) -> None:
    assert display(Decimal(number)) == shown


@pytest.mark.parametrize("number", ["-0.001", "-0", "-0.00", "0", "0.004"])
def test_nothing_is_shown_as_less_than_nothing(number: str) -> None:
    assert display(Decimal(number)) == "0.00"


@pytest.mark.parametrize(
    ("top", "bottom", "found"),
    [
        ("1", "2e20", "0"),
        ("3", "2e20", "2E-20"),
        ("5", "2e20", "2E-20"),
        ("-1", "2e20", "0"),
        ("-3", "2e20", "-2E-20"),
        ("1e37", "3", "3333333333333333333333333333333333333.33333333333333333333"),
        ("2e37", "3", "6666666666666666666666666666666666666.66666666666666666667"),
    ],
)
def test_a_quotient_is_kept_at_20_places_half_even(top: str, bottom: str, found: str) -> None:
    assert quotient(Decimal(top), Decimal(bottom)) == Decimal(found)


@pytest.mark.parametrize(
    ("number", "bound", "least", "most"),
    [
        ("39.996", "40", "39.996", "40.00"),
        ("40.0000001", "40", "40.00", "40.0000001"),
        ("40", "40", "40.00", "40.00"),
        ("89.996", "90", "89.996", "90.00"),
        ("-0.001", "0", "-0.001", "0.00"),
        ("39.99", "40", "39.99", "39.99"),
    ],
)
def test_a_number_has_the_places_that_tell_it_from_its_bound(
    number: str, bound: str, least: str, most: str
) -> None:
    assert display(Decimal(number), least=[Decimal(bound)]) == least
    assert display(Decimal(number), most=[Decimal(bound)]) == most


@pytest.mark.parametrize(("bound", "shown"), [("1", "1.00"), ("0.605", "0.605"), ("-0", "0.00")])
def test_a_bound_is_shown_with_all_its_places(bound: str, shown: str) -> None:
    assert display_bound(Decimal(bound)) == shown


NUMBERS = st.decimals(-1000, 1000, places=25) | st.decimals(-2, 2, places=3)


@given(NUMBERS, st.lists(NUMBERS, max_size=4), st.integers(0, 10), st.integers(1, 2))
def test_what_is_shown_is_decided_as_the_number_is(
    number: Decimal, bounds: list[Decimal], places: int, step: int
) -> None:
    low = Decimal(display(number, places, least=bounds, step=step))
    high = Decimal(display(number, places, most=bounds, step=step))
    assert [low >= each for each in bounds] == [number >= each for each in bounds]
    assert [high <= each for each in bounds] == [number <= each for each in bounds]
    assert Decimal(display_bound(number)) == number
