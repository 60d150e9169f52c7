"""Evidence that the plan asks for holds at every door through which something is handed in."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.core.kit.ids import new_id
from services.core.plan.rules import read_document
from tests.support.api import Door, a_submission, xinmi
from tests.support.evidence import PDF, TEXT, added, png
from tests.support.imports import csv_of, row_of, work
from tests.support.milestones import BODIES, LEAD, a_milestone
from tests.support.reported import a_period

STRICT = "410183-2031"
MISSING = "evidence-missing"


@pytest.fixture(scope="module")
async def strict(door: Door) -> Door:
    """The plan of Xinmi under another code, which asks for two documents of U08 and of 14.1."""
    plan: Any = xinmi().model_dump(mode="json")
    for one in plan["indicators"]:
        if one["code"] == "U08":
            one["evidence"] = {"min_files": 2, "types": ["pdf", "png"]}
    for task in plan["tasks"]:
        for measure in task["measures"]:
            measure["evidence"] = {"min_files": 1}
    plan["evidence"] = {"max_files": 3, "types": ["pdf", "png", "txt"]}
    await door.load(read_document({**plan, "code": STRICT}))
    return door


@pytest.fixture
async def unit(strict: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with await strict.as_("reporter", "UN15") as client:
        yield client


async def a_draft(unit: httpx.AsyncClient, period: str) -> str:
    made = await unit.post(
        f"/plans/{STRICT}/submissions", json=a_submission(period=period, draft=True)
    )
    assert made.status_code == 201, made.text
    assert made.json()["evidence_missing"] == 2
    return str(made.json()["id"])


async def with_evidence(unit: httpx.AsyncClient, period: str) -> str:
    draft = await a_draft(unit, period)
    for content, name in ((PDF, "一.pdf"), (png(), "二.png")):
        assert (await added(unit, f"submissions/{draft}", content, name)).status_code == 201
    return draft


def codes(problem: Any) -> list[str]:
    return [one["code"] for one in problem["errors"]]


async def test_a_value_is_not_handed_in_before_its_evidence_is_there(
    unit: httpx.AsyncClient,
) -> None:
    period = a_period()
    path = f"/plans/{STRICT}/submissions"
    for params in ({}, {"validate_only": "true"}):
        at_once = await unit.post(path, json=a_submission(period=period), params=params)
        assert (at_once.status_code, codes(at_once.json())) == (422, [MISSING])
        assert "draft" in at_once.json()["errors"][0]["detail"]
    draft = await a_draft(unit, period)
    await added(unit, f"submissions/{draft}", TEXT, "不算.txt")
    await added(unit, f"submissions/{draft}", PDF, "一.pdf")
    for params in ({"validate_only": "true"}, {}):
        early = await unit.post(f"/submissions/{draft}/submit", params=params)
        assert (early.status_code, codes(early.json())) == (422, [MISSING])
        assert "has 1" in early.json()["errors"][0]["detail"]
    listed = (await unit.get(f"/submissions/{draft}/evidence")).json()
    assert listed["required"] == {"min_files": 2, "types": ["pdf", "png"], "there": 1}
    assert listed["limits"]["max_files"] == 3
    await added(unit, f"submissions/{draft}", png(), "二.png")
    full = await added(unit, f"submissions/{draft}", png(), "三.png")
    assert (full.status_code, full.json()["code"]) == (409, "too-many-files")
    done = await unit.post(f"/submissions/{draft}/submit")
    assert (done.status_code, done.json()["evidence_missing"]) == (200, 0)


async def test_what_does_not_apply_needs_none(unit: httpx.AsyncClient) -> None:
    body = a_submission(period=a_period(), value=None, not_applicable_reason="本年无此业务")
    answer = await unit.post(f"/plans/{STRICT}/submissions", json=body)
    assert (answer.status_code, answer.json()["evidence_missing"]) == (201, 0)


async def test_a_batch_and_the_bulk_verbs_ask_for_it_row_by_row(unit: httpx.AsyncClient) -> None:
    new, lacking, whole = a_period(), a_period(), a_period()
    lacks, has = await a_draft(unit, lacking), await with_evidence(unit, whole)
    rows = [a_submission(period=period) for period in (new, lacking, whole)]
    path = f"/plans/{STRICT}/submissions/batch"
    answer = (await unit.post(path, json={"items": rows})).json()
    assert [one["outcome"] for one in answer["items"]] == ["rejected", "rejected", "updated"]
    assert [one["errors"][0]["code"] for one in answer["items"][:2]] == [MISSING, MISSING]
    assert answer["items"][0]["errors"][0]["pointer"] == "/items/0/evidence"
    kept = await unit.post(path, json={"items": [a_submission(period=new, draft=True)]})
    assert kept.json()["created"] == 1

    other = await with_evidence(unit, a_period())
    bulk = await unit.post(
        f"/plans/{STRICT}/submissions/submit",
        json={"items": [{"id": lacks}, {"id": other}]},
    )
    told = bulk.json()["items"]
    assert [one["status"] for one in told] == [422, 200], bulk.text
    assert MISSING in str(told[0])
    assert (await unit.get(f"/submissions/{has}")).json()["state"] == "submitted"


@pytest.mark.parametrize(("params", "told"), [({}, [MISSING]), ({"draft": "true"}, [])])
async def test_a_sheet_says_it_in_the_row(
    strict: Door, unit: httpx.AsyncClient, params: dict[str, str], told: list[str]
) -> None:
    content = csv_of(row_of("U08", a_period(), "40.65", 单位="UN15"))
    begun = await unit.post(f"/plans/{STRICT}/imports", content=content, params=params)
    assert begun.status_code == 202, begun.text
    await work(strict)
    faults = await unit.get(f"/imports/{begun.json()['request']['import_id']}/faults")
    assert [one["code"] for one in faults.json()["items"]] == told


async def test_a_device_is_told_the_same(unit: httpx.AsyncClient) -> None:
    draft = await a_draft(unit, a_period())
    writes = [
        {
            "id": str(new_id()),
            "kind": "submission.create",
            "submission_id": str(new_id()),
            "data": a_submission(period=a_period()),
        },
        {
            "id": str(new_id()),
            "kind": "submission.submit",
            "submission_id": draft,
            "base_version": 1,
        },
    ]
    answer = await unit.post("/sync", json={"plan": STRICT, "writes": writes})
    assert answer.status_code == 200, answer.text
    told = answer.json()["results"]
    assert [one["outcome"] for one in told] == ["refused", "refused"]
    assert all(MISSING in str(one) for one in told)


async def test_the_form_and_the_plan_say_so(unit: httpx.AsyncClient) -> None:
    rule = {"min_files": 2, "types": ["pdf", "png"]}
    form = (await unit.get(f"/plans/{STRICT}/form?period=2025&organization_code=UN15")).json()
    cell = next(one for one in form["cells"] if one["indicator_code"] == "U08")
    assert cell["evidence"] == rule
    indicator = (await unit.get(f"/plans/{STRICT}/indicators/U08")).json()
    assert indicator["evidence"] == rule


async def test_a_milestone_is_not_completed_before_it(strict: Door) -> None:
    async with await strict.as_("office") as office:
        made = (await office.post(f"/plans/{STRICT}/milestones", json=a_milestone())).json()
    assert made["evidence_missing"] == 1
    path = f"/milestones/{made['id']}"
    async with await strict.as_("reporter", LEAD) as unit:
        await unit.post(f"{path}/accept")
        body = BODIES["complete"]
        early = await unit.post(f"{path}/complete", json=body)
        assert (early.status_code, codes(early.json())) == (422, [MISSING])
        assert f"/v1{path}/evidence" in early.json()["errors"][0]["detail"]
        assert (await added(unit, path.lstrip("/"), TEXT, "验收.txt")).status_code == 201
        assert (await unit.post(f"{path}/complete", json=body)).status_code == 200
