"""Forms that come back: filled in by another program, put right in the marked copy, or refused."""

import io
from typing import Any

import openpyxl

from services.core.imports.marking import FAULT_SHEET
from services.core.imports.sheet_forms import FORM_SHEET, STAMP_SHEET
from services.core.sheets.cells import cell_name
from services.core.sheets.sheet_file import SheetFile
from tests.support.api import NEIGHBOUR, XINMI, Door, a_submission, neighbour, xinmi
from tests.support.batches import sent as batch_sent
from tests.support.forms import by_heading, filled, form, sheet
from tests.support.imports import IMPORTS, checked, confirmed, faults_of, sent, work
from tests.support.reported import PATH


async def test_a_filled_form_equals_the_json_to_the_last_digit_and_prefills_the_next(
    door: Door,
) -> None:
    empty = (await form(door, period="2022")).content
    said = {
        "U08": {"本期分子": 8.52, "本期分母": 21.1, "数据来源": "年度报表", "变化原因": "新设施"},
    }
    back = filled(empty, {"U08": said["U08"]})
    found = await checked(door, back)
    assert (found["is_form"], found["period"], found["organization_code"]) == (True, "2022", "UN15")
    assert (found["rows"], found["faults"], found["created"]) == (1, 0, 1)
    assert found["blank"] == len(by_heading(empty)) - 1
    await confirmed(door, found["id"])
    item = a_submission(
        period="2022",
        value=None,
        numerator="8.52",
        denominator="21.1",
        source="年度报表",
        justification="新设施",
    )
    assert (await batch_sent(door, [item])).json()["unchanged"] == 1
    next_form = (await form(door, period="2022")).content
    row = by_heading(next_form)["U08"]
    assert (row["本期分子"], row["本期分母"], row["变化原因"]) == ("8.52", "21.1", "新设施")
    assert (await checked(door, next_form))["unchanged"] == 1


def _sign_off(book: Any) -> None:
    book[STAMP_SHEET]["B6"] = "2024"


def _rows_off(book: Any) -> None:
    page = book[FORM_SHEET]
    page.merge_cells(start_row=4, end_row=5, start_column=11, end_column=11)
    page.row_dimensions[6].hidden = True
    page.cell(6, 11).value = 1


async def test_a_form_of_another_unit_period_or_version_is_refused_with_a_fresh_one(
    door: Door,
) -> None:
    content = (await form(door, period="2023")).content
    async with await door.as_("office") as office:
        theirs = await office.get(
            f"/plans/{XINMI}/templates/indicators.xlsx",
            params={"organization_code": "UN10", "period": "2023"},
        )
    await door.load(neighbour())
    for answer, code in (
        (await sent(door, content, period="2024"), "sheet-of-another-period"),
        (await sent(door, content, organization_code="UN10"), "sheet-of-another-unit"),
        (await sent(door, theirs.content), "sheet-of-another-unit"),
        (await sent(door, filled(content, {}, change=_sign_off)), "stamp-broken"),
    ):
        (fault,) = answer.json()["errors"]
        assert (answer.status_code, fault["code"]) == (422, code)
        async with await door.as_("reporter", "UN15") as unit:
            fresh = await unit.get(fault["value"].removeprefix("/v1"))
        assert fresh.status_code in {200, 403}, fault["value"]
    async with await door.as_("office") as office:
        other = await office.post(f"/plans/{NEIGHBOUR}/imports", content=theirs.content)
    assert other.json()["errors"][0]["code"] == "sheet-of-another-plan"
    document = xinmi()
    await door.load(document.model_copy(update={"title": f"{document.title}（修订）"}))
    # A process that has not heard of the new version takes it, and the worker refuses it.
    late = await checked(door, content)
    assert late["state"] == "refused"
    assert await faults_of(door, late["id"]) == [(0, None, "sheet-outdated")]
    await door.forget_everything()
    outdated = await sent(door, content)
    assert outdated.json()["errors"][0]["code"] == "sheet-outdated"


TRAPS: list[tuple[str, Any, str | None]] = [
    ("本期值", "４０．６５", "decimal"),
    ("本期值", "95%", "decimal"),
    ("本期值", "95.0％", "decimal"),
    ("本期值", "约95", "decimal"),
    ("本期值", "/", "dash-for-number"),
    ("本期值", "—", "dash-for-number"),
    ("本期值", "无", "dash-for-number"),
    ("本期值", "=1+1", "formula-without-value"),
    ("本期值", True, "cell-error"),
    ("本期值", 1234567890123456, "imprecise-number"),
    ("数据状态", "大概", "unknown-data-status"),
    ("备注", "字" * 4001, "string-too-long"),
    ("本期值", " 40.65 ", None),
    ("本期值", 0, None),
]


async def test_every_trap_of_a_clerks_cell_is_told_where_it_stands(door: Door) -> None:
    async with await door.as_("office") as office:
        whole = await office.get(
            f"/plans/{XINMI}/templates/indicators.xlsx?period=2021&organization_code=UN05"
        )
    rows = list(by_heading(whole.content))
    assert len(rows) >= len(TRAPS)
    cells = {
        code: {"本期值": 1, heading: value}
        for code, (heading, value, _) in zip(rows, TRAPS, strict=False)
    }
    content = filled(whole.content, cells)
    found = await checked(door, content, as_=("reporter", "UN05"))
    told = {
        (row, code) for row, _, code in await faults_of(door, found["id"], as_=("reporter", "UN05"))
    }
    expected = {(4 + at, code) for at, (_, _, code) in enumerate(TRAPS) if code}
    assert {one for one in told if one[1] not in {"ratio-required", "level-expected"}} == expected


