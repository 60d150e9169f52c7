"""Rows of a register out of a sheet: by names of columns, faults at their rows, written by key."""

from io import BytesIO
from typing import Any

import httpx
import pytest
import xlsxwriter

from tests.support.api import Door
from tests.support.registers import KEEPER, ROWS, credit_code, sheet_of

SHEET = f"{ROWS}/sheet"


async def sent(client: httpx.AsyncClient, content: bytes, **asked: str) -> httpx.Response:
    headers = {"Content-Type": "application/octet-stream"}
    return await client.post(SHEET, content=content, params=asked, headers=headers)


def workbook(rows: list[list[Any]]) -> bytes:
    """Return a workbook with these rows."""
    target = BytesIO()
    book = xlsxwriter.Workbook(target, {"in_memory": True})
    sheet = book.add_worksheet("绿色工厂")
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            sheet.write(at, column, value)
    book.close()
    return target.getvalue()


async def test_a_sheet_writes_its_rows_once_and_the_same_again_nothing(door: Door) -> None:
    codes = [credit_code() for _ in range(3)]
    content = sheet_of(codes)
    async with await door.as_("reporter", KEEPER) as unit:
        tried = await sent(unit, content, validate_only="true")
        first = await sent(unit, content)
        again = await sent(unit, content)
        read = await unit.get(f"/register-rows/{first.json()['items'][0]['id']}")
    assert tried.json()["created"] == first.json()["created"] == 3, first.text
    assert [one["index"] for one in first.json()["items"]] == [2, 3, 4]
    assert again.json()["unchanged"] == 3
    assert read.json()["values"] == {
        "credit_code": codes[0],
        "enterprise": "示例企业",
        "level": "provincial",
        "named_on": "2025-03-20",
    }
    assert (read.json()["organization_code"], read.json()["state"]) == (KEEPER, "draft")


async def test_every_fault_of_a_sheet_is_told_at_its_row_and_the_rest_is_written(
    door: Door,
) -> None:
    good = credit_code()
    rows: list[list[Any]] = [
        ["绿色工厂名单"],
        ["统一社会信用代码", "企业名称", "级别", "公布日期"],
        [good, "甲", "国家级", "2025/3/20"],
        ["914101830000000194", "乙", "县级", "去年"],
        [credit_code(), None, "省级", "2025-03-20"],
        ["合计", 3],
    ]
    async with await door.as_("reporter", KEEPER) as unit:
        answer = await sent(unit, workbook(rows))
    report = answer.json()
    assert (report["created"], report["rejected"]) == (1, 2), answer.text
    told = {
        one["index"]: {(fault["pointer"], fault["code"]) for fault in one["errors"]}
        for one in report["items"]
    }
    assert told == {
        3: set(),
        4: {
            ("/values/credit_code", "credit-code"),
            ("/values/level", "unknown-choice"),
            ("/values/named_on", "date"),
        },
        5: {("/values/enterprise", "missing")},
    }


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty-file"),
        (b"%PDF-1.7", "not-a-sheet"),
        ("甲,乙\n1,2\n".encode(), "no-headings"),
        ("统一社会信用代码,级别,公布年份\n1,省级,2025\n".encode(), "unknown-column"),
        ("统一社会信用代码,级别,级别\n1,省级,省级\n".encode(), "heading-twice"),
    ],
)
async def test_a_file_that_is_no_sheet_of_the_register_is_refused_whole(
    door: Door, content: bytes, code: str
) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        answer = await sent(unit, content)
    assert answer.status_code == 422, answer.text
    assert [one["code"] for one in answer.json()["errors"]] == [code]
