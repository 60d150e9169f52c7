"""What a row says, judged by its columns: exact, bounded, and told what to write instead."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.core.kit.decimals import plain
from services.core.plan.register_entries import Register
from services.core.plan.state import PlanState
from services.core.registers.judging import (
    CellJudging,
    is_credit_code,
    judged_cells,
    key_of,
    validity,
)
from tests.support.api import xinmi
from tests.support.registers import credit_code

PLAN = PlanState("410183", "410183-2025", 1, xinmi(), {}, {}, {})
DESK = CellJudging(PLAN)

REGISTER = Register.model_validate(
    {
        "code": "T",
        "name": "试",
        "columns": [
            {"code": "name", "name": "名", "type": "text", "required": True, "longest": 120},
            {"code": "amount", "name": "量", "type": "decimal", "minimum": 0, "maximum": "99.5"},
            {"code": "number", "name": "数", "type": "integer", "maximum": 9},
            {"code": "day", "name": "日", "type": "date"},
            {"code": "last", "name": "止", "type": "date"},
            {"code": "unit", "name": "单位", "type": "organization"},
            {"code": "yes", "name": "是", "type": "yes_no"},
            {"code": "project", "name": "项目", "type": "text", "check": "project_code"},
        ],
        "key": ["name"],
        "valid_from": "day",
        "valid_to": "last",
    }
)


def codes(said: dict[str, Any], before: dict[str, Any] | None = None) -> list[tuple[str, str]]:
    judged = judged_cells(REGISTER, said, DESK, before)
    return [(one.pointer.removeprefix("/values/"), one.code) for one in judged.faults]


@given(st.decimals(min_value=0, max_value=99, places=15, allow_nan=False))
def test_a_decimal_keeps_every_digit(number: Decimal) -> None:
    judged = judged_cells(REGISTER, {"name": "x", "amount": number}, DESK)
    assert judged.faults == ()
    assert Decimal(judged.cells["amount"]) == number
    again = judged_cells(REGISTER, {"name": "x", "amount": plain(number)}, DESK)
    assert again.cells == judged.cells


@pytest.mark.parametrize(
    ("said", "faults"),
    [
        ({"amount": -1}, [("amount", "greater-than-equal")]),
        ({"amount": "99.50000000000000000001"}, [("amount", "less-than-equal")]),
        ({"amount": "1,000"}, [("amount", "decimal")]),
        ({"amount": True}, [("amount", "decimal")]),
        ({"number": 10}, [("number", "less-than-equal")]),
        ({"number": "3"}, []),
        ({"number": 3.5}, [("number", "int-type")]),
        ({"number": Decimal("3.0")}, [("number", "int-type")]),
        ({"number": True}, [("number", "int-type")]),
        ({"number": 10**15}, [("number", "int-type")]),
        ({"day": "2025-02-29"}, [("day", "date")]),
        ({"day": "1989-12-31"}, [("day", "date")]),
        ({"unit": "UN99"}, [("unit", "unknown-organization")]),
        ({"unit": 7}, [("unit", "string-type")]),
        ({"yes": "true"}, [("yes", "bool-type")]),
        ({"project": "2020-410183-77-03-01234"}, [("project", "project-code")]),
        ({"project": "2020-410183-77-03-012345"}, []),
        ({"name": "  "}, [("name", "missing")]),
        ({"name": "长" * 101}, [("name", "string-too-long")]),
        ({"other": 1}, [("other", "unknown-column")]),
        ({"day": "2025-03-02", "last": "2025-03-01"}, [("last", "validity-order")]),
        ({"day": "2025-03-02", "last": "2025-03-02"}, []),
    ],
)
def test_each_fault_has_its_place_and_code(
    said: dict[str, Any], faults: list[tuple[str, str]]
) -> None:
    assert codes({"name": "x", **said}) == faults


def test_what_is_not_named_stays_and_null_takes_back() -> None:
    before = {"name": "x", "amount": "1", "yes": False}
    judged = judged_cells(REGISTER, {"amount": None, "number": 0}, DESK, before)
    assert judged.cells == {"name": "x", "yes": False, "number": 0}
    assert codes({"name": "y"}, before) == [("name", "key-fixed")]
    assert codes({"name": "x"}, before) == []


def test_a_key_is_told_from_others_whatever_it_holds() -> None:
    assert key_of(REGISTER, {"name": 'a","b'}) != key_of(REGISTER, {"name": "a"})
    first, last = validity(REGISTER, {"day": "2025-01-01"})
    assert (str(first), last) == ("2025-01-01", None)


@pytest.mark.parametrize(
    "code",
    [
        "91110000600037341L",
        "91350100M000100Y43",
        "53640000MJX173680A",
        "11330600002577014T",
        "91330106673959654P",
        "114101830000000194",
        "91410183MA0000015J",
    ],
)
def test_published_credit_codes_pass_and_another_check_character_does_not(code: str) -> None:
    assert is_credit_code(code)
    other = "0" if code[-1] != "0" else "1"
    assert not is_credit_code(code[:-1] + other)
    assert not is_credit_code(code.lower() if code.lower() != code else code + "0")


@given(st.integers(min_value=0, max_value=9_999_999))
def test_the_codes_of_the_tests_are_good(number: int) -> None:
    assert is_credit_code(credit_code(number))
