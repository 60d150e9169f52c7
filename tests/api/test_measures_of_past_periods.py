"""What becomes true of a row later changes no figure of an earlier period."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door, open_door
from tests.support.clock import at
from tests.support.observed import conflicts_of
from tests.support.registers import credit_code

PLAN = f"/plans/{XINMI}"


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    async with open_door(database_url) as opened:
        at(opened, "2026-01-12", "10:00:00")
        yield opened


async def written(door: Door, register: str, unit: str, **values: Any) -> str:
    """Write a row and have it confirmed; return its id."""
    async with await door.as_("reporter", unit) as clerk:
        row = {"organization_code": unit, "values": values}
        made = await clerk.post(f"{PLAN}/registers/{register}/rows", json=row)
    assert made.status_code == 201, made.text
    await confirmed(door, made.json()["id"])
    return str(made.json()["id"])


async def changed(door: Door, row_id: str, unit: str, **values: Any) -> httpx.Response:
    async with await door.as_("reporter", unit) as clerk:
        path, body = f"/register-rows/{row_id}", {"values": values}
        return await clerk.patch(path, json=body, headers={"If-Match": "*"})


async def confirmed(door: Door, row_id: str) -> None:
    async with await door.as_("office") as office:
        done = await office.post(f"/register-rows/{row_id}/confirm")
    assert done.status_code == 200, done.text


async def figures(door: Door, register: str, measure: str, *periods: str) -> list[str | None]:
    """Return what a measure gives for some periods."""
    found = []
    async with await door.as_("office") as office:
        for period in periods:
            path = f"{PLAN}/registers/{register}/measures"
            answer = await office.get(path, params={"period": period})
            assert answer.status_code == 200, answer.text
            items = answer.json()["items"]
            values = [one["value"] for one in items if one["measure_code"] == measure]
            found.append(values[0] if values else None)
    return found


LATER = [
    (
        *("SORTING", "410183100", "villages"),
        {"kind": "village", "place_code": "1", "place": "一村", "covered": False},
        {"covered": True},
        "covered_on",
    ),
    (
        *("CLEANER-PRODUCTION", "UN05", "passed"),
        {
            "credit_code": credit_code(1),
            "enterprise": "一厂",
            "kind": "mandatory",
            "due": True,
            "announced_on": "2024-03-01",
        },
        {"passed": True},
        "assessed_on",
    ),
    (
        *("GREEN-MINE", "UN25", "built"),
        {
            "licence_number": "C1",
            "mine": "一矿",
            "scale": "large",
            "open_pit": True,
            "producing": True,
            "built": False,
        },
        {"built": True},
        "built_on",
    ),
    (
        *("SCENIC", "UN20", "done"),
        {"site": "yinji", "item": "water", "done": False},
        {"done": True},
        "done_on",
    ),
    (
        *("DECISION", "UN04", "done"),
        {
            "meeting": "第一次会议",
            "number": 1,
            "met_on": "2024-03-01",
            "matter": "一事",
            "in_charge": "UN05",
            "done": False,
        },
        {"done": True},
        "done_on",
    ),
]


@pytest.mark.parametrize(
    ("register", "unit", "measure", "before", "later", "day"), LATER, ids=[one[0] for one in LATER]
)
async def test_what_comes_true_later_moves_no_earlier_period(
    door: Door,
    register: str,
    unit: str,
    measure: str,
    before: dict[str, Any],
    later: dict[str, Any],
    day: str,
) -> None:
    row = await written(door, register, unit, **before)
    assert await figures(door, register, measure, "2024", "2025", "2026") == ["0", "0", "0"]
    undated = await changed(door, row, unit, **later)
    assert undated.status_code == 422, "a state without its day would count in no period"
    (fault,) = undated.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (f"/values/{day}", "missing")
    dated = await changed(door, row, unit, **later, **{day: "2025-06-10"})
    assert dated.status_code == 200, dated.text
    await confirmed(door, row)
    found = await figures(door, register, measure, "2024", "2025", "2026")
    assert [value != "0" for value in found] == [False, True, True]


async def test_a_village_covered_in_june_opens_no_conflict_over_the_year_before(
    door: Door,
) -> None:
    said = {"kind": "village", "place": "村"}
    villages: list[dict[str, Any]] = [
        {"covered": True, "covered_on": "2024-06-01"},
        {"covered": True, "covered_on": "2025-03-01"},
        {"covered": False},
        {"covered": False},
    ]
    rows = [
        await written(door, "SORTING", "410183100", place_code=str(number), **said, **more)
        for number, more in enumerate(villages)
    ]
    async with await door.as_("office") as office:
        due = {"due_date": "2026-01-31"}
        opened = await office.post(f"{PLAN}/periods/2025/open", json=due)
        assert opened.status_code == 200, opened.text
    await door.react()
    assert await figures(door, "SORTING", "villages", "2024", "2025") == ["25", "50"]
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as lead:
        asked = {"indicator_code": "R12", "period": "2025"}
        (draft,) = (await office.get(f"{PLAN}/submissions", params=asked)).json()["items"]
        assert draft["value"] == "50"
        assert (await lead.post(f"/submissions/{draft['id']}/submit")).status_code == 200
        assert (await office.post(f"/submissions/{draft['id']}/approve")).status_code == 200
    await door.react()
    at(door, "2026-06-12", "10:00:00")
    covered = {"covered": True, "covered_on": "2026-06-10"}
    assert (await changed(door, rows[2], "410183100", **covered)).status_code == 200
    await confirmed(door, rows[2])
    # One that was built since is of no earlier denominator either.
    new = {"place_code": "new", "covered": False, "listed_from": "2026-02-01"}
    await written(door, "SORTING", "410183100", **said, **new)
    await door.react()
    await door.react()
    found = await figures(door, "SORTING", "villages", "2024", "2025", "2026")
    assert found == ["25", "50", "60"]
    async with await door.as_("office") as office:
        assert await conflicts_of(office, "2025") == []


async def test_a_document_counts_until_it_is_repealed(door: Door) -> None:
    said = {"title": "一个办法", "issuer": "市政府", "kind": "policy", "dated": "2024-05-01"}
    row = await written(door, "POLICY", "UN04", status="issued", **said)
    assert await figures(door, "POLICY", "issued", "2023", "2024", "2025") == ["0", "1", "1"]
    assert (await changed(door, row, "UN04", status="repealed")).status_code == 422
    gone = await changed(door, row, "UN04", status="repealed", repealed_on="2025-07-01")
    assert gone.status_code == 200, gone.text
    await confirmed(door, row)
    assert await figures(door, "POLICY", "issued", "2023", "2024", "2025") == ["0", "1", "0"]


async def test_of_what_was_completed_so_far_the_latest_row_counts(door: Door) -> None:
    """What a row says is the year's so far: two of them are not added up."""
    project = {"project_code": "2020-410183-77-03-012345", "project": "一个项目"}
    for as_of, funding, completed in (
        ("2025-06-30", "fiscal", "100"),
        ("2025-12-31", "fiscal", "250"),
        ("2025-12-31", "loan", "30"),
        ("2026-03-31", "fiscal", "7"),
    ):
        said = {**project, "as_of": as_of, "funding": funding, "completed": completed}
        await written(door, "PROJECT", "UN12", **said)
    unsaid = {**project, "as_of": "2026-06-30", "funding": "fiscal", "phase": "在建"}
    await written(door, "PROJECT", "UN24", **unsaid)
    periods = ("2025-H1", "2025", "2026")
    assert await figures(door, "PROJECT", "completed", *periods) == ["0.01", "0.028", "0.0007"]
    assert await figures(door, "PROJECT", "projects", *periods) == ["1", "1", "1"]
