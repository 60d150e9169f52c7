"""`wufei gateway check`: content with an installation, by every profile; finds what is not."""

import asyncio
import re
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from services.console.commands.gateways import SECRET, SM_KEY
from services.console.gateway_check.cases import cases
from services.console.main import main
from services.core.gateways.profiles import PROFILES
from tests.support.api import XINMI, Door, open_door
from tests.support.gateways import Platform, a_partner
from tests.support.serving import served

Checked = Callable[..., Coroutine[Any, Any, tuple[int, str]]]


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> Any:
    """The API with a plan and an administrator."""
    async with open_door(module_database_url) as opened:
        yield opened


@pytest.fixture
def checked(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Checked:
    """Check an application as a partner; return the exit code and what was printed."""

    async def check(app: Any, platform: Platform, *options: str) -> tuple[int, str]:
        monkeypatch.setenv(SECRET, platform.secret)
        if platform.sm_keys is not None:
            monkeypatch.setenv(SM_KEY, platform.sm_keys.private_key.hex())
            options = (*options, "--sm-public-key", platform.sm_keys.public_key.hex())
        async with served(app) as port:
            asked = ["gateway", "check", f"http://127.0.0.1:{port}", "--partner", platform.app_id]
            more = ["--profile", platform.profile, "--plan", XINMI, "--language", "en", *options]
            code = await asyncio.to_thread(main, [*asked, *more])
        return code, "".join(capsys.readouterr())

    return check


@pytest.mark.parametrize("profile", PROFILES)
async def test_an_installation_answers_every_case_right(
    door: Door, checked: Checked, profile: str
) -> None:
    platform = await a_partner(door, profile)
    code, printed = await checked(door.app, platform)
    played = len(list(cases(PROFILES[profile])))
    assert (code, f"{played} cases, 0 not right" in printed) == (0, True), printed
    assert ("does not sign all" in printed) is not PROFILES[profile].signs_all
    assert platform.secret not in printed


async def test_what_lets_everybody_in_is_told_apart(checked: Checked) -> None:
    async def careless(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"code":200,"data":{}}'})

    code, printed = await checked(careless, Platform("", "gw_410183_1", "wufei-hmac", "x"))
    assert code == 1
    right = re.findall(r"^ok +(.+?)  ", printed, re.MULTILINE)
    assert right == ["signed right", "a little within the window"]


def test_without_a_secret_it_says_where_to_put_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv(SECRET, raising=False)
    asked = ["gateway", "check", "http://127.0.0.1:9", "--partner", "x", "--plan", XINMI]
    assert main(asked) == 1
    assert SECRET in capsys.readouterr().err
