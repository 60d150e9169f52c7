"""Reporting a value and reviewing it, as callers of the API see it."""

import asyncio
from collections import Counter
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from tests.support.api import Door, a_submission
from tests.support.owner import as_owner
from tests.support.reported import PATH, a_period, reported

pytestmark = pytest.mark.citus


async def test_a_reported_value_comes_back_as_it_was_stored(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        made = await unit.post(PATH, json=a_submission(period=a_period(), value="40.650"))
        read = await unit.get(made.headers["Location"].removeprefix("/v1"))
    assert made.status_code == 201
    assert made.json() == read.json()
    assert made.headers["ETag"] == read.headers["ETag"]
    assert made.json()["value"] == "40.65"
    assert made.json()["state"] == "submitted"
    assert made.json()["allowed_actions"] == ["withdraw"]


async def test_a_ratio_is_computed_exactly_and_zero_over_zero_is_not_applicable(
    door: Door,
) -> None:
    ratio = await reported(door, value=None, numerator="1", denominator=3)
    nothing = await reported(door, value=None, numerator=0, denominator="0.0")
    assert ratio["value"] == "33.33333333333333333333"
    assert nothing["value"] is None
    assert "0 ÷ 0" in nothing["not_applicable_reason"]


async def test_another_units_value_is_not_there_for_a_clerk(door: Door) -> None:
    made = await reported(door)
    async with await door.as_("reporter", "410183107") as other:
        read = await other.get(f"/submissions/{made['id']}")
        listed = await other.get(PATH, params={"organization_code": "UN15"})
        written = await other.post(PATH, json=a_submission(period=a_period()))
        history = await other.get(f"/submissions/{made['id']}/history")
        taken = await other.post(f"/submissions/{made['id']}/withdraw")
    assert (read.status_code, history.status_code, taken.status_code) == (404, 404, 404)
    assert listed.json()["items"] == []
    assert (written.status_code, written.json()["code"]) == (403, "not-your-organization")


async def test_a_second_report_for_the_same_place_names_the_first(door: Door) -> None:
    made = await reported(door)
    async with await door.as_("reporter", "UN15") as unit:
        again = await unit.post(PATH, json=a_submission(period=made["period"]))
        gone = await unit.post(f"/submissions/{made['id']}/withdraw")
        free = await unit.post(PATH, json=a_submission(period=made["period"]))
    assert (again.status_code, again.json()["code"]) == (409, "submission-exists")
    assert again.json()["submission_id"] == made["id"]
    assert gone.json()["state"] == "withdrawn"
    assert free.status_code == 201


@pytest.mark.citus(but="a trigger stands for the other node here, and a cluster has none")
async def test_that_another_node_holds_the_place_is_told_from_its_message(door: Door) -> None:
    made = await reported(door)
    passed_on = """
        CREATE FUNCTION passed_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE unique_violation USING MESSAGE =
                'duplicate key value violates unique constraint "uq_submission_place_102156"';
        END $$;
        CREATE TRIGGER passed_on BEFORE INSERT ON submission
            FOR EACH ROW EXECUTE FUNCTION passed_on();
    """
    await as_owner(door.held.database.dsn, passed_on)
    try:
        async with await door.as_("reporter", "UN15") as unit:
            second = await unit.post(PATH, json=a_submission(period=made["period"]))
    finally:
        await as_owner(door.held.database.dsn, "DROP FUNCTION passed_on CASCADE")
    assert (second.status_code, second.json()["code"]) == (409, "submission-exists")
    assert second.json()["submission_id"] == made["id"]


async def test_every_fault_of_a_report_is_told_at_once(door: Door) -> None:
    wrong = {
        "indicator_code": "NOPE",
        "organization_code": "UN41",
        "period": "2025-13",
        "value": "NaN",
        "colour": "green",
        "data_status": "guessed",
    }
    async with await door.as_("office") as office:
        answer = await office.post(PATH, json=wrong)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert {(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]} == {
        ("/indicator_code", "unknown-indicator"),
        ("/organization_code", "organization-never-submits"),
        ("/period", "invalid-period"),
        ("/value", "decimal"),
        ("/colour", "extra-forbidden"),
        ("/data_status", "literal-error"),
    }


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"value": None}, "", "value-missing"),
        ({"numerator": "1", "denominator": "2"}, "", "more-than-one-form"),
        ({"value": None, "numerator": "1"}, "/denominator", "ratio-incomplete"),
        (
            {"value": None, "numerator": "1", "denominator": "0"},
            "/denominator",
            "division-by-zero",
        ),
        ({"value": None, "level": "top"}, "/level", "unknown-level"),
        ({"indicator_code": "G02", "value": "1"}, "/value", "level-expected"),
        ({"on_behalf_of": True}, "/on_behalf_of", "office-only"),
        ({"period": "2019"}, "/period", "period-before-plan"),
        ({"value": "1e39"}, "/value", "decimal"),
        ({"value": True}, "/value", "decimal"),
    ],
)
async def test_a_form_that_is_wrong_is_refused(
    door: Door, changes: dict[str, object], pointer: str, code: str
) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        answer = await unit.post(PATH, json=a_submission(**{"period": a_period(), **changes}))
    assert answer.status_code == 422
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [
        (pointer, code)
    ]


