"""Assessments: found item by item, judged at once, confirmed by another, published to the unit."""

from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door
from tests.support.assessments import (
    ASSESSMENTS,
    ASSESSOR,
    FOUND,
    OTHER_TOWN,
    SHEETS_OF_PLAN,
    STREET,
    TOWN,
    a_sheet,
    an_assessment,
    asked,
    assessment_of_a_year,
    begun,
)
from tests.support.observed import load_sources, with_sources
from tests.support.owner import as_owner
from tests.support.registers import added_row
from tests.support.statements_counted import fewest


@pytest.fixture(autouse=True)
async def sheets(door: Door) -> None:
    await load_sources(door)


def codes(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(one["pointer"], one["code"]) for one in answer.json()["errors"]]


async def written(door: Door) -> list[int]:
    tables = ("assessment", "assessment_history", "event WHERE type LIKE 'assessment.%'")
    fetch = door.held.database.pool.fetchval
    return [await fetch(f"SELECT count(*) FROM {one}") for one in tables]


async def test_it_is_assessed_handed_in_confirmed_by_another_and_published(door: Door) -> None:
    async with (
        await door.as_("lead", ASSESSOR) as assessor,
        await door.as_("office") as office,
        await door.as_("reporter", TOWN) as town,
        await door.as_("superior") as superior,
    ):
        made = await assessor.post(ASSESSMENTS, json=asked())
        path = made.headers["Location"].removeprefix("/v1")
        unseen = await town.get(path)
        submitted = await assessor.post(f"{path}/submit")
        own = await assessor.post(f"{path}/confirm")
        confirmed = await office.post(
            f"{path}/confirm", headers={"If-Match": submitted.headers["ETag"]}
        )
        not_yet = await superior.get(path)
        not_theirs = await assessor.post(f"{path}/publish")
        published = await office.post(f"{path}/publish", json={"reason": "公示无异议"})
        seen = await town.get(path)
        above = await superior.get(path)
        late = await office.post(f"{path}/return", json={"reason": "改"})
        history = (await assessor.get(f"{path}/history")).json()["items"]
        of_town = (await town.get(f"{path}/history")).json()["items"]
    body = made.json()
    assert (made.status_code, body["state"], body["total"]) == (201, "draft", "88.5")
    assert (body["display"], body["colour"], body["colour_name"]) == ("88.50", "blue", "蓝")
    assert [one["points"] for one in body["results"]] == ["16", "34", "18.5", "20", None]
    assert body["results"][0]["reason"] == "20 分：缺专人 −4，得 16 分"
    assert body["allowed_actions"] == ["edit", "submit", "withdraw"]
    assert (unseen.status_code, not_yet.status_code) == (404, 404)
    assert submitted.json()["allowed_actions"] == ["return", "withdraw"]
    assert (own.status_code, own.json()["code"]) == (403, "own-assessment")
    assert confirmed.json()["state"] == "confirmed"
    assert (not_theirs.status_code, not_theirs.json()["code"]) == (403, "forbidden")
    told = published.json()
    assert (told["state"], told["revision"], told["reason"]) == ("published", 1, "公示无异议")
    assert (seen.json()["findings"], seen.json()["allowed_actions"]) == (FOUND, [])
    assert above.status_code == 200
    assert (late.status_code, late.json()["code"]) == (409, "transition-refused")
    actions = ["created", "submitted", "confirmed", "published"]
    assert [one["action"] for one in history] == actions
    assert [(one["action"], one["before"]) for one in of_town] == [("published", None)]


async def test_the_days_for_an_appeal_begin_with_its_publication(door: Door) -> None:
    of = await an_assessment(door, "published", organization_code=OTHER_TOWN)
    async with await door.as_("office") as office:
        found = (await office.get(f"/assessments/{of}")).json()
    published_on = date.fromisoformat(found["published_on"])
    assert found["appeal_until"] == (published_on + timedelta(days=10)).isoformat()


