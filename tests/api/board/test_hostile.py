"""What others try: forms from elsewhere, guessed links, texts that would be code, frames."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from typing_extensions import override

from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.board import (
    LEADERS_PAGE,
    SITE,
    a_board_link,
    browser,
    signed_in_browser,
    token_in,
)
from tests.support.people import somebody

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"


class Marks(HTMLParser):
    """The elements and attributes of a page, as a browser finds them."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()

    @classmethod
    def of(cls, html: str) -> "Marks":
        """Return those of a page."""
        found = cls()
        found.feed(html)
        return found

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}


FORMS = ("/board/sign-in", "/board/sign-in/step", "/board/sign-out")


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://wufei.test.evil.example"},
        {"Origin": SITE, "Sec-Fetch-Site": "cross-site"},
        {"Origin": SITE, "Sec-Fetch-Site": "same-site"},
    ],
)
async def test_a_form_of_another_site_is_refused(
    door: Door, path: str, headers: dict[str, str]
) -> None:
    async with browser(door) as client:
        shown = await client.get("/board/sign-in")
        fields = {"form_token": token_in(shown.text), "username": "x", "password": "y"}
        refused = await client.post(path, data=fields, headers=headers)
    assert refused.status_code == 403
    assert "form-refused" in refused.text
    assert "wufei_session" not in refused.headers.get("set-cookie", "")


async def test_a_form_of_another_session_is_refused(door: Door) -> None:
    one, other = await somebody(door, "form-one", "leader"), await somebody(door, "two", "leader")
    async with (
        await signed_in_browser(door, one) as mine,
        await signed_in_browser(door, other) as theirs,
    ):
        stolen = token_in((await theirs.get(LEADERS_PAGE)).text)
        own = token_in((await mine.get(LEADERS_PAGE)).text)
        for token in (stolen, "", "AAAA", own[:-4] + "AAAA", "ü"):
            refused = await mine.post("/board/sign-out", data={"form_token": token})
            assert refused.status_code == 403
        assert (await mine.get(LEADERS_PAGE)).status_code == 200
        assert stolen != own


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"form_token=%00", b"form_token=x&username=a%00b", b"\xff\xfe"]
)
async def test_what_is_no_form_is_told_as_such(door: Door, body: bytes) -> None:
    async with browser(door) as client:
        for media_type in ("application/json", "application/x-www-form-urlencoded", "text/plain"):
            answer = await client.post(
                "/board/sign-in", content=body, headers={"Content-Type": media_type}
            )
            assert answer.status_code in {403, 422}
            assert answer.headers["Content-Type"].startswith("text/html")


async def test_texts_of_people_are_never_marks(door: Door) -> None:
    """Names, notes and addresses as hostile as they get stand on the page as what they are."""
    one = await somebody(door, "reads-all", "leader")
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        body = a_submission(period="2025", value="3", note=HOSTILE)
        made = await unit.post(f"/plans/{XINMI}/submissions", json=body)
        await office.post(f"/submissions/{made.json()['id']}/approve")
        assigned = await office.post(
            f"/plans/{XINMI}/indicators/R05/targets/2025",
            json={"text": HOSTILE, "kind": "text", "document_number": "x"},
        )
        milestone = {"measure_code": "14.1", "organization_code": "UN15", "title": HOSTILE}
        milestone |= {"deliverable": HOSTILE, "due_date": "2025-06-30", "weight": "1"}
        promised = await office.post(f"/plans/{XINMI}/milestones", json=milestone)
        assert promised.status_code == 201, (promised.text, assigned.text)
    await door.react()
    async with await signed_in_browser(door, one) as client:
        for path in (
            LEADERS_PAGE,
            f"/board/plans/{quote(HOSTILE, safe='')}",
            f"{LEADERS_PAGE}?period={quote(HOSTILE, safe='')[:40]}",
            f"{LEADERS_PAGE}?{quote(HOSTILE, safe='')}=1",
            f"/board/sign-in?next={quote('/board/' + HOSTILE, safe='')}",
        ):
            page = await client.get(path)
            assert "<script>alert" not in page.text
            assert "img" not in Marks.of(page.text).names
            assert not [one for one in Marks.of(page.text).attributes if one.startswith("on")]
        board = await client.get(LEADERS_PAGE)
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in board.text
        assert "{{7*7}}" in board.text, "and nothing of it is worked out"


