"""Many assessments at once: begun or changed by subject and period, each told of by itself."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from services.core.kit.ids import new_id
from tests.support.api import Door
from tests.support.assessments import (
    ASSESSMENTS,
    ASSESSOR,
    FOUND,
    OTHER_TOWN,
    SHEETS_OF_PLAN,
    STREET,
    TOWN,
    an_assessment,
    asked,
    begun,
)
from tests.support.observed import load_sources
from tests.support.registers import added_row
from tests.support.statements_counted import statements_of
from tests.support.waiting import all_wait

BATCH = f"{ASSESSMENTS}/batch"


@pytest.fixture(autouse=True)
async def sheets(door: Door) -> None:
    await load_sources(door)


async def sent(client: Any, *items: dict[str, Any], path: str = BATCH) -> dict[str, Any]:
    answer = await client.post(path, json={"items": list(items)})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def outcomes(report: dict[str, Any]) -> list[str]:
    return [one["outcome"] for one in report["items"]]


async def written(door: Door) -> list[int]:
    tables = ("assessment", "assessment_history", "event WHERE type LIKE 'assessment.%'")
    fetch = door.held.database.pool.fetchval
    return [await fetch(f"SELECT count(*) FROM {one}") for one in tables]


async def test_each_is_begun_changed_left_or_rejected_by_itself(door: Door) -> None:
    async with await door.as_("lead", ASSESSOR) as assessor:
        draft = await begun(assessor, period="2021", findings={"A1": {"missing": []}})
        handed_in = await an_assessment(door, "submitted", period="2022")
        before = await written(door)
        items = [
            asked(period="2021", findings={"B1": {"count": 3}}),
            asked(period="2021", organization_code=OTHER_TOWN),
            asked(period="2022"),
            asked(period="2021-Q1", organization_code="UN", findings={"B1": {"sampled": 3}}),
            asked(period="2023", organization_code=STREET),
            asked(period="2023", organization_code=STREET),
        ]
        report = await sent(assessor, *items)
        after = await written(door)
        again = await sent(assessor, *items[:2])
        changed = (await assessor.get(f"/assessments/{draft['id']}")).json()
        history = (await assessor.get(f"/assessments/{draft['id']}/history")).json()["items"]
        made = (await assessor.get(f"/assessments/{report['items'][1]['id']}")).json()
        alone = await assessor.post(ASSESSMENTS, json=asked(period="2024"))
    assert outcomes(report) == ["updated", "created", *["rejected"] * 4], report
    assert [report[name] for name in ("created", "updated", "unchanged", "rejected")] == [
        1,
        1,
        0,
        4,
    ]
    assert [n - m for m, n in zip(before, after, strict=True)] == [1, 2, 2]
    assert set(changed["findings"]) == {"A1", "B1"}
    assert [one["action"] for one in history] == ["created", "changed"]
    told = alone.json()
    same = ("total", "colour", "results", "findings", "state", "sheet_version", "comparable_group")
    assert {name: made[name] for name in same} == {name: told[name] for name in same}
    assert (report["items"][1]["total"], report["items"][1]["colour"]) == ("88.5", "blue")
    faults = [
        sorted((one["pointer"], one["code"]) for one in each["errors"]) for each in report["items"]
    ]
    assert faults[2] == [("", "assessment-not-draft")]
    assert faults[3] == [
        ("/findings/B1/count", "missing"),
        ("/findings/B1/sampled", "not-of-this-item"),
        ("/organization_code", "unknown-organization"),
        ("/period", "period-of-another-frequency"),
    ]
    assert faults[4] == faults[5] == [("", "duplicate-item")]
    assert outcomes(again) == ["unchanged", "unchanged"]
    assert handed_in


async def test_rows_of_a_register_are_assessed_and_unknown_ones_rejected(door: Door) -> None:
    async with await door.as_("office") as office:
        row = await added_row(office)
        items: list[dict[str, Any]] = [
            {"period": "2025", "row_id": one, "findings": {}} for one in (row["id"], new_id())
        ]
        report = await sent(
            office,
            *({**one, "row_id": str(one["row_id"])} for one in items),
            path=f"{SHEETS_OF_PLAN}/CELL/assessments/batch",
        )
    assert outcomes(report) == ["created", "rejected"]
    assert [one["code"] for one in report["items"][1]["errors"]] == ["unknown-row"]


async def test_the_shape_of_one_is_its_own_fault_and_of_the_batch_the_calls(door: Door) -> None:
    async with await door.as_("office") as office:
        report = await sent(office, {"period": 3}, asked(period="2030"))
        empty = await office.post(BATCH, json={"items": []})
    assert outcomes(report) == ["rejected", "created"]
    assert report["items"][0]["errors"][0]["pointer"] == "/period"
    assert empty.status_code == 422


async def test_who_does_not_assess_by_the_sheet_writes_nothing(door: Door) -> None:
    before = await written(door)
    async with await door.as_("lead", "UN10") as other:
        answer = await other.post(BATCH, json={"items": [asked(period="2031")]})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert await written(door) == before


async def test_nobody_confirms_what_they_changed_by_a_batch(door: Door) -> None:
    async with await door.as_("lead", ASSESSOR) as assessor, await door.as_("office") as office:
        made = await begun(office, period="2032")
        await sent(assessor, asked(period="2032", findings={"B1": {"count": 4}}))
        await assessor.post(f"/assessments/{made['id']}/submit")
        answers = [
            await client.post(f"/assessments/{made['id']}/confirm") for client in (assessor, office)
        ]
    assert [one.json()["code"] for one in answers] == ["own-assessment", "own-assessment"]


async def test_many_take_as_many_statements_as_two(door: Door) -> None:
    counted = []
    async with await door.as_("office") as office:
        for first, amount in ((2040, 2), (2042, 2), (2044, 30)):
            years = range(first, first + amount)
            items = [asked(period=str(one), findings={}) for one in years]
            with statements_of(door) as statements:
                report = await sent(office, *items)
            assert report["created"] == amount
            with statements_of(door) as more:
                report = await sent(office, *({**one, "findings": FOUND} for one in items))
            assert report["updated"] == amount
            counted.append((len(statements), len(more)))
    assert counted[1] == counted[2]


async def test_two_calls_at_once_begin_one(door: Door) -> None:
    body = {"items": [asked(period="2098", organization_code=one) for one in (TOWN, OTHER_TOWN)]}
    single = asked(period="2098", findings={})
    async with await door.as_("office") as office, await door.as_("lead", ASSESSOR) as assessor:
        answers = await asyncio.gather(
            office.post(BATCH, json=body),
            assessor.post(BATCH, json=body),
            office.post(ASSESSMENTS, json=single),
        )
        found = (await office.get(ASSESSMENTS, params={"period": "2098"})).json()["items"]
    assert [one.status_code for one in answers[:2]] == [200, 200]
    assert answers[2].status_code in {201, 409}
    assert sorted(one["subject_key"] for one in found) == [TOWN, OTHER_TOWN]


_BEGUN_BY_ANOTHER = """
INSERT INTO assessment
SELECT (jsonb_populate_record(a, jsonb_build_object('id', $2::text, 'period', $3::text))).*
FROM assessment AS a WHERE a.city_code = '410183' AND a.id = $1
"""


@pytest.mark.parametrize(
    ("path", "code"), [(BATCH, "batch-contended"), (ASSESSMENTS, "assessment-exists")]
)
async def test_what_another_process_begins_meanwhile_is_no_fault_of_ours(
    door: Door, path: str, code: str
) -> None:
    period = "2097" if path == BATCH else "2096"
    item = asked(period=period, organization_code=OTHER_TOWN)
    async with await door.as_("office") as office:
        made = await begun(office, **{**item, "period": f"{int(period) - 40}"})
        (answer,) = await all_wait(
            door.held.database.dsn,
            office.post(path, json={"items": [item]} if path == BATCH else item),
            statement=_BEGUN_BY_ANOTHER,
            # As a process of an earlier release writes: it holds no name that ours wait for.
            values=(UUID(made["id"]), str(new_id()), period),
        )
        again = await office.post(path, json={"items": [item]} if path == BATCH else item)
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert again.status_code == (200 if path == BATCH else 409), again.text
