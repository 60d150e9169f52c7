"""A register that another unit keeps: its rows can still be mended, and go over with their past."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from services.core.plan.document import PlanDocument
from services.core.plan.rules import read_document
from tests.support.api import Door, open_door, xinmi
from tests.support.registers import BATCH, KEEPER, REGISTER, ROWS, added_row

NEW_KEEPER = "UN10"
ANY = {"If-Match": "*"}


def kept_by(*units: str) -> PlanDocument:
    """Return Xinmi's plan with the register of green factories kept by other units."""
    document = xinmi().model_dump(mode="json", exclude_none=True)
    (register,) = [one for one in document["registers"] if one["code"] == REGISTER]
    register["keepers"] = list(units)
    return read_document(document)


def moving(row: dict[str, Any]) -> dict[str, Any]:
    """Return what is said of a row to have it go over: another unit, and its key."""
    key = {name: row["values"][name] for name in ("credit_code", "level")}
    return {"organization_code": NEW_KEEPER, "values": key}


@dataclass
class _Handed:
    """The ledger after the hand-over, with a confirmed row and a draft of the former keeper."""

    door: Door
    former: httpx.AsyncClient
    present: httpx.AsyncClient
    office: httpx.AsyncClient
    confirmed: dict[str, Any]
    draft: dict[str, Any]


@pytest.fixture
async def handed(database_url: str) -> AsyncIterator[_Handed]:
    async with (
        open_door(database_url) as door,
        await door.as_("reporter", KEEPER) as former,
        await door.as_("reporter", NEW_KEEPER) as present,
        await door.as_("office") as office,
    ):
        confirmed, draft = await added_row(former), await added_row(former)
        answer = await office.post(f"/register-rows/{confirmed['id']}/confirm")
        assert answer.status_code == 200, answer.text
        await door.load(kept_by(NEW_KEEPER))
        await door.react()
        await door.forget_everything()
        yield _Handed(door, former, present, office, answer.json(), draft)


async def test_the_office_corrects_and_takes_back_what_a_former_keeper_left(
    handed: _Handed,
) -> None:
    path = f"/register-rows/{handed.confirmed['id']}"
    said = {"values": {"batch": "第六批"}}
    refused = await handed.former.patch(path, json=said, headers=ANY)
    assert refused.status_code == 403
    assert "keeps the register no more" in refused.json()["detail"]
    seen = (await handed.office.get(path)).json()["allowed_actions"]
    assert {"edit", "end", "revoke"} <= set(seen)
    changed = await handed.office.patch(path, json=said, headers=ANY)
    assert changed.status_code == 200, changed.text
    taken = await handed.office.post(f"/register-rows/{handed.draft['id']}/withdraw")
    assert taken.status_code == 200, taken.text


async def test_the_office_hands_rows_over_with_all_that_they_say_and_their_past(
    handed: _Handed,
) -> None:
    moved = [moving(handed.confirmed), moving(handed.draft)]
    refused = (await handed.present.post(BATCH, json={"items": moved})).json()
    assert [one["outcome"] for one in refused["items"]] == ["rejected", "rejected"]
    assert {one["errors"][0]["code"] for one in refused["items"]} == {"row-of-another-unit"}
    done = (await handed.office.post(BATCH, json={"items": moved})).json()
    assert [one["outcome"] for one in done["items"]] == ["updated", "updated"]
    again = (await handed.office.post(BATCH, json={"items": moved})).json()
    assert [one["outcome"] for one in again["items"]] == ["unchanged", "unchanged"]
    path = f"/register-rows/{handed.confirmed['id']}"
    row = (await handed.present.get(path)).json()
    assert (row["organization_code"], row["state"]) == (NEW_KEEPER, "confirmed")
    assert row["values"] == handed.confirmed["values"] == row["counted_values"]
    history = (await handed.present.get(f"{path}/history")).json()["items"]
    assert [one["after"]["organization_code"] for one in history] == [KEEPER, KEEPER, NEW_KEEPER]
    assert (await handed.former.get(path)).status_code == 404
    listed = (await handed.present.get(ROWS)).json()["items"]
    assert {one["id"] for one in listed} == {handed.confirmed["id"], handed.draft["id"]}
    mended = await handed.present.patch(path, json={"values": {"batch": "第六批"}}, headers=ANY)
    assert mended.status_code == 200, mended.text
    assert (await handed.office.post(f"{path}/confirm")).status_code == 200


async def test_a_row_of_a_unit_that_keeps_the_register_goes_to_nobody(handed: _Handed) -> None:
    await handed.door.load(kept_by(KEEPER, NEW_KEEPER))
    await handed.door.forget_everything()
    body = {"items": [moving(handed.confirmed)]}
    (told,) = (await handed.office.post(BATCH, json=body)).json()["items"]
    assert (told["outcome"], told["errors"][0]["code"]) == ("rejected", "row-of-another-unit")