async def test_a_name_that_failed_is_shown_as_text(door: Door) -> None:
    async with browser(door) as client:
        shown = await client.get("/board/sign-in")
        fields = {"form_token": token_in(shown.text), "username": HOSTILE[:50], "password": "x"}
        refused = await client.post("/board/sign-in", data=fields)
    assert refused.status_code == 401
    assert "<script>" not in refused.text


async def test_every_page_says_what_it_may_load_and_that_nobody_frames_it(door: Door) -> None:
    one = await somebody(door, "headers", "leader")
    async with await signed_in_browser(door, one) as client:
        for path in ("/board/sign-in", LEADERS_PAGE, "/board/plans/none", "/board/public/none"):
            page = await client.get(path)
            policy = page.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none';")
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            assert page.headers["X-Frame-Options"] == "DENY"
            assert page.headers["Referrer-Policy"] == "same-origin"
            assert "<style" not in page.text
            assert " style=" not in page.text
            scripts = re.findall(r"<script[^>]*>", page.text)
            assert all("src=" in script for script in scripts)
            addresses = re.findall(r'(?:src|href|action)="([^"]+)"', page.text)
            assert all(one.startswith(("/board", "?", "#")) for one in addresses), addresses


async def test_a_link_opens_one_page_for_a_time_and_changes_nothing(door: Door) -> None:
    made = await a_board_link(door)
    async with browser(door) as client:
        followed = await client.get(made["path"])
        assert (followed.status_code, followed.headers["Location"]) == (303, LEADERS_PAGE)
        cookie = followed.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("httponly", "samesite=lax", "max-age="))
        page = await client.get(LEADERS_PAGE)
        assert page.status_code == 200
        assert "form_token" not in page.text
        out = await client.post("/board/sign-out")
        assert out.status_code == 303
        elsewhere = await client.get("/board/plans/410183-2016")
        assert elsewhere.status_code == 404
        async with await door.as_("office") as office:
            await office.delete(f"/plans/{XINMI}/board-links/{made['id']}")
            listed = await office.get(f"/plans/{XINMI}/board-links")
        mine = next(one for one in listed.json()["items"] if one["id"] == made["id"])
        assert mine["revoked_at"] is not None
        secret = made["path"].split("token=")[1]
        assert secret not in listed.text
        door.app.state.board_links._met.clear()  # four seconds later
        assert (await client.get(LEADERS_PAGE)).status_code == 303
        assert (await client.get(made["path"])).status_code == 404


async def test_a_link_is_never_guessed_and_never_kept_in_clear(door: Door) -> None:
    made = await a_board_link(door)
    secret = made["path"].split("token=")[1]
    guesses = ["", "x", secret[:-1], secret + "x", "wufeiboard_410183_x_y", "wufeiboard_%_%_%"]
    guesses += [secret.replace("410183", "410184"), await door.new_key("leader"), "ü" * 20]
    async with browser(door) as client:
        for guess in guesses:
            refused = await client.get("/board/link", params={"token": guess} if guess else {})
            assert refused.status_code == 404, guess
            client.cookies.set("wufei_link", guess.encode("ascii", "ignore").decode() or "x")
            assert (await client.get(LEADERS_PAGE)).status_code == 303
            client.cookies.clear()
    async with door.client(secret) as key:
        assert (await key.get("/me")).status_code == 401, "a link is no key"
    stored = await door.held.database.pool.fetch("SELECT board_link::text AS row FROM board_link")
    assert all(secret not in one["row"] for one in stored)


@pytest.mark.parametrize("days", [-1, 0, 401])
async def test_a_link_ends_and_not_in_years(door: Door, days: int) -> None:
    at = door.held.clock.true_now() + timedelta(days=days)
    async with await door.as_("office") as office:
        body = {"name": "n", "expires_at": at.isoformat()}
        refused = await office.post(f"/plans/{XINMI}/board-links", json=body)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "end-out-of-range")


async def test_attempts_are_counted_by_address(module_database_url: str) -> None:
    """Passwords and links alike: who guesses is told 429 on a page."""
    limits = {"WUFEI_LIMITS": "true", "WUFEI_LIMIT_SIGN_INS": "3"}
    async with open_door(module_database_url, environment=limits) as limited:
        for path in ("/board/link?token=x", "/board/sign-in"):
            async with browser(limited) as client:
                told = []
                for _ in range(9):
                    if path.endswith("sign-in"):
                        answer = await client.post(path, data={"username": "x"})
                    else:
                        answer = await client.get(path)
                    told.append(answer.status_code)
                assert told[-1] == 429
                assert answer.headers["Content-Type"].startswith("text/html")
                assert answer.headers["Retry-After"]
