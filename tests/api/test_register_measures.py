"""Figures over registers: proposed with their rows, handed in by people, never changed alone."""

from typing import Any

import httpx

from tests.support.api import Door
from tests.support.doors import with_2025_open as ledger
from tests.support.observed import conflicts_of
from tests.support.register_measures import (
    MEASURES,
    PLAN,
    approved,
    figure,
    revoked,
    submission_of,
    three_confirmed,
)
from tests.support.registers import KEEPER, ROWS, added_row

__all__ = ["ledger"]  # fixtures


async def test_three_factories_are_proposed_approved_and_one_revoked_is_a_conflict(
    ledger: Door,
) -> None:
    async with await ledger.as_("reporter", KEEPER) as unit, await ledger.as_("office") as office:
        ids = await three_confirmed(ledger, unit, office)
        (draft,) = await submission_of(office)
        shown = await figure(office)
        proposed = shown["proposed"]
        assert (draft["state"], draft["value"]) == ("draft", "3")
        assert draft["organization_code"] == KEEPER
        assert "台账“绿色工厂”有效绿色工厂家数：3 行" in draft["source"]
        assert (shown["value"], proposed["value"], proposed["row_count"]) == ("3", "3", 3)
        assert {one["id"] for one in proposed["rows"]} == set(ids)
        assert [one["version"] for one in proposed["rows"]] == [2, 2, 2]
        assert proposed["submission_id"] == draft["id"]
        await approved(unit, office)
        await ledger.react()
        conflict = await revoked(ledger, office, ids[1])
        (official,) = await submission_of(office)
        after = await figure(office)
        assert (official["state"], official["value"]) == ("approved", "3"), "until it is decided"
        assert (after["value"], after["proposed"]["version"]) == ("2", 2)
        assert (conflict["state"], conflict["observation"]["value"]) == ("open", "2")
        assert conflict["observation"]["source_name"] == "台账：绿色工厂"
        taken = {"take": "observation", "reason": "按台账更正"}
        decided = await office.post(f"/conflicts/{conflict['id']}/decide", json=taken)
        assert decided.status_code == 200, decided.text
        (corrected,) = await submission_of(office)
    assert (corrected["state"], corrected["value"]) == ("submitted", "2")
    assert corrected["approved_revision"] == 1, "nothing is approved by it"


async def test_a_draft_follows_the_rows_until_somebody_takes_it_over(ledger: Door) -> None:
    async with await ledger.as_("reporter", KEEPER) as unit, await ledger.as_("office") as office:

        async def one_more() -> str:
            row = await added_row(unit)
            assert (await office.post(f"/register-rows/{row['id']}/confirm")).status_code == 200
            await ledger.react()
            return str(row["id"])

        await one_more()
        second = await one_more()
        (draft,) = await submission_of(office)
        assert (draft["value"], draft["version"]) == ("2", 2)
        await ledger.react()
        assert (await submission_of(office))[0]["version"] == 2, "nothing new writes nothing"
        again = await unit.patch(
            f"/register-rows/{second}", json={"values": {"batch": "二"}}, headers={"If-Match": "*"}
        )
        assert again.json()["state"] == "draft"
        await ledger.react()
        assert (await figure(office))["value"] == "2", "a correction that waits moves no figure"
        noted = await unit.patch(
            f"/submissions/{draft['id']}", json={"note": "待核"}, headers={"If-Match": "*"}
        )
        assert noted.status_code == 200, noted.text
        await one_more()
        (kept,) = await submission_of(office)
        assert (kept["value"], (await figure(office))["value"]) == ("2", "3")
        history = (await office.get(f"/submissions/{draft['id']}/history")).json()["items"]
    assert [one["actor"]["name"] for one in history[:2]] == ["registers", "registers"]