async def test_a_second_one_is_refused_until_the_first_is_withdrawn(door: Door) -> None:
    async with await door.as_("office") as office, await door.as_("lead", ASSESSOR) as assessor:
        first = await begun(assessor, period="2026")
        again = await office.post(ASSESSMENTS, json=asked(period="2026"))
        gone = await office.post(f"/assessments/{first['id']}/withdraw", json={"reason": "重复"})
        anew = await office.post(ASSESSMENTS, json=asked(period="2026"))
        listed = (await office.get(ASSESSMENTS, params={"period": "2026"})).json()["items"]
        withdrawn = await office.get(ASSESSMENTS, params={"period": "2026", "state": "withdrawn"})
    assert (again.status_code, again.json()["code"]) == (409, "assessment-exists")
    assert again.json()["assessment_id"] == first["id"]
    assert gone.json()["state"] == "withdrawn"
    assert [one["id"] for one in listed] == [anew.json()["id"]]
    assert [one["id"] for one in withdrawn.json()["items"]] == [first["id"]]


async def test_it_is_worked_on_until_every_item_is_assessed(door: Door) -> None:
    async with await door.as_("office") as office:
        some = await begun(office, organization_code=STREET, findings={"A1": {"missing": []}})
        path = f"/assessments/{some['id']}"
        early = await office.post(f"{path}/submit")
        blind = await office.patch(path, json={"findings": {}})
        stale = await office.patch(
            path, json={"findings": {}}, headers={"If-Match": f'"{some["id"]}.7"'}
        )
        same = await office.patch(
            path, json={"findings": {"A1": {"missing": []}}}, headers={"If-Match": "*"}
        )
        rest = {code: FOUND[code] for code in ("B1", "B2", "C1")} | {"A1": None}
        edited = await office.patch(path, json={"findings": rest}, headers={"If-Match": "*"})
        whole = await office.patch(
            path,
            json={"findings": {"A1": {"not_applicable_reason": "街道不设"}, "D1": {"count": 1}}},
            headers={"If-Match": edited.headers["ETag"]},
        )
        submitted = await office.post(f"{path}/submit")
        fixed = await office.patch(path, json={"findings": {"D1": None}}, headers={"If-Match": "*"})
    assert (some["total"], some["colour"], some["complete"]) == (None, None, False)
    assert [one["state"] for one in some["results"]] == ["scored", "open", "open", "open", "open"]
    assert codes(early) == [
        ("/findings/B1", "item-not-assessed"),
        ("/findings/B2", "item-not-assessed"),
        ("/findings/C1", "item-not-assessed"),
    ]
    assert blind.status_code == 428
    assert stale.status_code == 412
    assert same.json()["version"] == 1, "nothing changed"
    assert sorted(edited.json()["findings"]) == ["B1", "B2", "C1"]
    # (34 + 18.5 + 20) × 100 ÷ 80 and the bonus.
    assert whole.json()["total"] == "92.625"
    assert submitted.json()["state"] == "submitted"
    assert (fixed.status_code, fixed.json()["code"]) == (409, "transition-refused")


async def test_every_fault_is_told_at_once(door: Door) -> None:
    wrong = {
        "organization_code": "UN99",
        "village_code": "410183100001",
        "period": "2025-Q1",
        "findings": {"A1": {"missing": ["pln"]}, "Z9": {}, "B2": {"sampled": 4, "count": 1.5}},
    }
    before = await written(door)
    async with await door.as_("office") as office:
        told = await office.post(ASSESSMENTS, json=wrong)
        shape = await office.post(ASSESSMENTS, json={"findings": {"A1": 3}, "x": 1})
        english = await office.post(
            ASSESSMENTS, json=asked(findings={"B1": {}}), headers={"Accept-Language": "en"}
        )
    assert codes(told) == [
        ("/period", "period-of-another-frequency"),
        ("/village_code", "not-of-this-sheet"),
        ("/organization_code", "unknown-organization"),
        ("/findings/Z9", "unknown-item"),
        ("/findings/A1/missing/0", "unknown-element"),
        ("/findings/B2/count", "int-type"),
    ]
    assert codes(shape) == [
        ("/period", "missing"),
        ("/x", "extra-forbidden"),
        ("/findings/A1", "model-type"),
    ]
    assert english.json()["errors"][0]["detail"] == "This item needs count"
    assert await written(door) == before


