"""Form 02 that comes back: how far milestones are, as their own path would write it."""

from typing import Any

import pytest

from services.core.imports.marking import FAULT_SHEET
from services.core.imports.sheet_forms import FORM_SHEET, STAMP_SHEET
from services.core.sheets.sheet_file import SheetFile
from tests.support.api import NEIGHBOUR, XINMI, Door, neighbour, xinmi
from tests.support.forms import form, sheet
from tests.support.imports import IMPORTS, checked, confirmed, csv_of, faults_of, seen, sent, work
from tests.support.milestones import BODIES, a_milestone_in, assigned
from tests.support.statements_counted import statements_of
from tests.support.task_sheets import HEADINGS, UNIT, Cells, accepted, as_lines, filled, read

SAID = ("percent", "narrative", "problems", "next_steps", "expected_date")


async def as_form(door: Door, cells: Cells) -> bytes:
    """Return the unit's own form with cells filled in."""
    return filled((await form(door, "tasks")).content, cells)


@pytest.mark.parametrize("make", [as_form, as_lines])
async def test_a_sheet_gives_what_the_json_gives(door: Door, make: Any) -> None:
    new, known, quiet = [
        await accepted(door, one) for one in ("accepted", "in_progress", "accepted")
    ]
    twin, known_twin = [await accepted(door, one) for one in ("accepted", "in_progress")]
    cells: dict[str, dict[str, Any]] = {
        new["id"]: {"完成百分比": 12.5, "进展描述": "已招标", "预计完成": "2026年9月5日"},
        known["id"]: {"完成百分比": 80, "存在问题": "资金未到位"},
    }
    if make is as_lines:
        cells[quiet["id"]] = {}
    found = await checked(door, await make(door, cells))
    assert (found["form"], found["state"], found["faults"]) == ("tasks", "checked", 0)
    assert (found["created"], found["updated"]) == (0, 2)
    assert (await read(door, new["id"]))["percent"] == "0"
    done = await confirmed(door, found["id"])
    assert (done["state"], done["result"]["updated"]) == ("succeeded", 2)
    async with await door.as_("reporter", UNIT) as unit:
        said = {"percent": "12.5", "narrative": "已招标", "expected_date": "2026-09-05"}
        more = {**BODIES["progress"], "percent": "80", "problems": "资金未到位"}
        for one, body in ((twin, said), (known_twin, more)):
            answer = await unit.post(f"/milestones/{one['id']}/progress", json=body)
            assert answer.status_code == 200, answer.text
    for one, other in ((new, twin), (known, known_twin)):
        mine, theirs = await read(door, one["id"]), await read(door, other["id"])
        same = (*SAID, "state", "light", "answer_by", "allowed_actions")
        assert {name: mine[name] for name in same} == {name: theirs[name] for name in same}
        assert mine["last"]["version"] == theirs["last"]["version"]
        assert mine["last"]["action"] == theirs["last"]["action"] == "progressed"
        assert mine["last"]["actor"]["channel"] == "import"
    assert (await read(door, quiet["id"]))["last"]["version"] == quiet["version"]
    again = await checked(door, await make(door, cells))
    assert (again["updated"], again["faults"]) == (0, 0)


async def test_every_fault_is_told_where_it_stands_and_the_copy_comes_back_put_right(
    door: Door,
) -> None:
    unsigned = (await assigned(door, organization_code=UNIT)).json()
    theirs = (await a_milestone_in(door, "accepted", organization_code="UN10")).json()
    rows = [await accepted(door) for _ in range(6)]
    ids = [one["id"] for one in rows]
    wrong: list[tuple[str, dict[str, Any], tuple[str, str]]] = [
        (ids[0], {"完成百分比": 101}, ("完成百分比", "less-than-equal")),
        (ids[1], {"完成百分比": "约60"}, ("完成百分比", "decimal")),
        (ids[2], {"完成百分比": "—"}, ("完成百分比", "dash-for-number")),
        (ids[3], {"预计完成": "年底前"}, ("预计完成", "date")),
        (ids[4], {"预计完成": "2099-01-01"}, ("预计完成", "date-out-of-range")),
        (unsigned["id"], {"完成百分比": 10}, ("里程碑", "transition-refused")),
    ]
    empty = (await form(door, "tasks")).content
    content = filled(empty, {id_: said for id_, said, _ in wrong} | {ids[5]: {"完成百分比": 1}})
    found = await checked(door, content)
    async with await door.as_("reporter", UNIT) as unit:
        page = await unit.get(f"/imports/{found['id']}/faults", params={"page_size": 500})
        told = {(one["column"], one["code"]) for one in page.json()["items"]}
        refused = await unit.post(f"/imports/{found['id']}/confirm")
        copy = await unit.get(f"/imports/{found['id']}/marked.xlsx")
    assert told == {place for _, _, place in wrong}
    assert refused.json()["code"] == "import-has-faults"
    assert [one.name for one in SheetFile(copy.content).sheets] == [
        FORM_SHEET,
        FAULT_SHEET,
        STAMP_SHEET,
    ]
    assert len(sheet(copy.content, FAULT_SHEET)) == len(wrong) + 1
    right = {id_: dict.fromkeys(said) for id_, said, _ in wrong}
    mended = await checked(door, filled(copy.content, right))
    assert (mended["is_form"], mended["faults"], mended["updated"]) == (True, 0, 1)
    lines = [
        [theirs["id"], "", "10", "", "", "", ""],
        ["019aafc0-0000-7000-8000-000000000000", "", "10", "", "", "", ""],
        ["", "无编号", "10", "", "", "", ""],
        [ids[0], "", "20", "", "", "", ""],
        [ids[0], "", "30", "", "", "", ""],
    ]
    free = await checked(door, csv_of(*lines, headings=HEADINGS))
    assert await faults_of(door, free["id"]) == [
        (2, "B2", "milestone-not-found"),
        (3, "B3", "milestone-not-found"),
        (4, "B4", "milestone-missing"),
        (5, "B5", "duplicate-row"),
        (6, "B6", "duplicate-row"),
    ]
    assert (await read(door, ids[5]))["percent"] == "0"


