"""Who has to decide between two sources follows the plan, in conflicts that wait already too."""

from typing import Any

import httpx
import pytest

from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document
from tests.support.api import XINMI, Door
from tests.support.observed import conflicts_of, observed, with_sources
from tests.support.reported import a_period, reported


def led_by(unit: str, owner: str = "lead") -> PlanDocument:
    """Return the plan in which a unit leads U08; `owner` says who decides between sources."""
    document = with_sources(owner=owner).model_dump(mode="json", exclude_none=True)
    (indicator,) = [one for one in document["indicators"] if one["code"] == "U08"]
    indicator["owners"] = [unit]
    return read_document(document)


async def in_force(door: Door, document: PlanDocument) -> None:
    await door.load(document)
    await door.react()
    await door.forget_everything()


async def to_settle(client: httpx.AsyncClient) -> list[str]:
    listed = await client.get("/me/todo", params={"plan": XINMI, "page_size": "500"})
    return [one["subject"]["id"] for one in listed.json()["items"] if one["kind"] == "settle"]


async def settled(client: httpx.AsyncClient, conflict: dict[str, Any]) -> httpx.Response:
    body = {"take": "both", "reason": "口径不同"}
    return await client.post(f"/conflicts/{conflict['id']}/decide", json=body)


@pytest.mark.parametrize("worked_on", [False, True])
async def test_after_a_handover_the_new_lead_decides(door: Door, worked_on: bool) -> None:
    await in_force(door, led_by("UN15"))
    period = a_period()
    value = await reported(door, period=period)
    async with await door.as_("office") as office, await door.as_("lead", "UN10") as lead:
        await observed(office, period=period)
        await door.react()
        (before,) = await conflicts_of(office, period)
        assert before["owner_code"] == "UN15"
        if worked_on:  # it says nothing that could differ, and the conflict waits all the same
            sent_back = await office.post(
                f"/submissions/{value['id']}/return", json={"reason": "核"}
            )
            assert sent_back.status_code == 200, sent_back.text
        await in_force(door, led_by("UN10"))
        (after,) = await conflicts_of(lead, period)
        assert after["owner_code"] == "UN10"
        assert after["due_date"] == before["due_date"]
        assert before["id"] in await to_settle(lead)
        async with await door.as_("lead", "UN15") as former:
            assert before["id"] not in await to_settle(former)
            assert (await settled(former, before)).status_code == 403
        told = await door.held.database.pool.fetch(
            "SELECT type, data::jsonb->>'owner_code' AS owner FROM event"
            " WHERE subject_id = $1 ORDER BY id",
            before["id"],
        )
        assert [(one["type"], one["owner"]) for one in told] == [
            ("conflict.raised", "UN15"),
            ("conflict.changed", "UN10"),
        ]
        assert (await settled(lead, before)).status_code == 200


async def test_another_rule_of_who_decides_holds_for_what_waits(door: Door) -> None:
    await in_force(door, led_by("UN15"))
    period = a_period()
    await reported(door, period=period)
    async with await door.as_("office") as office:
        await observed(office, period=period)
        await door.react()
        await in_force(door, led_by("UN15", owner="office"))
        (conflict,) = await conflicts_of(office, period)
        assert conflict["owner_code"] is None
        assert conflict["id"] in await to_settle(office)
