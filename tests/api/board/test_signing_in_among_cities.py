"""How people sign in where the ledger holds several cities: each says which one is theirs."""

import re
from collections.abc import AsyncIterator

import pytest

from services.core.kit.exact_yaml import read_yaml
from services.core.plan.rules import read_document
from tests.support.api import ROOT, XINMI, Door, open_door
from tests.support.apps import by_app
from tests.support.board import LEADERS_PAGE, browser, sent, token_in, words_of
from tests.support.owner import as_owner
from tests.support.people import PASSWORD, Somebody, asked, somebody

SIGN_IN = "/board/sign-in"
_CITY = re.compile(r'<option value="(\w*)"( selected)?>')


@pytest.fixture(scope="module")
async def opened(module_database_url: str) -> AsyncIterator[tuple[Door, Somebody, str]]:
    """A ledger of two cities, somebody of one of them, and a page from before the second came."""
    async with open_door(module_database_url) as door:
        one = await somebody(door, "field.a", "office")
        async with browser(door) as client:
            before = (await client.get(SIGN_IN)).text
        other = (ROOT / "plans/examples/green-development-index.yaml").read_bytes()
        await door.load(read_document(read_yaml(other)))
        yield door, one, before


async def test_the_form_offers_the_cities_and_one_signs_in_to_ones_own(
    opened: tuple[Door, Somebody, str],
) -> None:
    door, one, before = opened
    assert "city_code" not in before
    fields = {"username": one.username, "password": PASSWORD}
    async with browser(door) as client:
        shown = (await client.get(SIGN_IN)).text
        assert _CITY.findall(shown) == [("", ""), ("110000", ""), ("410183", "")]
        begun = await sent(client, SIGN_IN, SIGN_IN, {**fields, "city_code": "410183"})
        assert begun.status_code == 303
        assert (await client.get(LEADERS_PAGE)).status_code == 200
    async with browser(door) as client:
        elsewhere = await sent(client, SIGN_IN, SIGN_IN, {**fields, "city_code": "110000"})
        assert elsewhere.status_code == 401
        assert ("110000", " selected") in _CITY.findall(elsewhere.text)


async def test_the_city_of_the_page_that_was_asked_for_is_chosen(
    opened: tuple[Door, Somebody, str],
) -> None:
    door, _, _ = opened
    async with browser(door) as client:
        led = await client.get((await client.get(LEADERS_PAGE)).headers["Location"])
    assert _CITY.findall(led.text) == [("110000", ""), ("410183", " selected")]


async def test_who_says_no_city_is_told_so_whoever_it_is(
    opened: tuple[Door, Somebody, str],
) -> None:
    door, one, _ = opened
    told, pages = [], []
    for name, password in ((one.username, PASSWORD), (one.username, "x"), ("nobody", "x")):
        proof = {"username": name, "password": password}
        for path, more in (
            ("/sign-in", {}),
            ("/sign-in/second-factor", {}),
            ("/sign-in/password", {"new_password": "five-other-words"}),
            ("/sign-in/link", {"provider": "app", "auth_code": "x"}),
        ):
            answer = await asked(door, path, **proof, **more)
            told.append((answer.status_code, answer.json()["errors"]))
        async with browser(door) as client:
            page = await sent(client, SIGN_IN, SIGN_IN, {**proof, "next": f"/plans/{XINMI}"})
            assert ("410183", " selected") in _CITY.findall(page.text)
            pages.append((page.status_code, words_of(page.text)))
    answer = await by_app(door, "x")
    told.append((answer.status_code, answer.json()["errors"]))
    assert {status for status, _ in told} == {422}
    assert all(errors == told[0][1] for _, errors in told)
    assert [(one["pointer"], one["code"]) for one in told[0][1]] == [("/city_code", "missing")]
    assert pages[0][0] == 422
    assert "请选择您所在的城市" in pages[0][1]
    assert pages == pages[:1] * 3
    named = await asked(door, "/sign-in", **one.proof(city_code="410183"))
    assert named.status_code == 200


async def test_of_very_many_cities_the_code_is_written(
    opened: tuple[Door, Somebody, str], module_database_url: str
) -> None:
    door, one, _ = opened
    await as_owner(
        module_database_url,
        "INSERT INTO city (city_code, name) SELECT n::text, '县' || n"
        " FROM generate_series(500000, 500100) AS n",
    )
    fields = {"username": one.username, "password": PASSWORD, "city_code": "410183"}
    async with browser(door) as client:
        shown = await client.get(SIGN_IN)
        assert '<input id="city_code"' in shown.text
        assert _CITY.findall(shown.text) == []
        assert token_in(shown.text)
        assert (await sent(client, SIGN_IN, SIGN_IN, fields)).status_code == 303
