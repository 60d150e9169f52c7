"""Whoever handed in a figure of another source takes it back; what it said stays readable."""

import asyncio

import httpx
import pytest

from tests.support.api import XINMI, Door
from tests.support.observed import (
    OBSERVATIONS,
    a_difference,
    a_figure,
    conflicts_of,
    load_sources,
    observed,
)
from tests.support.registers import KEEPER
from tests.support.reported import a_period

WRONG = {"reason": "表中单位印错"}


@pytest.fixture(scope="module", autouse=True)
async def _sources(door: Door) -> None:
    await load_sources(door)


async def withdrawn(client: httpx.AsyncClient, observation: str, **more: object) -> httpx.Response:
    """Return the answer to a withdrawal."""
    path = f"/observations/{observation}/withdraw"
    return await client.post(path, json=WRONG, **more)  # type: ignore[arg-type] # headers, params


async def test_it_says_nothing_from_then_on_and_its_conflict_closes(door: Door) -> None:
    conflict = await a_difference(door)
    observation, period = conflict["observation"]["id"], conflict["period"]
    form = f"/plans/{XINMI}/form?period={period}&organization_code=UN15"
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        in_form = (await unit.get(form)).text.count(observation)
        assert (await withdrawn(office, observation)).status_code == 200
        await door.react()
        (closed,) = await conflicts_of(office, period)
        told = (await office.get("/events", params=_EVENTS)).json()["items"]
        out_of_form = (await unit.get(form)).text.count(observation)
        listed = (await unit.get(OBSERVATIONS, params={"period": period})).json()["items"]
        sheet = await office.get(f"{OBSERVATIONS}.csv", params={"period": period})
    assert (closed["id"], closed["state"], closed["closed_because"]) == (
        conflict["id"],
        "closed",
        "observation-withdrawn",
    )
    mine = [one for one in told if one["subject"]["id"] in {observation, conflict["id"]}]
    assert [one["type"] for one in mine] == ["observation.withdrawn", "conflict.closed"]
    assert mine[0]["data"]["reason"] == WRONG["reason"]
    assert (in_form > 0, out_of_form) == (True, 0)
    assert [one["withdrawn"] for one in listed] == [True]
    assert WRONG["reason"] in sheet.text


_EVENTS = {"types": "observation.withdrawn,conflict.closed", "plan": XINMI, "limit": "500"}


async def test_it_takes_a_reason_and_is_taken_back_once(door: Door) -> None:
    async with await door.as_("office") as office:
        before = await observed(office, period=a_period())
        path = f"/observations/{before['id']}"
        stale = await withdrawn(office, before["id"], headers={"If-Match": '"old"'})
        preview = await withdrawn(office, before["id"], params={"validate_only": "true"})
        unread = await office.post(f"{path}/withdraw", json={})
        taken = await withdrawn(office, before["id"])
        again = await withdrawn(office, before["id"])
        read = await office.get(path)
        history = (await office.get(f"{path}/history")).json()["items"]
    assert (stale.status_code, unread.status_code, preview.status_code) == (412, 422, 200)
    assert (taken.status_code, again.status_code) == (200, 409)
    assert again.json()["state"] == "withdrawn"
    said = taken.json()
    assert read.json() == said
    assert read.headers["ETag"] == taken.headers["ETag"] != stale.headers.get("ETag")
    assert (before["withdrawn"], said["withdrawn"]) == (False, True)
    assert said["withdrawal_reason"] == WRONG["reason"]
    assert (said["value"], said["version"]) == (before["value"], 2)
    assert [(one["action"], one["reason"]) for one in history] == [
        ("recorded", None),
        ("withdrawn", WRONG["reason"]),
    ]
    assert history[1]["before"]["value"] == history[1]["after"]["value"] == "38.3"


