"""Forms that go out: what is in them, for whom, and that the same is the same to the byte."""

import io
import zipfile
from uuid import UUID

from services.core.imports.queries import promised_by
from services.core.imports.sheet_forms import STAMP_SHEET
from services.core.imports.stamps import read_stamp
from services.core.kit.city_scope import in_city
from services.core.sheets.sheet_file import SheetFile
from tests.support.api import NEIGHBOUR, XINMI, Door, a_submission, neighbour
from tests.support.forms import TEMPLATES, by_heading, form, sheet
from tests.support.milestones import assigned
from tests.support.waiting import another
from tests.support.workbooks import XLSX


async def test_a_form_holds_what_the_plan_prints_and_what_the_unit_said(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        for period, value in (("2023", "38.19"), ("2024", None)):
            parts = {"numerator": "1", "denominator": "3"} if value is None else {}
            body = a_submission(period=period, value=value, note="=1+1", **parts)
            made = await unit.post(f"/plans/{XINMI}/submissions", json=body)
            assert made.status_code == 201, made.text
    answer = await form(door, period="2024")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == XLSX
    title, heads, *_ = sheet(answer.content)
    assert title[1] == "新密市“无废城市”建设指标填报表"
    assert {"表号：无废新密01表", "填报单位：市城管局", "报告期：2024", "计量单位：见表内"} == set(
        heads.values()
    )
    row = by_heading(answer.content)["U08"]
    assert row["上期值"] == "38.19"
    assert (row["本期分子"], row["本期分母"]) == ("1", "3")
    assert "本期值" not in row
    assert (row["备注"], row["数据状态"], row["计量单位"]) == ("=1+1", "核定", "%")
    assert sheet(answer.content)[-1][1].startswith("单位负责人：")
    again = await form(door, period="2024")
    assert again.content == answer.content
    async with await door.as_("reporter", "UN15") as unit:
        tag = {"If-None-Match": answer.headers["ETag"]}
        kept = await unit.get(
            f"{TEMPLATES}/indicators.xlsx", params={"period": "2024"}, headers=tag
        )
    assert (kept.status_code, kept.content) == (304, b"")


async def test_a_form_shows_of_the_period_before_what_the_same_as_json_suggests(
    door: Door,
) -> None:
    asked = {"period": "2023-Q4"}
    shown: list[str | None] = []
    async with await door.as_("reporter", "UN15") as unit:
        body = a_submission(period="2023-Q3", value="38.19", draft=True)
        made = (await unit.post(f"/plans/{XINMI}/submissions", json=body)).json()
        for verb in (None, "submit", "withdraw"):
            if verb is not None:
                done = await unit.post(f"/submissions/{made['id']}/{verb}")
                assert done.status_code == 200, done.text
            told = await unit.get(f"/plans/{XINMI}/form", params=asked)
            (cell,) = [one for one in told.json()["cells"] if one["indicator_code"] == "U08"]
            nearest = [one for one in cell["suggestions"] if one["source"] == "last-period"]
            suggested = [one["value"] for one in nearest]
            row = by_heading((await form(door, **asked)).content)["U08"]
            assert [row[name] for name in ("上期值",) if name in row] == suggested
            shown.append(row.get("上期值"))
    assert shown == [None, "38.19", None]


async def test_what_was_found_falsified_is_no_value_to_go_on_from(door: Door) -> None:
    asked = {"period": "2022-Q4"}
    shown: list[list[str | None]] = []
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        body = a_submission(period="2022-Q3", value="38.19")
        made = (await unit.post(f"/plans/{XINMI}/submissions", json=body)).json()
        for verb in ("approve", "falsify", "reopen"):
            said = {"reason": "核查不实"}
            done = await office.post(f"/submissions/{made['id']}/{verb}", json=said)
            assert done.status_code == 200, done.text
            told = await unit.get(f"/plans/{XINMI}/form", params=asked)
            (cell,) = [one for one in told.json()["cells"] if one["indicator_code"] == "U08"]
            row = by_heading((await form(door, **asked)).content)["U08"]
            shown.append([row.get("上期值"), *(one["value"] for one in cell["suggestions"])])
        change = {"value": "37"}
        path = f"/submissions/{made['id']}"
        for answer in (
            await unit.patch(path, json=change, headers={"If-Match": "*"}),
            await unit.post(f"{path}/submit"),
        ):
            assert answer.status_code == 200, answer.text
        row = by_heading((await form(door, **asked)).content)["U08"]
    assert shown[:2] == [["38.19", "38.19"], [None]]
    assert row["上期值"] == "37", "a correction is a figure again"


async def test_the_stamp_is_seen_by_nobody_and_signed(door: Door) -> None:
    content = (await form(door, period="2025")).content
    file = SheetFile(content)
    assert [one.visibility for one in file.sheets] == ["visible", "visible", "veryHidden"]
    said = {row[1]: row[2] for row in sheet(content, STAMP_SHEET)}
    stamp = read_stamp(said, door.held.seal)
    assert stamp is not None
    assert (stamp.plan, stamp.period, stamp.organization_code) == (XINMI, "2025", "UN15")
    assert read_stamp({**said, "organization_code": "UN10"}, door.held.seal) is None
    assert read_stamp({**said, "signature": "AAAA"}, door.held.seal) is None
    assert read_stamp(said, None) is None


async def test_printed_cells_are_locked_and_cells_to_fill_in_are_not(door: Door) -> None:
    content = (await form(door, period="2025")).content
    xml = zipfile.ZipFile(io.BytesIO(content)).read("xl/worksheets/sheet1.xml").decode()
    assert "<sheetProtection " in xml
    assert '<dataValidation type="list"' in xml
    assert "初步" in xml


async def test_form_02_holds_what_the_unit_promised(door: Door) -> None:
    made = await assigned(door, organization_code="UN15", title="建成分拣中心")
    answer = await form(door, "tasks")
    assert answer.status_code == 200, answer.text
    ids = [row.get(5) for row in sheet(answer.content)[3:-1]]
    assert made.json()["id"] in ids
    refused = await form(door, "tasks", period="2025")
    assert refused.json()["errors"][0]["code"] == "period-not-taken"


async def test_a_form_is_for_who_fills_it_in(door: Door) -> None:
    assert (await form(door, organization_code="UN10")).status_code == 403
    unknown = await form(door, organization_code="UN99")
    assert unknown.json()["errors"][0]["pointer"] == "/query/organization_code"
    assert (await form(door, period="2025-13")).status_code == 422
    assert (await form(door, "others")).status_code == 404
    async with await door.as_("office") as office:
        nobodys = await office.get(f"{TEMPLATES}/indicators.xlsx")
        assert nobodys.json()["errors"][0]["code"] == "missing"
        theirs = await office.get(
            f"{TEMPLATES}/indicators.xlsx", params={"organization_code": "UN15"}
        )
        assert theirs.status_code == 200
    async with await door.as_("leader") as leader:
        assert (await leader.get(f"{TEMPLATES}/indicators.xlsx")).status_code == 403
    await door.load(neighbour())
    elsewhere = await door.new_key("reporter", "UN15", plan=NEIGHBOUR)
    async with door.client(elsewhere) as other:
        assert (await other.get(f"{TEMPLATES}/indicators.xlsx")).status_code == 404


async def test_the_forms_of_all_units_come_in_one_archive(door: Door) -> None:
    async with await door.as_("office") as office:
        answer = await office.get(f"{TEMPLATES}/indicators.zip", params={"period": "2025"})
    assert answer.status_code == 200, answer.text
    bundle = zipfile.ZipFile(io.BytesIO(answer.content))
    names = bundle.namelist()
    assert "01表-2025-UN15-市城管局.xlsx" in names
    assert len(names) > 10
    alone = await form(door, period="2025")
    assert bundle.read("01表-2025-UN15-市城管局.xlsx") == alone.content
    async with await door.as_("reporter", "UN15") as unit:
        own = await unit.get(f"{TEMPLATES}/indicators.zip", params={"period": "2025"})
    assert len(zipfile.ZipFile(io.BytesIO(own.content)).namelist()) == 1


_MANY = """
INSERT INTO milestone
SELECT (jsonb_populate_record(one, jsonb_build_object('id', gen_random_uuid()))).*
FROM milestone AS one CROSS JOIN generate_series(1, $2)
WHERE one.city_code = '410183' AND one.id = $1
"""


async def test_no_unit_is_left_out_however_much_the_units_before_it_promised(door: Door) -> None:
    first = (await assigned(door, organization_code="UN10", title="建成分拣中心")).json()
    last = (await assigned(door, organization_code="UN15", title="建成分拣中心")).json()
    async with another(door.held.database.dsn) as connection:
        await connection.execute(_MANY, UUID(first["id"]), 5_000)
    plan = await door.held.plans.of_city("410183", XINMI)
    with in_city("410183"):
        async with door.held.database.sessions() as session:
            promised = await promised_by(session, plan, None)
            alone = await promised_by(session, plan, "UN10")
    assert len(promised["UN10"]) == len({one.id for one in promised["UN10"]}) >= 5_001
    assert [one.id for one in alone["UN10"]] == [one.id for one in promised["UN10"]]
    assert UUID(last["id"]) in {one.id for one in promised["UN15"]}
    for found in promised.values():
        assert found == sorted(found, key=lambda one: (one.due_date, one.id))
