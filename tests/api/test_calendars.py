"""Working days through the door: a year day by day, and the notice that announces the next."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door
from tests.support.doors import own_door as door

__all__ = ["door"]  # fixtures

CALENDAR = "/calendars/CN"
NOTICE: dict[str, Any] = {
    "source": "示例通知",
    "days": [
        {"date": "2027-01-01", "kind": "rest", "note": "元旦"},
        {"date": "2027-10-09", "kind": "workday", "note": "国庆节调休"},
        {"date": "2027-10-11", "kind": "workday"},
    ],
}


@pytest.fixture
async def office(door: Door) -> AsyncIterator[httpx.AsyncClient]:
    async with await door.as_("office") as client:
        yield client


def kinds(answer: httpx.Response) -> dict[str, str]:
    return {day["date"]: day["kind"] for day in answer.json()["days"]}


async def test_a_year_is_told_day_by_day_with_its_source(office: httpx.AsyncClient) -> None:
    answer = await office.get(CALENDAR, params={"year": 2026})
    year = answer.json()
    assert (year["code"], year["year"], year["status"], year["version"]) == (
        *("CN", 2026, "official"),
        1,
    )
    assert "chinesecalendar" in year["source"]
    assert len(year["days"]) == 365
    worked = kinds(answer)
    assert (worked["2026-10-08"], worked["2026-10-10"], worked["2026-10-01"]) == (
        *("workday", "workday", "rest"),
    )
    assert {"date": "2026-10-10", "kind": "workday", "note": "国庆节调休"} in year["days"]
    assert {"date": "2026-10-11", "kind": "rest", "note": None} in year["days"]
    known = {"If-None-Match": answer.headers["ETag"]}
    assert (await office.get(CALENDAR, params={"year": 2026}, headers=known)).status_code == 304


async def test_a_year_that_was_not_announced_is_the_week_and_says_so(
    office: httpx.AsyncClient,
) -> None:
    answer = await office.get(CALENDAR, params={"year": 2028})
    year = answer.json()
    assert (year["status"], year["source"], year["version"]) == ("provisional", None, 0)
    assert len(year["days"]) == 366
    assert kinds(answer)["2028-01-03"] == "workday"
    assert kinds(answer)["2028-01-01"] == "rest"
    named = {day["date"]: day["note"] for day in year["days"] if day["note"]}
    assert named == {
        "2028-01-01": "元旦",
        "2028-05-01": "劳动节",
        "2028-05-02": "劳动节",
        "2028-10-01": "国庆节",
        "2028-10-02": "国庆节",
        "2028-10-03": "国庆节",
    }
    assert {kinds(answer)[day] for day in named} == {"rest"}
    assert year["unknown"] == ["春节", "清明节", "端午节", "中秋节", "调休"]


async def test_a_new_year_is_announced_and_the_same_once_more_changes_nothing(
    office: httpx.AsyncClient,
) -> None:
    said = await office.put(CALENDAR, params={"year": 2027}, json=NOTICE)
    assert said.status_code == 200, said.text
    assert (said.json()["status"], said.json()["source"], said.json()["version"]) == (
        *("official", "示例通知"),
        2,
    )
    assert kinds(said)["2027-10-09"] == "workday"
    read = await office.get(CALENDAR, params={"year": 2027})
    assert read.json() == said.json()
    assert read.headers["ETag"] == said.headers["ETag"].removesuffix('"') + ';gzip"'
    plain = await office.get(
        CALENDAR, params={"year": 2027}, headers={"Accept-Encoding": "identity"}
    )
    assert plain.headers["ETag"] == said.headers["ETag"]
    match = {"If-Match": said.headers["ETag"]}
    again = await office.put(CALENDAR, params={"year": 2027}, json=NOTICE, headers=match)
    assert again.json() == said.json()
    listed = (await office.get("/calendars")).json()["items"]
    assert [item["code"] for item in listed] == ["CN"]
    assert [year["year"] for year in listed[0]["years"]] == [*range(2004, 2028)]


async def test_an_announced_year_is_replaced_with_its_etag_only(
    door: Door, office: httpx.AsyncClient
) -> None:
    changed = {**NOTICE, "source": "更正"}
    first = await office.put(CALENDAR, params={"year": 2027}, json=NOTICE)
    bare = await office.put(CALENDAR, params={"year": 2027}, json=changed)
    assert (bare.status_code, bare.json()["code"]) == (428, "precondition-required")
    stale = await office.put(
        CALENDAR, params={"year": 2027}, json=changed, headers={"If-Match": '"x"'}
    )
    assert stale.status_code == 412
    assert stale.json()["current"]["source"] == "示例通知"
    assert stale.headers["ETag"] == first.headers["ETag"]
    match = {"If-Match": first.headers["ETag"]}
    tried = await office.put(
        CALENDAR, params={"year": 2027, "validate_only": True}, json=changed, headers=match
    )
    assert (tried.status_code, tried.json()["source"]) == (200, "更正")
    done = await office.put(CALENDAR, params={"year": 2027}, json=changed, headers=match)
    assert (done.status_code, done.json()["version"]) == (200, 3)
    await door.react()
    events = (await office.get("/events", params={"types": "calendar.changed"})).json()["items"]
    assert [one["data"]["source"] for one in events] == ["示例通知", "更正"]
    assert events[0]["subject"] == {"kind": "calendar", "id": "CN"}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
async def test_the_notice_may_come_as_a_table(office: httpx.AsyncClient, encoding: str) -> None:
    table = "date,kind,note\r\n2027-01-01,rest,元旦\r\n,,\r\n2027-10-09,workday,国庆节调休\r\n"
    said = await office.put(
        CALENDAR,
        params={"year": 2027, "source": "示例通知"},
        content=table.encode(encoding),
        headers={"Content-Type": "text/csv; charset=utf-8"},
    )
    assert said.status_code == 200, said.text
    assert said.json()["source"] == "示例通知"
    named = {day["date"]: day["note"] for day in said.json()["days"] if day["note"]}
    assert named == {"2027-01-01": "元旦", "2027-10-09": "国庆节调休"}


async def test_every_fault_of_a_notice_is_told_at_once(office: httpx.AsyncClient) -> None:
    body = {
        "source": "",
        "days": [
            {"date": "2027-01-01", "kind": "holiday"},
            {"date": "2027-1-2", "kind": "rest"},
            {"kind": "rest", "reason": "?"},
        ],
    }
    shape = await office.put(CALENDAR, params={"year": 1800}, json=body)
    assert shape.status_code == 422
    assert {(fault["pointer"], fault["code"]) for fault in shape.json()["errors"]} == {
        ("/source", "string-too-short"),
        ("/days/0/kind", "literal-error"),
        ("/days/1/date", "date"),
        ("/days/2/date", "missing"),
        ("/days/2/reason", "extra-forbidden"),
        ("/query/year", "greater-than-equal"),
    }
    days = [NOTICE["days"][0], NOTICE["days"][0], {"date": "2026-12-31", "kind": "rest"}]
    content = await office.put(CALENDAR, params={"year": 2027}, json={"source": "x", "days": days})
    assert [(fault["pointer"], fault["code"]) for fault in content.json()["errors"]] == [
        ("/days/1/date", "repeated-day"),
        ("/days/2/date", "outside-year"),
    ]


@pytest.mark.parametrize(
    ("table", "pointer"),
    [
        (b"date,kind,note\n2027-02-30,rest,\n", "/days/0/date"),
        (b"date,kind\n2027-01-01,rest\n2027-01-02,holiday\n", "/days/1/kind"),
        (b"date,kind\n\xef\xbc\x92027-01-01,rest\n", "/days/0/date"),
        (b"date,kind\n2027-01-01,\n", "/days/0/kind"),
    ],
)
async def test_a_fault_of_a_table_is_told_by_its_row(
    office: httpx.AsyncClient, table: bytes, pointer: str
) -> None:
    refused = await office.put(
        CALENDAR,
        params={"year": 2027, "source": "示例通知"},
        content=table,
        headers={"Content-Type": "text/csv"},
    )
    assert refused.status_code == 422, refused.text
    assert [fault["pointer"] for fault in refused.json()["errors"]] == [pointer]


@pytest.mark.parametrize(
    "table",
    [
        b"\n",
        b"day,kind\n2027-01-01,rest\n",
        b"date,kind,date\n2027-01-01,rest,2027-01-02\n",
        b"date,kind\n2027-01-01,rest,more\n",
        b'date,kind\n"2027-01-01,rest\n',
        b"date,kind\n\x00\n",
        b"\xff\xff\xff",
        b"date,kind\n" + b"x" * 200_000 + b",rest\n",
    ],
)
async def test_what_is_no_such_table_is_malformed(office: httpx.AsyncClient, table: bytes) -> None:
    refused = await office.put(
        CALENDAR, params={"year": 2027}, content=table, headers={"Content-Type": "text/csv"}
    )
    assert (refused.status_code, refused.json()["code"]) == (400, "malformed-body")


async def test_a_table_needs_its_source_in_the_query(office: httpx.AsyncClient) -> None:
    refused = await office.put(
        CALENDAR,
        params={"year": 2027},
        content=b"date,kind\n2027-01-01,rest\n",
        headers={"Content-Type": "text/csv"},
    )
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/source", "missing")
    ]
    other = await office.put(
        CALENDAR, params={"year": 2027}, content=b"x", headers={"Content-Type": "text/plain"}
    )
    assert other.status_code == 415


async def test_everybody_of_the_city_reads_it_and_the_office_and_the_administrator_set_it(
    door: Door,
) -> None:
    for role, unit in (
        ("reporter", "UN15"),
        ("lead", "UN10"),
        ("leader", None),
        ("superior", None),
    ):
        async with await door.as_(role, unit) as client:
            assert (await client.get(CALENDAR, params={"year": 2026})).status_code == 200
            refused = await client.put(CALENDAR, params={"year": 2027}, json=NOTICE)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
            assert (await client.get(CALENDAR, params={"city": "410100"})).status_code == 404
    async with door.client(None) as nobody:
        assert (await nobody.get(CALENDAR)).status_code == 401


async def test_the_administrator_of_every_city_names_one(door: Door) -> None:
    async with door.client(door.admin_secret) as admin:
        own = await admin.get(CALENDAR, params={"year": 2026, "city": "410183"})
        elsewhere = await admin.get(CALENDAR, params={"year": 2026, "city": "410100"})
        nowhere = await admin.put(CALENDAR, params={"year": 2027, "city": "410100"}, json=NOTICE)
        set_ = await admin.put(CALENDAR, params={"year": 2027, "city": "410183"}, json=NOTICE)
        empty = await admin.get("/calendars", params={"city": "410100"})
    assert (own.status_code, set_.status_code) == (200, 200)
    assert (elsewhere.status_code, nowhere.status_code) == (404, 404)
    assert elsewhere.json()["code"] == "calendar-not-found"
    assert empty.status_code == 404


async def test_a_code_of_which_nothing_is_known_is_not_found_until_it_is_announced(
    office: httpx.AsyncClient,
) -> None:
    own = "/calendars/410183"
    assert (await office.get(own)).json()["code"] == "calendar-not-found"
    assert (await office.put(own, params={"year": 2027}, json=NOTICE)).json()["version"] == 1
    assert (await office.get(own, params={"year": 2026})).json()["status"] == "provisional"
    codes = [item["code"] for item in (await office.get("/calendars")).json()["items"]]
    assert codes == ["410183", "CN"]


async def test_a_plan_says_how_far_its_calendar_reaches(
    door: Door, office: httpx.AsyncClient
) -> None:
    today = door.held.clock.today("Asia/Shanghai")
    calendar = (await office.get(f"/plans/{XINMI}")).json()["calendar"]
    awaited = today.month >= 11 and today.year >= 2026
    assert calendar == {"code": "CN", "announced_until": 2026, "awaits_notice": awaited}
