"""Signing in: what is told to whom, locks, second factors, sessions, and tokens that are stolen."""

import asyncio
import base64
import json
import logging
from datetime import timedelta
from typing import Any

import httpx
import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from services.api.security import Keys
from services.core.kit.clock import Clock
from services.core.people.admitting import MOST_FAILURES
from tests.support.api import Door
from tests.support.people import (
    PASSWORD,
    Somebody,
    a_post,
    asked,
    handed,
    security,
    session_of,
    signed_in,
    somebody,
    told,
)

WRONG = "not the right password"


async def wrong(door: Door, one: Somebody, times: int) -> list[httpx.Response]:
    """Sign in with a wrong password so many times."""
    return [await asked(door, "/sign-in", **one.proof(password=WRONG)) for _ in range(times)]


async def test_six_wrong_passwords_lock_for_ten_minutes_and_tell_nothing(door: Door) -> None:
    one = await somebody(door, "locked", "reporter", "UN15")
    unknown = await asked(door, "/sign-in", username="nobody.at.all", password=WRONG)
    answers = await wrong(door, one, MOST_FAILURES)
    locked = await asked(door, "/sign-in", **one.proof())
    more = await wrong(door, one, 2)
    assert {json.dumps(told(one)) for one in (unknown, *answers, locked, *more)} == {
        json.dumps(told(unknown))
    }
    assert unknown.json()["code"] == "sign-in-refused"
    row = await door.held.database.pool.fetchrow(
        "SELECT locked_until - now() AS rest FROM person WHERE id = $1", one.id
    )
    assert timedelta(minutes=9) < row["rest"] <= timedelta(minutes=10), "and no longer for more"
    await door.held.database.pool.execute(
        "UPDATE person SET locked_until = now() WHERE id = $1", one.id
    )
    assert (await session_of(door, one))["user_id"] == one.id


async def test_a_right_password_forgives_five_wrong_ones(door: Door) -> None:
    one = await somebody(door, "forgiven", "reporter", "UN15")
    for _ in range(2):
        await wrong(door, one, MOST_FAILURES - 1)
        await session_of(door, one)


async def test_wrong_passwords_at_once_are_counted_one_by_one(door: Door) -> None:
    one = await somebody(door, "raced", "reporter", "UN15")
    tried = [asked(door, "/sign-in", **one.proof(password=WRONG)) for _ in range(20)]
    assert {answer.status_code for answer in await asyncio.gather(*tried)} == {401}
    row = await door.held.database.pool.fetchrow("SELECT * FROM person WHERE id = $1", one.id)
    assert row["locked_until"] is not None
    assert row["failures"] == 0, "what came after the sixth was not counted any more"
    audited = await door.held.database.pool.fetchval(
        "SELECT count(*) FROM audit_entry WHERE subject_id = $1 AND action = 'user.locked'", one.id
    )
    assert audited == 1


async def test_a_storm_beyond_the_queue_is_told_when_to_come_again(door: Door) -> None:
    one = await somebody(door, "stormy", "reporter", "UN15")
    hasher = door.held.reception.hasher
    most, hasher._most = hasher._most, 2
    try:
        tried = [asked(door, "/sign-in", **one.proof()) for _ in range(20)]
        answers = await asyncio.gather(*tried, asked(door, "/token/refresh", refresh_token="x"))
    finally:
        hasher._most = most
    busy = [answer for answer in answers if answer.status_code == 429]
    assert {answer.json()["code"] for answer in busy} == {"sign-in-busy"}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in busy)
    assert {answer.status_code for answer in answers} == {200, 401, 429}
    assert hasher._under_way == 0


