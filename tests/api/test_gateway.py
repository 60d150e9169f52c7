"""The façade: each profile is let in, once; what it answers is the operation's, in its own form."""

import asyncio
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from services.api.main import create_app
from services.api.settings import ApiSettings
from services.core.gateways.profiles import PROFILES
from services.core.gateways.signing import Call
from services.core.kit.clock import Clock
from tests.support.api import XINMI, Door, a_submission, open_door
from tests.support.gateways import Platform, a_key, a_partner, called, sent, told_in

LOCAL = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


@pytest.fixture(scope="module")
async def platform(door: Door) -> Platform:
    """A partner of the strong profile that may call everything."""
    return await a_partner(door)


@pytest.fixture(scope="module")
async def values(door: Door, platform: Platform) -> list[str]:
    """Seven submissions, reported by the gateway itself."""
    ids = []
    for month in range(1, 8):
        body = dict(a_submission(period=f"2025-{month:02}"))
        code, data, _ = await called(door, platform, "create_submission", plan=XINMI, **body)
        assert code == 200, data
        ids.append(data["id"])
    return ids


@pytest.mark.parametrize("profile", PROFILES)
async def test_each_profile_is_let_in_once_and_in_time(door: Door, profile: str) -> None:
    partner = await a_partner(door, profile)
    for good in (1, 2):
        call = partner.signed("list_indicators", {"plan": XINMI}, nonce=f"n{good}")
        answer = await sent(door, call)
        assert answer.json()["code"] == 200, answer.text
        assert len(told_in(answer, partner)["items"]) > 40
        await asyncio.sleep(0.002)  # a profile without a nonce tells calls apart by their time
    again = await sent(door, call)
    assert (again.status_code, again.json()["code"]) == (200, 401)
    assert again.json()["data"]["problem"] == "signature-replayed"
    long_ago = Clock.true_now() - 2 * PROFILES[profile].window
    late = partner.signed("list_indicators", {"plan": XINMI}, now=long_ago)
    assert (await sent(door, late)).json()["data"]["problem"] == "signature-late"
    thief = replace(partner, secret=partner.secret[:-1] + "=")
    wrong = thief.signed("list_indicators", {"plan": XINMI})
    assert (await sent(door, wrong)).json()["data"]["problem"] == "signature-wrong"


async def test_a_replay_is_refused_by_another_process(
    door: Door, module_database_url: str, platform: Platform
) -> None:
    """Nothing of it stands in Redis: the two share PostgreSQL alone."""
    call = platform.signed("list_indicators", {"plan": XINMI})
    assert (await sent(door, call)).json()["code"] == 200
    settings = door.app.state.resources.seal
    other = create_app(ApiSettings.model_validate({"database_url": module_database_url}))
    async with other.router.lifespan_context(other):
        held = other.state.resources
        held.partners._seal = settings
        second = Door(other, door.admin_secret, {})
        assert (await sent(second, call)).json()["data"]["problem"] == "signature-replayed"
        fresh = platform.signed("list_indicators", {"plan": XINMI})
        assert (await sent(second, fresh)).json()["code"] == 200


async def test_of_many_at_once_one_is_let_in(door: Door, platform: Platform) -> None:
    call = platform.signed("get_scoreboard", {"plan": XINMI})
    answers = await asyncio.gather(*(sent(door, call) for _ in range(20)))
    codes = sorted(one.json()["code"] for one in answers)
    assert codes == [200, *[401] * 19]


async def test_an_altered_request_is_refused_where_all_of_it_is_signed(
    door: Door, platform: Platform
) -> None:
    call = platform.signed("list_submissions", {"plan": XINMI})
    altered = [
        replace(call, body=call.body + b" "),
        replace(call, path="/gw/v1/list_late"),
        replace(call, query="page=1"),
    ]
    for one in altered:
        assert (await sent(door, one)).json()["data"]["problem"] == "signature-wrong"
    assert (await sent(door, call)).json()["code"] == 200