async def test_the_same_again_brings_nothing_back_and_another_figure_does(door: Door) -> None:
    conflict = await a_difference(door)
    said = a_figure(period=conflict["period"])
    async with await door.as_("office") as office:
        await withdrawn(office, conflict["observation"]["id"])
        await door.react()
        same = await office.post(OBSERVATIONS, json=said)
        await door.react()
        silent = await conflicts_of(office, conflict["period"])
        renewed = await office.post(OBSERVATIONS, json={**said, "reference": "YB-2"})
        await door.react()
        raised, _ = await conflicts_of(office, conflict["period"])
        twice = await withdrawn(office, conflict["observation"]["id"])
    assert (same.status_code, same.json()["withdrawn"], same.json()["version"]) == (200, True, 2)
    assert [one["state"] for one in silent] == ["closed"]
    assert (renewed.json()["withdrawn"], renewed.json()["withdrawal_reason"]) == (False, None)
    assert renewed.json()["version"] == 3
    assert (raised["state"], raised["id"] != conflict["id"]) == ("open", True)
    assert (twice.status_code, twice.json()["version"]) == (200, 4)


async def test_what_was_taken_back_raises_no_conflict_with_a_later_value(door: Door) -> None:
    period = a_period()
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        figure = await observed(office, period=period)
        assert (await withdrawn(office, figure["id"])).status_code == 200
        body = {"indicator_code": "U08", "organization_code": "UN15", "period": period}
        made = await unit.post(f"/plans/{XINMI}/submissions", json={**body, "value": "99"})
        assert made.status_code == 201, made.text
        await door.react()
        assert await conflicts_of(office, period) == []


async def test_who_hands_in_the_figures_of_a_source_takes_them_back(door: Door) -> None:
    figure = a_figure(source_code="SENSOR", period=a_period())
    seen = {}
    async with await door.as_("reporter", "UN10") as scales:
        made = (await scales.post(OBSERVATIONS, json=figure)).json()["id"]
    for role, unit in (
        ("reporter", KEEPER),
        ("reporter", "UN15"),
        ("leader", None),
        ("superior", None),
        ("reporter", "UN10"),
    ):
        async with await door.as_(role, unit) as caller:
            seen[role, unit] = (await withdrawn(caller, made)).status_code
    assert seen == {
        ("reporter", KEEPER): 404,
        ("reporter", "UN15"): 403,
        ("leader", None): 403,
        ("superior", None): 403,
        ("reporter", "UN10"): 200,
    }


async def test_of_a_source_that_the_plan_dropped_the_office_takes_it_back(door: Door) -> None:
    figure = a_figure(source_code="SENSOR", period=a_period())
    async with await door.as_("reporter", "UN10") as scales, await door.as_("office") as office:
        made = (await scales.post(OBSERVATIONS, json=figure)).json()["id"]
        left = [{"code": "YEARBOOK", "name": "新密市统计年鉴", "kind": "yearbook"}]
        await load_sources(door, sources=left)
        barred = await withdrawn(scales, made)
        taken = await withdrawn(office, made)
        await load_sources(door)
    assert (barred.status_code, taken.status_code) == (403, 200)


async def test_a_figure_and_its_withdrawal_at_the_same_time_are_two_versions(door: Door) -> None:
    async with await door.as_("office") as office:
        first = await observed(office, period=a_period())
        said = a_figure(period=first["period"], reference="YB-9", value="39")
        answers = await asyncio.gather(
            withdrawn(office, first["id"]), office.post(OBSERVATIONS, json=said)
        )
        history = (await office.get(f"/observations/{first['id']}/history")).json()["items"]
    assert [one.status_code for one in answers] == [200, 200]
    assert [one["version"] for one in history] == [1, 2, 3]
    assert {one["action"] for one in history[1:]} == {"withdrawn", "corrected"}


async def test_what_was_taken_back_is_not_taken_though_its_conflict_is_open_yet(
    door: Door,
) -> None:
    conflict = await a_difference(door)
    path = f"/conflicts/{conflict['id']}/decide"
    async with await door.as_("office") as office:
        assert (await withdrawn(office, conflict["observation"]["id"])).status_code == 200
        taken = await office.post(path, json={"take": "observation", "reason": "以来源为准"})
        assert (taken.status_code, taken.json()["state"]) == (409, "withdrawn")
        (still,) = await conflicts_of(office, conflict["period"])
        assert still["state"] == "open"
        kept = await office.post(path, json={"take": "ledger", "reason": "来源已撤回"})
        assert kept.status_code == 200