async def test_a_refresh_token_used_twice_ends_the_session_and_tells_its_owner(
    door: Door,
) -> None:
    one = await somebody(door, "stolen", "reporter", "UN15")
    session = await session_of(door, one)
    stolen = session["refresh_token"]
    gone_on = (await asked(door, "/token/refresh", refresh_token=stolen)).json()
    assert gone_on["session_id"] == session["session_id"]
    async with door.client(gone_on["access_token"]) as user:
        assert (await user.get("/me")).json()["user"]["tokens_reused"] == []
        thief = await asked(door, "/token/refresh", refresh_token=stolen)
        assert (thief.status_code, thief.json()["code"]) == (401, "reauthenticate")
        door.held.keys.forget()
        assert (await user.get("/me")).status_code == 401
    honest = await asked(door, "/token/refresh", refresh_token=gone_on["refresh_token"])
    assert told(honest) == told(thief), "the whole family has ended"
    async with await signed_in(door, one) as user:
        (reused,) = (await user.get("/me")).json()["user"]["tokens_reused"]
        assert reused["session_id"] == session["session_id"]
        listed = (await user.get("/sessions")).json()["items"]
    assert [(each["current"], each["ended_because"]) for each in listed] == [
        (True, None),
        (False, "reused"),
    ]
    audited = await door.held.database.pool.fetchval(
        "SELECT count(*) FROM audit_entry WHERE subject_id = $1"
        " AND action = 'session.refresh_reused'",
        session["session_id"],
    )
    assert audited == 1


async def test_of_two_who_refresh_at_once_one_goes_on_and_the_family_ends(door: Door) -> None:
    one = await somebody(door, "at.once", "reporter", "UN15")
    token = (await session_of(door, one))["refresh_token"]
    both = [asked(door, "/token/refresh", refresh_token=token) for _ in range(2)]
    answers = await asyncio.gather(*both)
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    winner = next(answer.json() for answer in answers if answer.status_code == 200)
    after = await asked(door, "/token/refresh", refresh_token=winner["refresh_token"])
    assert after.status_code == 401


@pytest.mark.parametrize("column", ["idle_until", "ends_at"])
async def test_a_session_that_was_idle_or_lasted_too_long_is_to_begin_anew(
    door: Door, column: str
) -> None:
    one = await somebody(door, f"ends.{column}", "reporter", "UN15")
    session = await session_of(door, one)
    await door.held.database.pool.execute(
        f"UPDATE sign_in SET {column} = now() WHERE id = $1", session["session_id"]
    )
    answer = await asked(door, "/token/refresh", refresh_token=session["refresh_token"])
    assert (answer.status_code, answer.json()["code"]) == (401, "reauthenticate")


async def test_a_session_of_a_device_is_refreshed_by_its_key_alone(door: Door) -> None:
    one = await somebody(door, "phone", "reporter", "UN15")
    key, other = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")
    public = {name: key.as_dict(private=False)[name] for name in ("kty", "crv", "x", "y")}
    session = await session_of(door, one, device={"name": "外勤手机", "public_key": public})
    assert session["device_bound"] is True
    offline = await door.held.database.pool.fetchval(
        "SELECT idle_until - refreshed_at FROM sign_in WHERE id = $1", session["session_id"]
    )
    assert offline == timedelta(days=7), "so long it goes on without news"

    def proof(by: ECKey, token: str) -> str:
        return jws.serialize_compact({"alg": "ES256"}, token, by, algorithms=["ES256"])

    token = session["refresh_token"]
    head = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    unsigned = f"{head}.{proof(key, token).split('.')[1]}."
    for bad in (None, "", "x", proof(other, token), proof(key, token + "x"), unsigned):
        refused = await asked(door, "/token/refresh", refresh_token=token, device_proof=bad)
        assert refused.status_code in {401, 422}
    good = await asked(door, "/token/refresh", refresh_token=token, device_proof=proof(key, token))
    assert good.status_code == 200, good.text
    weak = {**public, "crv": "P-384"}
    answer = await asked(door, "/sign-in", **one.proof(device={"public_key": weak}))
    assert answer.json()["errors"][0]["code"] == "device-key-malformed"


async def _factor(door: Door, one: Somebody, **more: Any) -> list[str]:
    """Give somebody a second factor, and return its recovery codes."""
    made = await asked(door, "/sign-in/second-factor", **one.proof(**more))
    assert made.status_code == 200, made.text
    one.secret = base64.b32decode(made.json()["secret"])
    codes: list[str] = made.json()["recovery_codes"]
    return codes


