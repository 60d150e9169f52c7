"""Registers and their measures in a plan: what may stand in them, and every fault at once."""

from typing import Any

import pytest

from tests.support.api import xinmi
from tests.unit.plan.registers import (
    AMOUNT,
    COLUMNS,
    DAY,
    KIND,
    NAME,
    a_measure,
    a_register,
    faults,
)


def test_a_register_without_fault_is_taken() -> None:
    assert faults(a_register(valid_from="day", measures=[a_measure(indicator="R04")])) == []


def test_every_fault_of_a_register_is_told_at_once() -> None:
    wrong = a_register(
        columns=[
            {**NAME, "required": False},
            {**AMOUNT, "minimum": 2, "maximum": 1},
            {**DAY, "minimum": 1, "check": "credit_code"},
            {**KIND, "choices": []},
            {**NAME, "choices": [{"code": "a", "name": "甲"}]},
        ],
        key=["name", "nothing"],
        keepers=["UN99"],
        leads=["UN22", "UN22"],
        valid_to="amount",
        ends=["ended", "ended"],
    )
    assert set(faults(wrong, a_register())) == {
        ("1/code", "duplicate-code"),
        ("0/keepers/0", "unknown-organization"),
        ("0/leads/1", "repeated-reference"),
        ("0/ends/1", "repeated-reference"),
        ("0/columns/1/maximum", "range-order"),
        ("0/columns/2/minimum", "bound-of-no-number"),
        ("0/columns/2/check", "check-of-no-text"),
        ("0/columns/3/choices", "choices-required"),
        ("0/columns/4/choices", "choices-not-expected"),
        ("0/columns/4/code", "duplicate-code"),
        ("0/key/0", "key-not-required"),
        ("0/key/1", "unknown-column"),
        ("0/valid_to", "not-a-day"),
    }


def test_a_quota_is_by_category_and_stated_once() -> None:
    numbers = [
        {"year": 2025, "choice": "b", "wanted": 1},
        {"year": 2025, "choice": "a", "unit": "UN99", "wanted": 1},
        {"year": 2025, "choice": "a", "wanted": 1},
        {"year": 2025, "choice": "a", "wanted": 2},
    ]
    quota = {"by": "kind", "measure": "m", "over": "refused", "numbers": numbers}
    summed = a_measure(kind="sum", column="amount")
    assert set(faults(a_register(quota=quota, measures=[summed], review=False))) == {
        ("0/quota/measure", "quota-of-no-count"),
        ("0/quota/over", "quota-without-review"),
        ("0/quota/numbers/0/choice", "unknown-choice"),
        ("0/quota/numbers/1/unit", "unknown-organization"),
        ("0/quota/numbers/3", "quota-twice"),
    }
    by_name = {"by": "name", "measure": "none"}
    assert set(faults(a_register(quota=by_name))) == {
        ("0/quota/by", "quota-by-no-choice"),
        ("0/quota/measure", "quota-of-no-count"),
    }
    right = {"by": "kind", "measure": "m", "numbers": numbers[2:3]}
    assert faults(a_register(quota=right, measures=[a_measure()])) == []


def test_days_to_come_need_what_they_are_reckoned_from() -> None:
    wrong = a_register(recheck="amount", renewal={"same": "none"}, title="nothing")
    assert set(faults(wrong)) == {
        ("0/recheck", "not-a-day"),
        ("0/cycle", "cycle-required"),
        ("0/renewal", "renewal-without-end"),
        ("0/renewal/same", "unknown-column"),
        ("0/title", "unknown-column"),
    }
    right = a_register(
        recheck="day", cycle="annual", valid_to="day", renewal={"same": "name"}, title="name"
    )
    assert faults(right) == []


