"""What was published stays readable under its number, whatever became of the period since."""

from typing import Any

from tests.support.api import Door
from tests.support.scores import PLAN, approved, board, row_of


async def _period(door: Door, verb: str, year: str = "2021", **body: object) -> dict[str, Any]:
    async with await door.as_("office") as office:
        answer = await office.post(f"{PLAN}/periods/{year}/{verb}", json=body)
    await door.react()
    return {"status": answer.status_code, **answer.json()}


async def _published(door: Door, number: int, **query: str) -> dict[str, Any]:
    async with await door.as_("leader") as leader:
        answer = await leader.get(
            f"{PLAN}/scoreboard", params={"publication": str(number), **query}
        )
    return {"status_code": answer.status_code, **answer.json()}


async def test_a_number_names_the_board_it_froze_and_no_other(door: Door) -> None:
    made = await approved(door, period="2021", value="40")
    await _period(door, "open", due_date="2027-06-30")
    before = await board(door, "2021")
    one = (await _period(door, "publish"))["publication_number"]
    first = await board(door, "2021")
    assert (await _period(door, "reopen"))["status"] == 422
    reopened = await _period(door, "reopen", reason="更正分子")
    assert (reopened["status"], reopened["publication_number"]) == (200, None)
    live = await board(door, "2021")
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as clerk:
        again = await office.post(f"/submissions/{made}/reopen", json={"reason": "更正"})
        etag = {"If-Match": again.headers["ETag"]}
        await clerk.patch(f"/submissions/{made}", json={"value": "41"}, headers=etag)
        await clerk.post(f"/submissions/{made}/submit")
        await office.post(f"/submissions/{made}/approve")
    await door.react()
    await _period(door, "publish")
    second = await board(door, "2021")
    numbers = [each["publication_number"] for each in (before, first, live, second)]
    assert numbers == [None, one, None, one + 1]
    then = await board(door, "2021", as_of=first["as_of"])
    assert (then["publication_number"], row_of(then, "U08")["value"]) == (one, "40")
    earlier = await board(door, "2021", as_of=before["as_of"])
    assert earlier["publication_number"] is None
    async with await door.as_("leader") as leader:
        listed = (await leader.get(f"{PLAN}/publications")).json()["items"]
    moments = {each["number"]: each["published_at"] for each in listed}
    for number, value in ((one, "40"), (one + 1, "41")):
        at_once = await board(door, "2021", as_of=moments[number])
        assert (at_once["publication_number"], row_of(at_once, "U08")["value"]) == (number, value)
        found = await _published(door, number)
        assert (found["publication_number"], found["period"]) == (number, "2021")
        assert row_of(found, "U08")["value"] == value
    assert await _published(door, one) == {"status_code": 200} | first


async def test_publications_are_listed_with_why_they_were_taken_up_again(door: Door) -> None:
    await _period(door, "open", "2023", due_date="2027-06-30")
    await _period(door, "publish", "2023")
    await _period(door, "reopen", "2023", reason="更正分子")
    await _period(door, "publish", "2023")
    async with await door.as_("leader") as leader:
        whole = (await leader.get(f"{PLAN}/publications")).json()["items"]
        size = str(len(whole) - 1)
        page = (await leader.get(f"{PLAN}/publications", params={"page_size": size})).json()
        rest = await leader.get(
            f"{PLAN}/publications",
            params={"page_size": size, "page_token": page["next_page_token"]},
        )
        strange = await leader.get(
            f"{PLAN}/publications", params={"page_token": page["next_page_token"] + "AA"}
        )
    first, (second,) = page["items"][-1], rest.json()["items"]
    assert (first["period"], first["reopen_reason"]) == ("2023", "更正分子")
    assert first["published_by"]["role"] == first["reopened_by"]["role"] == "office"
    assert second["number"] == first["number"] + 1
    assert (second["reopened_at"], second["reopen_reason"]) == (None, None)
    assert [one["number"] for one in whole] == list(range(1, len(whole) + 1))
    assert rest.json()["next_page_token"] is None
    assert strange.status_code == 400


async def test_a_number_that_names_nothing_here_is_not_found(door: Door) -> None:
    await _period(door, "open", "2022", due_date="2027-06-30")
    one = (await _period(door, "publish", "2022"))["publication_number"]
    assert (await _published(door, one + 1))["code"] == "publication-not-found"
    assert (await _published(door, one, period="2023"))["code"] == "publication-not-found"
    both = await _published(door, one, as_of="2026-01-31T16:00:00Z")
    assert (both["status_code"], both["errors"][0]["code"]) == (422, "not-with-as-of")
    assert (await _published(door, 2**31))["status_code"] == 422
