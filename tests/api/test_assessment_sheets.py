"""Assessments filled in as a sheet, which goes out with what was found and comes back."""

import io
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from services.worker import importing
from tests.support.api import Door, open_door
from tests.support.assessments import (
    ASSESSMENTS,
    ASSESSOR,
    FOUND,
    OTHER_TOWN,
    SHEETS_OF_PLAN,
    STREET,
    TOWN,
    TOWN_SHEET,
    begun,
)
from tests.support.imports import checked, confirmed, csv_of, faults_of, sent, xlsx_of
from tests.support.libreoffice import needs_libreoffice, saved_again
from tests.support.observed import load_sources
from tests.support.registers import added_row

FORM = f"{SHEETS_OF_PLAN}/{TOWN_SHEET}/form.xlsx"
HEADINGS = ("对象编号", "项目编号", "缺少的要素", "抽查数", "数量", "各路径数值", "备注", "周期")
ROW = 3
LEAD: dict[str, Any] = {"as_": ("lead", ASSESSOR)}
AS: dict[str, Any] = {**LEAD, "score_sheet": TOWN_SHEET}

LINES = {
    "A1": {"缺少的要素": "专人"},
    "B1": {"数量": "3"},
    "B2": {"抽查数": "10", "数量": "3"},
    "C1": {"各路径数值": "平均分=91.5"},
}
"""16, 34, 18.5 and 20: 88.5, blue, as `FOUND` says it."""


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API with score sheets, and no assessment."""
    async with open_door(database_url) as opened:
        await load_sources(opened)
        yield opened


def line(subject: str, item: str, period: str = "2025", **said: Any) -> list[Any]:
    """Return a row under `HEADINGS`."""
    given = {"对象编号": subject, "项目编号": item, "周期": period, **said}
    return [given.get(one) for one in HEADINGS]


def lines_of(subject: str, **more: Mapping[str, Any]) -> list[list[Any]]:
    said = {**LINES, **more}
    return [line(subject, item, **cells) for item, cells in said.items()]


async def kept(door: Door, period: str = "2025") -> dict[str, dict[str, Any]]:
    """Return what is kept of a period, by the subject."""
    async with await door.as_("office") as office:
        items = (await office.get(ASSESSMENTS, params={"period": period})).json()["items"]
        whole = [(await office.get(f"/assessments/{one['id']}")).json() for one in items]
    return {one["subject_key"]: one for one in whole}


async def form(client: httpx.AsyncClient, path: str = FORM, **asked_for: str) -> bytes:
    answer = await client.get(path, params={"period": "2025", **asked_for})
    assert answer.status_code == 200, answer.text
    return answer.content


def opened(content: bytes) -> tuple[openpyxl.Workbook, Worksheet, dict[str, int]]:
    """Return a form with its sheet, and its columns by their headings."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    return book, sheet, {str(one.value): one.column for one in sheet[ROW] if one.value}


def row_in(sheet: Worksheet, at: Mapping[str, int], subject: str | None, item: str) -> int:
    (found,) = [
        row
        for row in range(ROW + 1, sheet.max_row + 1)
        if (sheet.cell(row, at["对象编号"]).value, sheet.cell(row, at["项目编号"]).value)
        == (subject, item)
    ]
    return found


def filled(content: bytes, cells: Mapping[tuple[str | None, str], Mapping[str, Any]]) -> bytes:
    """Return a form after somebody filled in cells of items by subject and item."""
    book, sheet, at = opened(content)
    for (subject, item), said in cells.items():
        row = row_in(sheet, at, subject, item)
        for heading, value in said.items():
            sheet.cell(row, at[heading]).value = value
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


@pytest.mark.parametrize("make", [csv_of, xlsx_of])
async def test_a_sheet_gives_what_the_batch_gives_once_it_is_confirmed(
    door: Door, make: Any
) -> None:
    rows = [[one or "" for one in row] for town in (TOWN, OTHER_TOWN) for row in lines_of(town)]
    content = make(*rows, headings=HEADINGS)
    found = await checked(door, content, **AS)
    assert (found["state"], found["form"], found["score_sheet_code"]) == (
        "checked",
        "assessments",
        TOWN_SHEET,
    )
    assert (found["rows"], found["faults"], found["created"]) == (8, 0, 2), found
    assert await kept(door) == {}
    done = await confirmed(door, found["id"], **LEAD)
    assert (done["state"], done["result"]["created"]) == ("succeeded", 2), done
    now = await kept(door)
    assert now.keys() == {TOWN, OTHER_TOWN}
    for one in now.values():
        assert (one["findings"], one["total"], one["colour"]) == (FOUND_HERE, "88.5", "blue")
        assert (one["state"], one["version"]) == ("draft", 1)
    again = await checked(door, content, **AS)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 2)


