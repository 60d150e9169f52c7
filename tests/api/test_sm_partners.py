"""Partners whose requests and answers stand in the envelope of SM4 and SM2."""

import sys
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic_core import to_json

from services.core.gateways.profiles import PROFILES
from services.core.gateways.sm_envelope import new_pair, sealed
from services.core.kit.clock import Clock
from tests.support.api import XINMI, Door
from tests.support.gateways import INTERFACES, Platform, a_key, a_partner, called, sent, told_in

PROFILE = "tif-sm"
ASKED = {"plan": XINMI}


@pytest.fixture(scope="module")
async def platform(door: Door) -> Platform:
    """A partner of that profile that may call everything."""
    return await a_partner(door, PROFILE)


async def problem(door: Door, platform: Platform, body: bytes) -> str:
    """Return how a body is refused that was sent beside a good signature of the gateway."""
    call = replace(platform.signed("list_indicators", ASKED), body=body)
    data = (await sent(door, call)).json()["data"]
    return str(data["problem"])


async def test_what_is_asked_and_answered_stands_in_envelopes(
    door: Door, platform: Platform
) -> None:
    call = platform.signed("list_indicators", ASKED)
    assert XINMI.encode() not in call.body
    answer = await sent(door, call)
    said = answer.json()
    assert said["code"] == 200
    assert said["data"].keys() == {
        *("data", "appCode", "version", "encType", "signType", "timestamp", "signData"),
    }
    assert "U08" not in answer.text
    assert "U08" in [one["code"] for one in told_in(answer, platform)["items"]]


async def test_a_write_goes_the_same_way_and_its_refusal_too(
    door: Door, platform: Platform
) -> None:
    wrong = {**ASKED, "indicator_code": "U99", "organization_code": "UN15", "period": "2025-01"}
    code, data, answer = await called(door, platform, "create_submission", **wrong)
    assert code == PROFILES[PROFILE].refused
    assert data["problem"] == "invalid-input"
    assert "/indicator_code" in [one["pointer"] for one in data["errors"]]
    assert "U99" not in answer.text, "what was sent is not told in the clear"


async def test_an_envelope_that_is_not_the_partners_is_refused(
    door: Door, platform: Platform
) -> None:
    keys = platform.sm_keys
    assert keys is not None
    keys = replace(keys, app_secret=platform.secret)
    now = int(Clock.true_now().timestamp())
    good = sealed(ASKED, keys, timestamp=now)
    place = good.index(b'"encData":"') + 11
    other = b"0" if good[place : place + 1] != b"0" else b"1"
    bodies = {
        "altered": good[:place] + other + good[place + 1 :],
        "by another key": sealed(ASKED, replace(keys, private_key=new_pair()[0]), timestamp=now),
        "by another secret": sealed(ASKED, replace(keys, app_secret="x" * 32), timestamp=now),
        "of another partner": sealed(
            ASKED, replace(keys, app_code="gw_410183_ffffffffff"), timestamp=now
        ),
        "none": to_json(ASKED),
        "nothing": b"",
        "a list": b"[]",
    }
    for name, body in bodies.items():
        assert await problem(door, platform, body) == "signature-wrong", name
    window = int(PROFILES[PROFILE].window.total_seconds())
    for seconds in (-window - 5, window + 5):
        old = sealed(ASKED, keys, timestamp=now + seconds)
        assert await problem(door, platform, old) == "signature-late"


async def test_a_secret_that_is_replaced_is_good_for_the_overlap(door: Door) -> None:
    one = await a_partner(door, PROFILE)
    async with door.client(door.admin_secret) as admin:
        made = await admin.post(f"/partners/{one.id}/rotate-secret")
        assert made.status_code == 200
        new = replace(one, secret=made.json()["secret"])
        assert one.sm_keys is not None
        new.sm_keys = replace(one.sm_keys, app_secret=new.secret)
        for each in (one, new):
            code, _, _ = await called(door, each, "list_indicators", **ASKED)
            assert code == 200
        await admin.post(f"/partners/{one.id}/rotate-secret", json={"overlap_seconds": 0})
    door.held.partners.forget()
    answer = await sent(door, one.signed("list_indicators", ASKED))
    assert answer.json()["data"]["problem"] == "signature-wrong"


