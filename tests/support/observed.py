"""Other sources than the official one, as a plan of the tests names them."""

from collections.abc import Sequence
from typing import Any

import httpx

from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door, xinmi
from tests.support.assessments import SHEETS
from tests.support.reported import reported

OBSERVATIONS = f"/plans/{XINMI}/observations"
CONFLICTS = f"/plans/{XINMI}/conflicts"

RULES: dict[str, Any] = {
    "sources": [
        {"code": "YEARBOOK", "name": "新密市统计年鉴", "kind": "yearbook"},
        {
            "code": "SENSOR",
            "name": "称重系统",
            "kind": "system",
            "roles": ["integrator", "reporter"],
            "units": ["UN10"],
        },
    ],
    "tolerance": {"relative": "0.01"},
    "decision_days": 5,
}
"""A yearbook that the office and systems hand in, and scales of UN10; 1 % is no difference."""


def with_sources(checks: Sequence[dict[str, Any]] = (), **rules: Any) -> PlanDocument:
    """Return Xinmi's plan with other sources, and with other rules for what they say.

    `checks` are held against figures as they are reported. It has score sheets, too.
    """
    document = xinmi().model_dump(mode="json", exclude_none=True)
    more = {"observations": {**RULES, **rules}, "check_rules": list(checks)}
    more["score_sheets"] = SHEETS
    return read_document({**document, **more})


async def load_sources(door: Door, checks: Sequence[dict[str, Any]] = (), **rules: Any) -> None:
    """Put a version of Xinmi's plan into force that names other sources, and checks."""
    await door.load(with_sources(checks, **rules))
    # The worker has no part in this: what it makes of the plan is for each test to ask for.
    await door.forget_everything()


def a_figure(**changes: Any) -> dict[str, Any]:
    """Return what the yearbook says of the value that `reported` reports, with changes."""
    return {
        "source_code": "YEARBOOK",
        "indicator_code": "U08",
        "organization_code": "UN15",
        "period": "2025",
        "reference": "YB-1",
        "value": "38.3",
        **changes,
    }


async def observed(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """Hand in a figure of another source and return it as it is kept."""
    answer = await client.post(OBSERVATIONS, json=a_figure(**changes))
    assert answer.status_code in {200, 201}, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def an_observation(door: Door) -> str:
    """Return the id of what the yearbook says of a value that nobody reported."""
    async with await door.as_("office") as office:
        made = await observed(office, period="2025-11")
    return str(made["id"])


async def conflicts_of(client: httpx.AsyncClient, period: str) -> list[dict[str, Any]]:
    """Return the conflicts with other sources over a period, newest first."""
    answer = await client.get(CONFLICTS, params={"kind": "observation", "page_size": "500"})
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["items"] if one["period"] == period]


async def a_difference(door: Door, **changes: Any) -> dict[str, Any]:
    """Return an open conflict between a reported value and what the yearbook says."""
    submission = await reported(door, **changes)
    async with await door.as_("office") as office:
        await observed(office, period=submission["period"])
        await door.react()
        (conflict,) = await conflicts_of(office, submission["period"])
    return conflict
