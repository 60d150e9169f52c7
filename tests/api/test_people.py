"""People: invited, in posts with dates, signed in; what they do stays under name and post."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import httpx
import pytest

from services.core.calendars.rules import TIME_ZONE
from services.core.identity.service import note_use
from tests.support.api import XINMI, Door, a_submission
from tests.support.people import (
    PASSWORD,
    a_post,
    asked,
    handed,
    security,
    session_of,
    signed_in,
    somebody,
)

SUBMISSIONS = f"/plans/{XINMI}/submissions"


async def test_a_user_signs_in_by_an_invitation_and_acts_as_the_post(door: Door) -> None:
    one = await somebody(door, "first.one", "reporter", "UN15")
    session = await session_of(door, one)
    async with door.client(session["access_token"]) as user:
        me = (await user.get("/me")).json()
        assert (me["role"], me["organization_code"]) == ("reporter", "UN15")
        assert me["user"]["id"] == one.id
        assert me["user"]["name"] == "name first.one"
        assert me["user"]["session_id"] == session["session_id"]
        made = await user.post(SUBMISSIONS, json=a_submission(period="2025-01"))
        assert made.status_code == 201, made.text
        other = await user.post(SUBMISSIONS, json=a_submission(organization_code="UN10"))
        assert other.status_code == 403
    async with await door.as_("office") as office:
        history = await office.get(f"/submissions/{made.json()['id']}/history")
    actor = history.json()["items"][0]["actor"]
    assert (actor["kind"], actor["id"], actor["role"]) == ("user", one.id, "reporter")
    assert actor["name"] == "name first.one"
    assert actor["post"] == "reporter UN15"


async def test_an_invitation_is_good_once_and_for_three_days(door: Door) -> None:
    async with await security(door) as admin:
        made = await admin.post("/users", json={"username": "invited", "name": "n"})
        sent = {"invitation": made.json()["invitation"], "new_password": PASSWORD}
        again = await admin.post(f"/users/{made.json()['id']}/invite")
    refused = await asked(door, "/sign-in/invitation", **sent)
    assert (refused.status_code, refused.json()["code"]) == (401, "invitation-refused")
    sent["invitation"] = again.json()["invitation"]
    assert (await asked(door, "/sign-in/invitation", **sent)).status_code == 200
    assert (await asked(door, "/sign-in/invitation", **sent)).status_code == 401
    async with await security(door) as admin:
        last = (await admin.post(f"/users/{made.json()['id']}/invite")).json()["invitation"]
    await door.held.database.pool.execute("UPDATE person SET invitation_until = now()")
    late = await asked(door, "/sign-in/invitation", invitation=last, new_password=PASSWORD)
    assert late.json() | {"instance": ""} == refused.json() | {"instance": ""}


async def test_who_holds_several_posts_chooses_one_and_none_lets_nobody_in(door: Door) -> None:
    one = await somebody(door, "several", "reporter", "UN15")
    second = await a_post(door, "leader")
    assert (await handed(door, second, one.id)).status_code == 200
    which = await asked(door, "/sign-in", **one.proof())
    assert (which.status_code, which.json()["code"]) == (409, "choose-post")
    assert {post["id"] for post in which.json()["posts"]} == {one.post_id, second}
    assert (await session_of(door, one, post_id=second))["role"] == "leader"
    stranger = await asked(door, "/sign-in", **one.proof(post_id=await a_post(door, "leader")))
    assert stranger.json()["errors"][0]["code"] == "post-not-held"
    nobody = await somebody(door, "no.post")
    none = await asked(door, "/sign-in", **nobody.proof())
    assert (none.status_code, none.json()["code"]) == (403, "no-post")


async def test_a_post_handed_over_ends_for_one_begins_for_the_other_and_keeps_both(
    door: Door,
) -> None:
    before = await somebody(door, "before", "reporter", "UN15")
    after = await somebody(door, "after")
    assert before.post_id is not None
    async with await signed_in(door, before) as user:
        made = await user.post(SUBMISSIONS, json=a_submission(period="2025-02", draft=True))
        assert (await handed(door, before.post_id, after.id)).status_code == 200
        assert (await user.get("/me")).status_code == 401
    assert (await asked(door, "/sign-in", **before.proof())).json()["code"] == "no-post"
    async with await signed_in(door, after) as user:
        changed = await user.patch(
            f"/submissions/{made.json()['id']}", json={"note": "接任"}, headers={"If-Match": "*"}
        )
        assert changed.status_code == 200, changed.text
        history = (await user.get(f"/submissions/{made.json()['id']}/history")).json()["items"]
    assert {one["actor"]["name"] for one in history} == {"name before", "name after"}
    assert {one["actor"]["post"] for one in history} == {"reporter UN15"}
    async with await security(door) as admin:
        holders = (await admin.get(f"/posts/{before.post_id}")).json()["holders"]
    assert [one["user_id"] for one in holders] == [after.id, before.id]


async def test_a_post_is_taken_up_on_its_day_and_not_before(door: Door) -> None:
    present = await somebody(door, "present", "reporter", "UN15")
    coming = await somebody(door, "coming")
    assert present.post_id is not None
    today = door.held.clock.today(TIME_ZONE)
    on = today + timedelta(days=3)
    answer = await handed(door, present.post_id, coming.id, on=on.isoformat())
    assert [one["until"] for one in answer.json()["holders"]] == [
        None,
        (on - timedelta(days=1)).isoformat(),
    ]
    assert (await asked(door, "/sign-in", **coming.proof())).json()["code"] == "no-post"
    await session_of(door, present)
    past = await handed(door, present.post_id, None, on=(today - timedelta(days=1)).isoformat())
    assert past.json()["errors"][0]["code"] == "date-out-of-range"


async def test_the_same_person_never_approves_what_he_wrote_whichever_post_he_acts_as(
    door: Door,
) -> None:
    one = await somebody(door, "two.hats", "reporter", "UN15")
    office = await a_post(door, "office")
    assert (await handed(door, office, one.id)).status_code == 200
    async with await signed_in(door, one, post_id=one.post_id) as clerk:
        made = await clerk.post(SUBMISSIONS, json=a_submission(period="2025-03"))
        assert made.status_code == 201, made.text
    approve = f"/submissions/{made.json()['id']}/approve"
    async with await signed_in(door, one, post_id=office) as reviewer:
        own = await reviewer.post(approve)
        assert own.status_code == 403, own.text
        seen = (await reviewer.get(f"/submissions/{made.json()['id']}")).json()
        assert "approve" not in seen["allowed_actions"]
    other = await somebody(door, "same.unit", "lead", "UN15")
    async with await signed_in(door, other) as colleague:
        assert (await colleague.post(approve)).status_code == 403, "four eyes by unit"
    third = await somebody(door, "third", "office")
    async with await signed_in(door, third) as reviewer:
        assert (await reviewer.post(approve)).status_code == 200


async def test_a_post_of_one_plan_sees_no_other_and_nothing_through_another_thing(
    door: Door,
) -> None:
    async with await security(door) as admin:
        body = {"title": "p", "role": "office", "plan": "410183-2099"}
        assert (await admin.post("/posts", json=body)).json()["errors"][0]["pointer"] == "/plan"
    bound = await somebody(door, "bound")
    post_id = await a_post(door, "reporter", "UN10")
    await handed(door, post_id, bound.id)
    async with await door.as_("reporter", "UN15") as unit:
        foreign = await unit.post(SUBMISSIONS, json=a_submission(period="2025-04", draft=True))
    unknown = "019aafc0-0000-7000-8000-000000000000"
    async with await signed_in(door, bound) as user:
        for path in ("submissions/{}", "submissions/{}/history", "submissions/{}/evidence"):
            seen = await user.get(path.format(foreign.json()["id"]))
            missing = await user.get(path.format(unknown))
            assert seen.status_code == missing.status_code == 404
            assert seen.json()["code"] == missing.json()["code"]


async def test_a_leaver_ends_at_once_and_is_erased_with_history_kept(door: Door) -> None:
    one = await somebody(door, "leaver", "reporter", "UN15")
    async with await signed_in(door, one) as user, await security(door) as admin:
        made = await user.post(SUBMISSIONS, json=a_submission(period="2025-05"))
        early = await admin.post(f"/users/{one.id}/erase")
        assert (early.status_code, early.json()["code"]) == (409, "user-not-ended")
        assert (await admin.post(f"/users/{one.id}/end")).json()["state"] == "ended"
        assert (await user.get("/me")).status_code == 401
        erased = (await admin.post(f"/users/{one.id}/erase")).json()
        assert (erased["id"], erased["state"]) == (one.id, "erased")
        assert (erased["name"], erased["username"]) == (None, None)
        assert [held["title"] for held in erased["posts"]] == ["reporter UN15"]
    assert (await asked(door, "/sign-in", **one.proof())).json()["code"] == "sign-in-refused"
    async with await door.as_("office") as office:
        history = await office.get(f"/submissions/{made.json()['id']}/history")
        events = await office.get("/events?limit=1000")
    actor = history.json()["items"][0]["actor"]
    assert (actor["id"], actor["name"], actor["post"]) == (one.id, *["reporter UN15"] * 2)
    everything = await _everything_kept(door)
    assert "leaver" not in everything + history.text + events.text


async def test_of_a_leaver_no_kept_answer_says_the_name(door: Door) -> None:
    """Answers are kept for a day, for whoever repeats the request: of what is erased, too."""
    one = await somebody(door, "answered", "reporter", "UN15")
    other = await somebody(door, "answered-too", "reporter", "UN15")
    async with (
        await security(door) as admin,
        await signed_in(door, one, device={"name": "phone"}) as user,
    ):
        for user_id in (one.id, other.id):
            for verb in ("unlink", "end"):
                if verb == "end" and user_id == one.id:
                    left = await user.post("/sign-out", headers={"Idempotency-Key": "out"})
                    assert left.json()["device"] == "phone"
                done = await admin.post(
                    f"/users/{user_id}/{verb}", headers={"Idempotency-Key": f"{verb} {user_id}"}
                )
                assert done.status_code == 200, done.text
        assert b"phone" in await _replies(door)
        assert (await admin.post(f"/users/{one.id}/erase")).status_code == 200
        again = await admin.post(
            f"/users/{one.id}/end", headers={"Idempotency-Key": f"end {one.id}"}
        )
        assert again.headers["Idempotency-Replayed"] == "true"
        said = again.json()
        assert (said["id"], said["state"]) == (one.id, "ended")
        assert (said["name"], said["username"]) == (None, None)
    kept = await _replies(door)
    assert b"phone" not in kept
    assert b'"answered"' not in kept
    assert b'name answered"' not in kept
    assert kept.count(b'name answered-too"') == 2, "nobody else's"


async def _replies(door: Door) -> bytes:
    found = await door.held.database.pool.fetchval("SELECT string_agg(body, ' ') FROM stored_reply")
    return bytes(found or b"")


async def test_of_a_leaver_no_network_is_left_but_in_the_audit(door: Door) -> None:
    """The audit keeps from where somebody came, as long as it keeps that they came."""
    one = await somebody(door, "networked", "reporter", "UN15")
    pool = door.held.database.pool
    async with await signed_in(door, one) as user:
        assert (await user.get("/me")).status_code == 200
    [(post,)] = await pool.fetch("SELECT id FROM api_key WHERE person_id = $1", one.id)
    used = {("410183", post): (door.held.clock.true_now(), "192.0.2.0/24")}
    places = (
        "SELECT last_used_from FROM api_key WHERE person_id = $1"
        " UNION ALL SELECT network FROM sign_in WHERE person_id = $1"
    )

    async def noted() -> None:
        async with door.held.database.transaction() as session:
            await note_use(session, used)

    await noted()
    assert "192.0.2.0/24" in [row[0] for row in await pool.fetch(places, one.id)]
    async with await security(door) as admin:
        assert (await admin.post(f"/users/{one.id}/end")).status_code == 200
        assert (await admin.post(f"/users/{one.id}/erase")).status_code == 200
    await noted()  # by a process that had not written it yet
    found = await pool.fetch(places, one.id)
    assert [row[0] for row in found] == [None, None]
    started = await pool.fetchval(
        "SELECT data->>'network' FROM audit_entry"
        " WHERE action = 'session.started' AND data->>'user_id' = $1",
        one.id,
    )
    assert started is not None


async def _everything_kept(door: Door) -> str:
    """Return the log, the histories, the audit, people and their sessions, as text."""
    tables = (
        "event",
        "submission_history",
        "audit_entry",
        "person",
        "sign_in",
        "tenure",
        "api_key",
    )
    found = [
        await door.held.database.pool.fetchval(
            f"SELECT string_agg(t::text, ' ') FROM (SELECT * FROM {table}) t"
        )
        for table in tables
    ]
    return " ".join(one or "" for one in found)


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("tiny-one", "password-too-short"),
        ("Password@123", "password-too-common"),
        ("aaaaaaaaaaaaaaaa", "password-too-common"),
        ("my-rules.one-is-in", "password-has-name"),
    ],
)
async def test_a_password_that_is_too_easy_is_refused_with_the_reason(
    door: Door, password: str, code: str
) -> None:
    async with await security(door) as admin:
        name = f"rules.one{code[9:13]}{len(password)}"
        made = await admin.post("/users", json={"username": name, "name": "rules.one"})
    sent = {"invitation": made.json()["invitation"], "new_password": password}
    refused = await asked(door, "/sign-in/invitation", **sent)
    assert [one["code"] for one in refused.json()["errors"]] == [code]
    assert password not in refused.text


async def test_none_of_the_last_five_passwords_is_taken_again(door: Door) -> None:
    one = await somebody(door, "history", "reporter", "UN15")
    words = [PASSWORD, *(f"quite-unlike-{number}-words" for number in range(5))]

    async def changed(old: str, new: str) -> httpx.Response:
        proof = one.proof(password=old, new_password=new)
        return await asked(door, "/sign-in/password", **proof)

    async with await signed_in(door, one) as user:
        for old, new in pairwise(words):
            again = await changed(old, PASSWORD)
            assert [one["code"] for one in again.json()["errors"]] == ["password-used-before"]
            assert (await changed(old, new)).status_code == 204
        assert (await user.get("/me")).status_code == 401, "its session ended with the password"
    assert (await changed(words[-1], PASSWORD)).status_code == 204


async def test_every_act_is_in_the_audit_and_no_secret_or_name_with_it(door: Door) -> None:
    one = await somebody(door, "audited", "reporter", "UN15")
    session = await session_of(door, one)
    await asked(door, "/sign-in", **one.proof(password="not the right one"))
    async with door.client(session["access_token"]) as user:
        assert (await user.post("/sign-out")).json()["ended_because"] == "signed_out"
    rows: list[Any] = await door.held.database.pool.fetch(
        "SELECT action, actor::text || data::text AS said FROM audit_entry"
        " WHERE subject_id = ANY($1::text[]) OR data ->> 'user_id' = $2",
        [one.id, one.post_id, session["session_id"]],
        one.id,
    )
    assert {row["action"] for row in rows} == {
        *("user.created", "password.set", "post.created", "post.handed_over"),
        *("session.started", "session.refused", "session.ended"),
    }
    said = " ".join(row["said"] for row in rows)
    for secret in (PASSWORD, "not the right one", "audited", session["refresh_token"]):
        assert secret not in said