async def test_an_unknown_partner_and_a_wrong_secret_are_told_alike(
    door: Door, platform: Platform
) -> None:
    told = []
    for one in (replace(platform, app_id="gw_410183_0000000000"), replace(platform, secret="x")):
        answer = (await sent(door, one.signed("list_late", {"plan": XINMI}))).json()
        told.append((answer["code"], answer["message"], answer["data"]))
    assert told[0] == told[1]


async def test_an_unsigned_request_is_told_what_signs_it(door: Door) -> None:
    answer = (await sent(door, Call("POST", "/gw/v1/list_late", body=b"{}"))).json()
    assert (answer["code"], answer["data"]["problem"]) == (401, "signature-missing")
    assert "x-wufei-nonce" in answer["message"]


async def test_a_list_is_read_by_pages_from_one_with_its_total(
    door: Door, platform: Platform, values: list[str]
) -> None:
    found: list[str] = []
    for page in (1, 2, 3):
        members: dict[str, Any] = {"page": str(page), "pagesize": 3, "indicator_code": "U08"}
        code, data, _ = await called(door, platform, "list_submissions", plan=XINMI, **members)
        assert (code, data["total"], data["page"], data["pagesize"]) == (200, 7, page, 3)
        assert data["total_is_more"] is False
        found += [one["id"] for one in data["items"]]
    assert sorted(found) == sorted(values)
    _, data, _ = await called(door, platform, "list_submissions", plan=XINMI, page=4, pagesize=3)
    assert data["items"] == []
    _, data, _ = await called(door, platform, "list_submissions", plan=XINMI, pagesize=3)
    assert len(data["items"]) == 3
    assert data["next_page_token"] is not None
    assert "total" not in data


async def test_dates_are_local_keys_are_small_and_numbers_are_text_when_asked(
    door: Door, platform: Platform, values: list[str]
) -> None:
    _, plain, _ = await called(door, platform, "get_submission", submission_id=values[0])
    assert LOCAL.fullmatch(plain["created_at"])
    assert (plain["revision"], plain["note"]) == (1, None)
    async with await door.as_("office") as office:
        exact = (await office.get(f"/submissions/{values[0]}")).json()
    instant = Clock.true_now().fromisoformat(exact["created_at"]) + timedelta(hours=8)
    assert plain["created_at"] == f"{instant:%Y-%m-%d %H:%M:%S}"
    quirks = {"numbers": "text", "blanks": "text"}
    _, other, _ = await called(door, platform, "get_submission", submission_id=values[0], **quirks)
    assert (other["revision"], other["note"]) == ("1", "")
    _, board, _ = await called(door, platform, "get_scoreboard", plan=XINMI)
    assert _keys(board) == {one.lower() for one in _keys(board)}
    at = {"as_of": "2025-06-01 08:00:00"}
    _, board, _ = await called(door, platform, "get_scoreboard", plan=XINMI, **at)
    assert board["as_of"] == at["as_of"]


def _keys(node: Any) -> set[str]:
    if isinstance(node, list):
        return set().union(*map(_keys, node))
    if not isinstance(node, dict):
        return set()
    return set(node).union(*map(_keys, node.values()))


async def test_a_repeat_under_one_request_id_is_answered_as_the_first_was(
    door: Door, platform: Platform
) -> None:
    body = {**a_submission(period="2025-11"), "plan": XINMI, "request_id": "R-1"}
    code, first, _ = await called(door, platform, "create_submission", **body)
    again, second, answer = await called(door, platform, "create_submission", **body)
    assert (code, again, first) == (200, 200, second)
    assert answer.headers["Idempotency-Replayed"] == "true"
    code, other, _ = await called(door, platform, "create_submission", **{**body, "value": "1"})
    assert (code, other["problem"]) == (422, "idempotency-key-reused")


