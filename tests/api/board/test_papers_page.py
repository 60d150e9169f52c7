"""Papers on the office's page: asked for by a form, had as files, and what moved since."""

import re
from typing import Any

import httpx
import pytest

from tests.support.api import XINMI, Door
from tests.support.board import signed_in_browser, token_in, words_of
from tests.support.papers import papering
from tests.support.people import somebody
from tests.support.scores import approved

OFFICE_PAGE = f"/board/plans/{XINMI}/office"
PAPERS = f"{OFFICE_PAGE}/papers"
MOST_BYTES = 100_000


async def asked(client: httpx.AsyncClient, **fields: Any) -> httpx.Response:
    """Send the form of papers as the office's page holds it."""
    shown = await client.get(OFFICE_PAGE)
    assert shown.status_code == 200, shown.text
    key = re.search(r'name="key" value="([^"]+)"', shown.text)
    assert key is not None
    said = {"form_token": token_in(shown.text), "key": key[1], "kind": "bulletin", **fields}
    return await client.post(PAPERS, data=said)


async def made(door: Door, client: httpx.AsyncClient, **fields: Any) -> str:
    """Have a paper made by the form, and return the path of its page."""
    sent = await asked(client, **fields)
    assert sent.status_code == 303, words_of(sent.text)
    waiting = await client.get(sent.headers["Location"])
    assert "正在制作文件" in words_of(waiting.text)
    assert 'http-equiv="refresh"' in waiting.text
    await papering(door).work_off()
    done = await client.get(sent.headers["Location"])
    assert done.status_code == 303, words_of(done.text)
    return str(done.headers["Location"])


async def test_the_office_makes_a_bulletin_by_a_form_and_takes_its_files(door: Door) -> None:
    submission = await approved(door, period="2021", value="40.65")
    async with await signed_in_browser(door, await somebody(door, "papers", "office")) as client:
        empty = await client.get(OFFICE_PAGE)
        path = await made(door, client, period="2021", document_number="密无废办〔2026〕1号")
        page = await client.get(path)
        said = words_of(page.text)
        assert "关于2021年“无废城市”建设进展情况的通报" in said
        assert "印发的数据均与现在一致" in said
        for form, begins in (("docx", b"PK"), ("pdf", b"%PDF")):
            assert f'href="{path}/{form}"' in page.text
            got = await client.get(f"{path}/{form}")
            assert got.status_code == 200
            assert got.content.startswith(begins)
            assert "attachment" in got.headers["Content-Disposition"]
        assert (await client.get(f"{path}/exe")).status_code in {404, 422}
        listed = await client.get(OFFICE_PAGE)
        assert f'href="{path}"' in listed.text
        assert f'href="{path}/pdf"' in listed.text
        assert len(listed.content) < MOST_BYTES
        assert "<script>" not in listed.text
        english = words_of((await client.get(f"{path}?lang=en")).text)
        assert "Every figure stands as it was printed" in english
        assert "Download PDF" in english
    assert empty.status_code == 200
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as clerk:
        again = await office.post(f"/submissions/{submission}/reopen", json={"reason": "更正"})
        etag = {"If-Match": again.headers["ETag"]}
        await clerk.patch(f"/submissions/{submission}", json={"value": "37"}, headers=etag)
        await clerk.post(f"/submissions/{submission}/submit")
        await office.post(f"/submissions/{submission}/approve")
    await door.react()
    async with await signed_in_browser(door, await somebody(door, "later", "office")) as client:
        moved = words_of((await client.get(path)).text)
    assert "个数据中有" in moved
    assert "40.65% 37.00%" in moved


async def test_what_cannot_be_made_is_told_and_sent_twice_it_is_made_once(door: Door) -> None:
    async with await door.as_("office") as reader:
        asked_for = {"indicator_code": "U08", "period": "2021"}
        found = await reader.get(f"/plans/{XINMI}/submissions", params=asked_for)
    if not found.json()["items"]:
        await approved(door, period="2021", value="40.65")
    async with await signed_in_browser(door, await somebody(door, "wrong", "office")) as client:
        refused = await asked(client, period="1999-Q9")
        unknown = await asked(client, kind="letter")
        shown = await client.get(OFFICE_PAGE)
        key = re.search(r'name="key" value="([^"]+)"', shown.text)
        assert key is not None
        fields = {"form_token": token_in(shown.text), "key": key[1], "kind": "annex2"}
        fields["period"] = "2021"
        first, second = [await client.post(PAPERS, data=fields) for _ in range(2)]
    assert {refused.status_code, unknown.status_code} == {422}
    assert first.status_code == 303, words_of(first.text)
    assert first.headers["Location"] == second.headers["Location"]


@pytest.mark.parametrize("role", ["leader", "reporter"])
async def test_only_the_office_makes_papers_and_each_form_needs_its_token(
    door: Door, role: str
) -> None:
    unit = "UN15" if role == "reporter" else None
    one = await somebody(door, f"not-{role}", role, unit)
    async with await signed_in_browser(door, one) as client:
        page = await client.get(f"/board/plans/{XINMI}")
        said = {"form_token": token_in(page.text), "kind": "bulletin"}
        refused = await client.post(PAPERS, data=said)
        foreign = await client.post(PAPERS, data={"form_token": "AAAA", "kind": "bulletin"})
        nothing = await client.get(f"{PAPERS}/019aafc0-0000-7000-8000-000000000000")
    assert (refused.status_code, foreign.status_code) == (403, 403)
    assert "form-refused" in foreign.text
    assert nothing.status_code in {403, 404}


async def test_the_office_makes_what_is_about_one_part_or_one_late_matter_by_the_form(
    door: Door,
) -> None:
    async with await door.as_("office") as office:
        late = (await office.get(f"/plans/{XINMI}/late")).json()["items"]
        if not late:
            opened = await office.post(
                f"/plans/{XINMI}/periods/2023/open", json={"due_date": "2024-01-31"}
            )
            assert opened.status_code in {200, 422}, opened.text
            await door.react()
            late = (await office.get(f"/plans/{XINMI}/late")).json()["items"]
    async with await signed_in_browser(door, await somebody(door, "matters", "office")) as client:
        shown = (await client.get(OFFICE_PAGE)).text
        offered = re.findall(r'<option value="((?:milestone|obligation|alert)/[^"]+)">', shown)
        assert offered, late
        part = await made(door, client, kind="special", about="indicator/U08", period="2021")
        matter = await made(door, client, kind="supervision", about=offered[0], period="2021")
        unfit = await asked(client, kind="supervision")
        assert "专项报告" in words_of((await client.get(part)).text)
        assert "督办单" in words_of((await client.get(matter)).text)
    assert unfit.status_code == 422
    assert len(shown.encode()) < MOST_BYTES
