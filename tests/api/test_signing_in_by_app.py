"""Signing in by government apps: linked accounts, what is told to whom, and what is kept of it."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Self

import httpx
import pytest

from services.core.people.admitting import MOST_FAILURES
from services.core.people.provider_tokens import AppTokens
from services.core.people.queries import provider_by_code
from services.outgoing.asking import Asker
from tests.api.test_signing_in import told
from tests.support.api import Door, open_door
from tests.support.apps import FULL_NAME, ID_CODE, PHONE, App, an_app
from tests.support.people import (
    PASSWORD,
    Somebody,
    a_post,
    asked,
    handed,
    security,
    session_of,
    somebody,
)
from tests.support.receiver import a_receiver, answer, endless, hang

ALLOWED = {"WUFEI_WEBHOOK_ALLOW_LOOPBACK": "1"}
FAMILIES = ("zzd", "wecom", "zhb")


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


class provided:  # noqa: N801 (reads as a verb)
    """Sets a stand-in up as the provider `app` of the city, and ends it."""

    def __init__(self, door: Door, made: App, **more: Any) -> None:
        self._door, self._app, self._more = door, made, more
        self.id = ""

    async def __aenter__(self) -> Self:
        async with await security(self._door) as admin:
            body = self._app.settings("app", **self._more)
            made = await admin.post("/sign-in-providers", json=body)
        assert made.status_code == 201, made.text
        self.id = made.json()["id"]
        return self

    async def __aexit__(self, *_: object) -> None:
        async with await security(self._door) as admin:
            ended = await admin.delete(f"/sign-in-providers/{self.id}")
        assert ended.status_code == 204, ended.text


_numbers = iter(range(100_000, 200_000))


async def by_app(door: Door, auth_code: str, **more: Any) -> httpx.Response:
    """Sign in by a code of the app."""
    return await asked(door, "/sign-in/provider", provider="app", auth_code=auth_code, **more)


async def linked(door: Door, app: App, role: str = "leader") -> tuple[Somebody, str]:
    """Return somebody in a post who has linked an account, and that."""
    account = str(next(_numbers))
    one = await somebody(door, f"by-app-{account}", role)
    body = one.proof(provider="app", auth_code=app.code_of(account))
    answer = await asked(door, "/sign-in/link", **body)
    assert answer.status_code == 204, answer.text
    return one, account


async def test_who_has_linked_an_account_signs_in_by_it(door: Door, app: App) -> None:
    one, account = await linked(door, app)
    begun = await by_app(door, app.code_of(account))
    assert begun.status_code == 200, begun.text
    session = begun.json()
    by_password = await session_of(door, one)
    assert session.keys() == by_password.keys(), "the very same answer"
    assert session["user_id"] == one.id
    async with door.client(session["access_token"]) as user:
        assert (await user.get("/me")).json()["user"]["id"] == one.id
        sessions = (await user.get("/sessions")).json()["items"]
    assert [each["provider"] for each in sessions] == [None, "app"]
    gone_on = await asked(door, "/token/refresh", refresh_token=session["refresh_token"])
    assert gone_on.status_code == 200
    async with await security(door) as admin:
        assert (await admin.get(f"/users/{one.id}")).json()["providers"] == ["app"]


async def test_a_code_is_good_once(door: Door, app: App) -> None:
    _, account = await linked(door, app)
    code = app.code_of(account)
    assert (await by_app(door, code)).status_code == 200
    again = await by_app(door, code)
    assert (again.status_code, again.json()["code"]) == (401, "sign-in-refused")


async def test_who_may_not_come_is_refused_alike(door: Door, app: App) -> None:
    """Not linked, left, locked, unlinked, invited anew, a code that is made up: nothing tells."""
    answers = [await by_app(door, "made-up"), await by_app(door, app.code_of("99"))]
    async with await security(door) as admin:
        for verb in ("end", "unlink", "invite"):
            one, account = await linked(door, app)
            done = await admin.post(f"/users/{one.id}/{verb}")
            assert done.status_code == 200
            assert done.json()["providers"] == []
            answers.append(await by_app(door, app.code_of(account)))
    one, account = await linked(door, app)
    for _ in range(MOST_FAILURES):
        await asked(door, "/sign-in", **one.proof(password="not the right one"))
    answers.append(await by_app(door, app.code_of(account)))
    assert {answer.status_code for answer in answers} == {401}
    assert len({json.dumps(told(answer)) for answer in answers}) == 1
    assert answers[0].json()["code"] == "sign-in-refused"
    await door.held.database.pool.execute(
        "UPDATE person SET locked_until = now() WHERE id = $1", one.id
    )
    assert (await by_app(door, app.code_of(account))).status_code == 200


async def test_nothing_of_a_person_is_kept_but_a_keyed_digest(
    door: Door, app: App, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    one, account = await linked(door, app)
    assert (await by_app(door, app.code_of(account))).status_code == 200
    await by_app(door, "made-up")
    kept = "\n".join(await everything_kept(door))
    said = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    for text in (PHONE, ID_CODE, FULL_NAME, "app-token-", "an-app-secret-of"):
        assert text not in kept, text
        assert text not in said, text
    assert one.id in kept, "the search does see what is there"
    digests = await door.held.database.pool.fetch("SELECT digest FROM linked_account")
    assert all(len(row["digest"]) == 32 for row in digests)
    assert f'"{account}"' not in kept
    assert account.encode().hex() not in kept


async def everything_kept(door: Door) -> list[str]:
    """Return every row of every table as text."""
    pool = door.held.database.pool
    tables = await pool.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    found: list[str] = []
    for table in tables:
        rows = await pool.fetch(f'SELECT t::text AS said FROM "{table["tablename"]}" t')
        found += [row["said"] for row in rows]
    return found


async def test_a_second_factor_is_asked_for_and_its_failures_lock(door: Door, app: App) -> None:
    one, account = await linked(door, app)
    made = (await asked(door, "/sign-in/second-factor", **one.proof())).json()
    padded = made["secret"] + "=" * (-len(made["secret"]) % 8)
    one.secret = base64.b32decode(padded)
    await session_of(door, one, code=one.code(-1))
    needed = await by_app(door, app.code_of(account))
    assert (needed.status_code, needed.json()["code"]) == (401, "second-factor-needed")
    assert (await by_app(door, app.code_of(account), code=one.code())).status_code == 200
    for _ in range(MOST_FAILURES):
        wrong = await by_app(door, app.code_of(account), code="wrong-code-of-recovery")
        assert wrong.json()["code"] == "sign-in-refused"
    locked = await by_app(door, app.code_of(account), code=made["recovery_codes"][0])
    assert locked.json()["code"] == "sign-in-refused"


async def test_an_administrator_needs_a_second_factor_here_too(door: Door, app: App) -> None:
    _, account = await linked(door, app, "system_admin")
    refused = await by_app(door, app.code_of(account))
    assert (refused.status_code, refused.json()["code"]) == (403, "second-factor-required")


async def test_who_holds_several_posts_chooses_one(door: Door, app: App) -> None:
    one, account = await linked(door, app)
    other = await a_post(door, "office")
    assert (await handed(door, other, one.id)).status_code == 200
    choose = await by_app(door, app.code_of(account))
    assert (choose.status_code, choose.json()["code"]) == (409, "choose-post")
    chosen = await by_app(door, app.code_of(account), post_id=other)
    assert (chosen.status_code, chosen.json()["role"]) == (200, "office")


async def test_an_account_is_linked_to_one_user_and_a_user_to_one_account(
    door: Door, app: App
) -> None:
    one, account = await linked(door, app)
    other, others = await linked(door, app)
    body = other.proof(provider="app", auth_code=app.code_of(account))
    taken = await asked(door, "/sign-in/link", **body)
    assert (taken.status_code, taken.json()["code"]) == (409, "account-taken")
    new = str(next(_numbers))
    for _ in range(2):
        body = other.proof(provider="app", auth_code=app.code_of(new))
        assert (await asked(door, "/sign-in/link", **body)).status_code == 204
    assert (await by_app(door, app.code_of(others))).status_code == 401
    assert (await by_app(door, app.code_of(new))).json()["user_id"] == other.id
    assert (await by_app(door, app.code_of(account))).json()["user_id"] == one.id


async def test_of_two_who_link_an_account_at_once_one_is_told(door: Door, app: App) -> None:
    account = str(next(_numbers))
    people = [await somebody(door, f"at-once-{account}-{each}", "leader") for each in range(2)]
    answers = await asyncio.gather(
        *(
            asked(
                door,
                "/sign-in/link",
                **one.proof(provider="app", auth_code=app.code_of(account)),
            )
            for one in people
        )
    )
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_an_app_is_asked_about_nobody_who_has_not_proved_who_they_are(
    door: Door, app: App
) -> None:
    one, account = await linked(door, app)
    code, before = app.code_of(account), len(app.asked)
    body = one.proof(provider="app", auth_code=code, password="not the right one")
    refused = await asked(door, "/sign-in/link", **body)
    assert (refused.status_code, refused.json()["code"]) == (401, "sign-in-refused")
    assert len(app.asked) == before
    assert code in app.codes, "it is still good"


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


async def test_who_is_no_member_of_the_organization_is_nobody(door: Door) -> None:
    async with an_app("wecom") as app, provided(door, app):
        refused = await by_app(door, app.code_of("guest-1"))
        assert refused.json()["code"] == "sign-in-refused"


async def test_a_scanned_code_is_exchanged_elsewhere_and_zhb_has_no_scan(door: Door) -> None:
    async with an_app("zzd") as app, provided(door, app):
        one, account = await linked(door, app)
        begun = await by_app(door, app.code_of(account), source="scan")
        assert begun.json()["user_id"] == one.id
        assert "/rpc/oauth2/getuserinfo_bycode.json" in app.asked
    async with an_app("zhb") as app, provided(door, app):
        refused = await by_app(door, app.code_of("1"), source="scan")
        assert refused.json()["code"] == "sign-in-refused"
        assert app.asked == []


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


async def test_every_act_is_in_the_audit_and_no_secret_is(door: Door) -> None:
    async with an_app("wecom") as app, provided(door, app) as set_up:
        one, account = await linked(door, app)
        await by_app(door, app.code_of(account))
        async with await security(door) as admin:
            path = f"/sign-in-providers/{set_up.id}"
            await admin.patch(path, json={"secret": "s" * 20}, headers={"If-Match": "*"})
            await admin.post(f"/users/{one.id}/unlink")
    rows = await door.held.database.pool.fetch(
        "SELECT action, data::text AS data FROM audit_entry WHERE subject_id IN ($1, $2)"
        " OR data->>'user_id' = $2 ORDER BY id",
        set_up.id,
        one.id,
    )
    actions = [row["action"] for row in rows]
    for action in (
        "sign_in_provider.created",
        "account.linked",
        "session.started",
        "sign_in_provider.changed",
        "account.unlinked",
        "sign_in_provider.ended",
    ):
        assert action in actions, action
    assert all("s" * 20 not in row["data"] and app.secret not in row["data"] for row in rows)
    assert PASSWORD not in "".join(row["data"] for row in rows)
