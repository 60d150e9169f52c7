"""Signing in by government apps: linked accounts, what is told to whom, and what is kept of it."""

import asyncio
import base64
import json
import logging
from collections.abc import AsyncIterator

import pytest

from services.core.people.admitting import MOST_FAILURES
from tests.support.api import Door, open_door
from tests.support.apps import (
    ALLOWED,
    FAMILIES,
    FULL_NAME,
    ID_CODE,
    PHONE,
    App,
    an_app,
    by_app,
    linked,
    new_account,
    provided,
)
from tests.support.people import (
    PASSWORD,
    a_post,
    asked,
    handed,
    security,
    session_of,
    somebody,
    told,
)
from tests.support.receiver import Heard


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


async def test_nobody_links_an_account_for_somebody_else(door: Door, app: App) -> None:
    """An administrator who could would act as that user by an account of their own."""
    account = new_account()
    one = await somebody(door, f"unlinked-{account}", "leader")
    code = app.code_of(account)
    for role in ("security_admin", "system_admin", "office"):
        async with await door.as_(role) as another:
            body = {"username": one.username, "provider": "app", "auth_code": code}
            bare = await another.post("/sign-in/link", json=body)
            assert bare.status_code == 422, "the password of whom it is linked to"
            guess = await another.post("/sign-in/link", json={**body, "password": PASSWORD[::-1]})
            assert guess.status_code == 401
    async with await security(door) as admin:
        assert (await admin.get(f"/users/{one.id}")).json()["providers"] == []


async def test_an_account_is_linked_to_one_user_and_a_user_to_one_account(
    door: Door, app: App
) -> None:
    one, account = await linked(door, app)
    other, others = await linked(door, app)
    body = other.proof(provider="app", auth_code=app.code_of(account))
    taken = await asked(door, "/sign-in/link", **body)
    assert (taken.status_code, taken.json()["code"]) == (409, "account-taken")
    new = new_account()
    for _ in range(2):
        body = other.proof(provider="app", auth_code=app.code_of(new))
        assert (await asked(door, "/sign-in/link", **body)).status_code == 204
    assert (await by_app(door, app.code_of(others))).status_code == 401
    assert (await by_app(door, app.code_of(new))).json()["user_id"] == other.id
    assert (await by_app(door, app.code_of(account))).json()["user_id"] == one.id


async def test_of_two_who_link_an_account_at_once_one_is_told(door: Door, app: App) -> None:
    account = new_account()
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


async def test_more_come_by_an_app_than_there_are_connections(module_database_url: str) -> None:
    """While an app is asked no connection is held: many wait for it, and others go on."""
    narrow = {**ALLOWED, "WUFEI_DATABASE_CONNECTIONS": "2"}
    async with (
        open_door(module_database_url, environment=narrow) as other,
        an_app("wecom") as app,
        provided(other, app),
    ):
        people = [await linked(other, app) for _ in range(3)]
        answered = asyncio.Event()

        async def slowly(heard: Heard, writer: asyncio.StreamWriter) -> None:
            await answered.wait()
            await app.write(heard, writer)

        app.receiver.behaviour = slowly
        waiting = [
            asyncio.create_task(by_app(other, app.code_of(account))) for _, account in people * 3
        ]
        await app.receiver.hears(len(app.receiver.heard) + len(waiting))
        async with await other.as_("office") as office:
            assert (await office.get("/organizations")).status_code == 200
        answered.set()
        assert {each.status_code for each in await asyncio.gather(*waiting)} == {200}
