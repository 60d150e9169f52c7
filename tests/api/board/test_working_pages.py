"""The unit's and the office's pages: what they show, and forms that become calls of the API."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.api import IN_TIME, XINMI, Door, a_submission, open_door, xinmi
from tests.support.board import signed_in_browser, token_in, words_of
from tests.support.owner import as_owner
from tests.support.people import somebody

UNIT_PAGE = f"/board/plans/{XINMI}/unit"
OFFICE_PAGE = f"/board/plans/{XINMI}/office"


@pytest.fixture(scope="module")
async def opened(module_database_url: str) -> AsyncIterator[Door]:
    """A ledger in which 2025 is open and the units owe its values."""
    async with open_door(module_database_url) as door:
        async with await door.as_("office") as office:
            answer = await office.post(f"/plans/{XINMI}/periods/2025/open", json=IN_TIME)
            assert answer.status_code == 200, answer.text
        await door.react()
        yield door


@pytest.fixture(scope="module")
async def unit(opened: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of the clerk of 市城管局."""
    one = await somebody(opened, "clerk", "reporter", "UN15")
    async with await signed_in_browser(opened, one) as client:
        yield client


@pytest.fixture(scope="module")
async def office(opened: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser of the office."""
    async with await signed_in_browser(opened, await somebody(opened, "desk", "office")) as client:
        yield client


async def post(
    client: httpx.AsyncClient, page: str, path: str, fields: dict[str, Any]
) -> httpx.Response:
    """Send a form of a page."""
    shown = await client.get(page)
    assert shown.status_code == 200, shown.text
    return await client.post(path, data={"form_token": token_in(shown.text), **fields})


async def standing(door: Door, code: str) -> dict[str, Any] | None:
    """Return the submission of an indicator of 市城管局 in 2025."""
    async with await door.as_("office") as reader:
        found = await reader.get(
            f"/plans/{XINMI}/submissions",
            params={"indicator_code": code, "organization_code": "UN15", "period": "2025"},
        )
    items: list[dict[str, Any]] = found.json()["items"]
    return items[0] if items else None


async def test_a_clerk_sees_what_waits_and_hands_a_value_in(
    opened: Door, unit: httpx.AsyncClient, office: httpx.AsyncClient
) -> None:
    page = await unit.get(UNIT_PAGE)
    assert "市城管局" in words_of(page.text)
    assert "填报" in words_of(page.text)
    fields = {"period": "2025", "indicator": ["U08", "R11"], "numerator.U08": "3.9"}
    fields |= {"denominator.U08": "10", "note.U08": "年报", "action": "submit"}
    done = await post(unit, UNIT_PAGE, UNIT_PAGE, fields)
    assert done.status_code == 303, words_of(done.text)
    assert "已提交审核" in (await unit.get(done.headers["Location"])).text
    row = await standing(opened, "U08")
    assert row is not None
    assert (row["value"], row["state"], row["note"]) == ("39", "submitted", "年报")
    assert await standing(opened, "R11") is None, "what was left blank is not reported"

    returned = await post(
        office,
        OFFICE_PAGE,
        f"{OFFICE_PAGE}/review",
        {"id": row["id"], "action": "return", "reason": "分母口径有误"},
    )
    assert "办理 1 项" in words_of(returned.text)
    again = words_of((await unit.get(UNIT_PAGE)).text)
    assert "退回更正" in again
    assert "分母口径有误" in again
    done = await post(unit, UNIT_PAGE, UNIT_PAGE, {**fields, "denominator.U08": "12"})
    assert done.status_code == 303, words_of(done.text)
    approved = await post(
        office, OFFICE_PAGE, f"{OFFICE_PAGE}/review", {"id": row["id"], "action": "approve"}
    )
    assert "办理 1 项，未办理 0 项" in words_of(approved.text)
    row = await standing(opened, "U08")
    assert row is not None
    assert (row["state"], row["denominator"]) == ("approved", "12")


async def test_what_is_wrong_stands_by_its_field_and_nothing_is_lost(
    opened: Door, unit: httpx.AsyncClient
) -> None:
    fields = {"period": "2025", "indicator": ["R11", "R12"], "value.R11": "九成"}
    fields |= {"value.R12": "12.5", "note.R12": "说明", "action": "submit"}
    refused = await post(unit, UNIT_PAGE, UNIT_PAGE, fields)
    assert refused.status_code == 422
    assert 'value="九成"' in refused.text
    assert 'value="12.5"' in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert "全部未提交" in refused.text
    assert await standing(opened, "R12") is None, "all of it or nothing"


async def test_a_form_that_is_sent_twice_reports_once(
    opened: Door, unit: httpx.AsyncClient
) -> None:
    shown = await unit.get(UNIT_PAGE)
    key = re.search(r'name="key" value="([^"]+)"', shown.text)
    assert key is not None
    fields = {"form_token": token_in(shown.text), "key": key[1], "period": "2025"}
    fields |= {"indicator": "U07", "value.U07": "91", "action": "draft"}
    first, second = [await unit.post(UNIT_PAGE, data=fields) for _ in range(2)]
    assert (first.status_code, second.status_code) == (303, 303)
    row = await standing(opened, "U07")
    assert row is not None
    async with await opened.as_("office") as reader:
        history = await reader.get(f"/submissions/{row['id']}/history")
    assert len(history.json()["items"]) == 1


async def test_the_office_reminds_those_on_its_list_once_by_a_button(
    opened: Door, office: httpx.AsyncClient
) -> None:
    async with await opened.as_("office") as reader:
        rates = await reader.get(f"/plans/{XINMI}/reporting-rates", params={"period": "2025"})
    owing = [one for one in rates.json()["items"] if one["reported"] < one["expected"]]
    path = f"{OFFICE_PAGE}/reminders"
    fields = {"period": "2025", "note": "请于周五前报齐"}
    first = await post(office, OFFICE_PAGE, path, fields)
    assert f"已提醒 {len(owing)} 个单位；另有 0 个今日已提醒过。" in words_of(first.text)
    second = await post(office, OFFICE_PAGE, path, fields)
    assert f"已提醒 0 个单位；另有 {len(owing)} 个今日已提醒过。" in words_of(second.text)


async def test_who_has_no_part_in_a_page_is_told_so(opened: Door, unit: httpx.AsyncClient) -> None:
    assert (await unit.get(OFFICE_PAGE)).status_code == 403
    leader = await somebody(opened, "looks-only", "leader")
    async with await signed_in_browser(opened, leader) as client:
        assert (await client.get(UNIT_PAGE)).status_code == 403
        assert (await client.get(OFFICE_PAGE)).status_code == 403
        refused = await client.post(
            f"{OFFICE_PAGE}/periods",
            data={
                "form_token": token_in((await client.get(f"/board/plans/{XINMI}")).text),
                "verb": "close",
                "period": "2025",
            },
        )
        assert refused.status_code == 403
        assert (await client.get("/board/plans/410184-2025/unit")).status_code in {403, 404}
    async with await opened.as_("office") as reader:
        periods = await reader.get(f"/plans/{XINMI}/periods")
    assert periods.json()["items"][0]["state"] == "open"


async def test_every_form_of_these_pages_needs_its_token(
    opened: Door, unit: httpx.AsyncClient, office: httpx.AsyncClient
) -> None:
    an_id = "019aafc0-0000-7000-8000-000000000000"
    paths = (
        (unit, UNIT_PAGE),
        (unit, f"{UNIT_PAGE}/sheet"),
        (unit, f"/board/plans/{XINMI}/imports/{an_id}"),
        (office, f"{OFFICE_PAGE}/review"),
        (office, f"{OFFICE_PAGE}/periods"),
        (office, f"{OFFICE_PAGE}/conflicts/{an_id}"),
    )
    for client, path in paths:
        for headers in ({}, {"Origin": "https://evil.example"}):
            refused = await client.post(path, data={"form_token": "AAAA"}, headers=headers)
            assert refused.status_code == 403, path
            assert "form-refused" in refused.text
    assert (await opened.held.database.pool.fetchval("SELECT count(*) FROM submission")) >= 0


async def test_the_office_sees_who_has_not_reported_and_runs_periods(
    opened: Door, office: httpx.AsyncClient
) -> None:
    page = words_of((await office.get(f"{OFFICE_PAGE}?period=2025")).text)
    async with await opened.as_("office") as reader:
        rates = (await reader.get(f"/plans/{XINMI}/reporting-rates?period=2025")).json()
    behind = [one for one in rates["items"] if one["reported"] < one["expected"]]
    assert f"{len(behind)} 个单位尚未报齐" in page
    assert all(one["name"] in page for one in behind)
    plan = [one.name for one in xinmi().organizations]
    table = page[page.index("个单位尚未报齐") :]
    told = sorted((one["name"] for one in behind), key=plan.index)
    places = [table.index(f" {name} ") for name in told]
    assert places == sorted(places), "in the order of the leading group"
    fields = {"verb": "open", "period": "2025-Q4", **IN_TIME}
    done = await post(office, OFFICE_PAGE, f"{OFFICE_PAGE}/periods", fields)
    assert done.status_code == 303, words_of(done.text)
    closed = await post(
        office, OFFICE_PAGE, f"{OFFICE_PAGE}/periods", {"verb": "close", "period": "2025-Q4"}
    )
    assert closed.status_code == 303, words_of(closed.text)
    unknown = await post(
        office, OFFICE_PAGE, f"{OFFICE_PAGE}/periods", {"verb": "drop", "period": "2025-Q4"}
    )
    assert unknown.status_code == 422
    nonsense = await post(
        office, OFFICE_PAGE, f"{OFFICE_PAGE}/periods", {"verb": "close", "period": "../../x"}
    )
    assert nonsense.status_code in {404, 422}


async def test_a_sheet_is_checked_and_its_faults_are_shown(
    opened: Door, unit: httpx.AsyncClient
) -> None:
    sheet = "指标代码,单位代码,周期,数值\nU08,UN15,2025,四十\n".encode()
    shown = await unit.get(UNIT_PAGE)
    token = {"form_token": token_in(shown.text), "period": "2025"}
    sent = await unit.post(
        f"{UNIT_PAGE}/sheet", data=token, files={"sheet": ("报表.csv", sheet, "text/csv")}
    )
    assert sent.status_code == 303, words_of(sent.text)
    await opened.react()
    nothing = await unit.post(f"{UNIT_PAGE}/sheet", data=token, files={"sheet": ("x.csv", b"")})
    assert nothing.status_code == 422
    page = await unit.get(sent.headers["Location"])
    assert page.status_code == 200
    assert "报表.csv" in page.text
    other = await somebody(opened, "elsewhere", "reporter", "UN10")
    async with await signed_in_browser(opened, other) as client:
        assert (await client.get(sent.headers["Location"])).status_code == 404
    given_up = await post(unit, UNIT_PAGE, sent.headers["Location"], {"action": "discard"})
    assert given_up.status_code in {303, 409}


async def test_hostile_notes_are_shown_as_text_on_the_working_pages(
    opened: Door, office: httpx.AsyncClient, module_database_url: str
) -> None:
    hostile = "<script>alert(1)</script>\"'><svg onload=alert(1)>"
    async with await opened.as_("reporter", "UN15") as clerk:
        made = await clerk.post(
            f"/plans/{XINMI}/submissions",
            json=a_submission(indicator_code="R10", period="2025", note=hostile),
        )
        assert made.status_code == 201, made.text
    page = await office.get(OFFICE_PAGE)
    assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert(1)" in page.text
    await as_owner(module_database_url, "SELECT 1")


def ticked(page: str, code: str) -> bool:
    """Return whether a value is shown as one that may still be revised."""
    (box,) = re.findall(rf'<input type="checkbox" id="p-{code}"[^>]*>', page)
    return "checked" in box


async def test_what_may_still_be_revised_and_notes_are_shown_and_taken_back(
    opened: Door, unit: httpx.AsyncClient
) -> None:
    fields = {"period": "2025", "indicator": ["U07"], "value.U07": "38", "action": "draft"}
    said = {"provisional.U07": "1", "note.U07": "快报"}
    kept = await post(unit, UNIT_PAGE, UNIT_PAGE, {**fields, **said})
    assert kept.status_code == 303, words_of(kept.text)
    row = await standing(opened, "U07")
    assert row is not None
    assert (row["data_status"], row["note"]) == ("provisional", "快报")
    assert ticked((await unit.get(UNIT_PAGE)).text, "U07")
    refused = await post(unit, UNIT_PAGE, UNIT_PAGE, {**fields, **said, "value.U07": "很多"})
    assert refused.status_code == 422
    assert ticked(refused.text, "U07"), "what was entered stays"
    final = await post(unit, UNIT_PAGE, UNIT_PAGE, {**fields, "note.U07": ""})
    assert final.status_code == 303, words_of(final.text)
    row = await standing(opened, "U07")
    assert row is not None
    assert (row["data_status"], row["note"]) == ("final", None)
    page = (await unit.get(UNIT_PAGE)).text
    assert not ticked(page, "U07")
    again = await post(unit, UNIT_PAGE, UNIT_PAGE, {**fields, "note.U07": ""})
    assert again.status_code == 303
    found = await standing(opened, "U07")
    assert found is not None
    assert found["version"] == row["version"], "a form that changes nothing writes nothing"


async def test_each_page_of_a_draft_says_that_it_is_one(
    unit: httpx.AsyncClient, office: httpx.AsyncClient
) -> None:
    for client, path in (
        (unit, UNIT_PAGE),
        (office, OFFICE_PAGE),
        (office, OFFICE_PAGE.removesuffix("/office")),
    ):
        page = (await client.get(path)).text
        assert re.search(r'<span class="tag">征求意见稿[^<]*</span>', page), path
