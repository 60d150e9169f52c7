"""A plan with one of everything that published plans print, loaded, reported and scored."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.api import ROOT, Door

CODE = "999999-2027"
PLAN = f"/plans/{CODE}"
REPORTED: list[tuple[str, str, str, dict[str, str]]] = [
    ("A1", "office", "2025-H1", {"value": "0.57"}),
    ("A1", "office", "2025-H2", {"value": "0.6"}),
    ("A2", "east", "2024", {"value": "6"}),
    ("A2", "west", "2024", {"value": "4"}),
    ("A2", "east", "2025", {"value": "6"}),
    ("A2", "west", "2025", {"value": "4"}),
    ("B1", "housing", "2024", {"value": "80"}),
    ("B1", "housing", "2025", {"value": "85"}),
    ("B1.1", "housing", "2025", {"value": "90"}),
    ("B2", "office", "2025", {"value": "6"}),
    ("B3", "office", "2024", {"value": "60"}),
    ("B3", "office", "2025", {"value": "55"}),
    ("B4", "office", "2025", {"level": "met", "value": "12.5"}),
    ("X1", "office", "2025", {"value": "2"}),
    ("X2", "office", "2025", {"value": "3"}),
]


@pytest.fixture(scope="module")
async def reviewer(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """An office of the example's plan, whose values were reported and approved."""
    body = (ROOT / "plans/examples/many-kinds.yaml").read_bytes()
    async with door.client(door.admin_secret) as admin:
        loaded = await admin.post(
            "/plans", content=body, headers={"Content-Type": "application/yaml"}
        )
        assert loaded.status_code == 201, loaded.text
        made = [
            await admin.post("/api-keys", json={"name": "office", "role": "office", "plan": CODE})
            for _ in range(2)
        ]
    secrets = [one.json()["secret"] for one in made]
    async with door.client(secrets[0]) as reports, door.client(secrets[1]) as approves:
        for indicator, unit, period, form in REPORTED:
            place = {"indicator_code": indicator, "organization_code": unit, "period": period}
            sent = await reports.post(f"{PLAN}/submissions", json={**place, **form})
            assert sent.status_code == 201, sent.text
            done = await approves.post(f"/submissions/{sent.json()['id']}/approve")
            assert done.status_code == 200, done.text
        await door.react()
        yield approves


async def _row(client: httpx.AsyncClient, code: str, period: str = "2025") -> dict[str, Any]:
    board = (await client.get(f"{PLAN}/scoreboard", params={"period": period})).json()
    found: dict[str, Any] = next(row for row in board["indicators"] if row["code"] == code)
    return found


@pytest.mark.parametrize(
    ("code", "period", "met", "attainment"),
    [
        ("A1", "2025-H1", True, "100"),
        ("A1", "2025", False, "91.66666666666666666667"),
        ("A2", "2025", True, "100"),
        ("B1", "2025", True, "100"),
        ("B1.1", "2025", False, "90"),
        ("B2", "2025", False, "0"),
        ("B3", "2025", False, "90.90909090909090909091"),
        ("B4", "2025", True, "100"),
    ],
)
async def test_every_kind_is_judged(
    reviewer: httpx.AsyncClient, code: str, period: str, met: bool, attainment: str
) -> None:
    row = await _row(reviewer, code, period)
    assert (row["met"], row["attainment"]) == (met, attainment)


async def test_the_score_stands_beside_deductions_and_bonuses(
    reviewer: httpx.AsyncClient,
) -> None:
    board = (await reviewer.get(f"{PLAN}/scoreboard", params={"period": "2025"})).json()
    overall = board["overall"]
    assert (overall["display"], overall["deducted"], overall["added"]) == ("78.26", "4", "2")
    assert (overall["adjusted_display"], overall["grade"]) == ("76.26", "pass")
    assert [(one["code"], one["occurrences"], one["points"]) for one in overall["adjustments"]] == [
        ("K1", "2", "4"),
        ("J1", "3", "3"),
    ]


async def test_the_amount_stands_beside_its_level(reviewer: httpx.AsyncClient) -> None:
    row = await _row(reviewer, "B4")
    assert (row["level"], row["value"], row["display"]) == ("met", "12.5", "满足需要")


async def test_the_steps_of_every_verdict_are_told(reviewer: httpx.AsyncClient) -> None:
    for code in ("A1", "A2", "B1", "B2", "B3", "B4"):
        told = await reviewer.get(f"{PLAN}/indicators/{code}/score", params={"period": "2025"})
        assert told.status_code == 200, told.text
        assert told.json()["steps"]


async def test_indicators_tell_what_they_ask_of_whom_and_by_when(
    reviewer: httpx.AsyncClient,
) -> None:
    rows = (await reviewer.get(f"{PLAN}/indicators")).json()["items"]
    found = {row["code"]: row for row in rows}
    assert [one["target_date"] for one in found["A1"]["targets"]] == [
        "2025-06-30",
        "2025-12-31",
        "2027-12-31",
    ]
    assert [(one["organization"]["code"], one["value"]) for one in found["A2"]["unit_targets"]] == [
        ("east", "6"),
        ("west", "4"),
    ]
    assert found["A1"]["level2"] is None
    assert found["B1.1"]["part_of"] == "B1"
    assert found["B2"]["target"]["upper"] == "5"
    assert [one["kind"] for one in found["B3"]["target"]["conditions"]] == ["falling", "at_most"]


async def test_tasks_are_found_by_section_and_number(reviewer: httpx.AsyncClient) -> None:
    listed = (await reviewer.get(f"{PLAN}/tasks", params={"section": "一"})).json()["items"]
    either = await reviewer.get(f"{PLAN}/tasks/1")
    second = (await reviewer.get(f"{PLAN}/tasks/1", params={"section": "二"})).json()
    progress = await reviewer.get(f"{PLAN}/tasks/1/progress", params={"section": "一"})
    assert [one["section_number"] for one in listed] == ["一"]
    assert listed[0]["measures"][0]["deadline_date"] == "2026-06-30"
    assert (either.status_code, either.json()["code"]) == (422, "task-ambiguous")
    assert "二" in either.json()["errors"][0]["detail"]
    assert (second["title"], second["measures"][0]["lead_units"]) == ("提升能力", [])
    assert (progress.status_code, progress.json()["number"]) == (200, 1)
