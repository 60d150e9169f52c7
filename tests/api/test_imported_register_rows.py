"""Sheets of a register's rows that come in as imports do: judged, marked, confirmed as a whole."""

import io
from typing import Any

import httpx
import openpyxl
import pytest

from services.core.imports.marking import FAULT_SHEET
from services.core.imports.register_sheet import sheet_name_of
from services.core.plan.register_entries import Register
from tests.support.api import Door, xinmi
from tests.support.doors import own_door as door
from tests.support.imports import checked, confirmed, csv_of, faults_of, sent, xlsx_of
from tests.support.register_forms import AS, FORM, HEADINGS, line, rows
from tests.support.registers import KEEPER, REGISTER, added_row, credit_code
from tests.support.statements_counted import statements_of

__all__ = ["door"]  # fixtures


def green_factories() -> Register:
    """Return the register as Xinmi's plan describes it."""
    (found,) = [one for one in xinmi().registers if one.code == REGISTER]
    return found


async def marked(client: httpx.AsyncClient, import_id: str) -> openpyxl.Workbook:
    answer = await client.get(f"/imports/{import_id}/marked.xlsx")
    assert answer.status_code == 200, answer.text
    return openpyxl.load_workbook(io.BytesIO(answer.content))


@pytest.mark.parametrize("make", [csv_of, xlsx_of])
async def test_a_sheet_without_faults_is_written_once_it_is_confirmed(
    door: Door, make: Any
) -> None:
    codes = [credit_code() for _ in range(3)]
    content = make(*(line(code, unit="市科工信局") for code in codes), headings=HEADINGS)
    found = await checked(door, content, **AS)
    assert (found["state"], found["form"], found["register_code"]) == (
        "checked",
        "register",
        REGISTER,
    )
    assert (found["rows"], found["faults"], found["created"]) == (3, 0, 3)
    assert found["first_row"]["统一社会信用代码"] == codes[0]
    assert await rows(door) == []
    done = await confirmed(door, found["id"], as_=AS["as_"])
    assert (done["state"], done["result"]["created"]) == ("succeeded", 3), done
    kept = await rows(door)
    assert {one["values"]["credit_code"] for one in kept} == set(codes)
    assert {(one["state"], one["values"]["named_on"]) for one in kept} == {("draft", "2025-03-20")}
    again = await checked(door, content, **AS)
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 3)


async def test_every_fault_is_marked_in_its_cell_and_the_mended_copy_is_taken(door: Door) -> None:
    good, broken, twice = credit_code(), credit_code(), credit_code()
    async with await door.as_("reporter", KEEPER) as unit:
        content = xlsx_of(
            line(good),
            line(broken[:-1] + ("1" if broken[-1] != "1" else "2"), day="三月"),
            line(twice, unit="不存在的单位"),
            line(twice),
            headings=HEADINGS,
        )
        found = await checked(door, content, **AS)
        assert (found["state"], found["allowed_actions"]) == ("checked", ["discard"])
        assert sorted(await faults_of(door, found["id"], as_=AS["as_"])) == [
            (3, "B3", "credit-code"),
            (3, "E3", "date"),
            (4, "A4", "unknown-organization"),
            (4, "B4", "duplicate-row"),
            (5, "B5", "duplicate-row"),
        ]
        refused = await unit.post(f"/imports/{found['id']}/confirm")
        assert refused.json()["code"] == "import-has-faults"
        assert await rows(door) == []
        book = await marked(unit, found["id"])
        sheet = book[sheet_name_of(green_factories())]
        red = {
            cell.coordinate
            for row in sheet.iter_rows()
            for cell in row
            if cell.fill.fgColor.rgb == "FFFFC7CE"
        }
        assert red == {"B3", "E3", "A4", "B4", "B5"}
        assert "校验位" in sheet["B3"].comment.text
        listed = [[cell.value for cell in row] for row in book[FAULT_SHEET].iter_rows(min_row=2)]
        assert sorted((one[0], one[1], one[2]) for one in listed) == [
            (3, "公布日期", "E3"),
            (3, "统一社会信用代码", "B3"),
            (4, "填报单位", "A4"),
            (4, "统一社会信用代码", "B4"),
            (5, "统一社会信用代码", "B5"),
        ]
        assert all(one[4] for one in listed)
        sheet["B3"], sheet["E3"], sheet["A4"] = broken, "2025-03-01", None
        sheet.delete_rows(5)
        made = io.BytesIO()
        book.save(made)
    mended = await checked(door, made.getvalue(), **AS)
    assert (mended["rows"], mended["faults"], mended["created"]) == (3, 0, 3)


async def test_a_column_that_the_sheet_lacks_is_named(door: Door) -> None:
    content = csv_of([credit_code(), "省级"], headings=("统一社会信用代码", "级别"))
    found = await checked(door, content, **AS)
    async with await door.as_("reporter", KEEPER) as unit:
        answer = await unit.get(f"/imports/{found['id']}/faults")
    assert {(one["column"], one["cell"], one["code"]) for one in answer.json()["items"]} == {
        ("企业名称", None, "missing"),
        ("公布日期", None, "missing"),
    }


