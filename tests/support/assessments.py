"""Score sheets as the tests write them, and assessments by them. No number of theirs is printed."""

from collections.abc import Collection, Iterator
from itertools import cycle
from typing import Any

import httpx

from tests.support.api import XINMI, Door

TOWN_SHEET = "TOWN"
ASSESSOR = "UN15"
TOWN, OTHER_TOWN, STREET = "410183100", "410183101", "410183001"
SHEETS_OF_PLAN = f"/plans/{XINMI}/score-sheets"
ASSESSMENTS = f"{SHEETS_OF_PLAN}/{TOWN_SHEET}/assessments"

COLOURS = [
    {"code": "green", "name": "绿", "minimum": "90"},
    {"code": "blue", "name": "蓝", "minimum": "75"},
    {"code": "yellow", "name": "黄", "minimum": "60"},
    {"code": "red", "name": "红", "minimum": "0"},
]

ITEMS: list[dict[str, Any]] = [
    {
        "code": "A1",
        "name": "组织领导",
        "section": "基础工作",
        "kind": "missing",
        "full": "20",
        "evidence": ["工作方案", "经费文件"],
        "elements": [
            {"code": "plan", "name": "方案", "points": "10"},
            {"code": "funds", "name": "经费", "points": "6"},
            {"code": "person", "name": "专人", "points": "4"},
        ],
    },
    {
        "code": "B1",
        "name": "环境卫生",
        "kind": "occurrences",
        "full": "40",
        "way": "on_site",
        "points": "2",
        "zero_causes": [{"code": "false", "name": "弄虚作假"}],
    },
    {
        "code": "B2",
        "name": "商铺抽查",
        "kind": "sampled",
        "full": "20",
        "way": "on_site",
        "points": "0.5",
        "sample_size": 10,
    },
    {
        "code": "C1",
        "name": "群众满意",
        "kind": "bands",
        "full": "20",
        "way": "questionnaire",
        "routes": [
            {
                "code": "mean",
                "name": "平均分",
                "bands": [{"least": "90", "points": "20"}, {"least": "80", "points": "12"}],
            },
            {"code": "growth", "name": "增幅", "bands": [{"least": "10", "points": "20"}]},
        ],
    },
    {"code": "D1", "name": "创新", "kind": "bonus", "full": "5", "points": "2"},
]


def a_sheet(**changes: Any) -> dict[str, Any]:
    """Return the sheet of towns as a plan writes it, with changes; None leaves a member out."""
    sheet = {
        "code": TOWN_SHEET,
        "name": "乡镇评估细则（示例）",
        "subject": "unit",
        "cycle": "annual",
        "assessors": [ASSESSOR],
        "items": ITEMS,
        "colours": COLOURS,
        "appeal_days": 10,
        **changes,
    }
    return {name: value for name, value in sheet.items() if value is not None}


VILLAGES = a_sheet(
    code="VILLAGE", name="乡村评估细则（示例）", subject="village", cycle="quarterly"
)
CELLS = a_sheet(
    code="CELL",
    name="细胞评估细则（示例）",
    subject="row",
    rows_of="GREEN-FACTORY",
    name_column="enterprise",
    compared_by="level",
)
SHEETS = [a_sheet(), VILLAGES, CELLS]

FOUND: dict[str, Any] = {
    "A1": {"missing": ["person"]},
    "B1": {"count": 3, "evidence": ["现场照片 3 张"]},
    "B2": {"sampled": 10, "count": 3},
    "C1": {"figures": {"mean": "91.5"}},
}
"""16, 34, 18.5 and 20: 88.5, blue."""


def asked(**changes: Any) -> dict[str, Any]:
    """Return an assessment of a town to be begun, with changes; None leaves a member out."""
    body = {"period": "2025", "organization_code": TOWN, "findings": FOUND, **changes}
    return {name: value for name, value in body.items() if value is not None}


async def begun(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """Begin an assessment of a town and return it."""
    answer = await client.post(ASSESSMENTS, json=asked(**changes))
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def an_assessment(door: Door, state: str = "draft", **changes: Any) -> str:
    """Return the id of an assessment of a town in a state, assessed by UN15."""
    async with await door.as_("lead", ASSESSOR) as assessor, await door.as_("office") as office:
        made = await begun(assessor, **changes)
        path = f"/assessments/{made['id']}"
        for client, verb, after in (
            (assessor, "submit", "submitted"),
            (office, "confirm", "confirmed"),
            (office, "publish", "published"),
        ):
            if made["state"] == state:
                break
            answer = await client.post(f"{path}/{verb}")
            assert answer.status_code == 200, answer.text
            made = answer.json()
            assert made["state"] == after
    assert made["state"] == state
    return str(made["id"])


_years: Iterator[int] = cycle(range(2030, 2100))
"""Of each a ledger of the tests has one assessment at most, and takes a few of them."""


async def assessment_of_a_year(state: str | None, door: Door, **changes: Any) -> str:
    """Return an assessment in a state (None: a draft), of a year of its own."""
    return await an_assessment(door, state or "draft", period=str(next(_years)), **changes)


BEFORE_VERB = {
    "return": "submitted",
    "confirm": "submitted",
    "publish": "confirmed",
    "history": "published",
    "revisions": "published",
    "appeals": "published",
}
"""The state that a verb begins from, by the end of its path; where none is named, a draft."""


async def assessments_by_end(door: Door, ends: Collection[str]) -> dict[str, str]:
    """Return assessments by the end of the path that is about them, of a year each.

    One of 2028 is published beside them, so that there is a ranking.
    """
    await an_assessment(door, "published", period="2028")
    return {end: await assessment_of_a_year(BEFORE_VERB.get(end), door) for end in sorted(ends)}


async def an_appeal(door: Door) -> str:
    """Return the id of an appeal of a town that waits for its answer."""
    of = await assessment_of_a_year("published", door)
    contested = {"items": [{"item": "B1", "grounds": "点位不在本镇辖区内"}]}
    async with await door.as_("reporter", TOWN) as town:
        answer = await town.post(f"/assessments/{of}/appeals", json=contested)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])