def test_evidence_is_asked_for_before_a_step_that_rows_take() -> None:
    rules = [
        {"name": "甲", "where": [{"column": "none", "filled": True}]},
        {"name": "乙", "state": "revoked"},
        {"name": "丙", "state": "ended", "where": [{"column": "kind", "any_of": ["b"]}]},
    ]
    assert set(faults(a_register(evidence=rules, review=False, ends=["ended"]))) == {
        ("0/evidence/0/state", "evidence-without-review"),
        ("0/evidence/0/where/0/column", "unknown-column"),
        ("0/evidence/1/state", "evidence-of-no-end"),
        ("0/evidence/2/where/0/any_of/0", "unknown-choice"),
    }
    assert faults(a_register(evidence=rules[1:2])) == []


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ({"kind": "sum"}, {("column", "column-required")}),
        ({"kind": "sum", "column": "name"}, {("column", "not-a-number")}),
        ({"column": "amount"}, {("column", "column-not-expected")}),
        ({"at": "in_period"}, {("day", "day-required")}),
        ({"day": "day"}, {("day", "day-not-expected")}),
        ({"at": "in_period", "day": "amount"}, {("day", "not-a-day-or-month")}),
        ({"kind": "ratio"}, {("denominator", "denominator-required")}),
        ({"denominator": {}}, {("denominator", "denominator-not-expected")}),
        ({"kind": "coverage", "denominator": {}}, {("denominator", "coverage-incomplete")}),
        (
            {"kind": "ratio", "denominator": {"listed_in": "T", "match": "name"}},
            {("denominator", "ratio-of-another-register")},
        ),
        (
            {
                "kind": "coverage",
                "distinct": ["name"],
                "denominator": {"listed_in": "U", "match": "name"},
            },
            {("denominator/listed_in", "unknown-register")},
        ),
        (
            {"where": [{"column": "kind", "any_of": ["b"]}]},
            {("where/0/any_of/0", "unknown-choice")},
        ),
        (
            {"where": [{"column": "amount", "any_of": ["1"], "yes": True}]},
            {
                ("where/0/any_of", "condition-of-another-type"),
                ("where/0/yes", "condition-of-another-type"),
            },
        ),
        ({"where": [{"column": "none", "filled": True}]}, {("where/0/column", "unknown-column")}),
        ({"distinct": ["none"]}, {("distinct/0", "unknown-column")}),
        (
            {"kind": "sum", "column": "amount", "distinct": ["name"]},
            {("distinct", "distinct-not-expected")},
        ),
        ({"indicator": "R99"}, {("indicator", "unknown-indicator")}),
        ({"indicator": "G04"}, {("indicator", "measured-by-level")}),
        ({"indicator": "R04", "per": "unit"}, {("per", "several-of-a-unit")}),
    ],
)
def test_a_measure_that_gives_no_figure_is_refused(
    measure: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = faults(a_register(measures=[a_measure(**measure)]))
    assert {(place.removeprefix("0/measures/0/"), code) for place, code in found} == expected


def test_two_measures_of_one_indicator_are_refused() -> None:
    measures = [a_measure(indicator="R04"), a_measure(code="n", indicator="R04")]
    assert faults(a_register(measures=measures)) == [("0/measures/1/indicator", "measured-twice")]


def test_the_plan_ships_registers_whose_measures_are_its_indicators() -> None:
    registers = xinmi().registers
    assert len([one for one in registers if not one.aggregates]) == 14
    assert [one.code for one in registers if one.aggregates] == [
        *("SURVEY", "CRIMINAL-CASES", "COMPLAINTS", "DAMAGE-CLAIMS", "INSPECTIONS"),
    ]
    linked = {one.indicator for each in registers for one in each.measures} - {None}
    assert linked == {
        *("G01", "G03", "G05", "R03", "R04", "R06", "R11", "R12"),
        *("G11", "G12", "G13", "P01", "P02", "P03"),
    }


COUNT = {"code": "n", "name": "数", "type": "integer", "required": True, "minimum": 0}
FRAME = {"code": "frame", "name": "总体", "type": "integer", "minimum": 1}
RULE = {"answers": "n", "least": 385}


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ({"survey": RULE, "column": "n"}, set()),
        ({"survey": {**RULE, "frame": "frame"}, "column": "n"}, set()),
        ({"column": "n"}, {("survey", "survey-required")}),
        ({"survey": RULE}, {("column", "column-required")}),
        ({"survey": RULE, "column": "n", "per": "unit"}, {("per", "survey-of-the-city")}),
        ({"survey": RULE, "column": "n", "times": 100}, {("times", "survey-times")}),
        (
            {"survey": RULE, "column": "frame"},
            {("column", "not-a-count"), ("survey/answers", "survey-unchecked")},
        ),
        (
            {"survey": {**RULE, "answers": "amount", "frame": "n", "group": "kind"}, "column": "n"},
            {
                ("survey/answers", "not-a-count"),
                ("survey/answers", "survey-unchecked"),
                ("survey/frame", "not-a-frame"),
                ("survey/group", "not-a-choice"),
            },
        ),
        (
            {"survey": {**RULE, "group": "none"}, "column": "n"},
            {("survey/group", "unknown-column")},
        ),
        ({"kind": "count", "survey": RULE}, {("survey", "survey-not-expected")}),
    ],
)
def test_a_survey_that_gives_no_share_is_refused(
    measure: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    columns = [*COLUMNS, COUNT, FRAME]
    asked = a_measure(**{"kind": "survey", **measure})
    found = faults(a_register(columns=columns, measures=[asked]))
    assert {(place.removeprefix("0/measures/0/"), code) for place, code in found} == expected


@pytest.mark.parametrize(
    ("check", "enough"),
    [
        ({"left": ["n"], "operator": "<=", "right": ["m"]}, True),
        ({"left": ["m"], "operator": ">=", "right": ["n"]}, True),
        ({"left": ["n"], "operator": "<", "right": ["m"]}, True),
        ({"left": ["n"], "operator": ">=", "right": ["m"]}, False),
        ({"left": ["n"], "operator": "==", "right": ["m"]}, False),
        ({"left": ["n"], "operator": "<=", "right": ["m", "frame"]}, False),
        ({"left": ["n"], "operator": "<=", "right": ["frame"]}, False),
        ({"left": ["n"], "operator": "<=", "right": ["m"], "tolerance": 1}, False),
        (None, False),
    ],
)
def test_a_survey_needs_a_check_that_keeps_its_share_within_one(
    check: dict[str, Any] | None, enough: bool
) -> None:
    checks = []
    if check is not None:
        sides = {side: [{"column": one} for one in check[side]] for side in ("left", "right")}
        checks = [{"code": "c", "name": "核", **check, **sides}]
    columns = [*COLUMNS, COUNT, {**COUNT, "code": "m"}, FRAME]
    asked = a_measure(kind="survey", column="n", survey={**RULE, "answers": "m"})
    found = faults(a_register(columns=columns, measures=[asked], checks=checks))
    expected = [] if enough else [("0/measures/0/survey/answers", "survey-unchecked")]
    assert found == expected


def test_a_register_of_totals_has_no_column_that_could_name_somebody() -> None:
    columns = [
        {**DAY, "required": True},
        KIND,
        {**COUNT, "maximum": 999_999_999},
        {**COUNT, "code": "m", "maximum": 1_000_000_000},
        {**COUNT, "code": "o"},
        AMOUNT,
        NAME,
    ]
    found = faults(a_register(columns=columns, key=["day"], aggregates=True))
    assert set(found) == {
        ("0/columns/3/maximum", "count-without-bounds"),
        ("0/columns/4/maximum", "count-without-bounds"),
        ("0/columns/5/type", "words-in-aggregates"),
        ("0/columns/6/type", "words-in-aggregates"),
    }


def test_every_fault_of_a_check_between_numbers_is_told_at_once() -> None:
    check = {"code": "c", "name": "核", "left": [{"column": "amount"}], "operator": "=="}
    wrong = [
        {**check, "right": [{"constant": 1}]},
        {**check, "right": [{}, {"column": "amount", "constant": 1}], "tolerance": -1},
        {**check, "code": "d", "right": [{"column": "name"}, {"column": "none", "times": 0}]},
        {**check, "code": "e", "left": [{"constant": 1}], "right": [{"constant": 1}]},
    ]
    assert {
        (place.removeprefix("0/checks/"), code) for place, code in faults(a_register(checks=wrong))
    } == {
        ("1/code", "duplicate-code"),
        ("1/right/0", "row-term-of-one"),
        ("1/right/1", "row-term-of-one"),
        ("1/tolerance", "negative-tolerance"),
        ("2/right/0/column", "not-a-number"),
        ("2/right/1/column", "unknown-column"),
        ("2/right/1/times", "multiplier-zero"),
        ("3", "row-check-of-nothing"),
    }


MONTH = {"code": "month", "name": "月", "type": "month", "required": True}


def test_a_check_of_other_rows_names_a_month_and_a_register_with_the_same_key() -> None:
    check = {"code": "c", "name": "核", "left": [{"column": "amount"}], "operator": "=="}
    before, summed = {"column": "amount", "at": "month_before"}, {"summed_in": "U"}
    other = {"code": "U", "name": "他", "columns": [NAME, AMOUNT], "key": ["name"]}
    right = a_register(
        columns=[MONTH, *COLUMNS],
        key=["month", "name"],
        checks=[
            {**check, "right": [before]},
            {**check, "code": "d", "right": [{**summed, "column": "amount"}]},
            {**check, "code": "e", "right": [{**summed, "column": "none"}]},
            {**check, "code": "f", "right": [{"column": "amount", "summed_in": "V"}]},
            {**check, "code": "g", "right": [{**before, "summed_in": "T"}]},
            {**check, "code": "h", "right": [{"constant": 1, "at": "month_before"}]},
        ],
        measures=[a_measure(at="in_period", day="month")],
    )
    assert set(faults(right, other)) == {
        ("0/checks/1/right/0/summed_in", "key-of-another-register"),
        ("0/checks/2/right/0/summed_in", "key-of-another-register"),
        ("0/checks/2/right/0/column", "unknown-column"),
        ("0/checks/3/right/0/summed_in", "unknown-register"),
        ("0/checks/4/right/0", "two-reaches"),
        ("0/checks/4/right/0/summed_in", "sums-in-a-circle"),
        ("0/checks/5/right/0", "two-reaches"),
    }
    without = a_register(checks=[{**check, "right": [before]}], review=False)
    assert set(faults(without)) == {
        ("0/checks/0/right/0/at", "no-month-in-key"),
        ("0/checks/0/importance", "block-without-review"),
    }


def test_registers_that_block_each_other_by_their_sums_are_in_a_circle() -> None:
    def summing(code: str, other: str, **changes: Any) -> dict[str, Any]:
        right = [{"column": "amount", "summed_in": other}]
        check = {"code": "c", "name": "和", "left": [{"column": "amount"}], "right": right}
        return a_register(code=code, checks=[{**check, "operator": "==", **changes}])

    place = "/checks/0/right/0/summed_in"
    circle = [summing("A", "B"), summing("B", "C"), summing("C", "A"), summing("D", "A")]
    assert faults(*circle) == [(f"{at}{place}", "sums-in-a-circle") for at in range(3)]
    assert faults(summing("A", "A")) == [(f"0{place}", "sums-in-a-circle")]
    assert faults(*circle[:2], summing("C", "A", importance="warn")) == []
    assert faults(*circle[:2], summing("C", "A", operator=">=")) == [], "no rows are enough for it"
    at_most = faults(*circle[:2], summing("C", "A", operator="<="))
    assert at_most == [(f"{at}{place}", "sums-in-a-circle") for at in range(3)]


def test_a_day_lies_in_a_month_that_the_row_says() -> None:
    columns = [
        *COLUMNS,
        {**DAY, "code": "a", "in_month": "day"},
        {**DAY, "code": "b", "in_month": "none"},
        {**NAME, "code": "c", "in_month": "month"},
        MONTH,
    ]
    assert set(faults(a_register(columns=columns))) == {
        ("0/columns/4/in_month", "not-a-month"),
        ("0/columns/5/in_month", "unknown-column"),
        ("0/columns/6/in_month", "month-of-no-day"),
    }
