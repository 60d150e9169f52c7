"""What stands between a check and its write: each guard held shut, and the request waits for it."""

from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from services.core.identity.actor import operator, system
from services.core.identity.rules import GRANTABLE_SCOPES
from services.core.milestones.models import Milestone
from services.core.obligations.models import Obligation
from services.core.submissions.creation import SubmissionDraft, create, draw_up
from services.core.submissions.errors import PlanChanged
from services.core.submissions.rules import Form, Remarks
from tests.support.api import XINMI, Door, a_submission, neighbour
from tests.support.duties import add
from tests.support.milestones import a_milestone
from tests.support.waiting import all_wait

PLAN = f"/plans/{XINMI}"
SUBMISSIONS = f"{PLAN}/submissions"
ANY = {"If-Match": "*"}


async def answers(
    door: Door, guard: str, *asked: Awaitable[httpx.Response], values: tuple[object, ...] = ()
) -> list[httpx.Response]:
    """Return the answers of requests that waited for a lock's name, or for what a statement did."""
    dsn = door.held.database.dsn
    if values:
        return await all_wait(dsn, *asked, statement=guard, values=values)
    return await all_wait(dsn, *asked, name=guard)


def told(found: Sequence[httpx.Response]) -> Counter[Any]:
    return Counter(
        one.status_code if one.is_success else (one.status_code, one.json()["code"])
        for one in found
    )


_OPEN = """
INSERT INTO plan_period (city_code, plan_code, period, state, due_date, opened_at, version)
VALUES ('410183', $1, $2, 'open', '2031-12-31', now(), 1)
"""


async def opened(door: Door, period: str) -> None:
    await door.held.database.pool.execute(_OPEN, XINMI, period)


_SHUT = "UPDATE plan_period SET state = $1 WHERE period = $2"


async def test_what_is_checked_against_an_older_plan_is_not_written(door: Door) -> None:
    plan = await door.held.plans.of_city("410183", XINMI)
    older = replace(plan, version=plan.version - 1)
    actor = replace(operator("410183"), role="office", scopes=GRANTABLE_SCOPES["office"])
    draft = SubmissionDraft("U08", "UN15", "2021", Form(value=Decimal(1)), Remarks(), draft=False)
    now = datetime(2026, 1, 5, tzinfo=UTC)
    row = draw_up(draft, plan=older, actor=actor, now=now)
    async with door.held.database.pool.acquire() as connection:
        with pytest.raises(PlanChanged):
            await create(
                connection, row=row, plan=older, actor=system("t"), reply=None, true_now=now
            )
        written = await connection.fetchval(
            "SELECT count(*) FROM submission WHERE id = $1", row["id"]
        )
    assert written == 0
    assert PlanChanged.code == "plan-changed"


async def test_a_report_waits_for_its_period_to_be_closed_and_is_then_refused(door: Door) -> None:
    await opened(door, "2021-01")
    async with await door.as_("reporter", "UN15") as unit:
        found = await answers(
            door,
            _SHUT,
            unit.post(SUBMISSIONS, json=a_submission(period="2021-01")),
            unit.post(
                SUBMISSIONS,
                json=a_submission(period="2021-01"),
                headers={"Idempotency-Key": "waits"},
            ),
            values=("closed", "2021-01"),
        )
    assert told(found) == {(409, "period-closed"): 2}


@pytest.mark.parametrize(
    ("verb", "state", "period"),
    [
        ("submit", "closed", "2021-02"),
        ("withdraw", "closed", "2021-03"),
        ("approve", "published", "2021-04"),
        ("return", "published", "2021-05"),
        ("edit", "closed", "2021-06"),
    ],
)
async def test_a_verb_waits_for_its_period_to_be_closed_and_is_then_refused(
    door: Door, verb: str, state: str, period: str
) -> None:
    await opened(door, period)
    draft = verb in {"submit", "edit"}
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        made = await unit.post(SUBMISSIONS, json=a_submission(period=period, draft=draft))
        path = f"/submissions/{made.json()['id']}"
        asked = {
            "edit": lambda: unit.patch(path, json={"value": "1"}, headers=ANY),
            "submit": lambda: unit.post(f"{path}/submit"),
            "withdraw": lambda: unit.post(f"{path}/withdraw"),
            "approve": lambda: office.post(f"{path}/approve"),
            "return": lambda: office.post(f"{path}/return", json={"reason": "核"}),
        }[verb]()
        found = await answers(door, _SHUT, asked, values=(state, period))
    assert told(found) == {(409, "period-closed"): 1}


async def test_a_published_period_takes_nothing_and_lets_nothing_be_decided(door: Door) -> None:
    await opened(door, "2021-07")
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        waits = await unit.post(SUBMISSIONS, json=a_submission(period="2021-07"))
        path = f"/submissions/{waits.json()['id']}"
        assert (await office.post(f"{PLAN}/periods/2021-07/publish")).status_code == 200
        town = a_submission(period="2021-07", organization_code="410183107")
        found = [
            await office.post(SUBMISSIONS, json=town),
            await unit.post(f"{path}/withdraw"),
            await office.post(f"{path}/approve"),
            await office.post(f"{path}/return", json={"reason": "核"}),
        ]
    assert told(found) == {(409, "period-closed"): 4}


async def test_of_two_who_move_a_period_one_does(door: Door) -> None:
    await opened(door, "2021-08")
    lock = "SELECT FROM plan_period WHERE period = $1 FOR UPDATE"
    async with await door.as_("office") as office:
        path = f"{PLAN}/periods/2021-08/close"
        found = await answers(door, lock, office.post(path), office.post(path), values=("2021-08",))
    assert told(found) == {200: 1, (409, "period-transition-refused"): 1}


