"""How a browser signs in: forms, cookies, the second step, and who is sent back."""

import base64
from datetime import timedelta

import httpx
import pytest

from services.core.identity.access_tokens import BOARD
from services.core.people.second_factor import STEP_SECONDS
from tests.support.api import XINMI, Door, open_door
from tests.support.board import (
    LEADERS_PAGE,
    SITE,
    browser,
    sent,
    signed_in_browser,
    token_in,
    words_of,
)
from tests.support.people import PASSWORD, a_post, asked, handed, session_of, somebody

SIGN_IN = "/board/sign-in"


def cookies_of(answer: httpx.Response) -> dict[str, str]:
    """Return what each cookie of an answer is set with, by name."""
    said = [one.split("=", 1) for one in answer.headers.get_list("set-cookie")]
    return dict(said)


async def test_who_is_nobody_is_led_to_the_form_and_from_there_back(door: Door) -> None:
    one = await somebody(door, "comes-back", "leader")
    async with browser(door) as client:
        asked_for = await client.get(f"{LEADERS_PAGE}?period=2025")
        assert asked_for.status_code == 303
        place = asked_for.headers["Location"]
        assert place.startswith(f"{SIGN_IN}?next=")
        shown = await client.get(place)
        fields = {"form_token": token_in(shown.text), "username": one.username}
        fields |= {"password": PASSWORD, "next": f"/plans/{XINMI}?period=2025"}
        begun = await client.post(SIGN_IN, data=fields)
        assert (begun.status_code, begun.headers["Location"]) == (
            303,
            f"/board/plans/{XINMI}?period=2025",
        )
        page = await client.get(begun.headers["Location"])
        assert page.status_code == 200
        start = await client.get("/board")
        assert start.headers["Location"] == f"/board/plans/{XINMI}"


@pytest.mark.parametrize("wanted", ["//evil.example/x", "https://evil.example", "/\\evil", "/docs"])
async def test_nobody_is_led_away_from_the_board(door: Door, wanted: str) -> None:
    one = await somebody(door, f"stays{abs(hash(wanted))}", "leader")
    async with browser(door) as client:
        fields = {"username": one.username, "password": PASSWORD, "next": wanted}
        begun = await sent(client, SIGN_IN, SIGN_IN, fields)
    assert begun.status_code == 303
    place = begun.headers["Location"]
    assert place == "/board" or place.startswith("/board/")
    assert "//" not in place
    assert "\\" not in place


async def test_the_cookie_is_the_browsers_alone(door: Door) -> None:
    one = await somebody(door, "cookie", "leader")
    async with browser(door) as client:
        plain = await sent(
            client, SIGN_IN, SIGN_IN, {"username": one.username, "password": PASSWORD}
        )
    said = cookies_of(plain)["wufei_session"].lower()
    assert all(part in said for part in ("httponly", "samesite=strict", "path=/board"))
    assert "secure" not in said
    async with browser(door, Origin="https://wufei.test") as client:
        client.base_url = httpx.URL("https://wufei.test")
        safe = await sent(
            client, SIGN_IN, SIGN_IN, {"username": one.username, "password": PASSWORD}
        )
    assert "secure" in cookies_of(safe)["wufei_session"].lower()


async def test_every_cookie_is_secure_where_the_public_address_is_of_tls(
    module_database_url: str,
) -> None:
    """A proxy that ends TLS may not say so, and a header of a stranger is not believed."""
    for address, secure in (("https://wufei.test", True), ("http://wufei.test", False)):
        chosen = {"WUFEI_PUBLIC_URL": address}
        async with open_door(module_database_url, environment=chosen) as own:
            one = await somebody(own, f"public-{secure}".lower(), "leader")
            fields = {"username": one.username, "password": PASSWORD}
            async with browser(own) as client:
                shown = await client.get(f"{SIGN_IN}?lang=en")
                fields["form_token"] = token_in(shown.text)
                kept = cookies_of(shown)["wufei_step"].split(";", 1)[0]
                headers = {"Cookie": f"wufei_step={kept}"}
                begun = await client.post(SIGN_IN, data=fields, headers=headers)
            said = cookies_of(shown) | cookies_of(begun)
            assert {*said} >= {"wufei_step", "wufei_lang", "wufei_session"}
            assert {"secure" in one.lower() for one in said.values()} == {secure}


async def test_a_wrong_password_and_an_unknown_name_are_told_alike(door: Door) -> None:
    one = await somebody(door, "known", "leader")
    told = []
    async with browser(door) as client:
        for name in (one.username, "nobody-at-all"):
            fields = {"username": name, "password": "a wrong one"}
            answer = await sent(client, SIGN_IN, SIGN_IN, fields)
            assert answer.status_code == 401
            assert "wufei_session" not in cookies_of(answer)
            told.append(words_of(answer.text))
    assert told[0] == told[1]


