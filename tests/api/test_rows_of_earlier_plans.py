"""Rows that an earlier version of the plan took: judged by the one in force, each by itself."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.api import Door, open_door
from tests.support.device import a_write
from tests.support.imports import work
from tests.support.plans import TRIAL, a_plan, an_indicator, load

UNIT, OTHER = "UN22", "UN10"
ROWS = f"/plans/{TRIAL}/registers/LIST/rows"
FORM = f"/plans/{TRIAL}/registers/LIST/form.xlsx"
Client = httpx.AsyncClient

CHOICES = [{"code": "old", "name": "旧"}, {"code": "new", "name": "新"}]
BEFORE: dict[str, Any] = {
    "code": "LIST",
    "name": "名单",
    "columns": [
        {"code": "name", "name": "名称", "type": "text", "required": True},
        {"code": "said", "name": "批次", "type": "text"},
        {"code": "kind", "name": "类别", "type": "choice", "choices": CHOICES},
        {"code": "note", "name": "备注", "type": "text"},
    ],
    "key": ["name"],
    "keepers": [UNIT],
    "leads": [OTHER],
}
WORDS = "第二批"

DATE = {"type": "date"}
NUMBER = {"type": "decimal"}
BECOMES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "the first day": (DATE, {"valid_from": "said"}),
    "the last day": (DATE, {"valid_to": "said", "renewal": {}}),
    "the day it was looked at": (DATE, {"recheck": "said", "cycle": "annual"}),
    "the day of a measure": (
        DATE,
        {
            "measures": [
                {"code": "all", "name": "数", "kind": "count", "at": "in_period", "day": "said"}
            ],
            "quota": {
                "by": "kind",
                "measure": "all",
                "over": "refused",
                "numbers": [{"year": 2025, "choice": "new", "wanted": 3}],
            },
        },
    ),
    "a number of a check": (
        NUMBER,
        {
            "checks": [
                {
                    "code": "most",
                    "name": "不超过十",
                    "left": [{"column": "said"}],
                    "operator": "<=",
                    "right": [{"constant": "10"}],
                }
            ]
        },
    ),
    "a number that evidence hangs on": (
        NUMBER,
        {
            "evidence": [
                {"name": "附件", "min_files": 1, "where": [{"column": "said", "minimum": "10"}]}
            ]
        },
    ),
}
"""What the column of words is by the later plan, and what else of the register is another then."""


def register(column: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return the register with its column of words as another, and other changes."""
    columns = [one | column if one["code"] == "said" else one for one in BEFORE["columns"]]
    return {**BEFORE, "columns": columns, **changes}


async def put(door: Door, *registers: dict[str, Any]) -> None:
    document = a_plan(an_indicator("R1"), registers=list(registers), score_sheets=[])
    await load(door, document)


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        await put(opened, BEFORE)
        yield opened


@pytest.fixture
async def unit(door: Door) -> AsyncIterator[Client]:
    async with await door.as_("reporter", UNIT) as client:
        yield client


def a_row(name: str, **values: Any) -> dict[str, Any]:
    return {"organization_code": UNIT, "values": {"name": name, **values}}


async def written(client: Client, name: str, **values: Any) -> str:
    """Return the path of a new row."""
    answer = await client.post(ROWS, json=a_row(name, **values))
    assert answer.status_code == 201, answer.text
    return f"/register-rows/{answer.json()['id']}"