@needs_libreoffice
async def test_a_form_filled_and_saved_by_libreoffice_is_taken_as_it_is(
    door: Door, tmp_path: Path
) -> None:
    async with await door.as_("lead", ASSESSOR) as lead:
        by_hand = await saved_again(tmp_path, await form(lead))
    cells: dict[tuple[str | None, str], dict[str, str | int]] = {
        (TOWN, item): {name: _typed(said) for name, said in one.items()}
        for item, one in LINES.items()
    }
    back = await saved_again(tmp_path, filled(by_hand, cells))
    found = await checked(door, back, **AS)
    assert (found["rows"], found["faults"], found["created"]) == (4, 0, 1), found
    await confirmed(door, found["id"], **LEAD)
    now = await kept(door)
    assert {key: one["total"] for key, one in now.items()} == {TOWN: "88.5"}


def _typed(said: str) -> str | int:
    """Return what a spreadsheet makes of what is typed in."""
    return int(said) if said.isdigit() else said


FOUND_HERE = {
    **{code: dict(one) for code, one in FOUND.items()},
    "B1": {"count": 3},
}


async def test_a_form_goes_out_with_what_was_found_and_untouched_changes_nothing(
    door: Door,
) -> None:
    async with await door.as_("lead", ASSESSOR) as lead:
        await begun(lead, findings=FOUND)
        content = await form(lead)
        assert content == await form(lead), "the same gives the same bytes"
        only = opened(await form(lead, organization_code=OTHER_TOWN))[1]
    _, sheet, at = opened(content)
    row = row_in(sheet, at, TOWN, "B1")
    assert [sheet.cell(row, at[one]).value for one in ("项目名称", "数量", "得分", "佐证材料")] == [
        "环境卫生",
        3,
        34,
        "现场照片 3 张",
    ]
    assert {only.cell(one, at["对象编号"]).value for one in range(4, 9)} == {OTHER_TOWN}
    assert not sheet.cell(row, at["数量"]).protection.locked
    found = await checked(door, content, **AS)
    assert (found["rows"], [one[2] for one in await faults_of(door, found["id"], **LEAD)]) == (
        0,
        ["no-values"],
    )


async def test_rows_that_were_filled_in_are_taken_as_a_whole_and_no_others(door: Door) -> None:
    async with await door.as_("lead", ASSESSOR) as lead:
        made = await begun(lead, findings={**FOUND, "D1": {"count": 2, "note": "两项"}})
        old = await form(lead)
        since = await lead.patch(
            f"/assessments/{made['id']}",
            json={"findings": {"B2": {"sampled": 12, "count": 0}}},
            headers={"If-Match": "*"},
        )
        assert since.status_code == 200, since.text
    cells: dict[tuple[str | None, str], dict[str, Any]] = {
        (TOWN, "B1"): {"数量": 5},
        (TOWN, "A1"): {"缺少的要素": "无"},
        (OTHER_TOWN, "B1"): {"零分情形": "弄虚作假"},
    }
    found = await checked(door, filled(old, cells), **AS)
    assert (found["rows"], found["faults"], found["created"], found["updated"]) == (3, 0, 1, 1)
    assert (await confirmed(door, found["id"], **LEAD))["state"] == "succeeded"
    now = await kept(door)
    findings = now[TOWN]["findings"]
    assert findings["B1"] == {"count": 5, "evidence": FOUND["B1"]["evidence"]}
    assert (findings["A1"], findings["B2"]) == ({"missing": []}, {"sampled": 12, "count": 0})
    assert findings["D1"] == {"count": 2, "note": "两项"}
    assert now[OTHER_TOWN]["findings"] == {"B1": {"zeroed_by": ["false"]}}


async def test_a_cell_left_as_it_was_made_does_not_bring_back_what_was_found_since(
    door: Door,
) -> None:
    async with await door.as_("lead", ASSESSOR) as lead:
        made = await begun(lead, findings=FOUND)
        old = await form(lead)
        since = await lead.patch(
            f"/assessments/{made['id']}",
            json={"findings": {"B1": {"count": 9}}},
            headers={"If-Match": "*"},
        )
        assert since.status_code == 200, since.text
    found = await checked(door, filled(old, {(TOWN, "B1"): {"备注": "另记"}}), **AS)
    _, sheet, at = opened(old)
    row = row_in(sheet, at, TOWN, "B1")
    told = await faults_of(door, found["id"], **LEAD)
    assert {(one[0], one[2]) for one in told} == {(row, "changed-since-made")}
    assert {one[1] for one in told} == {
        f"{openpyxl.utils.get_column_letter(at[one])}{row}" for one in ("数量", "佐证材料")
    }


