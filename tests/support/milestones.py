"""Milestones in every state, made through the API by whoever may."""

from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.api import XINMI, Door

LEAD = "UN10"
"""Leads measure 14.1."""

SHARING = "410183107"
"""Is responsible in measure 14.1, as one of the townships."""

STRANGER = "UN22"
"""Has no part in measure 14.1."""

PATH = f"/plans/{XINMI}/milestones"

_WAY: Mapping[str, tuple[str, ...]] = {
    "assigned": (),
    "accepted": ("accept",),
    "declined": ("decline",),
    "in_progress": ("accept", "progress"),
    "completed": ("accept", "progress", "complete"),
    "closed": ("accept", "progress", "complete", "close"),
    "returned": ("accept", "progress", "complete", "return"),
    "cancelled": ("cancel",),
}
"""How a state is reached."""

BODIES: Mapping[str, Mapping[str, Any]] = {
    "accept": {},
    "decline": {"reason": "职责不在本单位"},
    "progress": {"percent": "62.5", "narrative": "过半"},
    "complete": {
        "narrative": "已建成",
        "evidence": [
            {
                "name": "验收表.pdf",
                "sha256": "0" * 64,
                "media_type": "application/pdf",
                "reference": "新农〔2026〕41号",
            }
        ],
    },
    "close": {"grade": "good"},
    "return": {"reason": "佐证不足"},
    "reopen": {"reason": "抽查不合格"},
    "cancel": {"reason": "并入他项"},
    "extensions": {"proposed_date": "2027-03-31", "reason": "汛期停工"},
}
"""What each verb may be asked with."""

_UNITS = {"accept", "decline", "progress", "complete", "extensions"}


def a_milestone(**changes: object) -> dict[str, object]:
    """Return a milestone that is right, with changes."""
    return {
        "measure_code": "14.1",
        "organization_code": LEAD,
        "title": "建成农膜回收网点",
        "due_date": "2026-12-31",
        **changes,
    }


async def assigned(door: Door, **changes: object) -> httpx.Response:
    """Return the answer about a milestone that the office has just assigned."""
    async with await door.as_("office") as office:
        made = await office.post(PATH, json=a_milestone(**changes))
    assert made.status_code == 201, made.text
    return made


async def a_milestone_in(door: Door, state: str, **changes: object) -> httpx.Response:
    """Return the newest answer about a milestone that was brought into a state."""
    made = await assigned(door, **changes)
    for verb in _WAY[state]:
        made = await done(door, made.json(), verb)
    assert made.json()["state"] == state
    return made


async def done(door: Door, milestone: dict[str, Any], verb: str) -> httpx.Response:
    """Return the answer to a verb by whoever may: the unit, or the office."""
    unit = milestone["organization_code"]
    actor = await (door.as_("reporter", unit) if verb in _UNITS else door.as_("office"))
    async with actor:
        answer = await actor.post(f"/milestones/{milestone['id']}/{verb}", json=BODIES[verb])
    assert answer.status_code < 300, answer.text
    return answer


async def an_extension(door: Door, **changes: object) -> httpx.Response:
    """Return the answer about more time that a unit has just asked for."""
    working = await a_milestone_in(door, "accepted", **changes)
    return await done(door, working.json(), "extensions")