async def test_a_batch_says_what_became_of_each_row(door: Door, platform: Platform) -> None:
    rows = [a_submission(period="2024-01"), a_submission(period="2024-02", value="x")]
    code, data, _ = await called(door, platform, "write_batch", plan=XINMI, items=rows)
    assert (code, data["created"], data["rejected"]) == (200, 1, 1)
    tried = {"plan": XINMI, "items": [a_submission(period="2024-03")], "validate_only": True}
    code, data, _ = await called(door, platform, "write_batch", **tried)
    assert (code, data["created"]) == (200, 1)
    _, data, _ = await called(
        door, platform, "list_submissions", plan=XINMI, period="2024-03", page=1
    )
    assert data["total"] == 0


async def test_what_is_wrong_is_told_by_the_members_that_were_sent(
    door: Door, platform: Platform
) -> None:
    asked: list[tuple[str, dict[str, Any], int, str]] = [
        ("list_submissions", {"plan": XINMI, "perod": "2025"}, 422, "/perod"),
        ("list_submissions", {}, 422, "/plan"),
        ("list_submissions", {"plan": XINMI, "page": 0}, 422, "/page"),
        ("list_submissions", {"plan": XINMI, "page": 9999, "pagesize": 500}, 422, "/page"),
        ("list_submissions", {"plan": XINMI, "numbers": "yes"}, 422, "/numbers"),
        ("create_submission", {"plan": XINMI, "value": "1"}, 422, "/indicator_code"),
        ("create_submission", {"plan": XINMI, "request_id": "\u4e00"}, 422, "/request_id"),
        ("get_submission", {"submission_id": "a/b"}, 422, ""),
        ("get_submission", {"submission_id": "x"}, 422, "/submission_id"),
    ]
    for operation, members, code, pointer in asked:
        found, data, _ = await called(door, platform, operation, **members)
        assert found == code, (operation, members, data)
        assert pointer in [one["pointer"] for one in data["errors"]], data
    code, data, _ = await called(door, platform, "list_submissions", plan="410183-1999")
    assert (code, data["problem"]) == (404, "plan-not-found")


async def test_what_is_said_in_the_query_or_in_no_object_is_told(
    door: Door, platform: Platform
) -> None:
    for call, pointer in (
        (Call("POST", "/gw/v1/list_late", query="plan=410183-2025"), "/query"),
        (Call("POST", "/gw/v1/list_late", body=b"[]"), ""),
    ):
        answer = (await sent(door, platform.sign(call))).json()
        assert (answer["code"], answer["data"]["errors"][0]["pointer"]) == (422, pointer)
    broken = Call("POST", "/gw/v1/list_late", body=b"{")
    answer = (await sent(door, platform.sign(broken))).json()
    assert (answer["code"], answer["data"]["problem"]) == (400, "malformed-body")
    assert "line 1, column 2" in answer["message"]


async def test_a_platform_that_knows_one_code_of_refusal_is_told_that(door: Door) -> None:
    for profile, known in (("national", 300), ("tif", 400001)):
        partner = await a_partner(door, profile)
        code, data, _ = await called(door, partner, "list_submissions", plan="410183-1999")
        assert (code, data["problem"]) == (known, "plan-not-found")


async def test_a_national_call_names_the_operation_that_it_signs(door: Door) -> None:
    partner = await a_partner(door, "national")
    call = partner.signed("list_late", {"plan": XINMI})
    other = replace(call, path="/gw/v1/list_submissions")
    assert (await sent(door, other)).json()["data"]["problem"] == "interface-not-allowed"
    assert (await sent(door, call)).json()["code"] != 401