def told(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    return [one["pointer"] for one in answer.json()["errors"]]


def shown(item: dict[str, Any]) -> tuple[str, list[str]]:
    return item["outcome"], [one["pointer"] for one in item["errors"]]


@pytest.mark.parametrize("what", BECOMES)
async def test_words_where_the_plan_asks_for_more_by_now_are_a_fault_of_that_row(
    door: Door, unit: Client, what: str
) -> None:
    path, draft = await written(unit, "甲", said=WORDS), await written(unit, "乙", said=WORDS)
    column, changes = BECOMES[what]
    async with await door.as_("office") as office:
        assert (await office.post(f"{path}/confirm")).status_code == 200
        await put(door, register(column, **changes))
        match = {"If-Match": "*"}
        edited = await unit.patch(path, json={"values": {"note": "新"}}, headers=match)
        confirmed = await office.post(f"{draft}/confirm")
        one = await unit.get(path)
        listed = await unit.get(ROWS)
        findings = await unit.get(f"{path}/findings")
        quotas = await office.get(f"/plans/{TRIAL}/registers/LIST/quotas?period=2025")
    assert told(edited) == ["/values/said"]
    assert told(confirmed) == ["/values/said"]
    assert (one.status_code, listed.status_code, findings.status_code) == (200, 200, 200)
    assert quotas.status_code in {200, 404}
    mended = await unit.patch(draft, json={"values": {"said": None}}, headers=match)
    assert mended.status_code == 200, "what does not fit is taken back, or written anew"


async def test_one_such_row_keeps_no_other_of_a_batch_out(door: Door, unit: Client) -> None:
    await written(unit, "甲", said=WORDS)
    await put(door, register(DATE, valid_from="said"))
    items = [a_row(f"新{at}", said="2025-03-20") for at in range(5)]
    for asked in ({"validate_only": "true"}, {}):
        answer = await unit.post(
            f"{ROWS}/batch", json={"items": [*items, a_row("甲", note="新")]}, params=asked
        )
        assert answer.status_code == 200, answer.text
        assert [shown(one) for one in answer.json()["items"]] == [
            *[("created", [])] * 5,
            ("rejected", ["/values/said"]),
        ]


async def test_a_form_that_nobody_touched_changes_nothing_of_such_a_row(
    door: Door, unit: Client
) -> None:
    await written(unit, "甲", said=WORDS)
    old = (await unit.get(FORM)).content
    await put(door, register(DATE, valid_from="said"))
    binary = {"Content-Type": "application/octet-stream"}
    for content in (old, (await unit.get(FORM)).content):
        answer = await unit.post(f"{ROWS}/sheet", content=content, headers=binary)
        assert answer.status_code == 200, answer.text
        assert [one["outcome"] for one in answer.json()["items"]] == ["unchanged"]
    sent = await unit.post(
        f"/plans/{TRIAL}/imports", params={"register": "LIST"}, content=old, headers=binary
    )
    assert sent.status_code == 202, sent.text
    await work(door)
    made = (await unit.get(f"/imports/{sent.json()['request']['import_id']}")).json()
    assert (made["state"], made["unchanged"]) == ("checked", 1), made


async def test_what_a_phone_sends_is_refused_for_that_row_alone(door: Door, unit: Client) -> None:
    path = await written(unit, "甲", said=WORDS)
    other = await written(unit, "乙", said="2025-03-20")
    await put(door, register(DATE, valid_from="said"))
    writes = [
        a_write(
            "register_row.edit",
            one.removeprefix("/register-rows/"),
            data={"values": {"note": "离线"}},
            base_version=1,
        )
        for one in (path, other)
    ]
    answer = await unit.post("/sync", json={"plan": TRIAL, "writes": writes})
    assert answer.status_code == 200, answer.text
    assert [one["outcome"] for one in answer.json()["results"]] == ["refused", "applied"]


async def test_a_row_is_confirmed_by_the_plan_in_force_with_every_fault(
    door: Door, unit: Client
) -> None:
    path = await written(unit, "甲", said=WORDS, kind="old", note="长" * 60)
    columns = [
        BEFORE["columns"][0],
        BEFORE["columns"][1] | DATE,
        BEFORE["columns"][2] | {"choices": CHOICES[1:]},
        BEFORE["columns"][3] | {"longest": 50},
        {"code": "more", "name": "新列", "type": "integer", "required": True},
    ]
    await put(door, {**BEFORE, "columns": columns})
    async with await door.as_("office") as office:
        refused = await office.post(f"{path}/confirm")
        said = {"said": "2025-03-20", "kind": "new", "note": "短", "more": 1}
        await unit.patch(path, json={"values": said}, headers={"If-Match": "*"})
        confirmed = await office.post(f"{path}/confirm")
    assert sorted(told(refused)) == ["/values/kind", "/values/more", "/values/note", "/values/said"]
    assert confirmed.status_code == 200, confirmed.text


async def test_what_left_the_plan_keeps_no_row_from_being_confirmed(
    door: Door, unit: Client
) -> None:
    path = await written(unit, "甲", said=WORDS)
    await put(
        door, {**BEFORE, "columns": [one for one in BEFORE["columns"] if one["code"] != "said"]}
    )
    async with await door.as_("office") as office:
        confirmed = await office.post(f"{path}/confirm")
    assert confirmed.status_code == 200, confirmed.text


async def test_where_a_row_counts_as_it_is_written_a_file_judges_it_too(
    door: Door, unit: Client
) -> None:
    path = await written(unit, "甲", said=WORDS)
    await put(door, register(DATE, valid_from="said", review=False))
    asked = {"file_name": "附件.pdf"}
    answer = await unit.post(
        f"{path}/evidence",
        content=b"%PDF-1.7\n%%EOF\n",
        params=asked,
        headers={"Content-Type": "application/octet-stream"},
    )
    assert told(answer) == ["/values/said"]