async def test_an_administrator_signs_in_with_a_second_factor_alone(door: Door) -> None:
    one = await somebody(door, "guard", "security_admin")
    bare = await asked(door, "/sign-in", **one.proof())
    assert (bare.status_code, bare.json()["code"]) == (403, "second-factor-required")
    await _factor(door, one)
    still = await asked(door, "/sign-in", **one.proof())
    assert still.json()["code"] == "second-factor-required", "no code of it was used yet"
    code = one.code()
    await session_of(door, one, code=code)
    again = await asked(door, "/sign-in", **one.proof(code=code))
    assert again.json()["code"] == "sign-in-refused", "a code is good once"
    earlier = await asked(door, "/sign-in", **one.proof(code=one.code(-1)))
    assert earlier.status_code == 401, "and so are those before it"
    bare = await asked(door, "/sign-in", **one.proof())
    assert (bare.status_code, bare.json()["code"]) == (401, "second-factor-needed")
    async with await signed_in(door, one, code=one.code(1)) as admin:
        assert (await admin.get("/users")).status_code == 200
        own = await admin.post(
            f"/posts/{await a_post(door, 'audit_admin')}/hand-over", json={"user_id": one.id}
        )
        assert (own.status_code, own.json()["code"]) == (403, "own-post")


async def test_wrong_codes_lock_as_wrong_passwords_do(door: Door) -> None:
    one = await somebody(door, "guessed", "reporter", "UN15")
    await _factor(door, one)
    await session_of(door, one, code=one.code())
    for _ in range(MOST_FAILURES):
        answer = await asked(door, "/sign-in", **one.proof(code="000000"))
        assert answer.json()["code"] == "sign-in-refused"
    locked = await asked(door, "/sign-in", **one.proof(code=one.code(1)))
    assert told(locked) == told(answer)


async def test_a_recovery_code_is_good_once_and_a_new_factor_takes_the_old_ones_code(
    door: Door,
) -> None:
    one = await somebody(door, "recovers", "reporter", "UN15")
    codes = await _factor(door, one)
    assert len(codes) == 10
    await session_of(door, one, code=one.code())
    await session_of(door, one, code=codes[0].upper().replace("-", " "))
    assert (await asked(door, "/sign-in", **one.proof(code=codes[0]))).status_code == 401
    bare = await asked(door, "/sign-in/second-factor", **one.proof())
    assert bare.json()["code"] == "second-factor-needed"
    await _factor(door, one, code=codes[1])
    async with await signed_in(door, one, code=one.code()) as user:
        me = (await user.get("/me")).json()["user"]
    assert (me["second_factor"], me["recovery_codes_left"]) == (True, 10)
    async with await security(door) as admin:
        invited = (await admin.post(f"/users/{one.id}/invite")).json()
    assert (invited["state"], invited["second_factor"]) == ("invited", False)


async def test_a_factor_that_was_only_begun_takes_nothing_of_the_one_before(door: Door) -> None:
    """Whoever lost the answer, or broke off, has the sheet of codes that counts still."""
    one = await somebody(door, "breaks-off", "reporter", "UN15")
    first = await _factor(door, one)
    await session_of(door, one, code=one.code())
    kept = one.secret
    second = await _factor(door, one, code=first[0])
    refused = await asked(door, "/sign-in", **one.proof(code=second[0]))
    assert refused.json()["code"] == "sign-in-refused"
    async with await signed_in(door, one, code=first[1]) as user:
        me = (await user.get("/me")).json()["user"]
    assert me["recovery_codes_left"] == len(first) - 2
    assert one.secret != kept
    await session_of(door, one, code=one.code())
    await session_of(door, one, code=second[1])
    former = await asked(door, "/sign-in", **one.proof(code=first[2]))
    assert former.json()["code"] == "sign-in-refused"