async def test_a_partner_calls_and_is_answered_what_it_may(door: Door, values: list[str]) -> None:
    partner = await a_partner(
        door, interfaces=["list_submissions", "get_submission"], output_fields=["id", "value"]
    )
    code, data, _ = await called(door, partner, "list_late", plan=XINMI)
    assert (code, data["problem"]) == (403, "interface-not-allowed")
    _, data, _ = await called(door, partner, "list_submissions", plan=XINMI, page=1)
    assert {frozenset(one) for one in data["items"]} == {frozenset({"id", "value"})}
    _, data, _ = await called(door, partner, "get_submission", submission_id=values[0])
    assert data.keys() == {"id", "value"}
    rest = partner.sign(Call("GET", f"/v1/plans/{XINMI}/submissions"))
    refused = await sent(door, rest)
    assert (refused.status_code, refused.json()["code"]) == (403, "interface-not-allowed")


async def test_a_partner_sees_as_far_as_its_key_and_no_longer(door: Door) -> None:
    key = await a_key(door, organization_code="UN10")
    partner = await a_partner(door, key_id=key)
    _, data, _ = await called(
        door, partner, "list_submissions", plan=XINMI, indicator_code="U08", page=1
    )
    assert data["total"] == 0
    async with door.client(door.admin_secret) as admin:
        await admin.delete(f"/api-keys/{key}")
    code, data, _ = await called(door, partner, "list_late", plan=XINMI)
    assert (code, data["problem"]) == (401, "unauthenticated")


async def test_another_network_is_refused(door: Door) -> None:
    partner = await a_partner(door, "tif", allowed_networks=["10.20.0.0/16"])
    code, data, _ = await called(door, partner, "list_late", plan=XINMI)
    assert (code, data["problem"]) == (403, "network-not-allowed")


async def test_a_path_of_the_contract_takes_our_own_signature_and_no_other(
    door: Door, platform: Platform, values: list[str]
) -> None:
    call = Call("GET", f"/v1/plans/{XINMI}/submissions", {}, "page_size=2&indicator_code=U08")
    answer = await sent(door, platform.sign(call))
    assert answer.status_code == 200
    assert len(answer.json()["items"]) == 2
    signed = platform.sign(Call("GET", f"/v1/submissions/{values[0]}"))
    assert (await sent(door, signed)).status_code == 200
    replayed = await sent(door, signed)
    assert (replayed.status_code, replayed.json()["code"]) == (401, "signature-replayed")
    unlisted = await sent(door, platform.sign(Call("GET", "/v1/organizations")))
    assert (unlisted.status_code, unlisted.json()["code"]) == (403, "interface-not-allowed")
    weak = await a_partner(door, "tif")
    assert (await sent(door, weak.sign(call))).status_code == 401
    file = platform.sign(Call("POST", f"/v1/submissions/{values[0]}/evidence", body=b"x"))
    assert (await sent(door, file)).json()["code"] == "interface-not-allowed"


async def test_a_quota_by_the_minute_and_one_by_the_day(module_database_url: str) -> None:
    async with open_door(module_database_url, environment={"WUFEI_LIMITS": "true"}) as door:
        for quota in ("per_minute", "per_day"):
            more: dict[str, Any] = {quota: 3}
            partner = await a_partner(door, **more)
            codes = [
                (await called(door, partner, "list_indicators", plan=XINMI))[0] for _ in range(4)
            ]
            assert codes == [200, 200, 200, 429]


async def test_what_is_refused_is_in_the_audit_though_it_is_told_with_200(door: Door) -> None:
    partner = await a_partner(door, interfaces=["list_late"])
    await called(door, partner, "list_indicators", plan=XINMI)
    await called(door, partner, "list_late", plan="410183-1999")
    await called(door, replace(partner, secret="x"), "list_late", plan=XINMI)
    await door.held.access.write(door.held.database, everything=True)
    noted = await door.held.database.pool.fetch(
        "SELECT data::text FROM audit_entry WHERE data::text LIKE '%/gw/v1/%'"
    )
    said = " ".join(one["data"] for one in noted)
    assert "interface-not-allowed" in said
    assert "signature-wrong" in said
