"""Until when a row is to be renewed and looked at again, and what it is called."""

from datetime import date
from typing import Any

import pytest

from services.core.plan.register_entries import Register
from services.core.registers.deadlines import deadlines, months_later, title_of

TODAY = date(2026, 2, 10)
DAYS = [{"code": code, "name": code, "type": "date"} for code in ("begun", "ends", "checked")]
COLUMNS = [
    {"code": "name", "name": "名称", "type": "text", "required": True},
    {
        "code": "kind",
        "name": "类别",
        "type": "choice",
        "required": True,
        "choices": [{"code": "a", "name": "学校"}],
    },
    *DAYS,
]


def a_row(**cells: Any) -> dict[str, Any]:
    """Return a row that was never confirmed."""
    return {"cells": cells, "counted": None, "recheck_by": None}


def a_register(**changes: Any) -> Register:
    said = {
        "code": "T",
        "name": "细胞",
        "columns": COLUMNS,
        "key": ["name", "kind"],
        "valid_from": "begun",
        "valid_to": "ends",
        "cycle": "annual",
        "recheck": "checked",
        "renewal": {},
        **changes,
    }
    return Register.model_validate({name: one for name, one in said.items() if one is not None})


@pytest.mark.parametrize(
    ("cells", "renew_by", "recheck_by"),
    [
        ({}, None, None),
        ({"begun": "2025-03-20"}, None, date(2026, 3, 20)),
        ({"begun": "2025-03-20", "checked": "2026-02-28"}, None, date(2027, 2, 28)),
        ({"checked": "2024-02-29"}, None, date(2025, 2, 28)),
        ({"begun": "2025-03-20", "ends": "2026-03-20"}, date(2026, 3, 20), date(2026, 3, 20)),
        ({"begun": "2025-03-20", "ends": "2026-03-19"}, date(2026, 3, 19), None),
    ],
)
def test_days_follow_from_what_was_confirmed(
    cells: dict[str, str], renew_by: date | None, recheck_by: date | None
) -> None:
    found = deadlines(a_register(), a_row(name="甲", kind="a", **cells), TODAY)
    assert (found["renew_by"], found["recheck_by"]) == (renew_by, recheck_by)
    assert found["renewed_as"] is None


def test_where_nothing_begins_to_hold_the_day_of_confirmation_counts() -> None:
    register = a_register(valid_from=None, cycle="half_yearly")
    found = deadlines(register, a_row(name="甲"), date(2025, 8, 31))
    assert found["recheck_by"] == date(2026, 2, 28)


def test_a_correction_that_says_no_day_puts_a_recheck_off_no_further() -> None:
    register = a_register(valid_from=None, cycle="half_yearly")
    due = date(2026, 2, 28)

    def again(cells: dict[str, str], counted: dict[str, str]) -> date | None:
        row = {"cells": cells, "counted": counted, "recheck_by": due}
        found: date | None = deadlines(register, row, date(2025, 12, 31))["recheck_by"]
        return found

    said = {"name": "甲"}
    assert again({**said, "kind": "a"}, said) == due
    assert again({**said, "ends": "2026-02-28"}, said) == due
    assert again({**said, "ends": "2026-02-27"}, said) is None
    # What was looked at is due a cycle later, and what was not after all from today on.
    assert again({**said, "checked": "2025-12-30"}, said) == date(2026, 6, 30)
    assert again(said, {**said, "checked": "2025-08-28"}) == date(2026, 6, 30)


def test_a_register_that_asks_for_neither_has_neither() -> None:
    register = a_register(recheck=None, renewal=None)
    found = deadlines(register, a_row(name="甲", ends="2026-03-20"), TODAY)
    assert (found["renew_by"], found["recheck_by"]) == (None, None)


def test_a_later_row_is_known_by_what_it_says() -> None:
    register = a_register(renewal={"same": "name"})
    found = deadlines(register, a_row(name="甲", ends="2026-03-20"), TODAY)
    assert (found["renewed_as"], found["renew_by"]) == ("甲", date(2026, 3, 20))


def test_a_row_is_called_by_its_name_or_its_key() -> None:
    cells = {"name": "示例小学", "kind": "a"}
    assert title_of(a_register(title="name"), cells) == "细胞 示例小学"
    assert title_of(a_register(), cells) == "细胞 示例小学 学校"
    assert title_of(a_register(title="checked"), cells) == "细胞 示例小学 学校"
    assert len(title_of(a_register(title="name"), {"name": "长" * 500})) == 200


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2025, 12, 31), 2, date(2026, 2, 28)),
        (date(2025, 11, 30), 1, date(2025, 12, 30)),
        (date(2025, 1, 31), 12, date(2026, 1, 31)),
        (date(2025, 12, 1), 1, date(2026, 1, 1)),
    ],
)
def test_months_end_where_they_end(day: date, months: int, expected: date) -> None:
    assert months_later(day, months) == expected
