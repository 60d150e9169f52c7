"""Appeals: a unit contests items, another decides, and what was published before stays readable."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door, a_submission
from tests.support.assessments import ASSESSOR, TOWN, an_assessment, assessment_of_a_year
from tests.support.evidence import added
from tests.support.observed import load_sources
from tests.support.registers import KEEPER, a_register_row
from tests.support.reported import a_period

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


async def a_file_of(client: httpx.AsyncClient, subject: str) -> str:
    answer = await added(client, subject)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def contested_with(client: httpx.AsyncClient, of: str, *files: str) -> str:
    item = {**CONTESTED["items"][0], "evidence_ids": list(files)}
    return str((await filed(client, of, items=[item]))["id"])


@pytest.mark.parametrize("verb", [None, "withdraw", "refuse", "uphold"])
async def test_what_an_appeal_named_is_not_removed_any_more(door: Door, verb: str | None) -> None:
    of = await assessment_of_a_year("published", door)
    async with await door.as_("reporter", TOWN) as town, await door.as_("office") as office:
        draft = await town.post(
            f"/plans/{XINMI}/submissions",
            json=a_submission(organization_code=TOWN, period=a_period(), draft=True),
        )
        assert draft.status_code == 201, draft.text
        subject = f"submissions/{draft.json()['id']}"
        named, other = await a_file_of(town, subject), await a_file_of(town, subject)
        appeal = await contested_with(town, of, named)
        if verb is not None:
            client = town if verb == "withdraw" else office
            body = CORRECTED if verb == "uphold" else {"reason": "说明"}
            answer = await client.post(f"/appeals/{appeal}/{verb}", json=body)
            assert answer.status_code == 200, answer.text
        kept = await town.delete(f"/evidence/{named}")
        gone = await town.delete(f"/evidence/{other}")
        content = await town.get(f"/evidence/{named}/content")
    assert (kept.status_code, kept.json()["code"]) == (409, "evidence-rested-upon")
    assert gone.status_code == 200, "what nobody named is removed as ever"
    assert content.status_code == 200


async def test_a_file_that_came_with_a_correction_stays_when_that_is_taken_back(door: Door) -> None:
    of = await assessment_of_a_year("published", door, organization_code=KEEPER)
    row = await a_register_row(door, "confirmed")
    async with await door.as_("reporter", KEEPER) as unit:
        named = await a_file_of(unit, f"register-rows/{row}")
        other = await a_file_of(unit, f"register-rows/{row}")
        await contested_with(unit, of, named)
        back = await unit.post(f"/register-rows/{row}/withdraw")
        assert back.status_code == 200, back.text
        content = [await unit.get(f"/evidence/{one}/content") for one in (named, other)]
        again = await unit.delete(f"/evidence/{named}")
    assert [one.status_code for one in content] == [200, 410]
    assert (again.status_code, again.json()["code"]) == (409, "evidence-rested-upon")


FALLS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "fewer points": ({"B1": {"count": 9}}, [("/findings/B1", "points-fall")]),
    "one more, another fewer": (
        {"A1": {"missing": []}, "B1": {"count": 4}},
        [("/findings/B1", "points-fall")],
    ),
    "nothing at all": (
        {"B1": {"count": 0, "zeroed_by": ["false"]}},
        [("/findings/B1", "points-fall")],
    ),
    "no item any more": (
        {"C1": {"not_applicable_reason": "无此项"}},
        [("/findings", "points-fall")],
    ),
    "not assessed any more": ({"B1": None}, [("/findings/B1", "item-not-assessed")]),
    "no other points": ({"B1": {"count": 3}}, [("/findings", "nothing-changes")]),
}
"""What is corrected, and what is wrong with that."""


@pytest.mark.parametrize("what", FALLS)
async def test_an_appeal_takes_no_points_away(door: Door, what: str) -> None:
    of = await assessment_of_a_year("published", door)
    items = [{"item": one, "grounds": "有异议"} for one in ("A1", "B1", "C1")]
    findings, wrong = FALLS[what]
    async with await door.as_("reporter", TOWN) as town, await door.as_("office") as office:
        made = await filed(town, of, items=items)
        refused = await office.post(
            f"/appeals/{made['id']}/uphold", json={"reason": "复核", "findings": findings}
        )
        now = (await town.get(f"/assessments/{of}")).json()
    assert codes(refused) == wrong
    assert (now["total"], now["revision"]) == ("88.5", 1)


async def test_what_does_not_apply_and_raises_the_total_is_a_gain(door: Door) -> None:
    of = await assessment_of_a_year("published", door)
    async with await door.as_("reporter", TOWN) as town, await door.as_("office") as office:
        made = await filed(town, of)
        said = {"B1": {"not_applicable_reason": "本镇没有此类点位"}}
        upheld = await office.post(
            f"/appeals/{made['id']}/uphold", json={"reason": "复核", "findings": said}
        )
        now = (await town.get(f"/assessments/{of}")).json()
    assert upheld.status_code == 200, upheld.text
    assert now["total"] == "90.83333333333333333333"


async def test_a_correction_keeps_what_was_shown_for_its_item(door: Door) -> None:
    of = await assessment_of_a_year("published", door)
    async with await door.as_("reporter", TOWN) as town, await door.as_("office") as office:
        made = await filed(town, of)
        await office.post(f"/appeals/{made['id']}/uphold", json=CORRECTED)
        now = (await town.get(f"/assessments/{of}")).json()
        revisions = (await town.get(f"/assessments/{of}/revisions")).json()["items"]
    assert now["findings"]["B1"] == {"count": 2, "evidence": ["现场照片 3 张"]}
    assert [one["findings"]["B1"]["evidence"] for one in revisions] == [["现场照片 3 张"]] * 2