async def test_only_the_office_and_the_assessors_of_the_sheet_assess(door: Door) -> None:
    async with await door.as_("lead", "UN10") as other, await door.as_("reporter", TOWN) as town:
        refused = await other.post(ASSESSMENTS, json=asked(period="2027"))
        own = await town.post(ASSESSMENTS, json=asked(period="2027"))
        seen = await other.get(ASSESSMENTS, params={"state": "draft"})
    assert (refused.status_code, own.status_code) == (403, 403)
    assert seen.json()["items"] == []
    assert seen.json()["limited_to_scope"] is True


async def test_villages_and_rows_of_a_register_are_assessed_too(door: Door) -> None:
    async with await door.as_("office") as office, await door.as_("reporter", "UN22") as keeper:
        row = await added_row(keeper, enterprise="示例细胞有限公司")
        village = await office.post(
            f"{SHEETS_OF_PLAN}/VILLAGE/assessments",
            json={
                "period": "2025-Q3",
                "organization_code": TOWN,
                "village_code": "410183100201",
                "village_name": "示例村",
                "findings": FOUND,
            },
        )
        cell = await office.post(
            f"{SHEETS_OF_PLAN}/CELL/assessments", json={"period": "2025", "row_id": row["id"]}
        )
        unknown = await office.post(
            f"{SHEETS_OF_PLAN}/CELL/assessments",
            json={"period": "2025", "row_id": "019aafc0-0000-7000-8000-00000000ffff"},
        )
        nothing = await office.post(
            f"{SHEETS_OF_PLAN}/VILLAGE/assessments", json={"period": "2025-Q3"}
        )
    told = village.json()
    assert (told["subject_kind"], told["subject_key"]) == ("village", "410183100201")
    assert (told["subject_name"], told["organization_code"]) == ("示例村", TOWN)
    told = cell.json()
    assert (told["subject_kind"], told["subject_key"]) == ("row", row["id"])
    assert (told["subject_name"], told["comparable_group"]) == ("示例细胞有限公司", "provincial")
    assert told["organization_code"] == "UN22"
    assert codes(unknown) == [("/row_id", "unknown-row")]
    assert codes(nothing) == [
        ("/organization_code", "missing"),
        ("/village_code", "missing"),
        ("/village_name", "missing"),
    ]


async def test_a_sheet_that_changes_is_another_version_and_drafts_follow_it(door: Door) -> None:
    changed: list[dict[str, Any]] = [dict(one) for one in a_sheet()["items"]]
    changed[1]["points"] = "4"
    async with await door.as_("office") as office:
        draft = await begun(office, organization_code="410183102")
        fixed = await an_assessment(door, "submitted", organization_code="410183103")
        document = with_sources().model_dump(mode="json", exclude_none=True)
        sheets = [a_sheet(items=changed), *document["score_sheets"][1:]]
        await door.load(read_document({**document, "score_sheets": sheets}))
        await door.react()  # what is kept of the plan is read anew as the log moves on
        versions = (await office.get(f"{SHEETS_OF_PLAN}/TOWN/versions")).json()["items"]
        others = (await office.get(f"{SHEETS_OF_PLAN}/VILLAGE/versions")).json()["items"]
        submitted = await office.post(f"/assessments/{draft['id']}/submit")
        kept = (await office.get(f"/assessments/{fixed}")).json()
        listed = (await office.get(SHEETS_OF_PLAN)).json()["items"]
    assert [one["sheet"]["items"][1]["points"] for one in versions[-2:]] == ["2", "4"]
    assert [one["version"] for one in versions] == list(range(1, len(versions) + 1))
    assert len(others) < len(versions)
    assert draft["total"] == "88.5"
    assert (submitted.json()["total"], submitted.json()["sheet_version"]) == ("82.5", len(versions))
    assert (kept["total"], kept["sheet_version"]) == ("88.5", len(versions) - 1)
    assert listed[0]["sheet"]["items"][1]["points"] == "4"
    assert listed[0]["full_points"] == "100"


