"""What a former owner reported still counts, says so, and is held against the register."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door, xinmi
from tests.support.doors import with_2025_open as ledger
from tests.support.observed import conflicts_of
from tests.support.register_measures import (
    approved,
    figure,
    revoked,
    submission_of,
    three_confirmed,
)
from tests.support.registers import KEEPER, added_row, credit_code

__all__ = ["ledger"]

NEW_OWNER = "UN10"
PLAN = f"/plans/{XINMI}"


def led_by_another() -> PlanDocument:
    """Return Xinmi's plan with R04 led by another unit; the register stays where it is kept."""
    document = xinmi().model_dump(mode="json", exclude_none=True)
    (indicator,) = [one for one in document["indicators"] if one["code"] == "R04"]
    indicator["owners"] = [NEW_OWNER]
    return read_document(document)


async def handed_over(door: Door) -> None:
    await door.load(led_by_another())
    await door.react()
    await door.forget_everything()


@pytest.fixture
async def both(ledger: Door) -> AsyncIterator[tuple[httpx.AsyncClient, httpx.AsyncClient]]:
    """The unit that keeps the register and led the indicator, and the office."""
    async with await ledger.as_("reporter", KEEPER) as unit, await ledger.as_("office") as office:
        yield unit, office


Both = tuple[httpx.AsyncClient, httpx.AsyncClient]


async def test_a_value_of_before_a_handover_says_that_it_counts(ledger: Door, both: Both) -> None:
    unit, office = both
    await three_confirmed(ledger, unit, office)
    await approved(unit, office)
    await ledger.react()
    await handed_over(ledger)
    (official,) = await submission_of(office)
    board = (await office.get(f"{PLAN}/scoreboard", params={"period": "2025"})).json()
    (row,) = [one for one in board["indicators"] if one["code"] == "R04"]
    assert (row["value"], official["value"], official["counts"]) == ("3", "3", True)
    async with await ledger.as_("reporter", "UN15") as stranger:
        said = {"indicator_code": "R04", "organization_code": "UN15", "period": "2025"}
        never = await stranger.post(f"{PLAN}/submissions", json={**said, "value": "9"})
    assert never.json()["counts_reason"]["code"] == "another-units-indicator"


async def test_after_a_handover_a_revoked_row_is_a_conflict_with_the_value_that_counts(
    ledger: Door, both: Both
) -> None:
    unit, office = both
    ids = await three_confirmed(ledger, unit, office)
    await approved(unit, office)
    await ledger.react()
    await handed_over(ledger)
    conflict = await revoked(ledger, office, ids[0])
    assert (conflict["state"], conflict["observation"]["value"]) == ("open", "2")
    assert (await figure(office))["proposed"]["value"] == "2"


async def test_once_the_new_owner_counts_the_register_speaks_for_it_alone(
    ledger: Door, both: Both
) -> None:
    unit, office = both
    ids = await three_confirmed(ledger, unit, office)
    await approved(unit, office)
    await ledger.react()
    await handed_over(ledger)
    said: dict[str, Any] = {"indicator_code": "R04", "period": "2025", "value": "3"}
    async with await ledger.as_("reporter", NEW_OWNER) as new:
        made = await new.post(f"{PLAN}/submissions", json={**said, "organization_code": NEW_OWNER})
        assert made.status_code == 201, made.text
    taken = await office.post(f"/submissions/{made.json()['id']}/approve")
    assert taken.status_code == 200, taken.text
    await ledger.react()
    conflict = await revoked(ledger, office, ids[0])
    assert conflict["organization_code"] == NEW_OWNER
    assert len(await conflicts_of(office, "2025")) == 1


async def test_an_untouched_draft_of_the_former_owner_says_nothing_any_more(
    ledger: Door, both: Both
) -> None:
    unit, office = both
    await three_confirmed(ledger, unit, office)
    await handed_over(ledger)
    row = await added_row(unit, credit_code=credit_code())
    assert (await office.post(f"/register-rows/{row['id']}/confirm")).status_code == 200
    await ledger.react()
    found = {one["organization_code"]: one for one in await submission_of(office)}
    assert found[NEW_OWNER]["value"] == "4"
    assert found[KEEPER]["value"] is None
    assert (await unit.post(f"/submissions/{found[KEEPER]['id']}/submit")).status_code == 422