_BODIES = {
    "nan": b'{"value": NaN}',
    "infinity": b'{"value": -Infinity}',
    "surrogate": b'{"note": "\\ud800"}',
    "null byte": b'{"note": "\\u0000"}',
    "deep": b"[" * 10_000 + b"]" * 10_000,
    "not json": b'{"value": ',
    "not utf-8": b'{"note": "\xff"}',
    "name twice": b'{"value": 1, "value": 2}',
    "a list": b"[]",
    "a number": b"7",
    "null": b"null",
    "nothing": b"",
}


@pytest.mark.parametrize("body", _BODIES.values(), ids=_BODIES.keys())
async def test_an_unreadable_body_is_refused_with_a_code_and_nothing_is_stored(
    door: Door, body: bytes
) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        before = await door.held.database.pool.fetchval("SELECT count(*) FROM submission")
        answer = await unit.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 422}
    assert answer.json()["code"] in {"malformed-body", "invalid-input"}
    after = await door.held.database.pool.fetchval("SELECT count(*) FROM submission")
    assert before == after


@pytest.mark.parametrize("number", ["1e400", "9" * 5000, "1e-400", "0." + "1" * 5000])
async def test_a_number_of_too_many_digits_is_refused_with_its_pointer(
    door: Door, number: str
) -> None:
    body = (
        '{"indicator_code":"U08","organization_code":"UN15","period":"2025","value":' + number + "}"
    )
    async with await door.as_("reporter", "UN15") as unit:
        answer = await unit.post(PATH, content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/value")
    assert len(answer.content) < 2000


async def test_a_body_of_50_megabytes_is_refused_whether_announced_or_not(door: Door) -> None:
    async def drip() -> Any:
        for _ in range(50):
            yield b" " * 1_000_000

    async with await door.as_("reporter", "UN15") as unit:
        json_type = {"Content-Type": "application/json"}
        announced = await unit.post(PATH, content=b" " * 50_000_000, headers=json_type)
        dripped = await unit.post(PATH, content=drip(), headers=json_type)
    assert (announced.status_code, announced.json()["code"]) == (413, "body-too-large")
    assert (dripped.status_code, dripped.json()["code"]) == (413, "body-too-large")


async def test_fifty_posts_with_one_key_make_one_submission(door: Door) -> None:
    body = a_submission(period=a_period())
    async with await door.as_("reporter", "UN15") as unit:

        async def post() -> httpx.Response:
            return await unit.post(PATH, json=body, headers={"Idempotency-Key": "fifty"})

        answers = await asyncio.gather(*(post() for _ in range(50)))
        other = await unit.post(
            PATH, json=a_submission(period=a_period()), headers={"Idempotency-Key": "fifty"}
        )
    made = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in made}) == 1
    assert len({answer.headers["ETag"] for answer in made}) == 1
    stored = await door.held.database.pool.fetchval(
        "SELECT count(*) FROM submission WHERE period = $1", body["period"]
    )
    assert stored == 1
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


async def test_a_verb_repeated_with_its_key_answers_as_the_first_time(door: Door) -> None:
    made = await reported(door)
    async with await door.as_("office") as office:
        path, key = f"/submissions/{made['id']}/approve", {"Idempotency-Key": "approve-once"}
        first = await office.post(path, headers=key)
        second = await office.post(path, headers=key)
        without = await office.post(path)
    assert first.status_code == 200
    assert (second.status_code, second.content) == (200, first.content)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert without.status_code == 409


async def test_a_repeat_while_the_first_still_runs_waits_for_its_answer(door: Door) -> None:
    made = await reported(door)
    path, key = f"/submissions/{made['id']}/approve", {"Idempotency-Key": "slow-approve"}
    async with await door.as_("office") as office, door.held.database.transaction() as held_up:
        wanted = "SELECT FROM submission WHERE city_code = '410183' FOR UPDATE"
        await held_up.execute(text(wanted))
        first = asyncio.create_task(office.post(path, headers=key))
        await asyncio.sleep(0.2)
        second = asyncio.create_task(office.post(path, headers=key))
        await asyncio.sleep(0.2)
        assert not first.done()
        assert not second.done()
        await held_up.rollback()
        answers = await asyncio.gather(first, second)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content


