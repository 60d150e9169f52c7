"""What subjects lost points for, as a list by month: within reach, narrowed, paged, as a table."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door, open_door, xinmi
from tests.support.assessments import (
    ASSESSOR,
    FOUND,
    OTHER_TOWN,
    SHEETS_OF_PLAN,
    TOWN,
    a_sheet,
    an_assessment,
)
from tests.support.observed import load_sources

LIST = f"/plans/{XINMI}/assessment-findings"


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API with score sheets, and no assessment."""
    async with open_door(database_url) as opened:
        await load_sources(opened)
        yield opened


async def listed(client: httpx.AsyncClient, **asked: str) -> list[dict[str, Any]]:
    answer = await client.get(LIST, params=asked)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def told(items: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one["subject_key"], one["item_code"], one["lost"]) for one in items]


async def test_each_item_that_lost_points_is_listed_with_how_many_and_for_what(door: Door) -> None:
    made = await an_assessment(door, "published", findings={**FOUND, "D1": {"count": 0}})
    await an_assessment(door, "draft", organization_code=OTHER_TOWN)
    async with await door.as_("office") as office:
        items = await listed(office)
        whole = (await office.get(f"/assessments/{made}")).json()
    assert told(items) == [(TOWN, "A1", "4"), (TOWN, "B1", "6"), (TOWN, "B2", "1.5")]
    by_code = {one["code"]: one for one in whole["results"]}
    for one in items:
        item = by_code[one["item_code"]]
        same = ("full", "points", "reason", "reason_en", "section")
        assert {name: one[name] for name in same} == {name: item[name] for name in same}
        assert one["assessment_id"] == made
        assert one["month"] == whole["published_on"][:7]
        assert (one["period"], one["state"], one["sheet_name"]) == (
            "2025",
            "published",
            whole["sheet_name"],
        )


async def test_whoever_assesses_sees_what_was_confirmed_and_a_unit_its_own_published(
    door: Door,
) -> None:
    await an_assessment(door, "confirmed", findings=FOUND)
    await an_assessment(door, "published", findings=FOUND, organization_code=OTHER_TOWN)
    seen = {}
    for role, unit in (
        ("office", None),
        ("lead", ASSESSOR),
        ("reporter", TOWN),
        ("reporter", OTHER_TOWN),
        ("superior", None),
        ("lead", "UN10"),
    ):
        async with await door.as_(role, unit) as client:
            answer = (await client.get(LIST)).json()
        seen[role, unit] = {one["subject_key"] for one in answer["items"]}
        assert answer["limited_to_scope"] is (role in {"reporter", "lead", "superior"})
    assert seen == {
        ("office", None): {TOWN, OTHER_TOWN},
        ("lead", ASSESSOR): {TOWN, OTHER_TOWN},
        ("reporter", TOWN): set(),
        ("reporter", OTHER_TOWN): {OTHER_TOWN},
        ("superior", None): {OTHER_TOWN},
        ("lead", "UN10"): set(),
    }


async def test_it_is_narrowed_and_read_page_by_page_to_the_last(door: Door) -> None:
    await an_assessment(door, "published", findings=FOUND)
    await an_assessment(door, "confirmed", period="2024", findings=FOUND)
    await an_assessment(door, "confirmed", findings=FOUND, organization_code=OTHER_TOWN)
    async with await door.as_("office") as office:
        every = await listed(office)
        assert len(every) == 9
        pages, token = [], None
        while True:
            asked = {"page_size": "2"} | ({"page_token": token} if token else {})
            answer = (await office.get(LIST, params=asked)).json()
            pages.append(answer["items"])
            token = answer["next_page_token"]
            if token is None:
                break
        assert [len(one) for one in pages] == [2, 2, 2, 2, 1]
        assert [one for page in pages for one in page] == every
        (month,) = {one["month"] for one in every}
        for asked, expected in (
            ({"organization_code": OTHER_TOWN}, 3),
            ({"item_code": "B2"}, 3),
            ({"item_code": "B2", "period": "2024"}, 1),
            ({"sheet_code": "TOWN"}, 9),
            ({"sheet_code": "VILLAGE"}, 0),
            ({"month": month}, 9),
            ({"month": "2023-02"}, 0),
        ):
            assert len(await listed(office, **asked)) == expected, asked
        table = await office.get(f"{LIST}.csv", params={"item_code": "B1"})
        for asked, code in (
            ({"sheet_code": "NONE"}, "unknown-score-sheet"),
            ({"organization_code": "UN99"}, "unknown-organization"),
            ({"month": "2025"}, "period-of-another-frequency"),
            ({"month": "2025-13"}, "bad-period"),
        ):
            refused = await office.get(LIST, params=asked)
            assert refused.status_code == 422, asked
            if code != "bad-period":
                assert refused.json()["errors"][0]["code"] == code
    lines = table.text.splitlines()
    assert len(lines) == 4
    assert {"month", "subject_name", "item_code", "lost", "reason"} <= set(lines[0].split(","))


async def test_of_a_monthly_sheet_the_month_is_the_one_that_was_assessed(door: Door) -> None:
    written = xinmi().model_dump(mode="json", exclude_none=True)
    monthly = a_sheet(code="MONTHLY", cycle="monthly")
    await door.load(read_document({**written, "score_sheets": [monthly]}))
    await door.forget_everything()
    path = f"{SHEETS_OF_PLAN}/MONTHLY/assessments"
    async with await door.as_("lead", ASSESSOR) as lead, await door.as_("office") as office:
        body = {"period": "2025-09", "organization_code": TOWN, "findings": FOUND}
        made = (await lead.post(path, json=body)).json()
        for client, verb in ((lead, "submit"), (office, "confirm"), (office, "publish")):
            answer = await client.post(f"/assessments/{made['id']}/{verb}")
            assert answer.status_code == 200, answer.text
        items = await listed(office, month="2025-09")
    assert {one["month"] for one in items} == {"2025-09"}
    assert told(items) == [(TOWN, "A1", "4"), (TOWN, "B1", "6"), (TOWN, "B2", "1.5")]
