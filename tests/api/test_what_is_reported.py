"""What a value may be and when, through the door: parts, range, period, the period's state."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support import plans
from tests.support.api import Door, open_door
from tests.support.clock import at

pytestmark = pytest.mark.citus

Client = httpx.AsyncClient
PLAN = f"/plans/{plans.TRIAL}"
RATIO = {"units": "ratio_of_sums", "periods": "last"}


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on a day of March 2027, with a plan of a few indicators."""
    async with open_door(database_url) as opened:
        at(opened, "2027-03-02", "09:00:00")
        await plans.load(
            opened,
            plans.a_plan(
                plans.an_indicator("A1"),
                plans.an_indicator("A2", aggregation=RATIO, multiplier=100),
                plans.an_indicator("A3", plausible={"maximum": 100, "outside": "warn"}),
                plans.an_indicator("A4", owners=["UN16"]),
            ),
        )
        yield opened


async def report(client: Client, **changes: Any) -> httpx.Response:
    body = {"indicator_code": "A1", "organization_code": "UN15", "period": "2027", **changes}
    return await client.post(f"{PLAN}/submissions", json=body)


def codes(answer: httpx.Response) -> list[tuple[str, str]]:
    assert answer.status_code == 422, answer.text
    return [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]


async def test_a_ratio_of_sums_is_reported_in_its_parts_on_every_path(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        bare = {"indicator_code": "A2", "value": "5"}
        for draft in (False, True):
            assert codes(await report(unit, **bare, draft=draft)) == [("/value", "ratio-required")]
        kept = await report(unit, indicator_code="A2", numerator="45", denominator="100")
        assert (kept.status_code, kept.json()["value"]) == (201, "45")
        path = f"/submissions/{kept.json()['id']}"
        await office.post(f"{path}/return", json={"reason": "请核对"})
        etag = (await unit.get(path)).headers["ETag"]
        changed = await unit.patch(
            path,
            json={"value": "5", "numerator": None, "denominator": None},
            headers={"If-Match": etag},
        )
        assert codes(changed) == [("/value", "ratio-required")]


async def test_a_draft_from_before_the_rule_is_not_submitted_without_parts(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        made = await report(unit, value="50", draft=True)
        again = plans.a_plan(plans.an_indicator("A1", aggregation=RATIO, multiplier=100))
        await plans.load(door, again)
        path = f"/submissions/{made.json()['id']}"
        assert codes(await unit.post(f"{path}/submit")) == [("/value", "ratio-required")]
        parts = {"value": None, "numerator": "1", "denominator": "2"}
        mended = await unit.patch(path, json=parts, headers={"If-Match": made.headers["ETag"]})
        assert (mended.status_code, mended.json()["value"]) == (200, "50")
        assert (await unit.post(f"{path}/submit")).status_code == 200


async def test_a_value_from_before_the_rule_is_not_approved_without_its_parts(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        made = await report(unit, value="50")
        again = plans.a_plan(plans.an_indicator("A1", aggregation=RATIO, multiplier=100))
        await plans.load(door, again)
        path = f"/submissions/{made.json()['id']}"
        refused = await office.post(f"{path}/approve")
        preview = await office.post(f"{path}/approve", params={"validate_only": "true"})
        assert codes(refused) == codes(preview) == [("/value", "ratio-required")]
        assert "return it" in refused.json()["errors"][0]["detail"]
        assert (await unit.get(path)).json()["state"] == "submitted"
        returned = await office.post(f"{path}/return", json={"reason": "请补分子、分母"})
        parts = {"value": None, "numerator": "1", "denominator": "2"}
        etag = {"If-Match": returned.headers["ETag"]}
        assert (await unit.patch(path, json=parts, headers=etag)).status_code == 200
        assert (await unit.post(f"{path}/submit")).status_code == 200
        approved = await office.post(f"{path}/approve")
    assert (approved.status_code, approved.json()["value"]) == (200, "50")


async def test_an_impossible_share_is_refused_on_every_path(door: Door) -> None:
    outside = ("/value", "implausible-value")
    async with await door.as_("reporter", "UN15") as unit:
        for value in ("9500", "-5"):
            assert codes(await report(unit, value=value)) == [outside]
            assert codes(await report(unit, value=value, draft=True)) == [outside]
        parts = {"indicator_code": "A2", "numerator": "11", "denominator": "10"}
        assert codes(await report(unit, **parts)) == [("/numerator", "implausible-value")]
        made = await report(unit, value="95", draft=True)
        changed = await unit.patch(
            f"/submissions/{made.json()['id']}",
            json={"value": "9500"},
            headers={"If-Match": made.headers["ETag"]},
        )
        assert codes(changed) == [outside]


async def test_parts_of_a_share_below_zero_are_refused_on_every_path(door: Door) -> None:
    both = [("/numerator", "negative-part"), ("/denominator", "negative-part")]
    async with await door.as_("reporter", "UN15") as unit:
        for code in ("A1", "A2"):
            parts = {"indicator_code": code, "numerator": "-40", "denominator": "-95"}
            assert codes(await report(unit, **parts)) == both
            assert codes(await report(unit, **parts, draft=True)) == both
            nothing = parts | {"numerator": "0"}
            assert codes(await report(unit, **nothing)) == both[1:]
        listed = {"items": [parts | {"organization_code": "UN15", "period": "2027"}]}
        batch = await unit.post(f"{PLAN}/submissions/batch", json=listed)
        told = {fault["code"] for one in batch.json()["items"] for fault in one["errors"]}
        assert told == {"negative-part"}, batch.text
        kept = await report(unit, indicator_code="A2", numerator="40", denominator="95", draft=True)
        changed = await unit.patch(
            f"/submissions/{kept.json()['id']}",
            json={"numerator": "-40", "denominator": "-95"},
            headers={"If-Match": kept.headers["ETag"]},
        )
        assert codes(changed) == both


async def test_where_the_plan_warns_the_value_is_taken_and_a_reason_asked_for(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        made = await report(unit, indicator_code="A3", value="110", draft=True)
        assert made.status_code == 201
        (warning,) = made.json()["warnings"]
        assert warning["code"] == "implausible-value"
        assert "请在 note 中说明原因" in warning["message"]
        path = f"/submissions/{made.json()['id']}"
        headers = {"If-Match": made.headers["ETag"]}
        explained = await unit.patch(path, json={"note": "含外县转入量"}, headers=headers)
        (known,) = explained.json()["warnings"]
        assert "note" not in known["message"]
        within = await unit.patch(
            path, json={"value": "99"}, headers={"If-Match": explained.headers["ETag"]}
        )
        assert within.json()["warnings"] == []


async def test_a_value_that_cannot_count_says_so_in_the_answer(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        counted = (await report(unit, value="95")).json()
        foreign = (await report(unit, indicator_code="A4", value="95")).json()
        month = (await report(unit, value="95", period="2027-01")).json()
        listed = (await unit.get(f"{PLAN}/submissions")).json()["items"]
    assert (counted["counts"], counted["counts_reason"]) == (True, None)
    assert (foreign["counts"], foreign["counts_reason"]["code"]) == (
        False,
        "another-units-indicator",
    )
    assert (month["counts"], month["counts_reason"]["code"]) == (False, "period-too-fine")
    assert [item["counts"] for item in listed] == [False, False, True]


async def test_a_year_not_begun_is_not_reported_beyond_the_next_period(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        assert (await report(unit, period="2028", value="95")).status_code == 201
        for period in ("2029", "2052", "2028-Q1"):
            assert codes(await report(unit, period=period, value="95")) == [
                ("/period", "period-not-begun")
            ]
        worst = await report(unit, period="2052", value="9500", indicator_code="A2")
        assert codes(worst) == [("/period", "period-not-begun"), ("/value", "ratio-required")]


async def test_what_the_state_of_the_period_forbids_is_not_offered(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        await office.post(f"{PLAN}/periods/2026/open", json={"due_date": "2027-03-31"})
        made = {
            name: (await report(unit, period="2026", indicator_code=code, **parts)).json()["id"]
            for name, code, parts in (
                ("approved", "A1", {"value": "95"}),
                ("submitted", "A3", {"value": "95"}),
                ("draft", "A2", {"numerator": 1, "denominator": 2, "draft": True}),
            )
        }
        await office.post(f"/submissions/{made['approved']}/approve")
        assert await offered(unit, made) == {
            "approved": [],
            "submitted": ["withdraw"],
            "draft": ["edit", "submit", "withdraw"],
        }
        closed = await office.post(f"{PLAN}/periods/2026/close")
        assert closed.status_code == 200
        assert await offered(unit, made) == {"approved": [], "submitted": [], "draft": []}
        assert await offered(office, made) == {
            "approved": ["falsify"],
            "submitted": ["approve", "return"],
            "draft": [],
        }
        refused = await office.post(
            f"/submissions/{made['approved']}/reopen", json={"reason": "数据有误"}
        )
        assert (refused.status_code, refused.json()["code"]) == (409, "period-closed")
        assert refused.json()["allowed_actions"] == ["falsify"]
        await office.post(f"/submissions/{made['submitted']}/return", json={"reason": "缺附件"})
        assert (await offered(unit, made))["submitted"] == []
        published = await office.post(f"{PLAN}/periods/2026/publish")
        assert published.status_code == 200
        assert await offered(office, made) == {"approved": [], "submitted": [], "draft": []}


async def offered(client: Client, made: dict[str, str]) -> dict[str, list[str]]:
    """Return what is offered for each, after trying every verb that is not offered."""
    found = {}
    for name, submission_id in made.items():
        path = f"/submissions/{submission_id}"
        read = await client.get(path)
        found[name] = list(read.json()["allowed_actions"])
        for verb in ("submit", "withdraw", "approve", "return", "reopen", "falsify"):
            if verb not in found[name]:
                tried = await client.post(
                    f"{path}/{verb}?validate_only=true", json={"reason": "试一试"}
                )
                assert tried.status_code in {403, 409}, (name, verb, tried.text)
    return found
