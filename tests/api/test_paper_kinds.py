"""Papers of every kind: Annex 2, reports on a part of the plan, and the forms of one matter."""

import io
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from openpyxl import load_workbook

from services.core.alerts.models import Alert
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from tests.support.api import Door, a_submission, open_door
from tests.support.clock import at, stopped_at
from tests.support.duties import add
from tests.support.evidence import PDF, added
from tests.support.papers import PATH, a_paper, content, ended, figures, got, made, words_of
from tests.support.scores import PLAN


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API on 2026-02-10, with a value of U08 that counts in 2021."""
    async with open_door(module_database_url) as opened:
        opened.app.state.resources = replace(
            opened.held, clock=stopped_at("2026-02-10", "09:00:00")
        )
        await a_paper(opened)
        yield opened


async def test_annex_two_stands_as_printed_with_value_light_and_reason(door: Door) -> None:
    paper = await made(door, kind="annex2")
    said = words_of(await content(door, paper))
    for heading in ("一级指标", "现状值（2022年）", "责任牵头部门", "完成值", "理由", "编号"):
        assert heading in said
    assert "（城区）生活垃圾回收利用率★" in said
    assert "“无废城市”建设项目投资总额★" in said
    assert "满足项目建设需要" in said
    book = load_workbook(io.BytesIO(await content(door, paper, "xlsx")))
    rows = list(book.worksheets[0].iter_rows(min_row=3, values_only=True))
    printed = [row for row in rows if isinstance(row[0], int | float)]
    assert [row[0] for row in printed] == list(range(1, 49))
    (u08,) = [row for row in printed if row[3] == "（城区）生活垃圾回收利用率★"]
    assert u08[4:9] == (38, 40, "%", "市城管局", 40.65)
    assert u08[9] == "●绿"
    assert paper["figures"] == 48


async def test_what_the_plan_leaves_open_stands_beside_the_indicator_until_it_is_settled(
    door: Door,
) -> None:
    before = await made(door, kind="annex2")
    for kind, paper in (("annex2", before), ("self", await made(door, kind="self_assessment"))):
        said = words_of(await content(door, paper))
        assert "（待核实：T09、T10" in said, kind
        assert "T09．“完成16家绿色工厂创建”是累计16家，还是新增16家？" in said, kind
        assert "T17．" not in said, "a plain note waits for nobody"
    decision = {
        "decision": "按累计16家",
        "document_number": "密无废办〔2026〕1号",
        "document_date": "2026-02-09",
    }
    at(door, "2026-02-10", "10:00:00")
    async with await door.as_("office") as office:
        path = f"{PLAN}/open-questions/T09/settle"
        settled = await office.post(path, json=decision, headers={"If-Match": "*"})
        assert settled.status_code == 200, settled.text
    again = await made(door, kind="annex2", position=before["position"])
    assert again["digest"] == before["digest"], "nobody knew then"
    at(door, "2026-02-10", "11:00:00")
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        body = a_submission(indicator_code="U07", period="2021", value="31")
        told = (await unit.post(f"{PLAN}/submissions", json=body)).json()["id"]
        assert (await office.post(f"/submissions/{told}/approve")).status_code == 200
    await door.react()
    said = words_of(await content(door, await made(door, kind="annex2")))
    assert "（待核实：T10" in said
    assert "T09．" not in said


async def test_a_special_report_is_about_its_part_alone(door: Door) -> None:
    group = await made(door, kind="special", about={"kind": "group", "id": "U"})
    assert group["title"] == "关于“固体废物资源化利用”2021年完成情况的专项报告"
    keys = set(await figures(door, group))
    assert {key for key in keys if key.startswith("indicator/")} == {
        f"indicator/U{number:02}" for number in range(1, 11)
    }
    one = await made(door, kind="special", about={"kind": "indicator", "id": "U08"})
    assert one["about"] == "indicator/U08"
    said = words_of(await content(door, one))
    assert "40.65%" in said
    assert "完成目标的100.00%" in said
    assert (await got(door, f"/papers/{one['id']}/moved"))["items"] == []


async def test_one_late_matter_has_its_form_and_its_answer_has_the_other(door: Door) -> None:
    late = await add(
        door.held.database,
        Milestone,
        organization_code="UN16",
        title="建成分拣中心",
        due_date=date(2026, 1, 30),
        original_due_date=date(2025, 12, 31),
        narrative="主体已完工",
        problems="设备未到场",
        state="in_progress",
        percent=60,
    )
    about = {"kind": "milestone", "id": str(late)}
    paper = await made(door, kind="supervision", period=None, about=about)
    assert (paper["organization_code"], paper["period"]) == ("UN16", None)
    assert paper["about"] == f"milestone/{late}"
    said = words_of(await content(door, paper))
    for words in ("督办单", "建成分拣中心", "2026年1月30日", "原定", "2025年12月31日", "工作日"):
        assert words in said
    listed = await figures(door, paper)
    assert listed["matter/late"]["shown"] == "7个工作日"
    assert listed["matter/percent"]["facts"] == {"percent": "60"}
    answer = await made(door, kind="feedback", period=None, about=about)
    assert (answer["year"], answer["number"]) == (2026, 1)
    told = words_of(await content(door, answer))
    for words in ("督办事项反馈单", "主体已完工", "设备未到场", "□事实清楚", "负责人签字（盖章）"):
        assert words in told
    async with await door.as_("reporter", "UN16") as unit, await door.as_("superior") as superior:
        items = (await unit.get(PATH)).json()["items"]
        assert {one["id"] for one in items} == {paper["id"], answer["id"]}
        assert (await unit.get(f"/papers/{paper['id']}/content/pdf")).status_code == 200
        assert (await superior.get(f"/papers/{paper['id']}")).status_code == 404
    async with await door.as_("reporter", "UN15") as stranger:
        assert (await stranger.get(f"/papers/{paper['id']}")).status_code == 404
    await door.held.database.pool.execute(
        "UPDATE milestone SET due_date = '2026-03-31' WHERE city_code = '410183' AND id = $1", late
    )
    moved = {one["key"]: one for one in (await got(door, f"/papers/{paper['id']}/moved"))["items"]}
    assert moved["matter/due_date"]["shown_now"] == "2026年3月31日"
    assert moved["matter/late"]["shown_now"] is None


async def test_a_value_that_is_owed_is_a_matter_too(door: Door) -> None:
    owed = await add(door.held.database, Obligation, due_date=date(2026, 2, 2))
    about = {"kind": "obligation", "id": str(owed)}
    paper = await made(door, kind="supervision", period=None, about=about)
    said = words_of(await content(door, paper))
    assert re.search(r"报送2025年“[^”]*生活垃圾回收利用率", said)
    assert paper["organization_code"] == "UN15"


async def test_an_open_alert_without_a_day_is_supervised_and_a_resolved_one_is_not(
    door: Door,
) -> None:
    for state, supervised in (("open", True), ("resolved", False)):
        red = await add(
            door.held.database,
            Alert,
            alert_key=f"light-red-{state}",
            rule="light_red",
            subject_kind="indicator",
            subject_id=f"U08/{state}",
            indicator_code="U08",
            due_date=None,
            state=state,
        )
        body = {"kind": "supervision", "about": {"kind": "alert", "id": str(red)}}
        if supervised:
            paper = await made(door, period=None, **body)
            assert paper["organization_code"] == "UN15"
            continue
        async with await door.as_("office") as office:
            answer = await office.post(PATH, json=body)
        assert answer.json()["errors"][0]["code"] == "matter-not-late"


async def test_a_form_of_a_value_says_what_was_handed_in_with_it(door: Door) -> None:
    owed = await add(door.held.database, Obligation, period="2024", due_date=date(2026, 2, 2))
    about = {"kind": "obligation", "id": str(owed)}
    before = await made(door, kind="feedback", period=None, about=about)
    files = (await figures(door, before))["matter/files"]
    assert (files["shown"], files["facts"]) == ("—", {"files": None}), "nothing came, so not 0"
    body = a_submission(period="2024", note="已核实", draft=True)
    async with await door.as_("reporter", "UN15") as unit:
        draft = (await unit.post(f"{PLAN}/submissions", json=body)).json()["id"]
        assert (await added(unit, f"submissions/{draft}", PDF, "年报.pdf")).status_code == 201
        assert (await unit.post(f"/submissions/{draft}/submit")).status_code == 200
    answer = await made(door, kind="feedback", period=None, about=about)
    assert (await figures(door, answer))["matter/files"]["shown"] == "1件"
    said = words_of(await content(door, answer))
    assert "已报送" in said
    assert "已核实" in said


async def test_an_assigned_target_stands_behind_what_is_printed(door: Door) -> None:
    document = {"document_number": "郑环〔2025〕1号", "document_date": "2025-03-01"}
    async with await door.as_("superior") as superior:
        path = f"{PLAN}/indicators/D06/targets/2025"
        wish = {**document, "kind": "at_least", "value": "65"}
        assert (await superior.put(path, json=wish)).status_code == 200
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        body = a_submission(indicator_code="U07", period="2025", value="45")
        told = (await unit.post(f"{PLAN}/submissions", json=body)).json()["id"]
        assert (await office.post(f"/submissions/{told}/approve")).status_code == 200
    await door.react()
    for kind in ("annex2", "bulletin", "self_assessment"):
        said = words_of(await content(door, await made(door, kind=kind, period="2025")))
        assert "完成郑州市下达任务；下达：≥ 65（郑环〔2025〕1号）" in said, kind
        assert "完成郑州市下达任务" in said.replace("完成郑州市下达任务；下达", ""), (
            "the others wait"
        )


async def test_an_alert_stands_for_what_it_is_about(door: Door) -> None:
    late = await add(
        door.held.database, Milestone, organization_code="UN17", due_date=date(2026, 1, 5)
    )
    await door.held.database.pool.execute(
        "UPDATE alert_evaluation SET evaluated_for = NULL WHERE city_code = '410183'"
    )
    await door.sweep()
    async with await door.as_("office") as office:
        params = {"rule": "milestone_due"}
        found = (await office.get(f"{PLAN}/alerts", params=params)).json()["items"]
    (alert,) = [one for one in found if one["subject"]["id"] == str(late)]
    paper = await made(
        door, kind="supervision", period=None, about={"kind": "alert", "id": alert["id"]}
    )
    assert paper["organization_code"] == "UN17"
    assert paper["about"] == f"alert/{alert['id']}"
    assert "完成16家绿色工厂创建" in words_of(await content(door, paper))


NOBODY = "019aafc0-0000-7000-8000-000000000000"


@pytest.mark.parametrize(
    ("wish", "pointer", "code"),
    [
        ({"kind": "supervision", "period": None}, "/about", "about-required"),
        ({"kind": "special"}, "/about", "about-required"),
        ({"about": {"kind": "group", "id": "U"}}, "/about", "not-for-kind"),
        (
            {"kind": "special", "about": {"kind": "alert", "id": NOBODY}},
            "/about/kind",
            "not-for-kind",
        ),
        (
            {"kind": "special", "about": {"kind": "group", "id": "Z"}},
            "/about/id",
            "unknown-group",
        ),
        (
            {"kind": "special", "about": {"kind": "indicator", "id": "U99"}},
            "/about/id",
            "unknown-indicator",
        ),
        (
            {"kind": "feedback", "period": None, "about": {"kind": "alert", "id": NOBODY}},
            "/about/id",
            "matter-not-found",
        ),
        (
            {"kind": "feedback", "period": None, "about": {"kind": "milestone", "id": "督办"}},
            "/about/id",
            "matter-not-found",
        ),
        (
            {"kind": "feedback", "about": {"kind": "milestone", "id": NOBODY}},
            "/period",
            "not-for-kind",
        ),
    ],
)
async def test_a_wish_that_does_not_go_together_is_told_where(
    door: Door, wish: dict[str, Any], pointer: str, code: str
) -> None:
    async with await door.as_("office") as office:
        answer = await office.post(PATH, json={"kind": "bulletin", "period": "2021", **wish})
    assert answer.status_code == 422, answer.text
    (fault,) = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (pointer, code)


async def test_what_is_in_time_is_not_supervised(door: Door) -> None:
    soon = await add(door.held.database, Milestone, due_date=date(2026, 2, 10))
    about = {"kind": "milestone", "id": str(soon)}
    async with await door.as_("office") as office:
        answer = await office.post(PATH, json={"kind": "supervision", "about": about})
    assert answer.json()["errors"][0]["code"] == "matter-not-late"
    assert (await ended(door, kind="feedback", about=about))["state"] == "succeeded"
