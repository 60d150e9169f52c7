"""What comes true of a row some day has its day beside it, in every register that measures it."""

from tests.support.api import xinmi
from tests.unit.plan.registers import COLUMNS, DAY, KIND, a_measure, a_register, faults

SO_FAR = {
    "kind": "sum",
    "column": "amount",
    "at": "in_period",
    "day": "day",
    "distinct": ["name"],
}


def test_what_holds_from_a_day_on_names_that_day() -> None:
    by_now = {"column": "day", "by_period_end": True}
    right = a_register(
        columns=[
            *COLUMNS[:2],
            {**DAY, "required_where": [{"column": "kind", "any_of": ["a"]}]},
            KIND,
        ],
        measures=[
            a_measure(where=[by_now]),
            a_measure(code="n", where=[{**by_now, "by_period_end": False}]),
            a_measure(code="s", **SO_FAR),
        ],
    )
    assert faults(right) == []
    wrong = a_register(
        columns=[
            *COLUMNS[:2],
            {**DAY, "required_where": [{"column": "none", "filled": True}, by_now]},
            KIND,
        ],
        evidence=[{"name": "文件", "where": [by_now]}],
        measures=[
            a_measure(where=[{"column": "kind", "by_period_end": True}]),
            a_measure(code="s", **{**SO_FAR, "at": "period_end", "day": None}),
        ],
    )
    assert set(faults(wrong)) == {
        ("0/columns/2/required_where/0/column", "unknown-column"),
        ("0/columns/2/required_where/1/by_period_end", "condition-of-no-period"),
        ("0/evidence/0/where/0/by_period_end", "condition-of-no-period"),
        ("0/measures/0/where/0/by_period_end", "condition-of-another-type"),
        ("0/measures/1/distinct", "distinct-not-expected"),
    }


def test_every_state_that_the_plan_measures_has_its_day() -> None:
    """A yes that somebody writes later would raise the figures of all periods before."""
    for register in xinmi().registers:
        for measure in register.measures:
            dated = {one.column for one in measure.where if one.by_period_end is not None}
            for one in measure.where:
                if one.yes is None or one.column in dated:
                    continue
                days = [
                    column
                    for column in register.columns
                    if one.column in {each.column for each in column.required_where}
                ]
                assert days, (register.code, measure.code)
                assert dated & {column.code for column in days}, (register.code, measure.code)