async def test_a_session_ended_here_is_over_on_every_process_within_five_seconds(
    door: Door,
) -> None:
    one = await somebody(door, "everywhere", "reporter", "UN15")
    session = await session_of(door, one)
    now = Clock.true_now()
    elsewhere = Keys(door.held.database, lambda: now, door.held.tokens)
    assert (await elsewhere.actor(session["access_token"], "r")).person_id is not None
    second = await session_of(door, one)
    await elsewhere.actor(second["access_token"], "r")  # it was begun since that looked
    async with await security(door) as admin:
        listed = (await admin.get(f"/sessions?user_id={one.id}")).json()["items"]
        assert [each["id"] for each in listed] == [second["session_id"], session["session_id"]]
        assert (await admin.delete(f"/sessions/{session['session_id']}")).status_code == 204
    async with door.client(session["access_token"]) as ended:
        assert (await ended.get("/me")).status_code == 401, "at once where it was ended"
    now += timedelta(seconds=4)
    with pytest.raises(Exception, match=r"^$"):
        await elsewhere.actor(session["access_token"], "r")
    await elsewhere.actor(second["access_token"], "r")


async def test_sessions_of_others_are_not_there(door: Door) -> None:
    one = await somebody(door, "mine", "reporter", "UN15")
    other = await somebody(door, "theirs", "office")
    session = await session_of(door, one)
    async with await signed_in(door, other) as user:
        foreign = await user.delete(f"/sessions/{session['session_id']}")
        unknown = await user.delete("/sessions/019aafc0-0000-7000-8000-000000000000")
        assert told(foreign) == told(unknown)
        assert foreign.status_code == 404
        listed = (await user.get(f"/sessions?user_id={one.id}")).json()["items"]
        assert {each["user_id"] for each in listed} == {other.id}
        assert (await user.delete(f"/sessions/{listed[0]['id']}")).status_code == 204
        assert (await user.get("/me")).status_code == 401
    async with await door.as_("office") as key:
        assert (await key.get("/sessions")).status_code == 403
        assert (await key.post("/sign-out")).status_code == 403


async def test_an_administrators_post_is_held_beside_no_other_sort(door: Door) -> None:
    one = await somebody(door, "both", "reporter", "UN15")
    answer = await handed(door, await a_post(door, "audit_admin"), one.id)
    assert answer.json()["errors"][0]["code"] == "posts-not-together"
    guard = await somebody(door, "audits", "audit_admin")
    for role in ("security_admin", "office"):
        answer = await handed(door, await a_post(door, role), guard.id)
        assert answer.json()["errors"][0]["code"] == "posts-not-together"


async def test_no_secret_is_logged(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    one = await somebody(door, "unlogged", "reporter", "UN15")
    session = await session_of(door, one)
    await wrong(door, one, 1)
    await asked(door, "/sign-in", **one.proof(post_id="no id"))
    await asked(door, "/token/refresh", refresh_token=session["refresh_token"], extra=1)
    for secret in (PASSWORD, WRONG, session["refresh_token"], session["access_token"]):
        assert secret not in caplog.text


async def test_of_many_who_come_at_once_few_are_looked_up(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A storm holds no connections: who waits has asked the database nothing."""
    one = await somebody(door, "storm", "leader")
    hasher = door.held.reception.hasher
    asked_at_once, most = 0, 0
    is_right = hasher.is_right

    async def counted(kept: str | None, password: str) -> bool:
        nonlocal asked_at_once, most
        asked_at_once += 1
        most = max(most, asked_at_once)
        try:
            found: bool = await is_right(kept, password)
        finally:
            asked_at_once -= 1
        return found

    monkeypatch.setattr(hasher, "is_right", counted)
    begun = await asyncio.gather(*(asked(door, "/sign-in", **one.proof()) for _ in range(12)))
    assert {each.status_code for each in begun} == {200}
    threads = hasher._threads._max_workers
    assert most == 2 * threads + 2 < len(begun)
    assert hasher._waiting == 0
