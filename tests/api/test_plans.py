"""The plan as callers read it, and what the office decides beside it."""

import asyncio
import hashlib
from typing import Any

import pytest
from sqlalchemy import update

from services.core.plan.models import PlanVersion
from tests.support.api import ROOT, XINMI, Door, xinmi
from tests.support.plans import TRIAL, a_plan, an_indicator, load

pytestmark = pytest.mark.citus

PLAN = f"/plans/{XINMI}"


async def test_the_48_indicators_stand_as_printed(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        rows = (await unit.get(f"{PLAN}/indicators")).json()["items"]
    assert len(rows) == 48
    by_code = {row["code"]: row for row in rows}
    straw = by_code["U03"]
    assert (straw["printed_name"], straw["name"], straw["unit"]) == (
        "秸秆综合利用率★",
        "秸秆综合利用率",
        "%",
    )
    assert straw["baseline"] == {"year": 2022, "value": "94.78", "text": "94.78"}
    assert (straw["target"]["kind"], straw["target"]["value"], straw["target"]["text"]) == (
        "more_than",
        "95",
        ">95",
    )
    assert straw["owners"] == [{"code": "UN10", "name": "市农委", "acting": False}]
    assert "T04" in [question["id"] for question in straw["open_questions"]]
    assert by_code["U02"]["target"]["value"] == "40.65"
    assert by_code["R01"]["baseline"]["value"] is None
    assert by_code["P01"]["owners"][-1]["acting"] is True
    assert [row["selection"] for row in rows].count("mandatory") == 24


async def test_the_21_tasks_have_27_measures_with_their_units(door: Door) -> None:
    async with await door.as_("leader") as leader:
        tasks = (await leader.get(f"{PLAN}/tasks")).json()["items"]
        one = await leader.get(f"{PLAN}/tasks/14")
        none = await leader.get(f"{PLAN}/tasks/22")
    measures = {measure["code"]: measure for task in tasks for measure in task["measures"]}
    assert (len(tasks), len(measures)) == (21, 27)
    assert [unit["name"] for unit in measures["19.1"]["responsible_units"]][-2:] == [
        "刘寨镇政府",
        "伏羲山管委会",
    ]
    assert measures["14.1"]["lead_units"][0]["name"] == "市农委"
    assert one.json() == tasks[13]
    assert none.json()["code"] == "task-not-found"


async def test_the_57_organizations_are_read_by_everyone_of_the_city(door: Door) -> None:
    found: list[dict[str, Any]] = []
    async with await door.as_("audit_admin") as auditor:
        query: dict[str, Any] = {"page_size": 20}
        while True:
            page = (await auditor.get("/organizations", params=query)).json()
            found += page["items"]
            if page["next_page_token"] is None:
                break
            query["page_token"] = page["next_page_token"]
        one = await auditor.get("/organizations/UN41")
    assert len({unit["code"] for unit in found}) == len(found) == 57
    assert len(one.json()["members"]) == 13
    assert one.json()["submits"] is False


async def test_loading_the_same_document_again_changes_nothing(door: Door) -> None:
    body = (ROOT / "plans" / f"{XINMI}.yaml").read_bytes()
    async with door.client(door.admin_secret) as admin:
        again = await admin.post(
            "/plans", content=body, headers={"Content-Type": "application/yaml"}
        )
        detail = (await admin.get(PLAN)).json()
        as_json = await admin.post("/plans", json=detail["document"])
    assert (again.status_code, again.json()["outcome"]) == (200, "unchanged")
    assert as_json.json()["outcome"] == "unchanged"
    assert detail["status_text"] == "征求意见稿"


async def test_a_version_stored_before_the_format_grew_is_still_the_same_document(
    door: Door,
) -> None:
    plan = a_plan(an_indicator("A1"), code="410183-elder")
    await load(door, plan)
    elder = plan.model_dump(mode="json", exclude_defaults=True)
    async with door.held.database.transaction() as session:
        # What a release stored that knew none of the members that have defaults.
        await session.execute(
            update(PlanVersion)
            .where(PlanVersion.city_code == plan.city.code, PlanVersion.plan_code == plan.code)
            .values(document=elder, digest=hashlib.sha256(b"of that release").digest())
        )
    body = plan.model_dump(mode="json")
    async with door.client(door.admin_secret) as admin:
        same = await admin.post("/plans", json=body)
        other = await admin.post("/plans", json={**body, "time_zone": "Asia/Urumqi"})
        again = await admin.post("/plans", json={**body, "time_zone": "Asia/Urumqi"})
    assert elder.keys() < body.keys()
    assert (same.status_code, same.json()["outcome"], same.json()["version"]) == (
        200,
        "unchanged",
        1,
    )
    assert (other.json()["outcome"], other.json()["version"]) == ("new_version", 2)
    assert (again.json()["outcome"], again.json()["version"]) == ("unchanged", 2)


async def test_others_are_answered_while_a_document_is_read(door: Door) -> None:
    heavy = b"indicators:\n" + b"- [1, 2, 3]\n" * 30_000
    answered = 0
    async with door.client(door.admin_secret) as admin, await door.as_("leader") as leader:
        sent = asyncio.create_task(
            admin.post("/plans", content=heavy, headers={"Content-Type": "application/yaml"})
        )
        while not sent.done():
            assert (await leader.get(f"{PLAN}/tasks/1")).status_code == 200
            answered += 1
        refused = await sent
    assert refused.json()["code"] == "invalid-plan"
    # Read in the event loop it would let one pass before, and one after.
    assert answered > 3


async def test_a_document_means_what_yaml_1_2_says(door: Door) -> None:
    document = (ROOT / "plans/examples/green-development-index.yaml").read_text("utf-8")
    odd = document.replace("title: 绿色发展指数（2016年）", "title: 1:30").replace(
        "annual: 31", "annual: 017"
    )
    async with door.client(door.admin_secret) as admin:
        made = await admin.post(
            "/plans", content=odd.encode(), headers={"Content-Type": "application/yaml"}
        )
        assert made.status_code == 201, made.text
        read = (await admin.get("/plans/110000-2016")).json()
    assert read["title"] == "1:30"
    assert read["document"]["due_days"]["annual"] == 17


async def test_a_documents_faults_are_told_at_once_with_their_paths(door: Door) -> None:
    document = xinmi().model_dump(mode="json")
    document["indicators"][0]["group"] = "NOPE"
    document["indicators"][3]["targets"][0]["value"] = "sixteen"
    del document["title"]
    async with door.client(door.admin_secret) as admin:
        answer = await admin.post("/plans", json=document)
        csv = await admin.post("/plans", content=b"a,b", headers={"Content-Type": "text/csv"})
        broken = await admin.post(
            "/plans", content=b"{", headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-plan")
    assert {"/indicators/0/group", "/indicators/3/targets/0/value", "/title"} <= {
        fault["pointer"] for fault in answer.json()["errors"]
    }
    assert (csv.status_code, csv.json()["code"]) == (415, "unsupported-media-type")
    assert "application/yaml" in csv.json()["detail"]
    assert (broken.status_code, broken.json()["code"]) == (400, "malformed-body")


async def test_an_assigned_target_is_recorded_and_the_earlier_one_stays(door: Door) -> None:
    path = f"{PLAN}/indicators/R01/targets/2025"
    first = {
        "kind": "at_most",
        "value": "0.60",
        "document_number": "郑环文〔2025〕18号",
        "document_date": "2025-03-20",
    }
    async with await door.as_("superior") as superior, await door.as_("office") as office:
        made = await superior.put(path, json=first)
        blind = await office.put(path, json={**first, "value": "0.55"})
        now = await office.get(f"{PLAN}/indicators/R01")
        stale = await office.put(path, json=first, headers={"If-Match": '"x"'})
        again = await office.put(
            path, json={**first, "value": "0.55"}, headers={"If-Match": now.headers["ETag"]}
        )
        after = await office.get(f"{PLAN}/indicators/R01")
        kept = (await office.get(path)).json()["items"]
        printed = await office.put(f"{PLAN}/indicators/U08/targets/2025", json=first)
        wordless = await office.put(
            f"{PLAN}/indicators/R02/targets/2025", json={**first, "value": None}
        )
    assert (made.status_code, made.json()["value"]) == (200, "0.6")
    assert (blind.status_code, stale.status_code, again.status_code) == (428, 412, 200)
    assert now.json()["target"]["assigned"]["value"] == "0.6"
    assert after.json()["target"]["assigned"]["value"] == "0.55"
    assert after.headers["ETag"] == again.headers["ETag"]
    assert [row["value"] for row in kept] == ["0.6", "0.55"]
    assert printed.json()["code"] == "target-not-assignable"
    assert {fault["code"] for fault in wordless.json()["errors"]} == {
        "value-required",
        "text-required",
    }


_LETTER = {"document_number": "郑环文〔2025〕18号", "document_date": "2025-03-20"}


async def test_a_range_and_several_conditions_can_be_assigned(door: Door) -> None:
    path = f"{PLAN}/indicators/R02/targets/2025"
    conditions = [{"kind": "at_most", "value": "0.60"}, {"kind": "falling"}]
    range_ = {"kind": "between", "value": "3", "upper": "5.0", **_LETTER}
    several = {"kind": "any_of", "conditions": conditions, "text": "≤0.6或逐年下降", **_LETTER}
    async with await door.as_("superior") as superior, await door.as_("office") as office:
        made = await superior.put(path, json=range_)
        tag = (await superior.get(f"{PLAN}/indicators/R02")).headers["ETag"]
        again = await superior.put(path, json=several, headers={"If-Match": tag})
        kept = (await office.get(path)).json()["items"]
        shown = (await office.get(f"{PLAN}/indicators/R02")).json()["target"]["assigned"]
        await door.react()
        events = await office.get("/events", params={"types": "target.assigned", "limit": 500})
    assert (made.status_code, again.status_code) == (200, 200), again.text
    assert (made.json()["value"], made.json()["upper"]) == ("3", "5")
    assert made.json()["conditions"] == []
    assert [row["kind"] for row in kept] == ["between", "any_of"]
    assert (
        shown["conditions"]
        == kept[1]["conditions"]
        == [
            {"kind": "at_most", "value": "0.6", "upper": None},
            {"kind": "falling", "value": None, "upper": None},
        ]
    )
    told = [one["data"] for one in events.json()["items"] if one["data"]["indicator_code"] == "R02"]
    assert [one["upper"] for one in told] == ["5", None]
    assert told[1]["conditions"] == shown["conditions"]


@pytest.mark.parametrize("year", ["1999", "2024", "2026", "2027", "2028", "2099", "2100"])
async def test_a_target_is_assigned_for_a_year_of_the_plan_that_it_does_not_print(
    door: Door, year: str
) -> None:
    printed = {"year": 2026, "kind": "at_least", "value": "50", "text": "≥50"}
    left = {"year": 2027, "kind": "assigned_by_superior", "text": "下达"}
    await load(door, a_plan(an_indicator("A1", targets=[printed, left])))
    body = {"kind": "at_least", "value": "10", "text": "≥10", **_LETTER}
    async with await door.as_("superior") as superior:
        answer = await superior.put(f"/plans/{TRIAL}/indicators/A1/targets/{year}", json=body)
    said = answer.json()
    if year == "2027":
        assert answer.status_code == 200, answer.text
    elif year == "2026":
        assert (answer.status_code, said["code"]) == (409, "target-not-assignable")
    else:
        assert answer.status_code == 422, answer.text
        assert [(one["pointer"], one["code"]) for one in said["errors"]] == [
            ("/path/year", "year-outside-plan")
        ]


@pytest.mark.parametrize(
    ("body", "faults"),
    [
        ({"kind": "between", "value": "3"}, {("/upper", "upper-required")}),
        ({"kind": "between", "value": "5", "upper": "3"}, {("/upper", "range-order")}),
        ({"kind": "between", "upper": "3", "text": "至多3"}, {("/value", "value-required")}),
        (
            {"kind": "at_most", "value": "3", "upper": "5"},
            {("/upper", "upper-not-expected")},
        ),
        (
            {"kind": "all_of", "text": "x", "conditions": [{"kind": "falling"}]},
            {("/conditions", "conditions-required")},
        ),
        (
            {"kind": "at_most", "value": "3", "conditions": [{"kind": "falling"}]},
            {("/conditions", "conditions-not-expected")},
        ),
        (
            {"kind": "any_of", "conditions": [{"kind": "falling"}, {"kind": "at_most"}]},
            {("/conditions/1/value", "value-required"), ("/text", "text-required")},
        ),
        ({"kind": "at_least", "value": "3"}, {("/kind", "direction-contradicts-kind")}),
        (
            {
                "kind": "all_of",
                "text": "x",
                "conditions": [{"kind": "falling"}, {"kind": "at_least", "value": "1"}],
            },
            set(),
        ),
        (
            {
                "kind": "any_of",
                "text": "x",
                "conditions": [{"kind": "falling"}, {"kind": "rising"}],
            },
            {("/conditions/1/kind", "direction-contradicts-kind")},
        ),
        (
            {
                "kind": "any_of",
                "text": "x",
                "conditions": [{"kind": "not_worse"}, {"kind": "rising"}],
            },
            {("/conditions/1/kind", "direction-contradicts-kind")},
        ),
        ({"kind": "assigned_by_superior", "text": "x"}, {("/kind", "kind-not-assignable")}),
    ],
)
async def test_an_assigned_target_is_checked_like_a_printed_one(
    door: Door, body: dict[str, Any], faults: set[tuple[str, str]]
) -> None:
    path = f"{PLAN}/indicators/R01/targets/2024"
    async with await door.as_("superior") as superior:
        answer = await superior.put(
            path, json={**body, **_LETTER}, params={"validate_only": "true"}
        )
    found = {(one["pointer"], one["code"]) for one in answer.json().get("errors", [])}
    assert (answer.status_code, found) == (422 if faults else 200, faults)


async def test_a_settled_question_keeps_the_printed_words_beside_the_decision(door: Door) -> None:
    path = f"{PLAN}/open-questions/T01/settle"
    decision = {
        "decision": "−2.4 为下降率",
        "document_number": "新统函〔2025〕3号",
        "document_date": "2025-05-06",
    }
    async with await door.as_("office") as office, await door.as_("leader") as leader:
        refused = await leader.post(path, json=decision)
        settled = await office.post(path, json=decision)
        again = await office.post(path, json=decision)
        unknown = await office.post(f"{PLAN}/open-questions/T99/settle", json=decision)
        row = (await leader.get(f"{PLAN}/indicators/R07")).json()
    assert refused.status_code == 403
    assert settled.json()["settlement"]["document_number"] == "新统函〔2025〕3号"
    assert again.json()["code"] == "question-already-settled"
    assert unknown.json()["code"] == "open-question-not-found"
    question = next(one for one in row["open_questions"] if one["id"] == "T01")
    assert question["settlement"]["decision"] == "−2.4 为下降率"
    assert row["baseline"]["text"] == "-2.4"


@pytest.mark.parametrize("code", ["2025-13", "2025-Q5", "25", "2025-H3"])
async def test_a_period_that_is_none_is_refused(door: Door, code: str) -> None:
    async with await door.as_("office") as office:
        answer = await office.post(f"{PLAN}/periods/{code}/open")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "invalid-period")


async def test_an_unchanged_representation_is_not_sent_again(door: Door) -> None:
    async with await door.as_("leader") as leader:
        for path in (f"{PLAN}/indicators", f"{PLAN}/tasks", PLAN, f"{PLAN}/indicators/U08"):
            first = await leader.get(path)
            second = await leader.get(path, headers={"If-None-Match": first.headers["ETag"]})
            assert (first.status_code, second.status_code, second.content) == (200, 304, b"")