def _sign_off(book: Any) -> None:
    book[STAMP_SHEET]["B7"] = "UN10"


async def test_a_form_of_another_unit_plan_or_version_is_refused_with_a_fresh_one(
    door: Door,
) -> None:
    await accepted(door)
    content = (await form(door, "tasks")).content
    async with await door.as_("office") as office:
        theirs = await office.get(
            f"/plans/{XINMI}/templates/tasks.xlsx", params={"organization_code": "UN10"}
        )
    await door.load(neighbour())
    for answer, code in (
        (await sent(door, content, organization_code="UN10"), "sheet-of-another-unit"),
        (await sent(door, theirs.content), "sheet-of-another-unit"),
        (await sent(door, filled(content, {}, change=_sign_off)), "stamp-broken"),
    ):
        (fault,) = answer.json()["errors"]
        assert (answer.status_code, fault["code"]) == (422, code)
        assert fault["value"].startswith(f"/v1/plans/{XINMI}/templates/tasks.xlsx?organization")
    async with await door.as_("office") as office:
        other = await office.post(f"/plans/{NEIGHBOUR}/imports", content=theirs.content)
    assert other.json()["errors"][0]["code"] == "sheet-of-another-plan"
    asked: tuple[dict[str, Any], ...] = ({"period": "2025"}, {"draft": "true"})
    for one in asked:
        (name,) = one
        answer = await sent(door, content, **one)
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == (f"/query/{name}", "not-taken")
    document = xinmi()
    await door.load(document.model_copy(update={"title": f"{document.title}（修订）"}))
    await door.forget_everything()
    outdated = await sent(door, content)
    assert outdated.json()["errors"][0]["code"] == "sheet-outdated"


async def test_what_was_reported_after_the_file_was_sent_is_not_overwritten(door: Door) -> None:
    one = await accepted(door)
    content = await as_lines(door, {one["id"]: {"完成百分比": 40}})
    async with await door.as_("reporter", UNIT) as unit:
        begun = await unit.post(IMPORTS, content=content)
        newer = await unit.post(
            f"/milestones/{one['id']}/progress", json={"percent": "70", "narrative": "手机上报"}
        )
        assert newer.status_code == 200, newer.text
    await work(door)
    import_id = begun.json()["request"]["import_id"]
    done = await confirmed(door, import_id)
    assert (done["state"], [each["code"] for each in done["errors"]]) == (
        "failed",
        ["changed-since-sent"],
    )
    assert (await read(door, one["id"]))["percent"] == "70"
    assert (await seen(door, import_id))["state"] == "checked"


async def test_a_cell_left_as_it_was_made_does_not_take_progress_back(door: Door) -> None:
    quiet, moved = await accepted(door, "in_progress"), await accepted(door, "in_progress")
    made = (await form(door, "tasks")).content
    async with await door.as_("reporter", UNIT) as unit:
        newer = await unit.post(
            f"/milestones/{moved['id']}/progress", json={**BODIES["progress"], "percent": "70"}
        )
        assert newer.status_code == 200, newer.text
    news: dict[str, dict[str, Any]] = {
        quiet["id"]: {"存在问题": "缺人"},
        moved["id"]: {"存在问题": "缺钱"},
    }
    found = await checked(door, filled(made, news))
    async with await door.as_("reporter", UNIT) as unit:
        page = await unit.get(f"/imports/{found['id']}/faults")
    assert [(one["column"], one["value"], one["code"]) for one in page.json()["items"]] == [
        ("完成百分比", None, "changed-since-made")
    ]
    news[moved["id"]]["完成百分比"] = None
    mended = await checked(door, filled(made, news))
    assert (mended["faults"], mended["updated"]) == (0, 2)
    assert (await confirmed(door, mended["id"]))["state"] == "succeeded"
    after = await read(door, moved["id"])
    assert (after["percent"], after["problems"]) == ("70", "缺钱")


async def test_many_milestones_take_no_more_statements_than_few(door: Door) -> None:
    counted = []
    for number in (2, 12):
        rows = [await accepted(door) for _ in range(number)]
        cells = {one["id"]: {"完成百分比": 5, "进展描述": "起步"} for one in rows[1:]}
        found = await checked(
            door, await as_lines(door, {**cells, rows[0]["id"]: {"完成百分比": 6}})
        )
        async with await door.as_("reporter", UNIT) as unit:
            await unit.post(f"/imports/{found['id']}/confirm")
        with statements_of(door) as asked:
            await work(door)
        assert (await seen(door, found["id"]))["state"] == "confirmed"
        counted.append(len(asked))
    assert counted[0] == counted[1]