async def test_the_same_factory_at_two_levels_counts_once_and_only_while_it_holds(
    ledger: Door,
) -> None:
    async with await ledger.as_("reporter", KEEPER) as unit, await ledger.as_("office") as office:
        first = await added_row(unit)
        code = first["values"]["credit_code"]
        others = [
            await added_row(unit, credit_code=code, level="national"),
            await added_row(unit, valid_until="2025-12-30"),
            await added_row(unit, valid_until="2025-12-31"),
            await added_row(unit, named_on="2026-01-01"),
        ]
        for row in (first, *others):
            await office.post(f"/register-rows/{row['id']}/confirm")
        shown = await figure(office)
        async with await ledger.as_("reporter", "UN10") as other:
            hidden = (await other.get(MEASURES, params={"period": "2025"})).json()
        mine = await figure(unit)
    assert (shown["value"], shown["row_count"]) == ("2", 3)
    assert (hidden["items"], hidden["limited_to_scope"]) == ([], True)
    assert mine == shown


async def test_an_approved_value_of_a_unit_meets_the_register_as_another_source(
    ledger: Door,
) -> None:
    async with await ledger.as_("reporter", KEEPER) as unit, await ledger.as_("office") as office:
        said = {"indicator_code": "R04", "organization_code": KEEPER, "period": "2025", "value": 5}
        made = await unit.post(f"{PLAN}/submissions", json=said)
        await office.post(f"/submissions/{made.json()['id']}/approve")
        row = await added_row(unit)
        await office.post(f"/register-rows/{row['id']}/confirm")
        await ledger.react()
        await ledger.react()
        (conflict,) = await conflicts_of(office, "2025")
        (official,) = await submission_of(office)
        rows = (await office.get(ROWS)).json()["items"]
    assert (conflict["ledger"]["value"], conflict["observation"]["value"]) == ("5", "1")
    assert (official["state"], official["value"]) == ("approved", "5")
    assert len(rows) == 1


async def test_a_draft_follows_the_rows_again_once_its_period_is_reopened(ledger: Door) -> None:
    async with await ledger.as_("reporter", KEEPER) as unit, await ledger.as_("office") as office:
        await three_confirmed(ledger, unit, office)
        assert (await office.post(f"{PLAN}/periods/2025/close")).status_code == 200
        row = await added_row(unit)
        assert (await office.post(f"/register-rows/{row['id']}/confirm")).status_code == 200
        await ledger.react()
        (still,) = await submission_of(office)
        assert (still["value"], (await figure(office))["value"]) == ("3", "4")

        async def reopened() -> dict[str, Any]:
            again = await office.post(f"{PLAN}/periods/2025/reopen", json={})
            assert again.status_code == 200, again.text
            await ledger.react()
            (found,) = await submission_of(office)
            return found

        draft = await reopened()
        assert (draft["id"], draft["value"], draft["state"]) == (still["id"], "4", "draft")
        assert "4 行" in draft["source"]
        await ledger.react()
        assert (await submission_of(office))[0]["version"] == draft["version"]
        # One that its unit took back is asked for again by the next opening, and not before.
        gone = await unit.post(f"/submissions/{draft['id']}/withdraw")
        assert gone.status_code == 200, gone.text
        await ledger.react()
        assert [one["state"] for one in await submission_of(office)] in ([], ["withdrawn"])
        assert (await office.post(f"{PLAN}/periods/2025/close")).status_code == 200
        again = await office.post(f"{PLAN}/periods/2025/reopen", json={})
        assert again.status_code == 200, again.text
        await ledger.react()
        new = [one for one in await submission_of(office) if one["state"] == "draft"]
        assert [one["value"] for one in new] == ["4"]
        assert (await figure(office))["proposed"]["submission_id"] == new[0]["id"]
        await approved_draft(unit, office, new[0])
        await ledger.react()
        assert await conflicts_of(office, "2025") == []


async def approved_draft(
    unit: httpx.AsyncClient, office: httpx.AsyncClient, draft: dict[str, Any]
) -> None:
    """Hand a draft in and approve it."""
    path = f"/submissions/{draft['id']}"
    for client, verb in ((unit, "submit"), (office, "approve")):
        answer = await client.post(f"{path}/{verb}")
        assert answer.status_code == 200, answer.text
