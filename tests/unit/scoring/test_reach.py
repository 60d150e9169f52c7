"""What a trace tells whom: figures of units outside one's reach are left out and counted."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from services.core.kit.text import Text
from services.core.scoring.aggregation import Operands
from services.core.scoring.board import ScoringContext, draw_board
from services.core.scoring.explanation import explain
from services.core.scoring.reach import within_reach
from tests.support.periods import a_period
from tests.unit.scoring.builders import a_ratio, a_state, a_target, an_indicator


def a_trace(indicator: Mapping[str, Any], *operands: Operands, period: str = "2025") -> Any:
    operated = {("R01", each.period): each for each in operands}
    bench = ScoringContext.of(a_state(indicator), date(2026, 1, 10))
    return draw_board(bench, a_period(period), operated).traces["R01"]


ONE = a_ratio("8.523", "21.147", organization_code="UN01")
TWO = a_ratio("31.4159", "97.531", reports=2)
QUARTERLY: dict[str, Any] = {
    "frequency": "quarterly",
    "aggregation": {"units": "direct", "periods": "sum"},
}


def said(trace: Any, shown: Any) -> str:
    return str(shown) + " ".join(step.zh + step.en for step in explain(trace, shown))


@pytest.mark.parametrize(("unit", "seen"), [("UN02", {}), ("", {}), ("UN02", {"2025": 1})])
def test_another_units_numerator_and_denominator_are_not_told(
    unit: str, seen: Mapping[str, int]
) -> None:
    trace = a_trace(an_indicator(multiplier=100), ONE)
    shown = within_reach(trace, unit.__eq__, seen)
    told = said(trace, shown)
    assert not any(secret in told for secret in ("8.523", "852.3", "21.147", "UN01"))
    assert shown["operands"] == {"period": "2025", "reports": 1, "outside_scope": 1}
    assert shown["result"]["value"] == trace["result"]["value"]


def test_ones_own_figures_are_told_whole() -> None:
    trace = a_trace(an_indicator(multiplier=100), ONE)
    assert within_reach(trace, "UN01".__eq__, {"2025": 1}) == trace


def test_a_sum_that_would_tell_the_rest_is_left_out_whole() -> None:
    trace = a_trace(an_indicator(aggregation={"units": "ratio_of_sums"}), TWO)
    shown = within_reach(trace, "UN01".__eq__, Counter({"2025": 1}))
    assert "31.4159" not in said(trace, shown)
    assert shown["operands"] == {"period": "2025", "reports": 2, "outside_scope": 1}


def test_finer_periods_are_cut_one_by_one_and_the_fraction_with_them() -> None:
    quarters = [
        a_ratio("1.2345", "7", "2025-Q1", organization_code="UN01"),
        a_ratio("2.3456", "7", "2025-Q2", organization_code="UN02"),
    ]
    trace = a_trace(an_indicator(**QUARTERLY, multiplier=1), *quarters)
    shown = within_reach(trace, "UN01".__eq__, {"2025-Q1": 1})
    told = said(trace, shown)
    assert "1.2345" in told
    assert "2.3456" not in told
    assert "3.5801" not in told, "the sum of the numerators less one's own"


def test_the_value_before_is_told_as_its_board_shows_it() -> None:
    trace = a_trace(
        an_indicator(targets=[a_target("rising", None)], multiplier=1),
        a_ratio("2.3456", "7", "2025", organization_code="UN01"),
        a_ratio("1.2345", "7", "2024", organization_code="UN01"),
    )
    shown = within_reach(trace, "UN02".__eq__, {})
    told = said(trace, shown)
    assert "1.2345" not in told
    assert Decimal(shown["previous"]["numerator"]) == Decimal("0.17635714285714285714")


def test_what_is_left_out_is_said_in_both_languages() -> None:
    trace = a_trace(an_indicator(multiplier=100), ONE)
    first = explain(trace, within_reach(trace, "UN02".__eq__, {}))[0]
    assert first == Text(
        "2025：1 个单位填报，其中 1 个不在可见范围内，数字略去",
        "2025: 1 unit reported; the figures are left out, 1 of them outside your scope",
    )
