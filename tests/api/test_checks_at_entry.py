"""Checks at entry of one value: what blocks, what warns, who is shown which figures."""

from typing import Any

import pytest

from tests.support.api import Door
from tests.support.checked_plan import CHECKED, a_figure, a_year, faults, load_checked, reports
from tests.support.statements_counted import statements_of

pytestmark = pytest.mark.citus


@pytest.fixture(scope="module", autouse=True)
async def _plan(door: Door) -> None:
    await load_checked(door)


async def test_what_breaks_a_rule_is_not_handed_in_and_a_draft_says_why(door: Door) -> None:
    period = f"{a_year()}-03"
    async with await door.as_("reporter", "UN15") as unit:
        await reports(unit, a_figure("W2", period, 100))
        said = a_figure("W1", period, "120.5")
        refused = await unit.post(CHECKED, json=said)
        tried = await unit.post(CHECKED, json=said, params={"validate_only": "true"})
        (draft,) = await reports(unit, {**said, "draft": True})
        path = f"/submissions/{draft['id']}"
        not_yet = await unit.post(f"{path}/submit")
        mended = await unit.patch(path, json={"value": "100"}, headers={"If-Match": "*"})
        handed_in = await unit.post(f"{path}/submit")
    for answer in (refused, tried, not_yet):
        assert faults(answer) == [("/value", "check-failed")]
        detail = answer.json()["errors"][0]["detail"]
        assert detail == (
            "The rule K1 (no more is used than arises) does not hold: left 120.5, right 100,"
            " and left <= right is asked; see what either of them counts"
        )
    (warned,) = draft["warnings"]
    assert (warned["code"], warned["check"]["rule"]) == ("check-failed", "K1")
    assert (warned["check"]["left"], warned["check"]["right"]) == ("120.5", "100")
    assert warned["check"]["importance"] == "block"
    assert (mended.json()["warnings"], handed_in.json()["state"]) == ([], "submitted")


async def test_a_warning_wants_a_reason_and_goes_with_it_to_who_reviews(door: Door) -> None:
    period = f"{a_year()}-03"
    said = a_figure("W3", period, 50)
    async with await door.as_("reporter", "UN16") as other:
        await reports(other, a_figure("W4", period, "43.21", organization_code="UN16"))
    async with await door.as_("reporter", "UN15") as unit:
        unexplained = await unit.post(CHECKED, json=said)
        (made,) = await reports(unit, {**said, "justification": "在途未签收"})
        path = f"/submissions/{made['id']}"
        own = (await unit.get(path)).json()
    async with await door.as_("office") as office:
        listed = (await office.get(CHECKED, params={"period": period})).json()["items"]
        await office.post(f"{path}/approve")
        history = (await office.get(f"{path}/history")).json()["items"]
    async with await door.as_("superior") as superior:
        above = (await superior.get(path)).json()
    assert faults(unexplained) == [("/justification", "justification-required")]
    assert "43.21" not in unexplained.text
    assert "beyond your reach" in unexplained.json()["errors"][0]["detail"]
    # What the other unit reported is shown to the office alone.
    (seen,) = [one for one in listed if one["id"] == made["id"]]
    assert (seen["justification"], seen["warnings"][0]["check"]["right"]) == ("在途未签收", "43.21")
    assert "左 50，右 43.21" in seen["warnings"][0]["message"]
    assert [one["after"]["warnings"][0]["check"]["right"] for one in history] == ["43.21", "43.21"]
    assert history[0]["after"]["justification"] == "在途未签收"
    for hidden in (made, own, above):
        (warned,) = hidden["warnings"]
        assert (warned["code"], warned["check"]["figures_shown"]) == ("check-failed", False)
        assert (warned["check"]["left"], warned["check"]["figures"]) == (None, [])
        assert "43.21" not in str(warned)


async def test_what_was_found_falsified_is_compared_with_nothing(door: Door) -> None:
    period = f"{a_year()}-03"
    said = a_figure("W1", period, "120.5")
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        (made,) = await reports(unit, a_figure("W2", period, 100))
        refused = await unit.post(CHECKED, json=said)
        path = f"/submissions/{made['id']}"
        for verb in ("approve", "falsify", "reopen"):
            done = await office.post(f"{path}/{verb}", json={"reason": "核查不实"})
            assert done.status_code == 200, done.text
            if verb != "approve":
                tried = await unit.post(CHECKED, json=said, params={"validate_only": "true"})
                assert tried.status_code == 201, (verb, tried.text)
    assert faults(refused) == [("/value", "check-failed")]