async def test_a_partner_that_changes_its_key_is_known_by_the_new_one(door: Door) -> None:
    one = await a_partner(door, PROFILE)
    private, public = new_pair()
    async with door.client(door.admin_secret) as admin:
        edited = await admin.patch(
            f"/partners/{one.id}", json={"sm_public_key": public.hex()}, headers={"If-Match": "*"}
        )
    assert edited.status_code == 200, edited.text
    assert edited.json()["sm_public_key"] == public.hex()
    former = await sent(door, one.signed("list_indicators", ASKED))
    assert former.json()["data"]["problem"] == "signature-wrong"
    assert one.sm_keys is not None
    now = replace(one, sm_keys=replace(one.sm_keys, private_key=private))
    code, _, _ = await called(door, now, "list_indicators", **ASKED)
    assert code == 200


async def test_our_private_key_is_sealed_and_never_shown(door: Door, platform: Platform) -> None:
    async with door.client(door.admin_secret) as admin:
        shown = (await admin.get(f"/partners/{platform.id}")).json()
    assert shown["own_sm_public_key"].startswith("04")
    assert not [name for name in shown if "private" in name]
    row = await door.held.database.pool.fetchrow(
        "SELECT own_sm_public_key, sm_private_sealed FROM partner WHERE id = $1", platform.id
    )
    assert row["own_sm_public_key"] == shown["own_sm_public_key"]
    assert len(row["sm_private_sealed"]) > 32, "sealed, with what seals it"


async def _asked(door: Door, **more: Any) -> Any:
    body = {
        "name": "医保平台",
        "profile": PROFILE,
        "key_id": await a_key(door),
        "allowed_networks": ["127.0.0.1/32"],
        "interfaces": INTERFACES,
        **more,
    }
    async with door.client(door.admin_secret) as admin:
        return await admin.post("/partners", json=body)


async def test_what_is_wrong_with_its_key_is_told(door: Door) -> None:
    public = new_pair()[1]
    no_point = public[:-1] + bytes([public[-1] ^ 1])
    for more, code in (
        ({}, "missing"),
        ({"sm_public_key": no_point.hex()}, "sm-key-malformed"),
        ({"sm_public_key": public.hex(), "profile": "tif"}, "sm-key-not-taken"),
    ):
        refused = await _asked(door, **more)
        assert refused.status_code == 422, refused.text
        told = [(one["pointer"], one["code"]) for one in refused.json()["errors"]]
        assert told == [("/sm_public_key", code)]
    malformed = await _asked(door, sm_public_key=public.hex()[:-2])
    assert malformed.status_code == 422
    networks = await _asked(door, sm_public_key=public.hex(), allowed_networks=[])
    assert [one["code"] for one in networks.json()["errors"]] == ["networks-required"]


async def test_without_the_optional_extra_it_says_so(
    door: Door, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    public = new_pair()[1].hex()
    call = platform.signed("list_indicators", ASKED)
    monkeypatch.setitem(sys.modules, "gmalg", None)  # as where it was never installed
    refused = await _asked(door, sm_public_key=public)
    assert (refused.status_code, refused.json()["code"]) == (503, "sm-not-installed")
    answer = (await sent(door, call)).json()
    assert answer["data"]["problem"] == "sm-not-installed"


async def test_a_clock_that_is_off_is_told_what_ours_says(door: Door, platform: Platform) -> None:
    early = Clock.true_now() + timedelta(hours=1)
    answer = await sent(door, platform.signed("list_indicators", ASKED, now=early))
    assert answer.json()["data"]["problem"] == "signature-late"
