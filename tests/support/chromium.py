"""A real browser that a test drives, by the protocol that chromedriver speaks (W3C WebDriver).

Nothing depends on it: where Chromium or its driver is not installed, its tests say so in one line.
`apt-get install chromium chromium-driver` brings both on Debian.
"""

import asyncio
import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
PICTURES = ROOT / "build" / "board"
"""Where pictures are kept."""

AXE = ROOT / "build" / "axe.min.js"
"""Where the checks of accessibility are looked for; they are of npm's package axe-core."""

_DRIVER = shutil.which("chromedriver")
_BROWSER = shutil.which("chromium") or shutil.which("google-chrome")

needs_chromium = pytest.mark.skipif(
    _DRIVER is None or _BROWSER is None,
    reason="no browser: Chromium and chromedriver are not installed",
)
needs_axe = pytest.mark.skipif(
    not AXE.exists(), reason="no rules of accessibility: build/axe.min.js is not there"
)
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--lang=zh-CN",
    "--accept-lang=zh-CN",
)


@dataclass
class Browser:
    """A session of a headless Chromium."""

    client: httpx.AsyncClient
    session: str

    async def _asked(self, path: str, **body: Any) -> Any:
        answer = await self.client.post(f"/session/{self.session}/{path}", json=body)
        said = answer.json()["value"]
        assert answer.status_code == 200, said
        return said

    async def open(self, url: str) -> None:
        """Go to a page, and wait until it is there."""
        await self._asked("url", url=url)

    async def run(self, script: str, *given: Any) -> Any:
        """Return what a script on the page returns; a promise is awaited."""
        return await self._asked("execute/sync", script=script, args=list(given))

    async def sized(self, width: int, height: int) -> None:
        """Show pages in a window of this size, on a screen of a phone where it is narrow."""
        await self._asked(
            "goog/cdp/execute",
            cmd="Emulation.setDeviceMetricsOverride",
            params={"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False},
        )

    async def _one(self, css: str) -> str:
        found = await self._asked("element", using="css selector", value=css)
        return str(found[_ELEMENT])

    async def fill(self, css: str, text: str) -> None:
        """Type into a field."""
        await self._asked(f"element/{await self._one(css)}/value", text=text)

    async def keys(self, *named: str) -> None:
        """Press keys on the keyboard, each by itself."""
        actions = [{"type": kind, "value": key} for key in named for kind in ("keyDown", "keyUp")]
        await self._asked("actions", actions=[{"type": "key", "id": "k", "actions": actions}])

    async def picture(self, name: str, *, window_only: bool = False) -> bytes:
        """Keep a picture of the whole page, or of what the window shows, and return it."""
        shot = await self._asked(
            "goog/cdp/execute",
            cmd="Page.captureScreenshot",
            params={"captureBeyondViewport": not window_only, "format": "png"},
        )
        return _kept(f"{name}.png", shot["data"])

    async def printed(self, name: str) -> bytes:
        """Keep the page as it is printed, as its style sheet says, and return it."""
        made = await self._asked(
            "goog/cdp/execute",
            cmd="Page.printToPDF",
            params={"preferCSSPageSize": True, "printBackground": False},
        )
        return _kept(f"{name}.pdf", made["data"])


def _kept(name: str, data: str) -> bytes:
    PICTURES.mkdir(parents=True, exist_ok=True)
    content = base64.b64decode(data)
    (PICTURES / name).write_bytes(content)
    return content


@asynccontextmanager
async def chromium(*, scripts: bool = True) -> AsyncIterator[Browser]:
    """Yield a headless Chromium; `scripts` False: pages run none."""
    assert _DRIVER is not None
    driver = await asyncio.create_subprocess_exec(
        _DRIVER, "--port=0", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert driver.stdout is not None
    try:
        async with asyncio.timeout(60):
            while "started successfully on port" not in (
                line := (await driver.stdout.readline()).decode()
            ):
                assert line, "chromedriver ended"
        port = line.rsplit(" ", 1)[1].strip().rstrip(".")
        options: dict[str, Any] = {"binary": _BROWSER, "args": list(_ARGUMENTS)}
        if not scripts:
            options["prefs"] = {"profile.managed_default_content_settings.javascript": 2}
        wanted = {"alwaysMatch": {"browserName": "chrome", "goog:chromeOptions": options}}
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
            begun = await client.post("/session", json={"capabilities": wanted})
            assert begun.status_code == 200, begun.text
            one = Browser(client, begun.json()["value"]["sessionId"])
            try:
                yield one
            finally:
                # A browser that goes on holds its connections, for which a server waits.
                await client.delete(f"/session/{one.session}")
    finally:
        driver.terminate()
        await driver.wait()
