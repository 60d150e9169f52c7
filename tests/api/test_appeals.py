"""Appeals: a unit contests items, another decides, and what was published before stays readable."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door
from tests.support.assessments import ASSESSOR, TOWN, an_assessment, assessment_of_a_year
from tests.support.observed import load_sources

APPEALS = f"/plans/{XINMI}/appeals"
CONTESTED = {"items": [{"item": "B1", "grounds": "第三处点位不在本镇辖区内"}]}
CORRECTED = {"reason": "点位不在辖区内", "findings": {"B1": {"count": 2}}}


@pytest.fixture(autouse=True)
async def sheets(door: Door) -> None:
    await load_sources(door)


def codes(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


async def filed(client: httpx.AsyncClient, assessment: str, **changes: Any) -> dict[str, Any]:
    answer = await client.post(f"/assessments/{assessment}/appeals", json={**CONTESTED, **changes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def test_an_upheld_appeal_corrects_what_was_published_and_keeps_what_was(door: Door) -> None:
    of = await assessment_of_a_year("published", door)
    async with (
        await door.as_("reporter", TOWN) as town,
        await door.as_("office") as office,
        await door.as_("superior") as superior,
    ):
        made = await filed(town, of)
        path = f"/appeals/{made['id']}"
        waiting = await town.post(f"/assessments/{of}/appeals", json=CONTESTED)
        own = await town.post(f"{path}/uphold", json=CORRECTED)
        upheld = await office.post(f"{path}/uphold", json=CORRECTED)
        again = await office.post(f"{path}/refuse", json={"reason": "晚了"})
        now = (await town.get(f"/assessments/{of}")).json()
        revisions = (await town.get(f"/assessments/{of}/revisions")).json()["items"]
        second = await town.get(f"/assessments/{of}/revisions", params={"page_size": "1"})
        token = second.json()["next_page_token"]
        last = await town.get(
            f"/assessments/{of}/revisions", params={"page_size": "1", "page_token": token}
        )
        above = (await superior.get(f"/assessments/{of}/history")).json()["items"]
        once_more = await town.post(f"/assessments/{of}/appeals", json=CONTESTED)
    assert (made["state"], made["revision"], made["allowed_actions"]) == ("filed", 1, ["withdraw"])
    assert (waiting.status_code, waiting.json()["code"]) == (409, "appeal-waiting")
    assert waiting.json()["appeal_id"] == made["id"]
    assert own.status_code == 403
    told = upheld.json()
    assert (told["state"], told["corrected_revision"]) == ("upheld", 2)
    (change,) = told["changes"]
    assert (change["code"], change["before_points"], change["after_points"]) == ("B1", "34", "36")
    assert change["before_reason"] == "40 分：3 处 −6，得 34 分"
    assert (again.status_code, again.json()["code"]) == (409, "transition-refused")
    assert (now["total"], now["colour"], now["revision"]) == ("90.5", "green", 2)
    assert [(one["revision"], one["total"]) for one in revisions] == [(1, "88.5"), (2, "90.5")]
    assert [one["appeal_id"] for one in revisions] == [None, made["id"]]
    assert [one["changes"] for one in revisions] == [[], told["changes"]]
    assert last.json()["items"] == revisions[1:]
    assert [one["action"] for one in above] == ["published", "corrected"]
    assert codes(once_more) == [("/items/0/item", "contested-before")]


async def test_a_refused_one_changes_nothing_and_one_taken_back_makes_room(door: Door) -> None:
    of = await assessment_of_a_year("published", door)
    async with await door.as_("reporter", TOWN) as town, await door.as_("office") as office:
        first = await filed(town, of)
        back = await town.post(
            f"/appeals/{first['id']}/withdraw", json={"reason": "补充材料后再提"}
        )
        second = await filed(town, of)
        blank = await office.post(f"/appeals/{second['id']}/refuse", json={})
        refused = await office.post(
            f"/appeals/{second['id']}/refuse", json={"reason": "照片可证实"}
        )
        now = (await town.get(f"/assessments/{of}")).json()
        history = (await town.get(f"/appeals/{second['id']}/history")).json()["items"]
        listed = await town.get(APPEALS, params={"assessment_id": of})
        refused_ones = await office.get(APPEALS, params={"state": "refused", "assessment_id": of})
    assert back.json()["state"] == "withdrawn"
    assert codes(blank) == [("/reason", "missing")]
    assert (refused.json()["state"], refused.json()["decision_reason"]) == ("refused", "照片可证实")
    assert (now["total"], now["revision"], now["version"]) == ("88.5", 1, 4)
    assert [one["action"] for one in history] == ["filed", "refused"]
    assert [one["id"] for one in listed.json()["items"]] == [second["id"], first["id"]]
    assert [one["id"] for one in refused_ones.json()["items"]] == [second["id"]]


async def test_nobody_decides_on_their_own_or_on_what_they_assessed(door: Door) -> None:
    async with await door.as_("office") as office, await door.as_("reporter", TOWN) as town:
        of = await assessment_of_a_year("published", door)
        behalf = await filed(office, of)
        own = await office.post(f"/appeals/{behalf['id']}/refuse", json={"reason": "无据"})
        await town.post(f"/appeals/{behalf['id']}/withdraw")
        other = await filed(town, of)
    async with await door.as_("lead", ASSESSOR) as assessor, await door.as_("lead", "UN10") as none:
        assessed = await assessor.post(f"/appeals/{other['id']}/refuse", json={"reason": "无据"})
        unseen = await none.get(f"/appeals/{other['id']}")
        seen = await assessor.get(f"/appeals/{other['id']}")
    assert (own.status_code, own.json()["code"]) == (403, "own-appeal")
    assert (assessed.status_code, assessed.json()["code"]) == (403, "forbidden")
    assert (unseen.status_code, unseen.json()["code"]) == (404, "appeal-not-found")
    assert seen.json()["allowed_actions"] == []


async def test_every_fault_is_told_at_once(door: Door) -> None:
    of = await assessment_of_a_year("published", door)
    nobodys = "019aafc0-0000-7000-8000-00000000ffff"
    wrong = {
        "items": [
            {"item": "B1", "grounds": "甲", "evidence_ids": [nobodys]},
            {"item": "B1", "grounds": "乙"},
            {"item": "Z9", "grounds": "丙"},
        ]
    }
    async with await door.as_("reporter", TOWN) as town, await door.as_("office") as office:
        told = await town.post(f"/assessments/{of}/appeals", json=wrong)
        made = await filed(town, of)
        path = f"/appeals/{made['id']}/uphold"
        beside = await office.post(
            path, json={"reason": "误", "findings": {"A1": {"missing": []}, "B1": {"cnt": 1}}}
        )
        same = await office.post(
            path, json={"reason": "误", "findings": {"B1": {"count": 3, "note": "照旧"}}}
        )
        tried = await office.post(path, json=CORRECTED, params={"validate_only": "true"})
        unchanged = (await office.get(f"/appeals/{made['id']}")).json()
    assert codes(told) == [
        ("/items/0/evidence_ids/0", "unknown-evidence"),
        ("/items/1/item", "repeated-reference"),
        ("/items/2/item", "unknown-item"),
    ]
    assert codes(beside) == [
        ("/findings/A1", "item-not-contested"),
        ("/findings/B1/cnt", "extra-forbidden"),
    ]
    assert codes(same) == [("/findings", "nothing-changes")]
    assert tried.json()["state"] == "upheld"
    assert (unchanged["state"], unchanged["version"]) == ("filed", 1)


async def test_after_its_last_day_and_before_publication_none_is_filed(door: Door) -> None:
    of = await assessment_of_a_year("published", door)
    draft = await assessment_of_a_year("confirmed", door)
    yesterday = door.held.clock.today("Asia/Shanghai") - timedelta(days=1)
    await door.held.database.pool.execute(
        "UPDATE assessment SET appeal_until = $2 WHERE city_code = '410183' AND id = $1",
        of,
        yesterday,
    )
    async with await door.as_("reporter", TOWN) as town, await door.as_("office") as office:
        late = await town.post(f"/assessments/{of}/appeals", json=CONTESTED)
        unseen = await town.post(f"/assessments/{draft}/appeals", json=CONTESTED)
        early = await office.post(f"/assessments/{draft}/appeals", json=CONTESTED)
    assert (late.status_code, late.json()["code"]) == (409, "appeal-too-late")
    assert late.json()["appeal_until"] == yesterday.isoformat()
    assert unseen.status_code == 404
    assert (early.status_code, early.json()["code"]) == (409, "appeal-too-late")


async def test_the_unit_and_the_assessors_hear_of_an_appeal(door: Door) -> None:
    of = await an_assessment(door, "published", period="2099")
    async with await door.as_("reporter", TOWN) as town, await door.as_("office") as office:
        made = await filed(town, of)
        await office.post(f"/appeals/{made['id']}/uphold", json=CORRECTED)
        await door.react()
        about = {"subject": f"appeal/{made['id']}", "limit": "100"}
        heard = (await town.get("/events", params=about)).json()["items"]
        corrected = {"subject": f"assessment/{of}", "limit": "100"}
        of_it = (await town.get("/events", params=corrected)).json()["items"]
    assert [one["type"] for one in heard] == ["appeal.filed", "appeal.upheld"]
    assert heard[1]["data"]["corrected_revision"] == 2
    assert [one["type"] for one in of_it] == ["assessment.published", "assessment.corrected"]