async def test_the_second_of_two_editors_is_told_what_stands_now(door: Door) -> None:
    async with await door.as_("reporter", "UN15") as unit:
        made = await unit.post(PATH, json=a_submission(period=a_period(), draft=True))
        path, etag = f"/submissions/{made.json()['id']}", made.headers["ETag"]
        first = await unit.patch(path, json={"value": "41"}, headers={"If-Match": etag})
        second = await unit.patch(path, json={"value": "42"}, headers={"If-Match": etag})
        blind = await unit.patch(path, json={"value": "43"})
    assert first.status_code == 200
    assert (second.status_code, second.json()["current"]["value"]) == (412, "41")
    assert second.headers["ETag"] == first.headers["ETag"]
    assert blind.status_code == 428


async def test_of_twenty_reviewers_one_approves(door: Door) -> None:
    made = await reported(door)
    async with await door.as_("office") as office:
        answers = await asyncio.gather(
            *(office.post(f"/submissions/{made['id']}/approve") for _ in range(20))
        )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: 19}
    refused = next(answer for answer in answers if answer.status_code == 409)
    assert refused.json()["code"] == "transition-refused"
    assert refused.json()["allowed_actions"] == ["reopen", "falsify"]


async def test_nobody_approves_what_their_own_unit_reported(door: Door) -> None:
    own = await reported(door)
    async with await door.as_("lead", "UN15") as lead, await door.as_("office") as office:
        refused = await lead.post(f"/submissions/{own['id']}/approve")
        behalf = await office.post(PATH, json=a_submission(period=a_period(), on_behalf_of="UN15"))
        same_office = await office.post(f"/submissions/{behalf.json()['id']}/approve")
        by_lead = await lead.post(f"/submissions/{behalf.json()['id']}/approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "own-report")
    assert behalf.json()["on_behalf_of"] == "UN15"
    assert (same_office.status_code, same_office.json()["code"]) == (403, "own-report")
    assert by_lead.json()["state"] == "approved"


async def test_a_lead_reviews_what_others_report_for_its_indicator_only(door: Door) -> None:
    async with await door.as_("reporter", "410183107") as town:
        made = await town.post(
            PATH, json=a_submission(organization_code="410183107", period=a_period())
        )
    path = f"/submissions/{made.json()['id']}"
    async with await door.as_("lead", "UN15") as lead, await door.as_("lead", "UN10") as other:
        hidden = await other.post(f"{path}/approve")
        approved = await lead.post(f"{path}/approve")
    assert made.json()["counts"] is False
    assert hidden.status_code == 404
    assert approved.json()["state"] == "approved"


async def test_a_correction_is_a_new_revision_and_the_old_one_counts_until_then(
    door: Door,
) -> None:
    made = await reported(door)
    path = f"/submissions/{made['id']}"
    async with await door.as_("office") as office, await door.as_("reporter", "UN15") as unit:
        await office.post(f"{path}/approve")
        silent = await office.post(f"{path}/reopen")
        reopened = await office.post(f"{path}/reopen", json={"reason": "口径有误"})
        withdrawn = await unit.post(f"{path}/withdraw")
        edited = await unit.patch(
            path, json={"value": "39"}, headers={"If-Match": reopened.headers["ETag"]}
        )
        await unit.post(f"{path}/submit")
        approved = await office.post(f"{path}/approve")
        history = await unit.get(f"{path}/history")
    assert (silent.status_code, silent.json()["errors"][0]["pointer"]) == (422, "/reason")
    assert (reopened.json()["revision"], reopened.json()["approved_revision"]) == (2, 1)
    assert reopened.json()["reason"] == "口径有误"
    assert withdrawn.status_code == 409
    assert edited.json()["value"] == "39"
    assert (approved.json()["approved_revision"], approved.json()["value"]) == (2, "39")
    changes = history.json()["items"]
    assert [change["action"] for change in changes] == [
        "submitted", "approved", "reopened", "changed", "submitted", "approved",
    ]  # fmt: skip
    assert changes[3]["before"]["value"] == "40.65"
    assert changes[3]["after"]["value"] == "39"
    assert changes[2]["reason"] == "口径有误"
    assert changes[2]["actor"]["role"] == "office"