async def test_every_fault_stands_in_its_cell_and_the_mended_copy_is_taken(door: Door) -> None:
    async with await door.as_("office") as office:
        handed_in = await begun(office, period="2024", findings=FOUND)
        assert (await office.post(f"/assessments/{handed_in['id']}/submit")).status_code == 200
    rows = [
        line(TOWN, "A1", 缺少的要素="没有的要素"),
        line(TOWN, "B1", 数量="很多"),
        line(TOWN, "B2", 抽查数="3", 数量="1"),
        line(TOWN, "B9", 数量="1"),
        line(TOWN, "C1", 数量="1"),
        line("409999", "B1", 数量="1"),
        line(OTHER_TOWN, "B1", period="2025-Q1", 数量="1"),
        line(TOWN, "B1", period="2024", 数量="1"),
        line("", "B1", 数量="1"),
        line(STREET, "", 数量="1"),
        line(OTHER_TOWN, "B1", 数量="1"),
        line(OTHER_TOWN, "B1", 数量="2"),
    ]
    content = xlsx_of(*rows, headings=HEADINGS)
    found = await checked(door, content, **AS)
    told = await faults_of(door, found["id"], **LEAD)
    assert {
        (2, "C2", "unknown-element"),
        (3, "E3", "decimal"),
        (4, "D4", "sample-too-small"),
        (5, "B5", "unknown-item"),
        (6, "F6", "missing"),
        (6, "E6", "not-of-this-item"),
        (7, "A7", "unknown-organization"),
        (8, "H8", "period-of-another-frequency"),
        (9, "A9", "assessment-not-draft"),
        (10, "A10", "subject-missing"),
        (11, "B11", "item-missing"),
        (12, "A12", "duplicate-row"),
        (13, "A13", "duplicate-row"),
    } <= set(told), told
    async with await door.as_("lead", ASSESSOR) as lead:
        refused = await lead.post(f"/imports/{found['id']}/confirm")
        answer = await lead.get(f"/imports/{found['id']}/marked.xlsx")
    assert (refused.status_code, refused.json()["code"]) == (409, "import-has-faults")
    assert await kept(door) == {}
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    sheet = book.worksheets[0]
    assert sheet["C2"].fill.start_color.rgb == "FFFFC7CE"
    sheet.delete_rows(4, 10)
    sheet["C2"], sheet["E3"] = "方案；经费", 2
    mended = io.BytesIO()
    book.save(mended)
    again = await checked(door, mended.getvalue(), **AS)
    assert (again["faults"], again["created"]) == (0, 1), await faults_of(door, again["id"], **LEAD)
    assert (await confirmed(door, again["id"], **LEAD))["state"] == "succeeded"
    assert (await kept(door))[TOWN]["findings"] == {
        "A1": {"missing": ["plan", "funds"]},
        "B1": {"count": 2},
    }


async def test_villages_and_rows_of_a_register_are_filled_in_too(door: Door) -> None:
    async with await door.as_("lead", ASSESSOR) as lead, await door.as_("office") as office:
        factory = await added_row(office)
        # Whoever assesses a row sees it: a lead of its register, or the office.
        _, sheet, at = opened(await form(office, f"{SHEETS_OF_PLAN}/CELL/form.xlsx"))
        assert {sheet.cell(one, at["对象编号"]).value for one in range(4, 9)} == {factory["id"]}
        assert sheet.cell(4, at["对象名称"]).value == factory["values"]["enterprise"]
        villages = await form(lead, f"{SHEETS_OF_PLAN}/VILLAGE/form.xlsx", period="2025-Q1")
    cell = xlsx_of(line(factory["id"], "B1", 数量=2), headings=HEADINGS)
    of_cells = await checked(door, cell, as_=("office", None), score_sheet="CELL")
    assert (of_cells["faults"], of_cells["created"]) == (0, 1)
    cells: dict[tuple[str | None, str], dict[str, str | int]] = {
        (None, "B1"): {"对象编号": "410183107", "对象名称": "前村", "责任单位": TOWN, "数量": 2}
    }
    village = filled(villages, cells)  # a row without a subject
    of_villages = await checked(door, village, **{**AS, "score_sheet": "VILLAGE"})
    assert (of_villages["faults"], of_villages["created"]) == (0, 1)
    assert (await confirmed(door, of_villages["id"], **LEAD))["state"] == "succeeded"
    async with await door.as_("lead", ASSESSOR) as lead:
        (made,) = (await lead.get(f"{SHEETS_OF_PLAN}/VILLAGE/assessments")).json()["items"]
        # Next quarter the form has it.
        later = await form(lead, f"{SHEETS_OF_PLAN}/VILLAGE/form.xlsx", period="2025-Q2")
    assert (made["subject_key"], made["subject_name"]) == ("410183107", "前村")
    _, sheet, at = opened(later)
    assert row_in(sheet, at, "410183107", "B1")
    short = xlsx_of(line("41", "B1", "2025-Q1", 数量=2), headings=HEADINGS)
    wrong = await checked(door, short, **{**AS, "score_sheet": "VILLAGE"})
    assert (2, "A2", "string-pattern-mismatch") in await faults_of(door, wrong["id"], **LEAD)


