"""The façade misused: signatures in other letters, forms without end, members of any kind."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydantic_core import from_json, to_json

from services.core.gateways.profiles import PROFILES, Profile
from services.core.gateways.signing import Call
from tests.support.api import XINMI, Door
from tests.support.gateways import Platform, a_partner, called, sent

HEXADECIMAL = [one.name for one in PROFILES.values() if one.encoding != "base64"]
ODD: list[Any] = [[], {}, [[]], {"a": []}, 1.5, True, None, "", "\x00", "\ud7ff", 10**30]
MEMBERS = [
    *("plan", "page", "pagesize", "numbers", "blanks", "request_id", "period"),
    *("changed_after", "submission_id", "value", "on_behalf_of", "rows"),
]


@pytest.mark.parametrize("profile", HEXADECIMAL)
async def test_a_replay_is_refused_in_whatever_case_its_digits_come(
    door: Door, profile: str
) -> None:
    partner = await a_partner(door, profile)
    call = partner.signed("list_indicators", {"plan": XINMI})
    assert (await sent(door, call)).json()["code"] == 200
    for change in (str.upper, str.lower, str.swapcase, str.capitalize):
        again = await sent(door, signed_as(PROFILES[profile], call, change))
        assert again.json()["data"]["problem"] == "signature-replayed"


def signed_as(profile: Profile, call: Call, change: Callable[[str], str]) -> Call:
    """Return a request with its signature written otherwise."""
    if profile.in_body:
        said = from_json(call.body)
        said[profile.signature] = change(said[profile.signature])
        return replace(call, body=to_json(said))
    given = call.headers[profile.signature]
    return replace(call, headers={**call.headers, profile.signature: change(given)})


async def test_a_form_of_too_many_members_is_signed_by_nobody(door: Door) -> None:
    stranger = Platform("", "gw_410183_0000000000", "zzd", "x")
    for one in (stranger, await a_partner(door, "zzd")):
        call = one.signed("list_late", {"plan": XINMI})
        for number in (999, 1_000, 50_000):
            body = call.body + b"".join(b"&m%d=1" % each for each in range(number))
            answer = await sent(door, replace(call, body=body))
            assert answer.json()["data"]["problem"] == "signature-wrong"


@pytest.mark.parametrize("member", MEMBERS)
async def test_no_member_of_any_kind_is_a_fault_of_ours(door: Door, member: str) -> None:
    partner = await a_partner(door)
    for odd in ODD:
        for operation in ("list_submissions", "create_submission", "get_submission", "write_batch"):
            members = {"plan": XINMI, member: odd}
            code, data, _ = await called(door, partner, operation, **members)
            assert 200 <= code < 500, (operation, members, data)
