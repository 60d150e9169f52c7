"""Whether a rule between figures holds: operators, tolerance, what is missing, balances."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.checks.verdicts import SideSum, holds, side_sum, verdict
from services.core.plan.check_entries import CheckOperator, CheckRule, CheckTerm
from services.core.plan.checks_in_force import standing_checks
from tests.unit.checks.builders import a_plan, a_row, a_rule, figures, found

NUMBERS = st.decimals(
    allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9
)
TOLERANCES = st.decimals(
    allow_nan=False, allow_infinity=False, places=6, min_value=0, max_value=10**9
)
NEGATED: dict[CheckOperator, CheckOperator] = {"==": "!=", "<=": ">", "<": ">="}
STRICT: tuple[CheckOperator, ...] = ("<", "==", ">")


@given(NUMBERS, NUMBERS, TOLERANCES)
def test_of_two_operators_that_negate_each_other_just_one_holds(
    left: Decimal, right: Decimal, tolerance: Decimal
) -> None:
    for one, other in NEGATED.items():
        assert holds(one, left, right, tolerance) is not holds(other, left, right, tolerance)
    strict = [holds(one, left, right, tolerance) for one in STRICT]
    assert sum(strict) == 1
    assert holds("<=", left, right, tolerance) is holds(">=", right, left, tolerance)
    assert holds("==", left, left + tolerance, tolerance)


@given(st.lists(st.tuples(NUMBERS, NUMBERS), min_size=1, max_size=20))
def test_a_side_is_summed_exactly_whatever_the_order(pairs: list[tuple[Decimal, Decimal]]) -> None:
    terms = [CheckTerm(constant=one, times=by) for one, by in pairs]
    there, back = side_sum(terms, _none), side_sum(terms[::-1], _none)
    assert there == back
    negative = [one.model_copy(update={"times": one.times.copy_negate()}) for one in terms]
    assert side_sum([*terms, *negative], _none).total == 0


def _none(_term: CheckTerm) -> Decimal | None:
    return None


HUGE = "9" * 37


def test_thirty_seven_digits_are_told_apart_in_the_last() -> None:
    assert not holds("==", Decimal(HUGE), Decimal(HUGE) + 1, Decimal(0))
    terms = [CheckTerm(constant=Decimal(HUGE)), CheckTerm(constant=Decimal("0.00000000001"))]
    assert str(side_sum(terms, _none).total) == f"{HUGE}.00000000001"


@pytest.mark.parametrize(
    ("missing", "left", "right", "verdict_is"),
    [
        # (figures, how many of them are missing) of either side; 1 <= 0 does not hold.
        ("skip_if_any", (2, 0), (1, 0), False),
        ("skip_if_any", (2, 1), (1, 0), None),
        ("skip_if_any", (2, 0), (1, 1), None),
        ("skip_if_all", (2, 1), (2, 1), False),
        ("skip_if_all", (2, 2), (1, 0), None),
        ("skip_if_all", (2, 0), (1, 1), None),
        ("skip_if_all", (0, 0), (1, 0), False),
        ("never_skip", (2, 2), (1, 1), False),
    ],
)
def test_what_is_missing_is_what_the_rule_says(
    missing: Any, left: tuple[int, int], right: tuple[int, int], verdict_is: bool | None
) -> None:
    rule = CheckRule.model_validate(a_rule("W1", "<=", "W2", missing=missing))
    sides = SideSum(Decimal(1), *left), SideSum(Decimal(0), *right)
    assert verdict(rule, *sides) is verdict_is


@pytest.mark.parametrize(
    ("operator", "beside", "broken"),
    [
        ("exclusive_pair", {}, False),
        ("exclusive_pair", {"W2": 0}, True),
        ("compulsory_pair", {}, True),
        ("compulsory_pair", {"W2": 0}, False),
    ],
)
def test_a_pair_asks_whether_there_are_figures_and_zero_is_one(
    operator: str, beside: dict[str, int], broken: bool
) -> None:
    plan = a_plan(check_rules=[a_rule("W1", operator, "W2")])
    assert bool(found(a_row("W1", 5), plan, figures(**beside))) is broken


def test_a_broken_rule_tells_its_code_both_sides_and_what_to_do() -> None:
    advice = {"zh": "请核对两项的口径", "en": "see what both count"}
    rule = a_rule("W1", "<=", "W2", tolerance="0.5", advice=advice)
    plan = a_plan(check_rules=[rule])
    (one,) = found(a_row("W1", "12.6"), plan, figures(W2="12"))
    assert (one.code, one.rule, one.importance) == ("check-failed", "K1", "block")
    assert (one.left, one.operator, one.right, one.tolerance) == ("12.6", "<=", "12", "0.5")
    assert one.words.zh == "审核关系 K1（审核关系）不成立"
    assert one.said.zh == "左 12.6，右 12，应为 左 <= 右（容差 0.5）"
    assert one.advice is not None
    assert one.advice.zh == "请核对两项的口径"
    assert found(a_row("W1", "12.5"), plan, figures(W2="12")) == []
    # The other side asks it, too; and another indicator does not.
    assert [each.rule for each in found(a_row("W2", 12), plan, figures(W1="12.6"))] == ["K1"]
    assert found(a_row("W3", 12), plan, figures(W1="12.6", W2="12")) == []


def test_terms_reach_other_periods_units_and_parts() -> None:
    left = [
        {"indicator": "W1"},
        {"indicator": "W1", "at": "previous_period", "times": "-1"},
        {"indicator": "W2", "at": "same_period_last_year", "times": "2"},
        {"constant": "0.25"},
    ]
    plan = a_plan(check_rules=[a_rule(left, "==", [{"indicator": "S1", "part": "denominator"}])])
    beside = figures(W1_2024_12=4, W2_2024_01="1.5")
    row = a_row("S1", 50, numerator=Decimal(2), denominator=Decimal("4.25"))
    beside.lay_over(a_row("W1", 5))
    assert found(row, plan, beside) == []
    (broken,) = found({**row, "denominator": Decimal(4)}, plan, beside)
    assert (broken.left, broken.right) == ("4.25", "4")
    assert [(one.period, one.value) for one in broken.figures] == [
        ("2025-01", "5"),
        ("2024-12", "4"),
        ("2024-01", "1.5"),
        ("2025-01", "4"),
    ]


def test_a_rule_of_a_named_unit_alone_is_asked_of_that_unit() -> None:
    term = {"indicator": "W1", "organization": "UN01"}
    other = {"indicator": "W2", "organization": "UN02"}
    plan = a_plan(check_rules=[a_rule([term], "<=", [other], missing="never_skip")])
    assert found(a_row("W1", 5), plan) != []
    assert found(a_row("W1", 5, organization_code="UN03"), plan) == []
    looked_up = a_plan(check_rules=[a_rule("W1", "<=", [other], missing="never_skip")])
    assert found(a_row("W1", 5, organization_code="UN03"), looked_up) != []
    assert found(a_row("W2", 5, organization_code="UN02"), looked_up) == []


BALANCE = {
    "code": "HW",
    "name": "危险废物平衡",
    "inflows": ["W1"],
    "outflows": ["W2"],
    "closing": "W3",
    "tolerance": "0.01",
}


@pytest.mark.parametrize(
    ("closing", "balanced"),
    [("0.70", True), ("0.71", True), ("0.69", True), ("0.7100001", False), ("0.68", False)],
)
def test_opening_and_what_came_in_less_what_went_out_is_the_closing(
    closing: str, balanced: bool
) -> None:
    plan = a_plan(balances=[BALANCE])
    beside = figures(W3_2024_12="0.50", W1="3.20", W2="3.00")
    assert (found(a_row("W3", closing), plan, beside) == []) is balanced


def test_a_ledgers_total_column_is_the_sum_of_its_column() -> None:
    total = [{"indicator": "W1"}, {"indicator": "W2"}, {"indicator": "W3", "times": -1}]
    plan = a_plan(check_rules=[a_rule(total, "==", "W4")])
    beside = figures(W1="1.50", W2="8.50", W3="8.10")
    assert found(a_row("W4", "1.90"), plan, beside) == []
    assert found(a_row("W4", "1.91"), plan, beside) != []


def test_an_opening_that_is_reported_is_held_against_the_closing_before_it() -> None:
    plan = a_plan(balances=[{**BALANCE, "opening": "W4"}])
    beside = figures(W3_2024_12="0.50", W1="3.20", W2="3.00", W3="0.90")
    (carried,) = found(a_row("W4", "0.70"), plan, beside)
    assert (carried.code, carried.rule) == ("unbalanced", "HW.opening")
    assert (carried.left, carried.right) == ("0.7", "0.5")
    assert [one.rule.code for one in standing_checks(plan.document).rules] == ["HW", "HW.opening"]


def test_without_the_period_before_a_balance_is_not_asked() -> None:
    plan = a_plan(balances=[BALANCE])
    assert found(a_row("W3", 99), plan, figures(W1="3.20", W2="3.00")) == []


def test_what_is_not_applicable_is_no_figure_and_a_blank_draft_breaks_nothing() -> None:
    plan = a_plan(check_rules=[a_rule("W1", "==", "W2", missing="never_skip")])
    assert found(a_row("W1", state="draft"), plan, figures(W2=5)) == []
    without = a_row("W1", not_applicable_reason="无此类企业")
    assert [one.left for one in found(without, plan, figures(W2=5))] == ["0"]
    assert found(without, a_plan(check_rules=[a_rule("W1", "==", "W2")]), figures(W2=5)) == []
