"""contracts/authorization.yaml: every operation is asked as every role, within its reach and out.

Changes are asked for as previews, which judge what the change itself would and do nothing. An
operation without a row fails, and so does a row that does not say what was answered; the message
is the row as it would be right. What needs no credential of ours in its header says so, and is
tried where its own proof is.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from services.core.identity.rules import GRANTABLE_SCOPES, ROLES
from tests.support.api import NEIGHBOUR, Door, neighbour, open_door
from tests.support.ground import Ground, prepare
from tests.support.milestones import LEAD, STRANGER
from tests.support.operations import OPERATIONS, good_request
from tests.support.registers import KEEPER

TABLE: dict[str, dict[str, Any]] = yaml.safe_load(
    (Path(__file__).resolve().parents[2] / "contracts" / "authorization.yaml").read_text("utf-8")
)
REPORTS = "UN15"
OF_A_UNIT = ("reporter", "lead", "integrator")
"""Roles whose keys see and do what concerns a unit, where they have one."""

_ABOUT_LEAD = (
    *("{milestone_id}", "{milestone_conflict_id}", "milestones"),
    *("{extension_id}", "{obligation_id}", "{alert_id}"),
)
"""Paths about things of another unit than the one that reports."""

ASKED = [label for label, one in OPERATIONS.items() if "bearer" in str(one["security"])]
_TOLD = {403: "refused", 404: "hidden"}

Callers = dict[tuple[str, str], httpx.AsyncClient]


@pytest.fixture(scope="module")
async def ground(module_database_url: str) -> AsyncIterator[tuple[Door, Ground]]:
    """A ledger with something for every operation to be about, and a second plan beside it."""
    async with open_door(module_database_url) as door:
        await door.load(neighbour())
        yield door, await prepare(door, list(OPERATIONS))


@pytest.fixture(scope="module")
async def callers(ground: tuple[Door, Ground]) -> AsyncIterator[Callers]:
    """A caller of each role by the unit, or `outside`: of a unit or plan that has no part in it."""
    door, _ = ground
    made: Callers = {}
    for role in ROLES:
        scopes = sorted(GRANTABLE_SCOPES[role])
        for place in (REPORTS, LEAD, KEEPER, "outside"):
            more: dict[str, Any] = {"scopes": scopes}
            unit = None
            if role in OF_A_UNIT:
                unit = STRANGER if place == "outside" else place
            elif place == "outside":
                more["plan"] = NEIGHBOUR
            made[role, place] = door.client(await door.new_key(role, unit, **more))
    yield made
    for client in made.values():
        await client.aclose()


def test_the_table_has_a_row_for_every_operation_and_none_beside() -> None:
    assert TABLE.keys() == OPERATIONS.keys()


def test_what_needs_no_credential_is_told_so() -> None:
    told = {label for label, row in TABLE.items() if row == {"needs": "no credential of ours"}}
    assert told == OPERATIONS.keys() - set(ASKED)


@pytest.mark.parametrize("label", ASKED)
async def test_who_may_is_who_the_table_says(
    ground: tuple[Door, Ground], callers: Callers, label: str
) -> None:
    _, things = ground
    inside = LEAD if any(one in label for one in _ABOUT_LEAD) else REPORTS
    inside = KEEPER if "/register" in label else inside
    found = {
        "inside": await _answered(callers, inside, label, things),
        "outside": await _answered(callers, "outside", label, things),
    }
    assert TABLE.get(label) == found, yaml.safe_dump({label: found}, default_flow_style=None)


async def _answered(
    callers: Callers, place: str, label: str, things: Ground
) -> dict[str, list[str]]:
    """Return the roles by what they are told; those who may are told of the rest of it, too."""
    told: dict[str, list[str]] = {}
    for role in ROLES:
        # The stranger of the others keeps the register of the ground.
        if place == "outside" and "/register" in label and role in OF_A_UNIT:
            place_of_role = REPORTS
        else:
            place_of_role = place
        method, path, sent = good_request(label, things)
        if method != "GET":
            sent["params"] = {**sent["params"], "validate_only": "true"}
        url = f"http://wufei.test{path}"
        answer = await callers[role, place_of_role].request(method, url, **sent)
        assert answer.status_code < 500, answer.text
        assert answer.status_code != 401, answer.text
        told.setdefault(_TOLD.get(answer.status_code, "may"), []).append(role)
    return told
