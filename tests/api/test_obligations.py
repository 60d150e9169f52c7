"""What the units owe, through the door: who sees it, how it is listed, what was reported of it."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from services.core.calendars.queries import working_calendar
from services.core.identity.actor import system
from services.core.kit.ids import new_id
from services.core.obligations import service
from services.core.obligations.models import Obligation
from services.core.plan.leads import leads_of
from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.clock import at

IN_TIME = {"due_date": "2026-12-31"}

pytestmark = pytest.mark.citus

PLAN = f"/plans/{XINMI}"
OWED = f"{PLAN}/obligations"
RATES = f"{PLAN}/reporting-rates"
DUE = "2026-01-31"
"""Of 2025: 31 days after its end, a Saturday."""

Client = httpx.AsyncClient


@pytest.fixture
async def door(database_url: str) -> AsyncIterator[Door]:
    """The API on a morning of January 2026, with 2025 opened."""
    async with open_door(database_url) as opened:
        at(opened, "2026-01-12", "09:00:00")
        async with await opened.as_("office") as office:
            answer = await office.post(f"{PLAN}/periods/2025/open")
            assert (answer.status_code, answer.json()["due_date"]) == (200, DUE)
        yield opened


@pytest.fixture
async def office(door: Door) -> AsyncIterator[Client]:
    async with await door.as_("office") as client:
        yield client


async def every(client: Client, path: str = OWED, **query: Any) -> list[dict[str, Any]]:
    """Return the items of all pages."""
    found: list[dict[str, Any]] = []
    while True:
        page = (await client.get(path, params=query)).json()
        found += page["items"]
        if page["next_page_token"] is None:
            return found
        query["page_token"] = page["next_page_token"]


async def one(client: Client, **query: Any) -> dict[str, Any]:
    found = await every(client, **({"indicator": "U08"} | query))
    assert len(found) == 1
    return found[0]


async def report(door: Door, **changes: Any) -> str:
    async with await door.as_("reporter", "UN15") as unit:
        made = await unit.post(f"{PLAN}/submissions", json=a_submission(**changes))
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def extend(door: Door, obligation_id: str, granted: str) -> None:
    async with door.held.database.transaction() as session:
        obligation = await session.get(Obligation, ("410183", obligation_id))
        assert obligation is not None
        await service.extend(
            session,
            obligation=obligation,
            granted_date=date.fromisoformat(granted),
            extension_id=new_id(),
            actor=system("test"),
            now=door.held.clock.now(),
        )


async def test_right_after_the_opening_everything_is_owed(office: Client) -> None:
    found = await every(office)
    assert len(found) == 48
    assert {(item["status"], item["due_date"], item["epoch"]) for item in found} == {
        ("expected", DUE, 1)
    }
    assert await one(office) == {
        "id": (await one(office))["id"],
        "plan": XINMI,
        "indicator_code": "U08",
        "indicator_name": "（城区）生活垃圾回收利用率",
        "organization_code": "UN15",
        "period": "2025",
        "status": "expected",
        "due_date": DUE,
        "original_due_date": DUE,
        "epoch": 1,
        "extensions": 0,
        "may_extend": True,
        "calendar": "official",
        "days_left": 14,
        "days_overdue": None,
        "submission_id": None,
        "submission_state": None,
        "reported_at": None,
    }


async def test_each_sees_what_is_theirs_and_404_is_all_that_others_learn(
    door: Door, office: Client
) -> None:
    plan = await door.held.plans.of_city("410183", XINMI)
    whole = await every(office)
    expected = {
        ("leader", None): {item["id"] for item in whole},
        ("reporter", "UN10"): {item["id"] for item in whole if item["organization_code"] == "UN10"},
        ("lead", "UN10"): {
            item["id"]
            for item in whole
            if "UN10" in leads_of(plan.indicators[item["indicator_code"]])
        },
    }
    assert len({len(ids) for ids in expected.values()}) == 3, "each of them sees something else"
    for (role, unit), ids in expected.items():
        async with await door.as_(role, unit) as client:
            assert {item["id"] for item in await every(client)} == ids
            hidden = [item["id"] for item in whole if item["id"] not in ids][:1]
            for obligation_id in (min(ids), *hidden):
                for path in ("", "/history"):
                    answer = await client.get(f"/obligations/{obligation_id}{path}")
                    assert answer.status_code == (200 if obligation_id in ids else 404)


async def test_the_superior_reads_the_rates_alone_and_administrators_nothing(
    door: Door, office: Client
) -> None:
    known = (await one(office))["id"]
    async with await door.as_("superior") as superior:
        listed = await superior.get(OWED)
        assert (listed.status_code, listed.json()["code"]) == (403, "forbidden")
        assert (await superior.get(f"/obligations/{known}")).status_code == 404
        assert (await superior.get(RATES)).json()["total"]["expected"] == 48
    async with door.client(door.admin_secret) as admin:
        for path in (OWED, RATES, f"/obligations/{known}"):
            assert (await admin.get(path)).status_code == 403
    async with await door.as_("reporter", "UN15") as unit:
        own = (await unit.get(RATES)).json()
    assert [item["code"] for item in own["items"]] == ["UN15"]
    assert (await office.get("/plans/410184-2025/obligations")).status_code == 404


async def test_pages_go_on_where_the_last_one_ended(door: Door, office: Client) -> None:
    whole = await every(office, page_size=500)
    await extend(door, whole[0]["id"], "2026-02-10")
    paged = await every(office, page_size=7)
    assert [item["id"] for item in paged] == [item["id"] for item in whole[1:]] + [whole[0]["id"]]
    places = [(item["due_date"], item["id"]) for item in paged]
    assert places == sorted(places)
    token = (await office.get(OWED, params={"page_size": 1})).json()["next_page_token"]
    for query in ({"status": "expected"}, {"indicator": "U08"}, {"due_before": DUE}):
        other = await office.get(OWED, params={"page_token": token, **query})
        assert (other.status_code, other.json()["code"]) == (400, "bad-page-token")


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"period": "2025-Q5"}, "/query/period"),
        ({"status": "done"}, "/query/status"),
        ({"due_before": "tomorrow"}, "/query/due_before"),
        ({"page_size": "0"}, "/query/page_size"),
    ],
)
async def test_a_faulty_filter_is_told(office: Client, query: dict[str, str], pointer: str) -> None:
    refused = await office.get(OWED, params=query)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]
    by = await office.get(RATES, params={"by": "light"})
    assert by.status_code == 422


async def test_on_its_last_day_it_is_due_and_a_second_later_it_is_overdue(
    door: Door, office: Client
) -> None:
    at(door, DUE, "23:59:59")
    found = await one(office)
    assert (found["status"], found["days_left"], found["days_overdue"]) == ("expected", 0, None)
    assert (await office.get(RATES)).json()["total"]["missing"] == 0
    at(door, "2026-02-01", "00:00:00")
    found = await one(office)
    assert (found["status"], found["days_left"], found["days_overdue"]) == ("missing", None, 0)
    assert (await office.get(RATES)).json()["total"]["missing"] == 48
    at(door, "2026-02-03", "09:00:00")
    assert (await one(office))["days_overdue"] == 2
    assert await every(office, status="expected") == []
    assert len(await every(office, status="missing")) == 48


@pytest.mark.parametrize(
    ("instant", "status", "on_time"),
    [((DUE, "23:59:59"), "met", "100"), (("2026-02-01", "00:00:00"), "late", "0")],
)
async def test_what_is_handed_in_by_midnight_is_in_time(
    door: Door, office: Client, instant: tuple[str, str], status: str, on_time: str
) -> None:
    at(door, *instant)
    submission_id = await report(door)
    at(door, "2026-02-05", "09:00:00")
    found = await one(office)
    assert (found["status"], found["submission_id"], found["submission_state"]) == (
        *(status, submission_id),
        "submitted",
    )
    assert found["days_overdue"] == (None if status == "met" else 0)
    assert found["may_extend"] is False
    by_indicator = (await office.get(RATES, params={"by": "indicator"})).json()["items"]
    rate = next(item for item in by_indicator if item["code"] == "U08")
    assert (rate["reporting_rate"], rate["on_time_rate"]) == ("100", on_time)
    assert rate["late"] == (0 if status == "met" else 1)


async def test_returned_stays_handed_in_and_withdrawn_does_not(door: Door, office: Client) -> None:
    submission_id = await report(door)
    first = await one(office)
    at(door, "2026-02-05", "09:00:00")
    reason = {"reason": "分母口径应为产生量"}
    await office.post(f"/submissions/{submission_id}/return", json=reason)
    returned = await one(office)
    assert (returned["status"], returned["submission_state"]) == ("met", "returned")
    async with await door.as_("reporter", "UN15") as unit:
        await unit.post(f"/submissions/{submission_id}/submit")
        assert (await one(unit))["reported_at"] == first["reported_at"]
        await office.post(f"/submissions/{submission_id}/return", json=reason)
        await unit.post(f"/submissions/{submission_id}/withdraw")
        gone = await one(unit)
    assert (gone["status"], gone["submission_id"], gone["reported_at"]) == ("missing", None, None)


async def test_an_etag_changes_with_what_it_became(door: Door, office: Client) -> None:
    path = f"/obligations/{(await one(office))['id']}"
    first = await office.get(path)
    same = await office.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.content) == (304, b"")
    await report(door)
    after = await office.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (after.status_code, after.json()["status"]) == (200, "met")


async def test_its_history_tells_every_date_it_had(door: Door, office: Client) -> None:
    obligation_id = (await one(office))["id"]
    await extend(door, obligation_id, "2026-02-10")
    await office.post(f"{PLAN}/periods/2025/close")
    await office.post(f"{PLAN}/periods/2025/reopen", json={"due_date": "2026-03-13"})
    path = f"/obligations/{obligation_id}/history"
    changes = await every(office, path, page_size=2)
    assert [(one["version"], one["action"]) for one in changes] == [
        (1, "raised"),
        (2, "extended"),
        (3, "reopened"),
    ]
    assert [one["after"]["due_date"] for one in changes] == [DUE, "2026-02-10", "2026-03-13"]
    assert [one["before"] for one in changes] == [None, *(one["after"] for one in changes[:-1])]
    assert changes[0]["actor"]["role"] == "office"


async def test_a_period_is_reopened_with_a_date_or_without(office: Client) -> None:
    path = f"{PLAN}/periods/2025"
    await office.post(f"{path}/close")
    assert (await one(office))["status"] == "missing"
    assert (await office.post(f"{path}/reopen")).json()["due_date"] == DUE
    assert (await one(office))["epoch"] == 2
    await office.post(f"{path}/publish")
    early = await office.post(f"{path}/reopen", json={"due_date": "2025-12-30"})
    assert [(fault["pointer"], fault["code"]) for fault in early.json()["errors"]] == [
        ("/due_date", "due-before-period-end")
    ]
    unknown = await office.post(f"{path}/reopen", json={"until": "2026-03-13"})
    assert unknown.status_code == 422
    more_time = {"due_date": "2026-03-13", "reason": "UN15 更正分子"}
    tried = await office.post(f"{path}/reopen", params={"validate_only": True}, json=more_time)
    assert (tried.status_code, tried.json()["due_date"]) == (200, "2026-03-13")
    assert (await one(office))["epoch"] == 2
    done = await office.post(f"{path}/reopen", json=more_time)
    assert done.json()["due_date"] == "2026-03-13"
    found = await one(office)
    assert (found["due_date"], found["original_due_date"], found["epoch"]) == (
        *("2026-03-13", DUE),
        3,
    )


async def test_a_previewed_opening_raises_nothing(office: Client) -> None:
    tried = await office.post(
        f"{PLAN}/periods/2024/open", params={"validate_only": True}, json=IN_TIME
    )
    assert tried.status_code == 200
    assert await every(office, period="2024") == []


async def test_rates_stand_in_the_plans_order_with_their_total(door: Door, office: Client) -> None:
    await report(door)
    rates = (await office.get(RATES, params={"period": "2025"})).json()
    plan = await door.held.plans.of_city("410183", XINMI)
    order = list(plan.organizations)
    codes = [item["code"] for item in rates["items"]]
    assert codes == sorted(codes, key=order.index)
    assert (rates["plan"], rates["period"], rates["by"]) == (XINMI, "2025", "organization")
    assert rates["total"] == {
        "expected": 48,
        "reported": 1,
        "on_time": 1,
        "late": 0,
        "missing": 0,
        "reporting_rate": "2.08333333333333333333",
        "on_time_rate": "2.08333333333333333333",
    }
    assert sum(item["expected"] for item in rates["items"]) == 48
    by_period = (await office.get(RATES, params={"by": "period"})).json()["items"]
    assert [(item["code"], item["name"], item["reported"]) for item in by_period] == [
        ("2025", "2025", 1)
    ]
    none = (await office.get(RATES, params={"period": "2024"})).json()
    assert (none["items"], none["total"]["reporting_rate"]) == ([], None)


async def test_a_due_date_in_a_year_nobody_announced_is_provisional(
    door: Door, office: Client
) -> None:
    async with door.held.database.transaction() as session:
        await session.execute(
            update(Obligation)
            .where(Obligation.indicator_code == "U08")
            .values(due_date=date(2027, 1, 15))
        )
    found = await one(office)
    assert (found["calendar"], found["due_date"]) == ("provisional", "2027-01-15")
    async with door.held.database.sessions() as session:
        calendar = await working_calendar(session, "410183", "CN")
    assert found["days_left"] == calendar.between(date(2026, 1, 12), date(2027, 1, 15))
