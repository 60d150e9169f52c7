"""How units and periods combine into the city's value."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.core.scoring.aggregation import Operands, Operators, Reading, read_units
from services.core.scoring.figures import Figure
from tests.unit.scoring.builders import (
    a_ratio,
    a_target,
    a_value,
    an_indicator,
    judged,
    not_applicable,
)


def combining(units: str, periods: str = "last", **changes: Any) -> dict[str, Any]:
    aggregation = {"units": units, "periods": periods}
    return an_indicator(aggregation=aggregation, frequency="quarterly", **changes)


TWO_UNITS = Operands("2025", 2, values=2, value_sum=Decimal(7))


@pytest.mark.parametrize(("units", "value"), [("sum", "7"), ("mean", "3.5")])
def test_units_add_up_or_average(units: str, value: str) -> None:
    assert judged(combining(units), TWO_UNITS)["value"] == value


def test_a_mean_is_judged_unrounded() -> None:
    three = Operands("2025", 3, values=3, value_sum=Decimal(2))
    row = judged(combining("mean", targets=[a_target(value="0.6666666666666666666666")]), three)
    assert row["met"] is True
    assert row["value"] == "0.66666666666666666667"


def test_a_ratio_of_sums_never_averages_rates() -> None:
    # 1/2 and 90/98 are 70.9 on average, but 91 of 100 together.
    row = judged(combining("ratio_of_sums", multiplier=100), a_ratio(91, 100, reports=2))
    assert row["value"] == "91"


def test_a_ratio_of_sums_needs_numerators() -> None:
    row = judged(combining("ratio_of_sums"), TWO_UNITS)
    assert (row["state"], row["reason_code"]) == ("not_assessable", "no_parts")


def test_denominators_that_cancel_out_are_not_a_value() -> None:
    row = judged(combining("ratio_of_sums"), a_ratio(4, 0, reports=2))
    assert (row["state"], row["reason_code"]) == ("not_assessable", "zero_denominator")


def test_several_reports_without_a_named_lead_have_no_value() -> None:
    row = judged(combining("direct", owners=[]), TWO_UNITS)
    assert (row["state"], row["reason_code"]) == ("not_assessable", "several_units")


def test_units_to_which_it_does_not_apply_are_left_out() -> None:
    mixed = Operands(
        "2025", 3, values=2, value_sum=Decimal(7), not_applicable=1, not_applicable_reason="无"
    )
    assert judged(combining("mean"), mixed)["value"] == "3.5"


def test_zero_over_zero_is_not_applicable() -> None:
    nothing = Operands(
        "2025",
        1,
        ratios=1,
        numerator_sum=Decimal(0),
        denominator_sum=Decimal(0),
        not_applicable=1,
        not_applicable_reason="0 ÷ 0",
    )
    row = judged(an_indicator(), nothing)
    assert (row["state"], row["value"], row["attainment"]) == ("not_applicable", None, None)
    assert "0 ÷ 0" in row["reason"]


QUARTERS = [a_value(4, "2025-Q1"), a_value(6, "2025-Q2"), a_value(2, "2025-Q4")]


@pytest.mark.parametrize(
    ("periods", "value"), [("last", "2"), ("sum", "12"), ("mean", "4"), ("ratio_of_sums", None)]
)
def test_finer_periods_combine_where_the_wider_has_no_value(
    periods: str, value: str | None
) -> None:
    assert judged(combining("direct", periods), QUARTERS)["value"] == value


def test_a_value_for_the_wider_period_itself_wins() -> None:
    row = judged(combining("direct", "sum"), [*QUARTERS, a_value(99, "2025")])
    assert row["value"] == "99"


def test_ratios_of_finer_periods_add_up_before_they_divide() -> None:
    halves = [a_ratio(1, 2, "2025-Q1"), a_ratio(90, 98, "2025-Q2")]
    row = judged(combining("direct", "ratio_of_sums", multiplier=100), halves)
    assert row["value"] == "91"


def test_finer_periods_that_do_not_apply_are_left_out() -> None:
    quarters = [a_value(4, "2025-Q1"), not_applicable(period="2025-Q2")]
    assert judged(combining("direct", "last"), quarters)["value"] == "4"
    alone = [not_applicable("停产", period="2025-Q2")]
    assert judged(combining("direct", "last"), alone)["state"] == "not_applicable"


def test_provisional_parts_make_a_provisional_value() -> None:
    quarters = [a_value(4, "2025-Q1", provisional=1), a_value(6, "2025-Q2")]
    assert judged(combining("direct", "sum"), quarters)["data_status"] == "provisional"
    assert judged(combining("direct", "last"), quarters)["data_status"] == "final"


def test_a_value_for_a_finer_period_than_the_indicators_is_not_read() -> None:
    row = judged(an_indicator(), [a_value(4, "2025-Q1")], opened={"2025": date(2026, 1, 31)})
    assert row["state"] == "not_due"


@pytest.mark.parametrize("periods", ["sum", "mean", "ratio_of_sums"])
def test_a_quarter_that_cannot_be_used_makes_the_year_not_assessable(periods: str) -> None:
    usable = a_value(4, "2025-Q1")
    unusable = Operands("2025-Q2", 2, values=2, value_sum=Decimal(7))
    row = judged(combining("direct", periods, owners=[]), [usable, unusable])
    assert (row["state"], row["value"], row["met"]) == ("not_assessable", None, None)


@pytest.mark.parametrize(
    ("levels", "reading"),
    [
        ((), Reading(unusable="no_level")),
        (("A",), Reading(figure=Figure(Decimal(7)), level="A")),
        (("A", "B"), Reading(unusable="levels_differ")),
    ],
)
def test_a_level_counts_where_all_units_reported_the_same(
    levels: tuple[str, ...], reading: Reading
) -> None:
    by_level = Operators("direct", "last", Decimal(1), by_level=True)
    assert read_units(replace(TWO_UNITS, levels=levels), by_level) == reading