async def test_what_others_found_after_the_file_was_sent_is_not_overwritten(door: Door) -> None:
    async with await door.as_("lead", ASSESSOR) as lead:
        made = await begun(lead, findings=FOUND)
        found = await checked(door, xlsx_of(line(TOWN, "B1", 数量=1), headings=HEADINGS), **AS)
        assert (found["faults"], found["updated"]) == (0, 1)
        since = await lead.patch(
            f"/assessments/{made['id']}",
            json={"findings": {"B2": {"sampled": 12, "count": 0}}},
            headers={"If-Match": "*"},
        )
        assert since.status_code == 200
    done = await confirmed(door, found["id"], **LEAD)
    assert done["state"] == "failed"
    assert {one["code"] for one in done["errors"]} == {"changed-since-sent"}
    assert (await kept(door))[TOWN]["findings"]["B1"]["count"] == 3


async def test_a_subject_stays_whole_over_the_blocks_of_a_long_file(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_CHECKED_AT_ONCE", 2)
    monkeypatch.setattr(importing, "_WRITTEN_AT_ONCE", 3)
    rows = [*lines_of(TOWN), *lines_of(OTHER_TOWN), *lines_of(STREET)]
    found = await checked(door, xlsx_of(*rows, headings=HEADINGS), **AS)
    assert (found["faults"], found["created"], found["rows"]) == (0, 3, 12)
    done = await confirmed(door, found["id"], **LEAD)
    assert (done["state"], done["result"]["created"]) == ("succeeded", 3), done
    assert {one["total"] for one in (await kept(door)).values()} == {"88.5"}
    apart = xlsx_of(rows[0], rows[4], rows[5], rows[8], rows[1], headings=HEADINGS)
    scattered = await checked(door, apart, **AS)
    assert (6, "A6", "subject-scattered") in await faults_of(door, scattered["id"], **LEAD)


@pytest.mark.parametrize(
    ("role", "unit", "status"),
    [("lead", ASSESSOR, 200), ("office", None, 200), ("lead", "UN10", 403), ("leader", None, 403)],
)
async def test_a_form_is_for_those_who_assess_and_so_is_sending_it(
    door: Door, role: str, unit: str | None, status: int
) -> None:
    async with await door.as_(role, unit) as client:
        answer = await client.get(FORM, params={"period": "2025"})
    assert answer.status_code == status, answer.text
    content = xlsx_of(line(TOWN, "B1", 数量=1), headings=HEADINGS)
    begun_ = await sent(door, content, as_=(role, unit), score_sheet=TOWN_SHEET)
    assert begun_.status_code == (202 if status == 200 else 403), begun_.text


@pytest.mark.parametrize(
    ("asked_for", "pointer", "code"),
    [
        ({"score_sheet": "NONE"}, "/query/score_sheet", "unknown-score-sheet"),
        ({"draft": "true"}, "/query/draft", "not-taken"),
        ({"register": "GREEN-FACTORY"}, "/query/register", "not-taken"),
        ({"organization_code": TOWN}, "/query/organization_code", "not-taken"),
    ],
)
async def test_what_does_not_belong_beside_it_is_refused(
    door: Door, asked_for: dict[str, str], pointer: str, code: str
) -> None:
    content = xlsx_of(line(TOWN, "B1", 数量=1), headings=HEADINGS)
    answer = await sent(door, content, **{**AS, **asked_for})
    assert answer.status_code == 422, answer.text
    assert (pointer, code) in [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


async def test_a_sheet_with_other_headings_and_a_form_of_another_cycle_are_refused(
    door: Door,
) -> None:
    answer = await sent(door, csv_of(["U08", "1"], headings=["指标编号", "本期值"]), **AS)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "headings-not-found")
    async with await door.as_("office") as office:
        monthly = await office.get(FORM, params={"period": "2025-09"})
        unknown = await office.get(FORM, params={"organization_code": "UN99"})
    assert monthly.json()["errors"][0]["code"] == "period-of-another-frequency"
    assert unknown.json()["errors"][0]["code"] == "unknown-organization"