async def test_the_code_is_a_step_of_its_own_and_the_password_is_asked_once(door: Door) -> None:
    one = await somebody(door, "with-code", "leader")
    made = await asked(door, "/sign-in/second-factor", **one.proof())
    one.secret = _secret_of(made.json()["secret"])
    first = await asked(door, "/sign-in", **one.proof(code=one.code()))
    assert first.status_code == 200
    async with browser(door) as client:
        fields = {"username": one.username, "password": PASSWORD}
        step = await sent(client, SIGN_IN, SIGN_IN, fields)
        assert step.status_code == 200
        assert PASSWORD not in step.text
        assert PASSWORD not in step.headers["set-cookie"]
        wrong = await client.post(
            f"{SIGN_IN}/step", data={"form_token": token_in(step.text), "code": "000000"}
        )
        assert wrong.status_code == 401
        step = await sent(client, SIGN_IN, SIGN_IN, fields)
        right = {"form_token": token_in(step.text), "code": one.code(steps=1)}
        begun = await client.post(f"{SIGN_IN}/step", data=right)
        assert begun.status_code == 303, words_of(begun.text)
        assert (await client.get(LEADERS_PAGE)).status_code == 200
    assert STEP_SECONDS == 30


def _secret_of(shown: str) -> bytes:
    text = shown.replace(" ", "")
    return base64.b32decode(text + "=" * (-len(text) % 8))


async def test_who_holds_several_posts_chooses_one(door: Door) -> None:
    one = await somebody(door, "two-posts", "leader")
    other = await a_post(door, "office")
    assert (await handed(door, other, one.id)).status_code == 200
    async with browser(door) as client:
        step = await sent(
            client, SIGN_IN, SIGN_IN, {"username": one.username, "password": PASSWORD}
        )
        assert "office None" in words_of(step.text)
        fields = {"form_token": token_in(step.text), "post_id": other}
        begun = await client.post(f"{SIGN_IN}/step", data=fields)
        assert begun.status_code == 303
        page = await client.get(LEADERS_PAGE)
        assert page.status_code == 200


async def test_a_sign_out_ends_the_session_itself(door: Door) -> None:
    one = await somebody(door, "leaves", "leader")
    async with await signed_in_browser(door, one) as client:
        kept = client.cookies["wufei_session"]
        left = await sent(client, LEADERS_PAGE, "/board/sign-out")
        assert (left.status_code, left.headers["Location"]) == (303, SIGN_IN)
        assert left.headers["Clear-Site-Data"] == '"cache"'
        again = await client.get(LEADERS_PAGE, headers={"Cookie": f"wufei_session={kept}"})
        assert again.status_code == 303


async def test_a_session_that_is_used_goes_on_and_one_that_rests_ends(door: Door) -> None:
    one = await somebody(door, "rests", "leader")
    async with await signed_in_browser(door, one) as client:
        fresh = await client.get(LEADERS_PAGE)
        assert "set-cookie" not in fresh.headers
        idle = door.held.reception.policy.idle
        token = client.cookies["wufei_session"]
        found = await door.held.keys.presented(token, None, BOARD)
        left = found.good_until - door.held.clock.true_now()
        assert idle - timedelta(minutes=1) < left <= idle


async def test_a_clients_token_is_no_cookie_and_a_cookie_no_clients_token(door: Door) -> None:
    """A token of minutes would be renewed for months, without the refresh token of its session."""
    one = await somebody(door, "has-a-token", "leader")
    token = (await session_of(door, one))["access_token"]
    async with browser(door) as client:
        client.cookies.set("wufei_session", token, domain="wufei.test")
        page = await client.get(LEADERS_PAGE)
        assert page.status_code == 303
        assert "wufei_session" not in cookies_of(page)
    async with await signed_in_browser(door, one) as client:
        cookie = client.cookies["wufei_session"]
        assert (await client.get(LEADERS_PAGE)).status_code == 200
    for credential, status in ((cookie, 401), (token, 200)):
        async with door.client(credential) as caller:
            assert (await caller.get("/me")).status_code == status


async def test_a_key_is_no_cookie_and_a_cookie_no_key(door: Door) -> None:
    key = await door.new_key("office")
    async with browser(door) as client:
        client.cookies.set("wufei_session", key, domain="wufei.test")
        assert (await client.get(LEADERS_PAGE)).status_code == 303
    one = await somebody(door, "cookie-only", "leader")
    async with await signed_in_browser(door, one) as client:
        ledger = await client.get(f"/v1/plans/{XINMI}/scoreboard")
    assert ledger.status_code == 401, "the API reads no cookie"
    async with browser(door, Authorization=f"Bearer {key}") as client:
        assert (await client.get(LEADERS_PAGE)).status_code == 303
    assert SITE.startswith("http")
