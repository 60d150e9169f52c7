"""What a sheet says beside its numbers is held against the plan, and nothing of it is ignored."""

from collections.abc import Sequence
from typing import Any

import pytest

from services.core.imports.checking import _SHOWN_ROWS
from tests.support.api import Door, xinmi
from tests.support.imports import (
    HEADINGS,
    checked,
    confirmed,
    csv_of,
    faults_of,
    places,
    row_of,
    values,
    xlsx_of,
)

UNITS = {one.code: one.unit for one in xinmi().indicators}
NAMES = ("指标编号", "单位", "报告期", "计量单位", "本期值", "不适用")


def rows_of(*said: tuple[str, str, str]) -> list[list[str]]:
    """Return rows under `NAMES` of unit, value and reason, each of a place of its own."""
    return [
        [code, "UN15", period, unit or "", value, reason]
        for (code, period), (unit, value, reason) in zip(places(len(said)), said, strict=True)
    ]


@pytest.mark.parametrize("make", [csv_of, xlsx_of])
async def test_another_unit_than_the_plan_s_is_a_fault_of_its_cell(door: Door, make: Any) -> None:
    rows = rows_of(*[("", "1", "")] * 6)
    right = UNITS[rows[2][0]]
    for row, unit in zip(rows, ["十万斤", "千克", f" {right} ", "", "/", "—"], strict=True):
        row[3] = unit
    found = await checked(door, make(*rows, headings=NAMES))
    assert await faults_of(door, found["id"]) == [
        (2, "D2", "unit-differs"),
        (3, "D3", "unit-differs"),
    ]
    assert found["ignored_columns"] == []


async def test_a_unit_in_the_heading_is_held_against_the_plan_and_a_remark_is_none(
    door: Door,
) -> None:
    ((code, period),) = places(1)

    async def told(heading: str) -> list[tuple[int, str | None, str]]:
        names = ["指标编号", "单位", "报告期", heading]
        found = await checked(door, csv_of([code, "UN15", period, "1"], headings=names))
        return await faults_of(door, found["id"])

    other = next(one for one in ("万吨", "家") if one != UNITS[code])
    assert await told(f"本期值（{other}）") == [(2, "D2", "unit-differs")]
    for heading in ("本期值", f"本期值（{UNITS[code]}）", "本期值（必填）", "本期值(累计)"):
        assert await told(heading) == [], heading


async def test_no_is_no_reason_and_yes_asks_for_one(door: Door) -> None:
    said = [
        *(("", "1", no) for no in ("否", "无", "0", "no", "/", "—")),
        *(("", "", no) for no in ("否", "—")),
        *(("", "", yes) for yes in ("是", "不适用", "√")),
        ("", "", "本年度没有该类企业"),
    ]
    found = await checked(door, csv_of(*rows_of(*said), headings=NAMES))
    assert {(row, code) for row, _, code in await faults_of(door, found["id"])} >= {
        (at, "reason-missing") for at in (10, 11, 12)
    }
    assert (found["rows"], found["blank"], found["created"]) == (10, 2, 7)


@pytest.mark.parametrize(
    ("line", "headings"),
    [
        ("{code},UN15,{period},1,234.5", ("指标编号", "单位", "报告期", "本期值")),
        ("{code},UN15,{period},,234.5", ("指标编号", "单位", "报告期", "本期值")),
        ("{code},UN15,{period},1,,,7", ("指标编号", "单位", "报告期", "本期值", "")),
    ],
)
async def test_a_cell_behind_the_last_heading_of_separated_values_is_a_fault(
    door: Door, line: str, headings: Sequence[str]
) -> None:
    ((code, period),) = places(1)
    content = ",".join(headings) + "\n" + line.format(code=code, period=period)
    found = await checked(door, content.encode())
    told = {(one[0], one[2]) for one in await faults_of(door, found["id"])}
    assert told - {(0, "no-values")} == {(2, "cell-beyond-headings")}
    assert found["allowed_actions"] == ["discard"]


async def test_a_remark_beside_the_table_of_a_workbook_and_commas_at_the_end_are_none(
    door: Door,
) -> None:
    one, other = places(2)
    book = await checked(door, xlsx_of([*row_of(*one, 1), None, "见附件"]))
    text = f"{','.join(HEADINGS)},,\n{other[0]},,,{other[1]},1,,,,,\n合计,,,,1,,,,5\n"
    found = await checked(door, text.encode())
    assert (book["faults"], found["faults"], found["ignored"]) == (0, 0, 1)
    assert (await confirmed(door, found["id"]))["state"] == "succeeded"
    assert await values(door, other) == ["1"]


async def test_more_duplicates_than_are_named_are_counted(door: Door) -> None:
    (at,) = places(1)
    many = _SHOWN_ROWS + 3
    found = await checked(door, csv_of(*(row_of(*at, "1") for _ in range(many))))
    async with await door.as_(
        "reporter",
        "UN15",
    ) as unit:
        told = await unit.get(f"/imports/{found['id']}/faults", headers={"Accept-Language": "zh"})
    assert f"（共 {many} 行）" in told.json()["items"][0]["detail"]
