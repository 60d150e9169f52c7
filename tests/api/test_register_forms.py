"""A register as a sheet: it goes out with what stands, and what nobody changed changes nothing."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from services.core.imports.sheet_forms import STAMP_SHEET
from tests.support.api import XINMI, Door
from tests.support.doors import own_door as door
from tests.support.registers import KEEPER, ROWS, added_row, credit_code

__all__ = ["door"]  # fixtures

FORM = f"/plans/{XINMI}/registers/GREEN-FACTORY/form.xlsx"
HEADINGS, FIRST = 3, 4


async def form(client: httpx.AsyncClient, **asked: str) -> bytes:
    answer = await client.get(FORM, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.content


def filled(content: bytes, fill: Callable[[Worksheet, dict[str, int]], None]) -> bytes:
    """Return a form after somebody worked on it."""
    book = load_workbook(BytesIO(content))
    sheet = book.worksheets[0]
    at = {str(cell.value): cell.column for cell in sheet[HEADINGS] if cell.value}
    fill(sheet, at)
    made = BytesIO()
    book.save(made)
    return made.getvalue()


async def sent(client: httpx.AsyncClient, content: bytes, **asked: str) -> dict[str, Any]:
    headers = {"Content-Type": "application/octet-stream"}
    answer = await client.post(f"{ROWS}/sheet", content=content, params=asked, headers=headers)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_form_that_nobody_touched_changes_nothing(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        for _ in range(3):
            await added_row(unit)
        report = await sent(unit, await form(unit))
    assert (report["unchanged"], report["created"], report["updated"]) == (3, 0, 0)


async def test_the_same_rows_give_the_same_bytes_and_are_not_sent_twice(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        await added_row(unit)
        first = await unit.get(FORM)
        again = await unit.get(FORM)
        had = await unit.get(FORM, headers={"If-None-Match": first.headers["ETag"]})
    assert first.content == again.content
    assert had.status_code == 304


async def test_what_was_changed_and_added_is_taken_and_nothing_else(door: Door) -> None:
    code = credit_code()

    def fill(sheet: Worksheet, at: dict[str, int]) -> None:
        sheet.cell(FIRST, at["企业名称"], "改名后的企业")
        new = FIRST + 2
        sheet.cell(new, at["统一社会信用代码"], code)
        sheet.cell(new, at["企业名称"], "新增企业")
        sheet.cell(new, at["级别"], "国家级")
        sheet.cell(new, at["公布日期"], "2025年5月6日")

    async with await door.as_("reporter", KEEPER) as unit:
        first, second = await added_row(unit), await added_row(unit)
        report = await sent(unit, filled(await form(unit), fill))
        assert (report["created"], report["updated"], report["unchanged"]) == (1, 1, 1), report
        changed = (await unit.get(f"/register-rows/{first['id']}")).json()
        kept = (await unit.get(f"/register-rows/{second['id']}")).json()
        added = (await unit.get(ROWS, params={"column": "credit_code", "value": code})).json()
    assert changed["values"] == {**first["values"], "enterprise": "改名后的企业"}
    assert kept["version"] == 1
    assert added["items"][0]["values"]["level"] == "national"
    assert added["items"][0]["organization_code"] == KEEPER


async def test_an_old_form_takes_nothing_back_of_what_was_changed_since(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        row = await added_row(unit)
        old = await form(unit)
        since = await unit.patch(
            f"/register-rows/{row['id']}",
            json={"values": {"enterprise": "系统中已更名"}},
            headers={"If-Match": "*"},
        )
        assert since.status_code == 200, since.text

        def fill(sheet: Worksheet, at: dict[str, int]) -> None:
            sheet.cell(FIRST, at["批次"], "第三批")

        report = await sent(unit, filled(old, fill))
        now = (await unit.get(f"/register-rows/{row['id']}")).json()
    assert report["updated"] == 1
    assert (now["values"]["enterprise"], now["values"]["batch"]) == ("系统中已更名", "第三批")


async def test_it_offers_choices_and_locks_the_key_of_what_stands(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        await added_row(unit)
        book = load_workbook(BytesIO(await form(unit)))
    sheet = book.worksheets[0]
    at = {str(cell.value): cell.column for cell in sheet[HEADINGS] if cell.value}
    assert sheet.protection.sheet
    assert sheet.cell(FIRST, at["统一社会信用代码"]).protection.locked
    assert not sheet.cell(FIRST, at["企业名称"]).protection.locked
    lists = {one.formula1 for one in sheet.data_validations.dataValidation}
    assert any("国家级" in one for one in lists)
    assert "填表说明" in book.sheetnames


@pytest.mark.parametrize(
    ("role", "unit", "asked", "status", "pointer"),
    [
        ("office", None, {}, 422, "/query/organization_code"),
        ("office", None, {"organization_code": KEEPER}, 200, None),
        ("office", None, {"organization_code": "UN15"}, 422, "/query/organization_code"),
        ("office", None, {"organization_code": "UN99"}, 422, "/query/organization_code"),
        ("reporter", "UN15", {"organization_code": KEEPER}, 403, None),
        ("leader", None, {"organization_code": KEEPER}, 403, None),
    ],
)
async def test_a_form_is_for_whoever_writes_rows_of_its_unit(
    door: Door, role: str, unit: str | None, asked: dict[str, str], status: int, pointer: str | None
) -> None:
    async with await door.as_(role, unit) as client:
        answer = await client.get(FORM, params=asked)
    assert answer.status_code == status, answer.text
    if pointer is not None:
        assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]


async def test_every_register_of_the_plan_has_a_form_that_is_read_again(door: Door) -> None:
    async with await door.as_("office") as office:
        listed = (await office.get(f"/plans/{XINMI}/registers")).json()["items"]
        assert len(listed) >= 12
        for register in listed:
            unit = (register["keepers"] or ["UN15"])[0]
            path = f"/plans/{XINMI}/registers/{register['code']}"
            answer = await office.get(f"{path}/form.xlsx", params={"organization_code": unit})
            assert answer.status_code == 200, answer.text
            back = await office.post(
                f"{path}/rows/sheet",
                content=answer.content,
                params={"organization_code": unit},
                headers={"Content-Type": "application/octet-stream"},
            )
            assert (back.status_code, back.json()["items"]) == (200, []), back.text


INSURANCE = f"/plans/{XINMI}/registers/INSURANCE"
BINARY = {"Content-Type": "application/octet-stream"}
OURS, THEIRS = "UN05", "UN36"


async def codes_of(client: httpx.AsyncClient, path: str, content: bytes, **asked: str) -> list[str]:
    answer = await client.post(path, content=content, params=asked, headers=BINARY)
    assert answer.status_code in {200, 202, 422}, answer.text
    return [one["code"] for one in answer.json().get("errors", [])]


def insured(sheet: Worksheet, at: dict[str, int]) -> None:
    """Fill in one row; what is said of it may have faults, for that is not what is asked."""
    sheet.cell(FIRST, at["统一社会信用代码"], credit_code())


@pytest.mark.parametrize("way", ["rows/sheet", "imports"])
async def test_a_form_of_one_unit_is_taken_for_no_other(door: Door, way: str) -> None:
    path, asked = f"{INSURANCE}/rows/sheet", {}
    if way == "imports":
        path, asked = f"/plans/{XINMI}/imports", {"register": "INSURANCE"}
    async with (
        await door.as_("reporter", OURS) as unit,
        await door.as_("reporter", THEIRS) as other,
        await door.as_("office") as office,
    ):
        made = await unit.get(f"{INSURANCE}/form.xlsx")
        assert made.status_code == 200, made.text
        content = filled(made.content, insured)
        wrong = ["sheet-of-another-unit"]
        assert await codes_of(other, path, content, **asked) == wrong
        assert await codes_of(office, path, content, organization_code=THEIRS, **asked) == wrong
        listed = (await office.get(f"{INSURANCE}/rows")).json()["items"]
        assert listed == [], "nothing is anybody's"
        fine = {**asked, "organization_code": OURS}
        assert await codes_of(unit, path, content, **asked, validate_only="true") == []
        assert await codes_of(office, path, content, **fine, validate_only="true") == []
        assert await codes_of(office, path, content, **asked, validate_only="true") == []


@pytest.mark.parametrize("way", ["rows/sheet", "imports"])
async def test_a_form_of_one_register_is_taken_for_no_other_and_unchanged(
    door: Door, way: str
) -> None:
    def path_of(register: str) -> tuple[str, dict[str, str]]:
        if way == "imports":
            return f"/plans/{XINMI}/imports", {"register": register}
        return f"/plans/{XINMI}/registers/{register}/rows/sheet", {}

    def altered(content: bytes) -> bytes:
        book = load_workbook(BytesIO(content))
        stamp = book[STAMP_SHEET]
        for row in stamp.iter_rows():
            if row[0].value == "organization_code":
                row[1].value = THEIRS
        made = BytesIO()
        book.save(made)
        return made.getvalue()

    async with await door.as_("reporter", OURS) as unit, await door.as_("office") as office:
        content = (await unit.get(f"{INSURANCE}/form.xlsx")).content
        path, asked = path_of("GREEN-FACTORY")
        elsewhere = await codes_of(office, path, content, **asked)
        path, asked = path_of("INSURANCE")
        changed = await codes_of(unit, path, altered(content), **asked)
    assert elsewhere == ["sheet-of-another-register"]
    assert changed == ["stamp-broken"]