async def test_two_periods_published_at_once_have_two_numbers(door: Door) -> None:
    for period in ("2021-09", "2021-10"):
        await opened(door, period)
    async with await door.as_("office") as office:
        found = await answers(
            door,
            XINMI,
            office.post(f"{PLAN}/periods/2021-09/publish"),
            office.post(f"{PLAN}/periods/2021-10/publish"),
        )
    numbers = sorted(one.json()["publication_number"] for one in found)
    assert numbers == [numbers[0], numbers[0] + 1]


async def test_days_are_counted_by_the_calendar_that_stands_when_they_are(door: Door) -> None:
    async with await door.as_("office") as office:
        asked = office.post(f"{PLAN}/milestones", json=a_milestone())
        found = await answers(door, "calendar/410183/CN", asked)
    assert told(found) == {201: 1}


async def test_of_six_who_announce_a_year_one_is_first_and_the_others_name_its_version(
    door: Door,
) -> None:
    async with await door.as_("office") as office:
        years = [{"source": f"第{number}号", "days": []} for number in range(6)]
        path = "/calendars/CN?year=2033"
        found = await answers(
            door, "calendar/410183/CN", *(office.put(path, json=year) for year in years)
        )
    assert told(found) == {200: 1, (428, "precondition-required"): 5}


async def test_of_six_who_change_one_version_of_the_rules_one_does(door: Door) -> None:
    async with await door.as_("office") as office:
        read = await office.get(f"{PLAN}/alert-rules")
        etag = {"If-Match": read.headers["ETag"]}
        rules = read.json()["rule_set"]
        found = await answers(
            door,
            f"alert-rules/410183/{XINMI}",
            *(office.put(f"{PLAN}/alert-rules", json=rules, headers=etag) for _ in range(6)),
        )
    assert told(found) == {200: 1, (412, "stale-version"): 5}


async def test_more_time_is_asked_for_what_is_owed_when_it_is_asked(door: Door) -> None:
    await opened(door, "2021-12")
    owed = await add(
        door.held.database, Obligation, period="2021-12", organization_code="410183107"
    )
    later = door.held.clock.today("Asia/Shanghai") + timedelta(days=90)
    async with await door.as_("reporter", "410183107") as unit:
        found = await answers(
            door,
            "UPDATE obligation SET state = 'waived' WHERE id = $1",
            unit.post(
                f"/obligations/{owed}/extensions",
                json={"proposed_date": f"{later}", "reason": "系统升级"},
            ),
            values=(owed,),
        )
    assert told(found) == {(409, "obligation-not-extendable"): 1}


async def test_a_milestone_is_judged_as_it_stands_once_it_is_locked(door: Door) -> None:
    made = await add(
        door.held.database,
        Milestone,
        state="completed",
        due_date=date(2031, 6, 30),
        original_due_date=date(2031, 6, 30),
        completed_at=datetime(2026, 1, 5, tzinfo=UTC),
    )
    async with await door.as_("office") as office:
        found = await answers(
            door,
            "UPDATE milestone SET state = 'cancelled' WHERE id = $1",
            office.post(f"/milestones/{made}/close", json={"grade": "good"}),
            values=(made,),
        )
    assert told(found) == {(409, "transition-refused"): 1}


async def test_two_loads_of_one_document_are_one_version(door: Door) -> None:
    document = neighbour().model_dump(mode="json")
    async with door.client(door.admin_secret) as admin:
        found = await answers(
            door, neighbour().code, *(admin.post("/plans", json=document) for _ in range(2))
        )
    assert sorted(one.json()["outcome"] for one in found) == ["created", "unchanged"]


@pytest.mark.parametrize(
    "verb", ["edit", "submit", "withdraw", "approve", "return", "reopen", "falsify"]
)
async def test_every_verb_honours_if_match_and_tells_what_stands_now(door: Door, verb: str) -> None:
    state = {"edit": "draft", "submit": "draft", "reopen": "approved", "falsify": "approved"}
    async with await door.as_("reporter", "UN15") as unit, await door.as_("office") as office:
        body = a_submission(period=f"2022-{_NUMBERS[verb]:02}", draft=state.get(verb) == "draft")
        made = await unit.post(SUBMISSIONS, json=body)
        path = f"/submissions/{made.json()['id']}"
        if state.get(verb) == "approved":
            made = await office.post(f"{path}/approve")
        client = unit if verb in {"edit", "submit", "withdraw"} else office
        reason = {"reason": "更正"} if verb in {"return", "reopen", "falsify"} else {}

        async def asked(tag: str) -> httpx.Response:
            if verb == "edit":
                return await client.patch(path, json={"value": "1"}, headers={"If-Match": tag})
            return await client.post(f"{path}/{verb}", json=reason, headers={"If-Match": tag})

        stale = await asked('"another.1"')
        done = await asked(made.headers["ETag"])
        late = await asked(made.headers["ETag"])
    assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")
    assert stale.headers["ETag"] == made.headers["ETag"]
    assert stale.json()["current"]["state"] == made.json()["state"]
    assert done.status_code == 200, done.text
    assert late.status_code == 412
    assert late.json()["current"]["state"] == done.json()["state"]


_NUMBERS = {
    verb: number
    for number, verb in enumerate(
        ("edit", "submit", "withdraw", "approve", "return", "reopen", "falsify"), start=1
    )
}
