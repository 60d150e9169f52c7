"""A position that the log never gave: whoever sends one is told, by every path that takes one."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door
from tests.support.contract import CONTRACT, resolved
from tests.support.device import Device, a_creation
from tests.support.reported import PATH

pytestmark = pytest.mark.citus

PLAN = f"/plans/{XINMI}"
BEYOND = 5
"""How far beyond the log a reader is after a restore."""

TAKING: dict[tuple[str, str], tuple[str, dict[str, str]]] = {
    ("get /v1/events", "after"): ("/events", {}),
    ("get /v1/plans/{plan}/submissions", "changed_after"): (PATH, {}),
    ("get /v1/plans/{plan}/milestones", "changed_after"): (f"{PLAN}/milestones", {}),
    ("get /v1/plans/{plan}/registers/{register}/rows", "changed_after"): (
        f"{PLAN}/registers/GREEN-FACTORY/rows",
        {},
    ),
    **{
        (f"get /v1/plans/{{plan}}/scoreboard/{name}", end): (
            f"{PLAN}/scoreboard/{name}",
            {"from": "0", "basis": "submitted"},
        )
        for name in ("changes", "comparison")
        for end in ("from", "to")
    },
}
"""By operation and parameter: its path, and what else is asked."""

BY_DEVICES = {("post /v1/sync", "position"), ("get /v1/sync", "position")}
"""Told to begin anew in an answer that says what became of the writes."""

IN_BODIES = {("post /v1/plans/{plan}/papers", "position"): {"kind": "bulletin", "period": "2021"}}
"""Said in a body, with what else is said there."""


_SAID = ("log position", "position of the log", "last position")


def _taking_positions() -> Iterator[tuple[str, str]]:
    """Yield what of the contract takes a position of the log, by what is said of it."""
    for path, methods in CONTRACT["paths"].items():
        for method, operation in methods.items():
            said = map(resolved, operation["parameters"])
            members = {one["name"]: one["description"] for one in said if one["in"] == "query"}
            for content in operation.get("requestBody", {}).get("content", {}).values():
                properties = resolved(content["schema"]).get("properties", {})
                members |= {name: one.get("description", "") for name, one in properties.items()}
            for name, description in members.items():
                if name == "position" or any(words in description for words in _SAID):
                    yield f"{method} {path}", name


async def _newest(office: httpx.AsyncClient) -> int:
    position: int = (await office.get("/events", params={"limit": 1000})).json()["last_position"]
    return position


def test_every_operation_that_takes_a_position_is_tried_here() -> None:
    assert set(_taking_positions()) == TAKING.keys() | BY_DEVICES | IN_BODIES.keys()


@pytest.mark.parametrize("taken", TAKING, ids=" ".join)
async def test_who_asks_from_a_position_beyond_the_log_is_told_to_begin_anew(
    door: Door, taken: tuple[str, str]
) -> None:
    path, more = TAKING[taken]
    async with await door.as_("office") as office:
        report: dict[str, Any] = a_creation()["data"]
        if "basis" in more:
            more = {**more, "period": report["period"]}
        made = await office.post(PATH, json=report)
        assert made.status_code == 201, made.text
        await door.react()
        newest = await _newest(office)
        at = await office.get(path, params={**more, taken[1]: newest})
        beyond = await office.get(path, params={**more, taken[1]: newest + BEYOND})
    assert at.status_code == 200, at.text
    problem = beyond.json()
    assert (beyond.status_code, problem["code"]) == (410, "position-beyond-log")
    assert (problem["newest_position"], problem["oldest_position"]) == (newest, newest + 1)


@pytest.mark.parametrize("taken", IN_BODIES, ids=" ".join)
async def test_who_names_a_position_beyond_the_log_in_a_body_is_told(
    door: Door, taken: tuple[str, str]
) -> None:
    path = taken[0].removeprefix("post /v1").format(plan=XINMI)
    async with await door.as_("office") as office:
        await door.react()
        newest = await _newest(office)
        body = {**IN_BODIES[taken], taken[1]: newest + BEYOND}
        beyond = await office.post(path, json=body)
    problem = beyond.json()
    assert (beyond.status_code, problem["code"]) == (410, "position-beyond-log")
    assert problem["newest_position"] == newest


async def test_who_waits_beyond_the_log_is_told_at_once(door: Door) -> None:
    async with await door.as_("office") as office:
        asked = {"after": await _newest(office) + BEYOND, "wait": 30}
        beyond = await office.get("/events", params=asked, timeout=10)
    assert beyond.json()["code"] == "position-beyond-log"


async def test_a_device_beyond_the_log_is_told_to_begin_anew_and_its_writes_come_in(
    door: Door,
) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        device = Device(unit)
        first = await device.sync()
        await door.react()
        newest = await _newest(office)
        device.position = newest + BEYOND
        asked: dict[str, Any] = {"plan": XINMI, "position": device.position}
        read = (await unit.get("/sync", params=asked)).json()
        told = await device.sync(a_creation())
        after = await device.sync()
    assert (first["begin_anew"], told["begin_anew"], after["begin_anew"]) == (False, True, False)
    assert (read["begin_anew"], read["position"]) == (True, newest)
    assert told["results"][0]["outcome"] == "applied"
    assert (told["position"], told["submissions"], told["has_more"]) == (newest, [], False)