async def test_a_thousand_after_twelve_months_near_a_hundred(door: Door) -> None:
    year = a_year()
    near = (98, 101, 99, 100, 102, 97, 100, 103, 99, 101, 100, 98)
    months = [a_figure("O1", f"{year}-{month:02}", one) for month, one in enumerate(near, 1)]
    async with await door.as_("reporter", "UN15") as unit:
        await reports(unit, *months)
        (made,) = await reports(unit, a_figure("O1", f"{year + 1}-01", 1000))
    (warned,) = made["warnings"]
    said = warned["check"]["statistics"]
    assert (warned["code"], said["median"], said["mad"], said["z"]) == (
        "outlier",
        "100",
        "1",
        "607.05",
    )
    assert (said["count"], said["mean"][:8]) == ("12", "99.83333")


async def test_stock_comes_from_the_closing_of_the_period_before(door: Door) -> None:
    year = a_year()
    async with await door.as_("reporter", "UN15") as unit:
        await reports(
            unit,
            a_figure("B3", f"{year}-12", "0.50"),
            a_figure("B1", f"{year + 1}-01", "3.20"),
            a_figure("B2", f"{year + 1}-01", "3.00"),
        )
        wrong = await unit.post(CHECKED, json=a_figure("B3", f"{year + 1}-01", "0.72"))
        (right,) = await reports(unit, a_figure("B3", f"{year + 1}-01", "0.70"))
    assert faults(wrong) == [("/value", "unbalanced")]
    assert right["warnings"] == []


async def test_drafts_are_no_figures_and_a_returned_one_is_what_was_approved(door: Door) -> None:
    period = f"{a_year()}-03"
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        (draft,) = await reports(unit, a_figure("W2", period, 10, draft=True))
        (used,) = await reports(unit, a_figure("W1", period, 50))
        path = f"/submissions/{draft['id']}"
        refused = await unit.post(f"{path}/submit")
        await unit.patch(path, json={"value": "60"}, headers={"If-Match": "*"})
        await unit.post(f"{path}/submit")
        await office.post(f"{path}/approve")
        await office.post(f"{path}/reopen", json={"reason": "核减"})
        # The correction is worked on: 60 stands until another figure is handed in.
        lower = await unit.patch(path, json={"value": "55"}, headers={"If-Match": "*"})
        assert (lower.status_code, lower.json()["warnings"]) == (200, [])
        await unit.post(f"/submissions/{used['id']}/withdraw")
        sixty = await unit.post(CHECKED, json=a_figure("W1", period, 60))
        await unit.post(f"/submissions/{sixty.json()['id']}/withdraw")
        await unit.post(f"{path}/submit")
        again = await unit.post(CHECKED, json=a_figure("W1", period, 60))
    assert faults(refused) == [("/value", "check-failed")]
    assert sixty.status_code == 201
    assert faults(again) == [("/value", "check-failed")]


async def test_a_repeat_gets_its_answer_whatever_stands_beside_it_now(door: Door) -> None:
    period = f"{a_year()}-03"
    said, key = a_figure("W1", period, 50), {"Idempotency-Key": f"check-{period}"}
    async with await door.as_("reporter", "UN15") as unit:
        first = await unit.post(CHECKED, json=said, headers=key)
        async with await door.as_("office") as office:
            await office.post(f"/submissions/{first.json()['id']}/return", json={"reason": "核对"})
        # What was returned stands for nothing, so this is taken; and 50 would not be any more.
        await reports(unit, a_figure("W2", period, 10))
        again = await unit.post(CHECKED, json=said, headers=key)
        refused = await unit.post(CHECKED, json={**said, "value": "51"}, headers=key)
    assert first.status_code == 201
    assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotency-key-reused"


async def _sent(door: Door, body: dict[str, Any]) -> list[str]:
    sent = []
    async with await door.as_("reporter", "UN15") as unit:
        await reports(unit, body)
        made = (await reports(unit, {**body, "period": "1991-02", "draft": True}))[0]
        for value in ("7", "8"):
            with statements_of(door) as asked:
                answer = await unit.patch(
                    f"/submissions/{made['id']}", json={"value": value}, headers={"If-Match": "*"}
                )
            assert answer.status_code == 200, answer.text
            sent.append(asked)
    return min(sent, key=len)  # now and then the plan or the caller's key is read anew


async def test_one_statement_more_where_figures_are_compared_and_none_elsewhere(door: Door) -> None:
    without = await _sent(door, a_figure("X1", "1991-01", 5))
    compared = await _sent(door, a_figure("W1", "1991-01", 5))
    watched = await _sent(door, a_figure("O1", "1991-01", 5))
    looked_up = [len([one for one in each if "unnest" in one]) for each in (without, compared)]
    assert looked_up == [0, 1]
    assert len(compared) == len(watched) == len(without) + 1
