"""The checks between the numbers of a row, and what a register of totals refuses to take."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.plan.count_entries import RowOperator
from services.core.plan.register_entries import Register
from services.core.plan.state import PlanState
from services.core.registers.judging import CellJudging, judged_cells
from services.core.registers.row_checks import holds
from tests.support.api import xinmi

PLAN = PlanState("410183", "410183-2025", 1, xinmi(), {}, {}, {})
DESK = CellJudging(PLAN)
NUMBERS = st.decimals(min_value=-1000, max_value=1000, places=4)

BALANCE = {
    "code": "balance",
    "name": "收支平衡",
    "left": [{"column": "opening"}, {"column": "made"}, {"column": "moved", "times": -1}],
    "operator": "==",
    "right": [{"column": "closing"}],
    "tolerance": "0.01",
}


def register(**changes: Any) -> Register:
    numbers = ("opening", "made", "moved", "closing")
    columns = [{"code": one, "name": one, "type": "decimal"} for one in numbers]
    named = {"code": "name", "name": "名", "type": "text", "required": True}
    body = {"code": "T", "name": "试", "columns": [named, *columns], "key": ["name"]}
    return Register.model_validate({**body, "checks": [BALANCE], **changes})


def broken(*numbers: str | None) -> list[tuple[str, str]]:
    names = ("opening", "made", "moved", "closing")
    said = {"name": "甲", **dict(zip(names, numbers, strict=True))}
    return [(one.pointer, one.code) for one in judged_cells(register(), said, DESK).faults]


@pytest.mark.parametrize(
    ("numbers", "holding"),
    [
        (("0.50", "3.20", "3.00", "0.70"), True),
        (("0.50", "3.20", "3.00", "0.71"), True),
        (("0.50", "3.20", "3.00", "0.69"), True),
        (("0.50", "3.20", "3.00", "0.711"), False),
        (("1.50", "8.50", "8.10", "1.90"), True),
        (("0.50", "3.20", "3.00", "0"), False),
    ],
)
def test_what_was_there_and_came_and_went_is_what_is_there(
    numbers: tuple[str, ...], holding: bool
) -> None:
    assert broken(*numbers) == ([] if holding else [("/values/opening", "check-broken")])


def test_a_blank_is_not_0_and_is_not_asked() -> None:
    assert broken(None, "3.20", "3.00", "0.20") == []


def test_a_broken_check_says_both_sides() -> None:
    said = {"name": "甲", "opening": 1, "made": 2, "moved": 0, "closing": 4}
    (fault,) = judged_cells(register(), said, DESK).faults
    assert "左边为 3，右边为 4" in fault.detail.zh
    assert "left is 3, right is 4" in fault.detail.en


@given(NUMBERS, NUMBERS, st.decimals(min_value=0, max_value=10, places=4))
def test_operators_of_one_pair_of_sides_agree(
    left: Decimal, right: Decimal, tolerance: Decimal
) -> None:
    def stands(operator: RowOperator) -> bool:
        return holds(left, right, operator, tolerance)

    assert stands("==") is (stands("<=") and stands(">="))
    assert stands("<") is not stands(">=")
    assert stands(">") is not stands("<=")
    assert stands("<=") is holds(right, left, ">=", tolerance)


TOTALS = Register.model_validate(
    {
        "code": "T",
        "name": "合计",
        "aggregates": True,
        "columns": [
            {"code": "day", "name": "日", "type": "date", "required": True},
            {
                "code": "cases",
                "name": "件数",
                "type": "integer",
                "required": True,
                "minimum": 0,
                "maximum": 999999999,
            },
        ],
        "key": ["day"],
    }
)


@pytest.mark.parametrize(
    "written",
    [
        "张三",
        "13800138000",
        13800138000,
        "41018319900101001X",
        "410183199001010011",
        "豫0183刑初1号",
    ],
)
def test_a_register_of_totals_takes_no_person_and_does_not_repeat_one(written: Any) -> None:
    faults = judged_cells(TOTALS, {"day": "2025-03-31", "cases": written}, DESK).faults
    assert [(one.pointer, one.code, one.value) for one in faults] == [
        ("/values/cases", "counts-only", None)
    ]


def test_a_register_of_totals_does_not_repeat_what_stands_in_another_column_either() -> None:
    faults = judged_cells(TOTALS, {"day": "张三", "cases": 1, "name": "张三"}, DESK).faults
    assert {one.code for one in faults} == {"date", "unknown-column"}
    assert not any("张三" in str((one.value, one.detail.zh, one.detail.en)) for one in faults)