async def test_the_unit_hears_of_it_once_it_is_published(door: Door) -> None:
    of = await an_assessment(door, "published", organization_code="410183104")
    await door.react()
    wanted = {"subject": f"assessment/{of}", "limit": "1000"}
    async with (
        await door.as_("reporter", "410183104") as town,
        await door.as_("lead", ASSESSOR) as assessor,
        await door.as_("lead", "UN10") as other,
    ):
        heard = [
            [one["type"] for one in (await client.get("/events", params=wanted)).json()["items"]]
            for client in (town, assessor, other)
        ]
        event = (await town.get("/events", params=wanted)).json()["items"][0]
    every = ["created", "submitted", "confirmed", "published"]
    assert heard == [["assessment.published"], [f"assessment.{one}" for one in every], []]
    assert (event["data"]["total"], event["data"]["colour"]) == ("88.5", "blue")


@pytest.mark.parametrize("office_unit", [None, OTHER_TOWN])
async def test_no_unit_hears_of_a_draft_whoever_the_office_is(
    door: Door, office_unit: str | None
) -> None:
    plan = with_sources().model_dump(mode="json")
    plan["supervision"]["office"] = office_unit
    await door.load(read_document(plan))
    of = await assessment_of_a_year("submitted", door)
    async with await door.as_("office") as office:
        returned = await office.post(f"/assessments/{of}/return", json={"reason": "对该镇的看法"})
        assert returned.status_code == 200, returned.text
    await door.react()
    # What an earlier release said of drafts it said to the unit, or to that of the office.
    await as_owner(
        door.held.database.dsn,
        "UPDATE event SET organization_code = $1 WHERE type = 'assessment.created'"
        " AND subject_id = $2",
        TOWN,
        of,
    )
    wanted = {"subject": f"assessment/{of}", "limit": "1000"}
    heard: dict[str, list[str]] = {}
    callers = [("reporter", TOWN), ("reporter", OTHER_TOWN), ("lead", "UN10"), ("lead", ASSESSOR)]
    for role, unit in [*callers, ("office", None), ("leader", None), ("superior", None)]:
        async with await door.as_(role, unit) as client:
            answer = await client.get("/events", params=wanted)
            heard[f"{role} {unit}"] = [one["type"] for one in answer.json()["items"]]
    every = [f"assessment.{one}" for one in ("created", "submitted", "returned")]
    assert heard.pop(f"lead {ASSESSOR}") == every
    assert heard.pop("office None") == heard.pop("leader None") == every
    assert set(map(tuple, heard.values())) == {()}, heard


async def test_a_repeat_with_its_key_and_a_trial_write_nothing_more(door: Door) -> None:
    async with await door.as_("office") as office:
        body, key = asked(organization_code="410183105"), {"Idempotency-Key": "assess-1"}
        before = await written(door)
        tried = await office.post(ASSESSMENTS, json=body, params={"validate_only": "true"})
        assert await written(door) == before
        first = await office.post(ASSESSMENTS, json=body, headers=key)
        again = await office.post(ASSESSMENTS, json=body, headers=key)
    assert (tried.json()["total"], first.json()["total"]) == ("88.5", "88.5")
    assert again.json() == first.json()
    assert await written(door) == [one + 1 for one in before]


async def test_a_list_takes_the_same_statements_for_one_and_for_many(door: Door) -> None:
    async with await door.as_("office") as office:
        await begun(office, period="2028")

        async def listed() -> httpx.Response:
            return await office.get(ASSESSMENTS, params={"period": "2028"})

        one = await fewest(door, listed, listed)
        for town in (OTHER_TOWN, STREET, "410183106"):
            await begun(office, period="2028", organization_code=town)
        many = await fewest(door, listed, listed)
        first = await office.get(ASSESSMENTS, params={"period": "2028", "page_size": "3"})
        token = first.json()["next_page_token"]
        last = await office.get(
            ASSESSMENTS, params={"period": "2028", "page_size": "3", "page_token": token}
        )
    assert one == many
    assert [len(page.json()["items"]) for page in (first, last)] == [3, 1]
    assert last.json()["next_page_token"] is None


async def test_what_names_no_sheet_is_not_found(door: Door) -> None:
    async with await door.as_("office") as office:
        missing = await office.get(f"/plans/{XINMI}/score-sheets/NONE/assessments")
        wrong = await office.get(ASSESSMENTS, params={"organization_code": "UN99"})
    assert (missing.status_code, missing.json()["code"]) == (404, "score-sheet-not-found")
    assert codes(wrong) == [("/query/organization_code", "unknown-organization")]
