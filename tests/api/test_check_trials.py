"""Checks before they are in force, and what was found: described, tried, listed."""

from typing import Any

import pytest

from tests.support.api import Door
from tests.support.checked_plan import CHECKED, a_figure, a_year, faults, load_checked, reports
from tests.support.plans import TRIAL
from tests.support.statements_counted import statements_of

pytestmark = pytest.mark.citus

PLAN = f"/plans/{TRIAL}"
RULE: dict[str, Any] = {
    "code": "T1",
    "name": "试算",
    "left": [{"indicator": "X1"}],
    "operator": "<=",
    "right": [{"indicator": "X2"}],
}


@pytest.fixture(scope="module", autouse=True)
async def _plan(door: Door) -> None:
    await load_checked(door)


async def test_a_plan_tells_its_checks_in_words(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        listed = (await unit.get(f"{PLAN}/checks")).json()["items"]
    said = {one["code"]: one for one in listed if one["code"]}
    assert list(said) == ["K1", "K2", "K3", "HW"]
    assert (said["K1"]["says"], said["K1"]["indicator_codes"]) == ("W1 <= W2", ["W1", "W2"])
    assert said["K2"]["says"] == "W3 == W4 (UN16)"
    assert said["K2"]["indicator_codes"] == ["W3"]
    assert said["HW"]["says"] == "B3 (上期) + B1 - B2 == B3（容差 0.01）"
    built_in = [(one["kind"], one["indicator_codes"]) for one in listed if not one["code"]]
    assert built_in == [("outlier", ["O1"])]


async def test_a_trial_says_what_a_rule_would_find_and_writes_nothing(door: Door) -> None:
    year = a_year()
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        for month, (one, other) in enumerate([(5, 4), (5, 5), (7, 1), (9, None)], 1):
            period = f"{year}-{month:02}"
            await reports(unit, a_figure("X1", period, one))
            if other is not None:
                await reports(unit, a_figure("X2", period, other))
        await reports(unit, a_figure("X1", f"{year}-05", 50, draft=True))
        before = (await office.get(CHECKED)).json()
        counted, found, after = [], [], None
        for _ in range(20):
            asked = {"rules": [RULE], **({"after": after} if after else {})}
            with statements_of(door) as sent:
                answer = await office.post(f"{PLAN}/checks/dry-run", json=asked)
            assert answer.status_code == 200, answer.text
            counted.append(len([one for one in sent if "unnest" in one]))
            found += [(one["period"], one["left"], one["right"]) for one in answer.json()["items"]]
            after = answer.json()["next"]
            if after is None:
                break
        one_month = {"rules": [RULE], "period": f"{year}-03", "organization_code": "UN15"}
        narrowed = (await office.post(f"{PLAN}/checks/dry-run", json=one_month)).json()
        assert (await office.get(CHECKED)).json() == before
        forbidden = await unit.post(f"{PLAN}/checks/dry-run", json=asked)
    assert [one for one in found if one[0].startswith(str(year))] == [
        (f"{year}-01", "5", "4"),
        (f"{year}-03", "7", "1"),
    ]
    assert set(counted) == {2}
    assert (narrowed["examined"], narrowed["broken"]) == (2, 1)
    assert narrowed["items"][0]["message_en"].startswith("The rule T1 (试算) does not hold: left 7")
    assert forbidden.status_code == 403


async def test_a_trial_goes_on_where_it_stopped_and_finds_each_once(door: Door) -> None:
    year = a_year()
    terms = [{"indicator": "X1"}, *[{"indicator": "X2", "times": 0}] * 19]
    rules = [
        {**RULE, "code": f"T{number}", "left": terms, "right": [*terms[1:], {"constant": 0}]}
        for number in range(20)
    ]
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        items = [a_figure("X1", f"{year}-{month:02}", 1) for month in range(1, 13)]
        items += [a_figure("X2", f"{year}-{month:02}", 1) for month in range(1, 13)]
        await unit.post(f"{CHECKED}/batch", json={"items": items})
        found, calls, after = [], 0, None
        while calls < 50 and (calls == 0 or after):
            asked = {"rules": rules, "organization_code": "UN15"}
            answer = await office.post(
                f"{PLAN}/checks/dry-run", json=asked | ({"after": after} if after else {})
            )
            found += [(one["rule"], one["period"]) for one in answer.json()["items"]]
            after, calls = answer.json()["next"], calls + 1
    here = [one for one in found if one[1].startswith(str(year))]
    assert (len(here), len(set(here))) == (20 * 12, 20 * 12)
    # 800 terms: a dozen values at once.
    assert calls > 2


async def test_a_trial_tells_every_fault_of_its_rules_at_once(door: Door) -> None:
    wrong = {
        "rules": [{**RULE, "left": [{"indicator": "X9"}], "tolerance": -1}],
        "balances": [{"code": "H", "name": "平衡", "closing": "X1"}],
        "period": "2025-13",
    }
    async with await door.as_("office") as office:
        answer = await office.post(f"{PLAN}/checks/dry-run", json=wrong)
        empty = await office.post(f"{PLAN}/checks/dry-run", json={})
    assert [pointer for pointer, _ in faults(answer)] == [
        *("/rules/0/tolerance", "/rules/0/left/0/indicator", "/balances/0/inflows", "/period")
    ]
    assert faults(empty) == [("/rules", "missing")]


async def test_what_breaks_checks_is_listed_for_who_reviews_it(door: Door) -> None:
    year = a_year()
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        (warned,) = await reports(unit, a_figure("X2", f"{year}-01", 3))
        await reports(unit, a_figure("X1", f"{year}-01", 3))
        (other,) = await reports(unit, a_figure("X2", f"{year}-02", 1))
        await unit.post(f"/submissions/{other['id']}/withdraw")
        asked = {"period": f"{year}-01", "organization_code": "UN15"}
        listed = (await office.get(f"{PLAN}/check-results", params=asked)).json()["items"]
        gone = (await office.get(f"{PLAN}/check-results", params={"period": f"{year}-02"})).json()
        as_sheet = await office.get(f"{PLAN}/check-results.csv", params=asked)
        refused = await unit.get(f"{PLAN}/check-results")
    async with await door.as_("lead", "UN16") as lead:
        theirs = (await lead.get(f"{PLAN}/check-results", params=asked)).json()["items"]
    (one,) = listed
    assert (one["submission_id"], one["warnings"][0]["check"]["rule"]) == (warned["id"], "K3")
    assert gone["items"] == []
    assert as_sheet.status_code == 200
    assert refused.status_code == 403
    assert theirs == []
