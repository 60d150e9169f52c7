"""The leader's page and the public one: who sees what, how much it costs, and what it says."""

import re
from collections.abc import AsyncIterator
from decimal import Decimal

import httpx
import pytest

from tests.support.api import NEIGHBOUR, XINMI, Door, neighbour, open_door
from tests.support.board import (
    LEADERS_PAGE,
    a_board_link,
    browser,
    signed_in_browser,
    words_of,
)
from tests.support.board_ground import MONTHS, a_full_board, months_behind
from tests.support.people import somebody
from tests.support.statements_counted import fewest

MOST_BYTES = 100_000
MOST_STATEMENTS = 18


@pytest.fixture(scope="module")
async def full(module_database_url: str) -> AsyncIterator[Door]:
    """A ledger with 48 indicators, a score last month, and 36 months behind it."""
    async with open_door(module_database_url) as opened:
        await opened.load(neighbour())
        await a_full_board(opened, module_database_url)
        await months_behind(opened, module_database_url)
        yield opened


@pytest.fixture(scope="module")
async def leader(full: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which a leader has signed in."""
    async with await signed_in_browser(full, await somebody(full, "boss", "leader")) as client:
        yield client


async def test_it_says_what_the_scoreboard_says(full: Door, leader: httpx.AsyncClient) -> None:
    page = words_of((await leader.get(LEADERS_PAGE)).text)
    async with await full.as_("leader") as reader:
        board = (await reader.get(f"/plans/{XINMI}/scoreboard")).json()
        late = (await reader.get(f"/plans/{XINMI}/late?page_size=500")).json()
    overall, rows = board["overall"], board["indicators"]
    assert f"得分{overall['display']}分" in page
    met = sum(row["met"] is True for row in rows)
    assert f"{len(rows)}项指标中达到目标{met}项" in page
    for light, word in (("green", "绿"), ("yellow", "黄"), ("red", "红"), ("grey", "灰")):
        count = sum(row["light"] == light for row in rows)
        assert f"{word}灯{count}项" in page
    for row in rows:
        assert row["reason"] in page
        if row["display"] is not None:
            assert f"{row['display']} {row['unit']}" in page
    assert f"逾期{len(late['items'])}项" in page
    for one in late["items"]:
        assert one["organization_name"] in page
    assert "-" not in re.findall(r"下降(\S*?)分", page)[0], "no minus beside 下降"


async def test_the_change_is_split_exactly_and_stands_beside_the_bars_as_text(
    full: Door, leader: httpx.AsyncClient
) -> None:
    page = (await leader.get(LEADERS_PAGE)).text
    told = [Decimal(one) for one in re.findall(r'class="num" title="(-?[0-9.]+)"', page)]
    async with await full.as_("leader") as reader:
        before = re.search(r"为什么变了：与 ([0-9-]+) 相比", words_of(page))
        assert before is not None
        changes = (
            await reader.get(
                f"/plans/{XINMI}/scoreboard/changes", params={"from": before[1], "period": "2025"}
            )
        ).json()
    assert told
    assert sum(told) == Decimal(changes["difference"])
    assert page.count("<rect") >= len(told) + 2


async def test_a_curve_breaks_where_the_definition_changed(leader: httpx.AsyncClient) -> None:
    page = (await leader.get(LEADERS_PAGE)).text
    assert page.count("<polyline points") >= 2, "two stretches that nothing joins"
    assert page.count('class="break"') == 1
    assert "竖虚线处方案或计分方法有变更" in page
    for month in MONTHS:
        assert f'<th scope="row">{month}</th>' in page, "each figure stands there as text"


async def test_it_is_small_and_costs_a_bounded_number_of_statements(
    full: Door, leader: httpx.AsyncClient
) -> None:
    async def asked() -> None:
        full.held.answers._kept.clear()
        answer = await leader.get(LEADERS_PAGE)
        assert answer.status_code == 200
        assert len(answer.content) < MOST_BYTES

    assert await fewest(full, asked, asked, asked) <= MOST_STATEMENTS


async def test_a_page_that_did_not_change_is_not_sent_again(
    full: Door, leader: httpx.AsyncClient
) -> None:
    first = await leader.get(LEADERS_PAGE)
    again = await leader.get(LEADERS_PAGE, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    other = await somebody(full, "other-boss", "leader")
    async with await signed_in_browser(full, other) as client:
        theirs = await client.get(LEADERS_PAGE)
    assert theirs.text != first.text, "the forms of each session are its own"


async def test_it_speaks_english_and_remembers_that(full: Door) -> None:
    one = await somebody(full, "english", "leader")
    async with await signed_in_browser(full, one) as client:
        chinese = await client.get(LEADERS_PAGE)
        english = await client.get(f"{LEADERS_PAGE}?lang=en")
        kept = await client.get(LEADERS_PAGE)
        unknown = await client.get(f"{LEADERS_PAGE}?lang=xx")
    assert chinese.headers["Content-Language"] == "zh-CN"
    assert english.headers["Content-Language"] == kept.headers["Content-Language"] == "en"
    assert "Why it changed" in english.text
    assert 'lang="en"' in kept.text
    assert unknown.headers["Content-Language"] == "en"


@pytest.mark.parametrize(
    ("role", "unit", "status"),
    [
        ("leader", None, 200),
        ("office", None, 200),
        ("reporter", "UN15", 200),
        ("lead", "UN15", 200),
        ("superior", None, 200),
    ],
)
async def test_who_may_read_the_scoreboard_reads_the_page(
    full: Door, role: str, unit: str | None, status: int
) -> None:
    one = await somebody(full, f"reads-{role.replace('_', '-')}", role, unit)
    async with await signed_in_browser(full, one) as client:
        page = await client.get(LEADERS_PAGE)
        hidden = await client.get("/board/plans/410184-2025")
        unknown = await client.get(f"{LEADERS_PAGE}?period=1999")
    assert page.status_code == status
    assert (hidden.status_code, unknown.status_code) == (404, 422)


async def test_of_other_units_a_unit_is_told_no_more_than_the_api_tells_it(full: Door) -> None:
    one = await somebody(full, "unit-only", "reporter", "UN15")
    async with await signed_in_browser(full, one) as client:
        page = words_of((await client.get(LEADERS_PAGE)).text)
    async with await full.as_("reporter", "UN15") as unit:
        late = (await unit.get(f"/plans/{XINMI}/late?page_size=500")).json()
    assert late["outside_scope"] > 0
    assert f"逾期{len(late['items'])}项" in page


async def test_a_link_shows_scores_and_no_value_of_a_unit(full: Door) -> None:
    made = await a_board_link(full)
    async with browser(full) as client:
        await client.get(made["path"])
        page = await client.get(LEADERS_PAGE)
        elsewhere = await client.get(f"/board/plans/{NEIGHBOUR}")
    assert page.status_code == 200
    assert "乡镇街道（按报送质量）" not in page.text
    assert elsewhere.status_code == 404


async def test_the_public_page_shows_what_was_published_and_nothing_before(full: Door) -> None:
    public = f"/board/public/{XINMI}"
    async with browser(full) as client, await full.as_("office") as office:
        for path in (public, "/board/public/none-at-all", f"/board/public/{NEIGHBOUR}"):
            assert (await client.get(path)).status_code == 404
        period = f"/plans/{XINMI}/periods/2025"
        opened = await office.post(f"{period}/open", json={"due_date": "2027-01-15"})
        assert opened.status_code == 200, opened.text
        await full.react()
        for verb in ("close", "publish"):
            done = await office.post(f"{period}/{verb}")
            assert done.status_code == 200, done.text
        await full.react()
        page = await client.get(public)
        assert page.status_code == 200, words_of(page.text)
        said = words_of(page.text)
        board = (await office.get(f"/plans/{XINMI}/scoreboard?publication=1")).json()
        assert f"得分{board['overall']['display']}分" in said
        for inner in ("逾期", "承诺", "为什么变了", "同类比较", "form_token", "data-wait"):
            assert inner not in said.replace("（含逾期未报）", "")
        await office.post(f"{period}/reopen", json={"reason": "更正"})
        await full.react()
        assert (await client.get(public)).status_code == 404, "what was taken back is shown no more"


async def test_who_waits_hears_of_newer_scores_and_nobody_else_waits(
    full: Door, leader: httpx.AsyncClient
) -> None:
    path = f"{LEADERS_PAGE}/wait?period=2025"
    newer = await leader.get(f"{path}&after=0")
    assert (newer.status_code, newer.json()["told"]) == (200, "有新的得分，点此刷新")
    async with browser(full) as nobody:
        assert (await nobody.get(f"{path}&after=0")).status_code == 303


async def test_files_are_kept_for_good_by_names_that_change_with_them(full: Door) -> None:
    async with browser(full) as client:
        shown = (await client.get("/board/sign-in")).text
        (name,) = re.findall(r'href="(/board/assets/[^"]+\.css)"', shown)
        found = await client.get(name)
        missing = await client.get("/board/assets/board.css")
        outside = await client.get("/board/assets/..%2Fwords.yaml")
    assert "immutable" in found.headers["Cache-Control"]
    assert (missing.status_code, outside.status_code) == (404, 404)
