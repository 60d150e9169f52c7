"""What a unit is asked for, with its own words and earlier values as suggestions."""

from typing import Any

import httpx

from tests.support.api import IN_TIME, XINMI, Door, a_submission
from tests.support.reported import PATH

FORM = f"/plans/{XINMI}/form"


async def reported(client: httpx.AsyncClient, **changes: Any) -> str:
    answer = await client.post(PATH, json=a_submission(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def of(form: dict[str, Any], indicator: str) -> dict[str, Any]:
    """Return the cell of an indicator."""
    (found,) = [one for one in form["cells"] if one["indicator_code"] == indicator]
    return dict(found)


async def test_a_form_has_the_own_draft_and_earlier_values_with_their_source(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        before = await reported(unit, period="2025-02", value="38.19", source="二月台账")
        assert (await office.post(f"/submissions/{before}/approve")).status_code == 200
        year_ago = await reported(unit, period="2024-03", value="30")
        await reported(unit, period="2025-01", value="1", draft=True)
        draft = await reported(unit, period="2025-03", value="39", draft=True)
        opened = await office.post(f"/plans/{XINMI}/periods/2025-03/open", json=IN_TIME)
        assert opened.status_code == 200, opened.text
        answer = await unit.get(FORM, params={"period": "2025-03"})
        unchanged = await unit.get(
            FORM, params={"period": "2025-03"}, headers={"If-None-Match": answer.headers["ETag"]}
        )
        first = await unit.get(FORM, params={"period": "2025-02"})
        annual = await unit.get(FORM, params={"period": "2025"})
    form = answer.json()
    cell = of(form, "U08")
    assert cell["submission"]["id"] == draft
    assert cell["submission"]["allowed_actions"] == ["edit", "submit", "withdraw"]
    assert [(one["source"], one["submission_id"]) for one in cell["suggestions"]] == [
        ("last-period", before),
        ("last-year", year_ago),
    ]
    told = cell["suggestions"][0]
    assert (told["value"], told["state"], told["origin"]) == ("38.19", "approved", "二月台账")
    assert told["decided_at"] is not None
    assert cell["suggestions"][1]["decided_at"] is None
    assert (form["due_date"], form["reported"]) == (IN_TIME["due_date"], 0)
    assert form["prefilled"] >= 1
    assert form["asked"] == len(form["cells"])
    assert unchanged.status_code == 304
    assert of(first.json(), "U08")["suggestions"] == [], "a draft is nobody's to take over"
    assert of(annual.json(), "U08")["suggestions"] == []


async def test_what_was_found_false_is_nothing_to_go_on_from(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        false = await reported(unit, period="2023-02", value="38.19")
        assert (await office.post(f"/submissions/{false}/approve")).status_code == 200
        await reported(unit, period="2023-03", value="39", draft=True)
        asked = {"period": "2023-03"}
        before = of((await unit.get(FORM, params=asked)).json(), "U08")["suggestions"]
        found = await office.post(f"/submissions/{false}/falsify", json={"reason": "核查不实"})
        assert found.status_code == 200, found.text
        after = of((await unit.get(FORM, params=asked)).json(), "U08")["suggestions"]
    assert ([one["value"] for one in before], after) == (["38.19"], [])


async def test_what_is_owed_stands_with_its_obligation(door: Door) -> None:
    async with await door.as_("office") as office:
        opened = await office.post(f"/plans/{XINMI}/periods/2026/open", json=IN_TIME)
        assert opened.status_code == 200, opened.text
        asked = {"period": "2026", "organization_code": "UN15"}
        form = (await office.get(FORM, params=asked)).json()
        owed = (
            await office.get(
                f"/plans/{XINMI}/obligations",
                params={**asked, "page_size": "500"},
            )
        ).json()["items"]
    assert {one["owed"]["id"] for one in form["cells"]} == {one["id"] for one in owed}
    assert {one["owed"]["due_date"] for one in form["cells"]} == {IN_TIME["due_date"]}
    assert {one["indicator_code"] for one in form["cells"]} == {
        one["indicator_code"] for one in owed
    }


async def test_a_form_is_for_who_fills_it_in(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        others = await unit.get(FORM, params={"organization_code": "410183107"})
        nobodys = await office.get(FORM)
        unknown = await office.get(FORM, params={"organization_code": "NOPE", "period": "2025-13"})
    async with await door.as_("leader") as leader:
        barred = await leader.get(FORM, params={"organization_code": "UN15"})
    assert (others.status_code, others.json()["code"]) == (403, "not-your-organization")
    assert nobodys.json()["errors"][0]["pointer"] == "/query/organization_code"
    assert unknown.status_code == 422
    assert barred.status_code == 403