async def test_a_total_that_differs_is_marked_in_its_cell(door: Door) -> None:
    register = next(
        one for one in xinmi().registers if any(each.type == "decimal" for each in one.columns)
    )
    number = next(one for one in register.columns if one.type == "decimal")
    keys = [one for one in register.columns if one.code in register.key]
    headings = [*(one.name for one in keys), number.name]
    content = csv_of(
        [*("" for _ in keys), "1.5"], ["合计", *("" for _ in keys[1:]), "2.5"], headings=headings
    )
    as_ = ("office", None)
    found = await checked(door, content, as_=as_, register=register.code)
    faults = await faults_of(door, found["id"], as_=as_)
    column = chr(ord("A") + len(keys))
    assert (3, f"{column}3", "total-differs") in faults
    assert found["ignored"] == 1


async def test_a_form_with_a_fault_comes_back_marked_and_its_untouched_cells_still_say_nothing(
    door: Door,
) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        row = await added_row(unit)
        book = openpyxl.load_workbook(io.BytesIO((await unit.get(FORM)).content))
        sheet = book.worksheets[0]
        at = {str(cell.value): cell.column for cell in sheet[3] if cell.value}
        sheet.cell(4, at["公布日期"], "去年")
        made = io.BytesIO()
        book.save(made)
        found = await checked(door, made.getvalue(), **AS)
        faults = await faults_of(door, found["id"], as_=AS["as_"])
        assert [(one[0], one[2]) for one in faults] == [(4, "date")]
        since = await unit.patch(
            f"/register-rows/{row['id']}",
            json={"values": {"enterprise": "系统中已更名"}},
            headers={"If-Match": "*"},
        )
        assert since.status_code == 200
        copy = await marked(unit, found["id"])
        sheet = copy.worksheets[0]
        assert sheet.column_dimensions[openpyxl.utils.get_column_letter(at["as_made"])].hidden
        sheet.cell(4, at["公布日期"], "2025-04-01")
        mended = io.BytesIO()
        copy.save(mended)
    again = await checked(door, mended.getvalue(), **AS)
    assert (again["faults"], again["updated"]) == (0, 1)
    done = await confirmed(door, again["id"], as_=AS["as_"])
    assert done["state"] == "succeeded", done
    (kept,) = await rows(door)
    assert (kept["values"]["enterprise"], kept["values"]["named_on"]) == (
        "系统中已更名",
        "2025-04-01",
    )


async def test_what_somebody_wrote_after_the_file_was_sent_is_not_overwritten(door: Door) -> None:
    async with await door.as_("reporter", KEEPER) as unit:
        row = await added_row(unit)
        content = csv_of(line(row["values"]["credit_code"], name="表中的名称"), headings=HEADINGS)
        found = await checked(door, content, **AS)
        assert (found["faults"], found["updated"]) == (0, 1)
        await unit.patch(
            f"/register-rows/{row['id']}",
            json={"values": {"enterprise": "后来的名称"}},
            headers={"If-Match": "*"},
        )
    done = await confirmed(door, found["id"], as_=AS["as_"])
    assert done["state"] == "failed"
    assert [(one["row"], one["code"]) for one in done["errors"]] == [(2, "changed-since-sent")]
    assert [one["values"]["enterprise"] for one in await rows(door)] == ["后来的名称"]


@pytest.mark.parametrize(
    ("params", "pointer", "code"),
    [
        ({"register": "GREEN-FACTORYS"}, "/query/register", "unknown-register"),
        ({"register": REGISTER, "period": "2025"}, "/query/period", "not-taken"),
        ({"register": REGISTER, "draft": True}, "/query/draft", "not-taken"),
        ({"register": REGISTER, "on_behalf_of": True}, "/query/on_behalf_of", "not-taken"),
    ],
)
async def test_what_is_said_beside_it_is_judged_at_once(
    door: Door, params: dict[str, Any], pointer: str, code: str
) -> None:
    content = csv_of(line(credit_code()), headings=HEADINGS)
    answer = await sent(door, content, as_=AS["as_"], **params)
    assert answer.status_code == 422, answer.text
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]


async def test_headings_that_are_not_the_registers_are_refused_at_once(door: Door) -> None:
    content = csv_of(["1", "2", "3"], headings=("统一社会信用代码", "级别", "企业名"))
    answer = await sent(door, content, **AS)
    assert (answer.status_code, answer.json()["code"]) == (422, "sheet-refused")
    assert [one["code"] for one in answer.json()["errors"]] == ["unknown-column"]


async def test_another_unit_writes_no_row_by_it_and_sees_none_of_it(door: Door) -> None:
    content = csv_of(line(credit_code(), unit=KEEPER), headings=HEADINGS)
    found = await checked(door, content, as_=("reporter", "UN15"), register=REGISTER)
    faults = await faults_of(door, found["id"], as_=("reporter", "UN15"))
    assert faults == [(2, "A2", "not-your-organization")]
    async with await door.as_("reporter", KEEPER) as unit:
        assert (await unit.get(f"/imports/{found['id']}")).status_code == 404


async def test_many_rows_are_written_in_as_many_statements_as_few(door: Door) -> None:
    counted = []
    for amount in (1, 2, 40):  # of the first some are for what is kept after that
        content = csv_of(*(line(credit_code()) for _ in range(amount)), headings=HEADINGS)
        found = await checked(door, content, **AS)
        with statements_of(door) as statements:
            done = await confirmed(door, found["id"], as_=AS["as_"])
        assert done["result"]["created"] == amount
        counted.append(len(statements))
    assert counted[1] == counted[2]


def test_a_name_that_no_sheet_may_have_is_made_one_that_it_may() -> None:
    register = green_factories()
    named = register.model_copy(update={"name": "绿色工厂/矿山：2025[含*]?'"})
    assert sheet_name_of(named) == "绿色工厂 矿山：2025 含"
    assert sheet_name_of(register) == register.name
