"""The board in a real Chromium: signed in to, reached by the keyboard, judged by axe, pictured.

Pictures are kept in `build/board/`. Where no Chromium is installed these tests say so in one line.
"""

import os
from collections.abc import AsyncIterator

import pytest

from tests.support.api import IN_TIME, XINMI, Door, open_door
from tests.support.board import LEADERS_PAGE
from tests.support.board_ground import a_full_board, months_behind
from tests.support.chromium import AXE, ROOT, Browser, chromium, needs_axe, needs_chromium
from tests.support.people import PASSWORD, Somebody, somebody
from tests.support.serving import served

pytestmark = needs_chromium

NARROW, WIDE = 360, 1280
PNG = b"\x89PNG\r\n"
MOST_BYTES = 200_000
KEPT_PICTURE = ROOT / "docs" / "board.png"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
async def full(module_database_url: str) -> AsyncIterator[Door]:
    """A ledger with something on every page."""
    async with open_door(module_database_url) as opened:
        await a_full_board(opened, module_database_url)
        await months_behind(opened, module_database_url)
        yield opened


async def signed_in(browser: Browser, site: str, one: Somebody) -> None:
    """Sign in by the form, with the keyboard alone."""
    await browser.open(f"{site}/board")
    await browser.run("document.getElementById('username').focus()")
    await browser.fill("#username", one.username)
    await browser.fill("#password", PASSWORD + "\ue007")  # Enter
    for _ in range(100):
        if await browser.run("return location.pathname") not in {"/board/sign-in", "/board"}:
            return
    raise AssertionError(await browser.run("return document.body.innerText"))


async def violations(browser: Browser) -> list[str]:
    """Return what axe finds wrong with the page."""
    await browser.run(AXE.read_text(encoding="utf-8"))
    found: list[str] = await browser.run(
        "return axe.run(document, {runOnly: arguments[0]}).then(found =>"
        " found.violations.map(one => one.id + ' ' + one.nodes.map(node => node.html).join(' ')))",
        RULES,
    )
    return found


async def fits(browser: Browser) -> bool:
    """Return whether nothing of the page is wider than the window."""
    found: bool = await browser.run(
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    return found


EACH_PAGE = pytest.mark.parametrize(
    ("name", "role", "unit", "path"),
    [
        ("leader", "leader", None, LEADERS_PAGE),
        ("unit", "reporter", "UN15", f"{LEADERS_PAGE}/unit"),
        ("office", "office", None, f"{LEADERS_PAGE}/office"),
    ],
)


@EACH_PAGE
async def test_each_page_fits_prints_and_is_reached_by_the_keyboard(
    full: Door, name: str, role: str, unit: str | None, path: str
) -> None:
    one = await somebody(full, f"seen-{name}", role, unit)
    if name != "leader":
        async with await full.as_("office") as office:
            await office.post(f"/plans/{XINMI}/periods/2025/open", json=IN_TIME)
        await full.react()
    async with served(full.app) as port, chromium() as browser:
        site = f"http://127.0.0.1:{port}"
        await browser.sized(WIDE, 900)
        await signed_in(browser, site, one)
        await browser.open(site + path)
        assert await browser.run("return document.querySelector('h1') !== null")
        await browser.picture(f"{name}-{WIDE}")
        assert await fits(browser)
        await browser.sized(NARROW, 740)
        await browser.picture(f"{name}-{NARROW}")
        assert await fits(browser)
        await browser.run("document.querySelector('a').focus()")
        assert await browser.run("return document.activeElement.className") == "skip"
        assert (await browser.printed(f"{name}-print")).startswith(b"%PDF")


@needs_axe
@EACH_PAGE
async def test_each_page_is_open_to_all(
    full: Door, name: str, role: str, unit: str | None, path: str
) -> None:
    one = await somebody(full, f"judged-{name}", role, unit)
    async with served(full.app) as port, chromium() as browser:
        site = f"http://127.0.0.1:{port}"
        await signed_in(browser, site, one)
        await browser.open(site + path)
        assert await violations(browser) == []


async def test_a_script_that_was_put_into_a_page_does_not_run(
    full: Door,
) -> None:
    one = await somebody(full, "policed", "leader")
    async with served(full.app) as port, chromium() as browser:
        site = f"http://127.0.0.1:{port}"
        await signed_in(browser, site, one)
        await browser.open(site + LEADERS_PAGE)
        said = await browser.run(
            "const s = document.createElement('script'); s.textContent = 'window.ran = 1';"
            " document.body.append(s); return window.ran ?? null"
        )
    assert said is None, "the policy lets no inline script run"


async def test_the_picture_of_the_readme_is_made_here(full: Door) -> None:
    """`make board-picture` keeps it; without that it is made and looked at all the same."""
    one = await somebody(full, "pictured", "leader")
    async with served(full.app) as port, chromium() as browser:
        site = f"http://127.0.0.1:{port}"
        await browser.sized(1200, 1010)
        await signed_in(browser, site, one)
        await browser.open(f"{site}{LEADERS_PAGE}?lang=zh-CN")
        made = await browser.picture("readme", window_only=True)
    assert made.startswith(PNG)
    assert len(made) < MOST_BYTES
    if os.environ.get("WUFEI_BOARD_PICTURE"):
        KEPT_PICTURE.write_bytes(made)