async def test_a_cell_in_percent_a_date_merged_cells_and_hidden_rows_are_told(door: Door) -> None:
    async with await door.as_("office") as office:
        whole = await office.get(
            f"/plans/{XINMI}/templates/indicators.xlsx?period=2021&organization_code=UN05"
        )

    def change(book: Any) -> None:
        _rows_off(book)
        page = book[FORM_SHEET]
        page.cell(7, 11).value, page.cell(7, 11).number_format = 0.95, "0%"
        page.cell(8, 11).value, page.cell(8, 11).number_format = 45901, "yyyy-mm-dd"

    content = filled(whole.content, {}, change=change)
    found = await checked(door, content, as_=("reporter", "UN05"))
    told = await faults_of(door, found["id"], as_=("reporter", "UN05"))
    assert {
        (4, "K4", "merged-cells"),
        (6, "B6", "hidden-row"),
        (7, "K7", "percent-format"),
        (8, "K8", "date-for-number"),
    } <= set(told)


async def test_a_marked_copy_says_what_is_wrong_and_comes_back_put_right(door: Door) -> None:
    empty = (await form(door, period="2024-H1")).content
    found = await checked(door, filled(empty, {"U08": {"本期分子": "约8", "本期分母": 21.1}}))
    assert found["faults"] == 1
    async with await door.as_("reporter", "UN15") as unit:
        answer = await unit.get(f"/imports/{found['id']}/marked.xlsx")
    assert answer.status_code == 200
    names = [one.name for one in SheetFile(answer.content).sheets]
    assert names == [FORM_SHEET, FAULT_SHEET, STAMP_SHEET]
    heads, line = sheet(answer.content, FAULT_SHEET)
    assert list(heads.values())[:3] == ["行", "列", "单元格"]
    assert (line[2], line[4], line[6]) == ("本期分子", "约8", "decimal")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    (marked,) = [
        cell for row in book[FORM_SHEET].iter_rows() for cell in row if cell.comment is not None
    ]
    assert marked.coordinate == line[3]
    assert marked.fill.start_color.rgb == "FFFFC7CE"
    again = await checked(door, filled(answer.content, {"U08": {"本期分子": 8.52}}))
    assert (again["is_form"], again["faults"], again["created"]) == (True, 0, 1)


async def test_a_cell_left_as_it_was_made_does_not_overwrite_what_was_reported_meanwhile(
    door: Door,
) -> None:
    ratio = {"period": "2024-H2", "draft": True, "value": None, "denominator": "20.50"}
    await batch_sent(door, [a_submission(**ratio, numerator="8.1", note="第一次 填报")])
    made = (await form(door, period="2024-H2")).content
    untouched = filled(made, {})
    before = await checked(door, untouched, draft=True)
    assert (before["unchanged"], before["faults"]) == (1, 0)
    await batch_sent(door, [a_submission(**ratio, numerator="9.2", note="第一次 填报")])
    found = await checked(door, untouched, draft=True)
    heads = {text: at for at, text in sheet(made)[2].items()}
    (row,) = [at for at, one in enumerate(sheet(made), 1) if one.get(2) == "U08"]
    stale = (row, cell_name(row, heads["本期分子"]), "changed-since-made")
    assert await faults_of(door, found["id"]) == [stale]
    confirm = await confirmed(door, before["id"])
    assert {"changed-since-made", "changed-since-sent"} == {
        one["code"] for one in confirm["errors"]
    }
    for said, updated in (
        ({"本期分子": None, "本期分母": None}, 0),
        ({"本期分子": None, "本期分母": None, "备注": "另记"}, 1),
        ({"本期分子": 9.9}, 1),
    ):
        mended = await checked(door, filled(made, {"U08": said}), draft=True)
        assert (mended["faults"], mended["updated"]) == (0, updated), said
    assert (await confirmed(door, mended["id"]))["state"] == "succeeded"
    row_now = by_heading((await form(door, period="2024-H2")).content)["U08"]
    assert (row_now["本期分子"], row_now["备注"]) == ("9.9", "第一次 填报")


async def test_a_key_that_was_revoked_has_sent_in_vain(door: Door) -> None:
    secret = await door.new_key("reporter", "UN15", name="short")
    content = filled(
        (await form(door, period="2023-H1")).content, {"U08": {"本期分子": 1, "本期分母": 3}}
    )
    async with door.client(secret) as unit:
        begun = await unit.post(IMPORTS, content=content)
        await work(door)
        import_id = begun.json()["request"]["import_id"]
        assert (await unit.post(f"/imports/{import_id}/confirm")).status_code == 202
        async with door.client(door.admin_secret) as admin:
            keys = (await admin.get("/api-keys", params={"page_size": 500})).json()["items"]
            (mine,) = [one["id"] for one in keys if one["name"] == "short"]
            revoked = await admin.delete(f"/api-keys/{mine}")
            assert revoked.status_code < 300, revoked.text
    await work(door)
    found = await door.held.database.pool.fetchval(
        "SELECT state FROM sheet_import WHERE city_code = '410183' AND id = $1", import_id
    )
    assert found == "checked"
    async with await door.as_("office") as office:
        listed = await office.get(PATH, params={"period": "2023-H1", "organization_code": "UN15"})
    assert listed.json()["items"] == []
