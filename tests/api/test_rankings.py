"""Through the door: units in comparable groups, who takes no place, and who is told of whom."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.api.test_running_year import at
from tests.support.api import Door, open_door
from tests.unit.scoring.builders import a_document, a_scheme, a_target, an_indicator

CODE = "410183-2031"
PLAN = f"/plans/{CODE}"
TOWNS = ["ZW01", "ZW02", "ZW03"]
KINDS = ["town", "town", "subdistrict"]
UNITS = [
    *({"code": code, "name": f"局{code[-1]}", "kind": "unit"} for code in ("JU01", "JU02", "JU03")),
    *(
        {
            "code": code,
            "name": f"镇{code[-1]}",
            "kind": kind,
            "administrative_code": f"41018310{code[-1]}000",
        }
        for code, kind in zip(TOWNS, KINDS, strict=True)
    ),
]


def led_by(code: str, *owners: str, **more: Any) -> dict[str, Any]:
    target = a_target("at_least", 10, 2031, "≥10")
    return an_indicator(code, owners=list(owners), targets=[target], **more)


def own(unit: str, value: int) -> dict[str, Any]:
    return {**a_target("at_least", value, 2031, f"≥{value}"), "organization": unit}


INDICATORS = [
    led_by("A", "JU01"),
    led_by("B", "JU02"),
    led_by("C", "JU03"),
    led_by(
        "D",
        *TOWNS[:2],
        aggregation={"units": "sum"},
        unit_targets=[own("ZW01", 8), own("ZW02", 4)],
    ),
]


async def load(door: Door, **scheme: Any) -> None:
    document = a_document(
        *INDICATORS, code=CODE, organizations=UNITS, scheme=a_scheme(**scheme)
    ).model_dump(mode="json")
    async with door.client(door.admin_secret) as admin:
        loaded = await admin.post("/plans", json=document)
    assert loaded.status_code in {200, 201}, loaded.text


async def approve(door: Door, indicator: str, unit: str, value: str, *, returned: int = 0) -> None:
    body = {
        "indicator_code": indicator,
        "organization_code": unit,
        "period": "2031",
        "value": value,
    }
    async with await door.as_("reporter", unit) as clerk, await door.as_("office") as office:
        made = await clerk.post(f"{PLAN}/submissions", json=body)
        assert made.status_code == 201, made.text
        path = f"/submissions/{made.json()['id']}"
        for _ in range(returned):
            await office.post(f"{path}/return", json={"reason": "请核对"})
            await clerk.post(f"{path}/submit")
        assert (await office.post(f"{path}/approve")).status_code == 200


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    async with open_door(module_database_url) as opened:
        at(opened, "2032-01-12", "10:00:00")
        await load(opened)
        async with await opened.as_("office") as office:
            moved = await office.post(f"{PLAN}/periods/2031/open")
            assert moved.status_code == 200, moved.text
        await approve(opened, "A", "JU01", "9")
        await approve(opened, "B", "JU02", "9", returned=1)
        await approve(opened, "D", "ZW01", "6")
        await approve(opened, "D", "ZW02", "5")
        await opened.react()
        yield opened


async def ranked(door: Door, role: str, unit: str | None = None, **query: str) -> dict[str, Any]:
    path = f"{PLAN}/rankings{'/reporting' if query.pop('by', '') else ''}"
    async with await door.as_(role, unit) as client:
        answer = await client.get(path, params={"period": "2031", **query})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def told(body: dict[str, Any], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(one[name] for name in names) for one in body["items"]]


async def test_leads_share_a_place_and_who_cannot_be_assessed_takes_none(door: Door) -> None:
    found = await ranked(door, "leader")
    names = ("organization_code", "place", "tied", "ranked", "score", "indicators", "assessed")
    assert told(found, *names) == [
        ("ZW01", 1, 2, 4, "100", 1, 1),
        ("ZW02", 1, 2, 4, "100", 1, 1),
        ("JU01", 3, 2, 4, "90", 1, 1),
        ("JU02", 3, 2, 4, "90", 1, 1),
    ]
    (absent,) = found["not_ranked"]
    assert (absent["organization_code"], absent["reason_code"]) == ("JU03", "nothing_assessed")
    assert {one["few"] for one in found["items"]} == {True}
    assert found["position"] > 0
    # The scoreboard is everybody's who may read the plan, and so is what is added from its rows.
    same = await ranked(door, "reporter", "JU03")
    assert (same["items"], same["limited_to_scope"]) == (found["items"], False)


async def test_townships_are_beside_their_kind_and_told_to_whom_they_belong(door: Door) -> None:
    found = await ranked(door, "office", group="township")
    assert told(found, "organization_code", "comparable_group", "place", "ranked", "score") == [
        ("ZW02", "town", 1, 2, "100"),
        ("ZW01", "town", 2, 2, "75"),
    ]
    assert [one["reason_code"] for one in found["not_ranked"]] == ["no_own_targets"]
    mine = await ranked(door, "reporter", "ZW01", group="township")
    assert told(mine, "organization_code", "place", "ranked") == [("ZW01", 2, 2)]
    assert (mine["not_ranked"], mine["limited_to_scope"]) == ([], True)


async def test_reporting_counts_what_was_complete_in_time_not_returned_and_undisputed(
    door: Door,
) -> None:
    found = await ranked(door, "office", by="reporting")
    names = ("organization_code", "place", "score", "expected", "reported", "not_returned")
    assert told(found, *names) == [
        ("JU01", 1, "100", 1, 1, 1),
        ("ZW01", 1, "100", 1, 1, 1),
        ("ZW02", 1, "100", 1, 1, 1),
        ("JU02", 4, "75", 1, 1, 0),
    ]
    # JU03 has until the end of the month: nobody is behind with what is not due yet.
    assert [one["reason_code"] for one in found["not_ranked"]] == ["nothing_expected"]
    mine = await ranked(door, "reporter", "JU02", by="reporting")
    assert told(mine, "organization_code", "place") == [("JU02", 4)]
    assert mine["limited_to_scope"] is True


async def test_a_board_may_be_named_and_other_names_are_refused(door: Door) -> None:
    path = f"{PLAN}/rankings"
    async with await door.as_("reporter", "JU01") as unit, await door.as_("office") as office:
        early = await office.get(path, params={"as_of": "2031-01-01T00:00:00Z"})
        assert (early.status_code, early.json()["position"]) == (200, 0)
        assert {one["reason_code"] for one in early.json()["not_ranked"]} == {"nothing_assessed"}
        assert (await office.get(path, params={"publication": "7"})).status_code == 404
        both = {"publication": "1", "as_of": "2031-01-01T00:00:00Z"}
        assert (await office.get(path, params=both)).status_code == 422
        assert (await unit.get(path, params={"basis": "submitted"})).status_code == 403
        assert (await office.get(path, params={"group": "village"})).status_code == 422


async def test_a_plan_that_shows_tiers_shows_no_order_and_what_was_published_stays(
    door: Door,
) -> None:
    async with await door.as_("office") as office:
        for verb in ("close", "publish"):
            moved = await office.post(f"{PLAN}/periods/2031/{verb}")
            assert moved.status_code == 200, moved.text
    await door.react()
    before = await ranked(door, "leader", publication="1")
    await load(door, rankings={"shown": "tiers", "few": 1})
    async with await door.as_("office") as office:
        again = await office.post(f"{PLAN}/periods/2031/reopen", json={"reason": "更正"})
        assert again.status_code == 200, again.text
    await door.react()
    assert await ranked(door, "leader", publication="1") == before
    assert (before["shown"], before["items"][0]["place"]) == ("order", 1)
    found = await ranked(door, "leader")
    names = ("organization_code", "place", "score", "display", "tier", "few")
    assert told(found, *names) == [
        ("JU01", None, None, None, "excellent", False),
        ("JU02", None, None, None, "excellent", False),
        ("ZW01", None, None, None, "excellent", False),
        ("ZW02", None, None, None, "excellent", False),
    ]
