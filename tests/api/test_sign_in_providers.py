"""Government apps that people sign in by: set up, ended, in trouble, and what they share."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from services.core.people.provider_tokens import AppTokens
from services.core.people.queries import provider_by_code
from services.outgoing.asking import Asker
from tests.support.api import Door, open_door
from tests.support.apps import (
    ALLOWED,
    APP_ID,
    FAMILIES,
    App,
    an_app,
    by_app,
    linked,
    provided,
)
from tests.support.people import (
    asked,
    security,
    somebody,
)
from tests.support.receiver import a_receiver, answer, endless, hang

SECRETS = ("secret", "cipher_key", "cipher_iv")


@pytest.fixture(scope="module")
async def door(module_database_url: str) -> AsyncIterator[Door]:
    """The API at work, which may ask servers of this machine."""
    async with open_door(module_database_url, environment=ALLOWED) as opened:
        yield opened


@pytest.fixture(params=FAMILIES)
async def app(request: pytest.FixtureRequest, door: Door) -> AsyncIterator[App]:
    """A stand-in of each family, set up under its name for this test alone."""
    async with an_app(request.param) as made, provided(door, made):
        yield made


async def test_without_a_provider_it_says_so(door: Door) -> None:
    one = await somebody(door, "unprovisioned", "leader")
    for told_so in (
        await by_app(door, "x"),
        await asked(door, "/sign-in/link", **one.proof(provider="app", auth_code="x")),
        await by_app(door, "x", city_code="999999"),
    ):
        assert (told_so.status_code, told_so.json()["code"]) == (409, "sign-in-not-provisioned")


async def test_ended_a_provider_lets_nobody_in_and_forgets_all(door: Door) -> None:
    async with an_app("wecom") as app:
        async with provided(door, app) as set_up:
            _, account = await linked(door, app)
            session = (await by_app(door, app.code_of(account))).json()
        assert (await by_app(door, app.code_of(account))).json()["code"] == (
            "sign-in-not-provisioned"
        )
        async with await security(door) as admin:
            shown = (await admin.get(f"/sign-in-providers/{set_up.id}")).json()
            edited = await admin.patch(
                f"/sign-in-providers/{set_up.id}", json={"name": "x"}, headers={"If-Match": "*"}
            )
        assert shown["ended_at"] is not None
        assert edited.json()["code"] == "sign-in-provider-ended"
        row = await door.held.database.pool.fetchrow(
            "SELECT p.*, (SELECT count(*) FROM linked_account WHERE provider_id = p.id) AS links"
            " FROM sign_in_provider p WHERE p.id = $1",
            set_up.id,
        )
        assert (row["secrets_sealed"], row["link_key_sealed"], row["token_sealed"]) == (
            None,
            None,
            None,
        )
        assert row["links"] == 0
        async with door.client(session["access_token"]) as user:
            assert (await user.get("/me")).status_code == 200, "a session goes on"


TROUBLES: dict[str, Callable[[App], None]] = {
    "not JSON": lambda app: setattr(app, "spoil", lambda _: b"<html>"),
    "an array": lambda app: setattr(app, "spoil", lambda _: b"[]"),
    "nothing": lambda app: setattr(app, "spoil", lambda _: b""),
    "too long": lambda app: setattr(app, "spoil", lambda _: b" " * 70_000 + b"{}"),
    "endless": lambda app: setattr(app.receiver, "behaviour", endless),
    "no answer": lambda app: setattr(app.receiver, "behaviour", hang),
    "an error": lambda app: setattr(app.receiver, "behaviour", answer(500)),
}


@pytest.mark.parametrize("trouble", sorted(TROUBLES))
async def test_an_app_in_trouble_is_told_as_such_and_not_as_a_wrong_code(
    door: Door, app: App, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    _, account = await linked(door, app)
    asker = door.held.providers.ask.__self__  # type: ignore[attr-defined]
    assert isinstance(asker, Asker)
    patience, asker._seconds = asker._seconds, 1.0
    TROUBLES[trouble](app)
    try:
        refused = await by_app(door, app.code_of(account))
    finally:
        asker._seconds = patience
    assert (refused.status_code, refused.json()["code"]) == (503, "sign-in-provider-unavailable")
    assert app.base_url not in refused.text + caplog.text
    assert [each.message for each in caplog.records if each.levelno >= logging.WARNING] == [
        "sign-in provider failed"
    ]


async def test_a_redirect_inward_is_not_followed(door: Door, app: App) -> None:
    _, account = await linked(door, app)
    async with a_receiver() as within:
        app.receiver.behaviour = answer(302, location=within.url("/secrets"))
        refused = await by_app(door, app.code_of(account))
        assert (refused.status_code, within.connections) == (503, 0)


@pytest.mark.parametrize("family", ["zzd", "wecom"])
async def test_an_app_token_that_is_gone_is_fetched_anew_once(door: Door, family: str) -> None:
    async with an_app(family) as app, provided(door, app):
        _, account = await linked(door, app)
        assert app.given == 1, "the token is shared by all sign-ins"
        app.tokens.clear()
        assert (await by_app(door, app.code_of(account))).status_code == 200
        assert app.given == 2
        app.new_token = lambda: "never-good"  # type: ignore[method-assign]
        app.tokens.clear()
        before = len(app.asked)
        refused = await by_app(door, app.code_of(account))
        assert refused.json()["code"] == "sign-in-provider-unavailable"
        assert len(app.asked) - before == 3, "asked, fetched anew, asked once more, and no more"


@pytest.mark.parametrize("family", ["zzd", "wecom"])
async def test_an_app_token_is_fetched_once_by_many_and_shared_with_other_processes(
    door: Door, family: str
) -> None:
    async with an_app(family) as app, provided(door, app):
        answers = await asyncio.gather(*(by_app(door, app.code_of("77")) for _ in range(10)))
        assert {each.status_code for each in answers} == {401}
        assert app.given == 1
        held = door.held
        assert held.seal is not None
        other = AppTokens(held.database, held.seal, held.clock.true_now)
        async with held.database.sessions() as session:
            provider = await provider_by_code(session, "410183", "app")
        assert provider is not None

        async def fetch() -> Any:
            raise AssertionError("it is there already")

        assert await other.token(provider, fetch, None) in app.tokens
        sealed = await held.database.pool.fetchval(
            "SELECT token_sealed FROM sign_in_provider WHERE id = $1", provider.id
        )
        assert b"app-token" not in sealed


async def test_another_secret_there_is_told_as_trouble(door: Door, app: App) -> None:
    """The signature of zzd and zhb is wrong then, and WeCom gives no token."""
    _, account = await linked(door, app)
    app.secret = "another-secret-there"
    app.tokens.clear()
    await door.held.database.pool.execute("UPDATE sign_in_provider SET token_until = NULL")
    refused = await by_app(door, app.code_of(account))
    assert refused.json()["code"] == "sign-in-provider-unavailable"


async def test_a_secret_is_replaced_and_who_is_linked_stays_so(door: Door) -> None:
    async with an_app("wecom") as app, provided(door, app) as set_up:
        one, account = await linked(door, app)
        app.secret = "another-secret-there"
        async with await security(door) as admin:
            path = f"/sign-in-providers/{set_up.id}"
            edited = await admin.patch(path, json={"secret": app.secret}, headers={"If-Match": "*"})
        assert edited.status_code == 200, edited.text
        assert app.secret not in edited.text
        app.tokens.clear()
        assert (await by_app(door, app.code_of(account))).json()["user_id"] == one.id
        assert app.given == 2, "the token of before was let go"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("member", ["base_url", "app_id"])
async def test_by_another_app_under_the_same_name_nobody_comes_and_it_gets_no_secret(
    door: Door, family: str, member: str
) -> None:
    """Else whoever sets providers up would come as any user that has linked an account."""
    async with an_app(family) as app, an_app(family) as other, provided(door, app) as set_up:
        one, account = await linked(door, app)
        path, match = f"/sign-in-providers/{set_up.id}", {"If-Match": "*"}
        wholly = other.settings("app", app_id="another-app")
        secrets = {name: wholly[name] for name in SECRETS if name in wholly}
        async with await security(door) as admin:
            alone = await admin.patch(path, json={member: wholly[member]}, headers=match)
            assert alone.status_code == 422, alone.text
            assert {(each["pointer"], each["code"]) for each in alone.json()["errors"]} == {
                (f"/{name}", "secret-given-anew") for name in secrets
            }
            same = {"base_url": f"{app.base_url}/", "app_id": APP_ID}
            assert (await admin.patch(path, json=same, headers=match)).status_code == 200
            assert (await by_app(door, app.code_of(account))).json()["user_id"] == one.id
            given = {member: wholly[member], **secrets}
            assert (await admin.patch(path, json=given, headers=match)).status_code == 200
        answering = other if member == "base_url" else app
        before = len(answering.asked)
        came = await by_app(door, answering.code_of(account))
        assert "access_token" not in came.json(), came.text
        if member == "base_url":
            assert came.json()["code"] == "sign-in-refused"
            assert len(answering.asked) > before, "it was asked, and vouched for the account"
        pool = door.held.database.pool
        links = "SELECT count(*) FROM linked_account WHERE provider_id = $1"
        assert await pool.fetchval(links, set_up.id) == 0
        told = await pool.fetchval(
            "SELECT data FROM audit_entry WHERE subject_id = $1"
            " AND action = 'sign_in_provider.changed' ORDER BY id DESC LIMIT 1",
            set_up.id,
        )
        assert json.loads(told)["links_ended"] == 1


def altered(place: str) -> Callable[[bytes], bytes]:
    """Return what alters a member of an answer of the gateway, and leaves its signature."""

    def spoil(body: bytes) -> bytes:
        said = json.loads(body)
        if place == "data":
            sealed = bytearray(base64.b64decode(said["data"]))
            sealed[0] ^= 1
            said["data"] = base64.b64encode(sealed).decode()
        elif place == "sign":
            said["sign"] = said["sign"][:-1] + ("0" if said["sign"][-1] != "0" else "1")
        else:
            del said["sign"]
        return json.dumps(said).encode()

    return spoil


@pytest.mark.parametrize("place", ["data", "sign", "no sign"])
async def test_an_altered_envelope_is_believed_by_nobody(door: Door, place: str) -> None:
    async with an_app("zhb") as app, provided(door, app):
        _, account = await linked(door, app)
        app.spoil = altered(place)
        refused = await by_app(door, app.code_of(account))
        assert refused.json()["code"] == "sign-in-provider-unavailable"


async def test_sign_ins_by_a_provider_have_a_quota_of_their_own(module_database_url: str) -> None:
    limited = {
        **ALLOWED,
        "WUFEI_LIMITS": "1",
        "WUFEI_LIMIT_PROVIDER_SIGN_INS": "3",
    }
    async with (
        open_door(module_database_url, environment=limited) as other,
        an_app("wecom") as app,
        provided(other, app),
    ):
        answers = [await by_app(other, "made-up") for _ in range(4)]
        assert [each.status_code for each in answers] == [401, 401, 401, 429]
        assert answers[-1].json()["code"] == "rate-limited"
        assert "provider_sign_ins" in answers[-1].headers["ratelimit-policy"]


async def test_a_provider_is_set_up_with_what_its_family_needs(door: Door) -> None:
    async with an_app("zhb") as zhb, an_app("wecom") as wecom:
        bodies = {
            "/cipher_key": zhb.settings("a1", cipher_key="c2hvcnQ="),
            "/cipher_iv": zhb.settings("a2", cipher_iv=None),
            "/module_id": wecom.settings("a3", module_id="1"),
            "/base_url": wecom.settings("a4", base_url="http://169.254.169.254/latest"),
            "/code": wecom.settings("Not A Code"),
        }
        async with await security(door) as admin:
            for pointer, body in bodies.items():
                refused = await admin.post("/sign-in-providers", json=body)
                assert refused.status_code == 422, refused.text
                assert [each["pointer"] for each in refused.json()["errors"]] == [pointer]
            async with provided(door, wecom):
                again = await admin.post("/sign-in-providers", json=wecom.settings("app"))
        assert again.json()["errors"][0]["code"] == "provider-code-taken"


async def test_it_is_set_up_by_the_security_administrator_alone(door: Door) -> None:
    for role in ("system_admin", "audit_admin", "office", "integrator"):
        async with await door.as_(role) as other:
            for answer in (
                await other.get("/sign-in-providers"),
                await other.post("/sign-in-providers", json={}),
            ):
                assert answer.status_code == 403, role
