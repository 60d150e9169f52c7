"""The envelope of SM4 and SM2, against what OpenSSL makes of the same."""

import base64
import sys
from dataclasses import replace
from typing import Any

import pytest
from pydantic_core import from_json, to_json

from services.core.gateways.errors import SignatureWrong, SmNotInstalled
from services.core.gateways.profiles import PROFILES
from services.core.gateways.signing import MASK, Call, masked
from services.core.gateways.sm_envelope import (
    Disclosed,
    SmKeys,
    _enciphered,
    _sm4_key,
    is_point,
    new_pair,
    opened,
    sealed,
    signed_text,
)

# openssl ecparam -name SM2 -genkey; made for this test and used nowhere else.
_PRIVATE = bytes.fromhex("3409a424a89ee08445356116bb175efba438c9f256497c46b1488b53dba8abd0")
_PUBLIC = bytes.fromhex(
    "04414331f705acf18680af4cd3fd19d3e65cd2dbc2328fda5eb6691c3afe6ea843"
    "db4bb725251b045af759912b9efbf1ddeec41f37af550b891fd1ddece84669db"
)
KEYS = SmKeys("WUFEITESTAPPCODE", "WUFEI-TEST-SECRET-0123456789ABCD", _PRIVATE, _PUBLIC)
DATA = {"plan": "410183-2025", "indicator": "U08"}
_AT = 1_767_225_600

# printf '{"plan":"410183-2025","indicator":"U08"}' | openssl enc -sm4-ecb -K (the key's text)
_ENCIPHERED = (
    "BB9275118BA3A7BA0558BA658FFB58D95195FFAB12AA57B0"
    "B4CB0BFEA794E44206BA39B3347488EB9EEEB1DAFF419FFE"
)
# openssl pkeyutl -sign -rawin -digest sm3 -pkeyopt distid:1234567812345678
_SIGNED = bytes.fromhex(
    "5398ded136243079603344e9f6fc6a3ea2a787e9a1d8fc78ba58c3efc652ff76"
    "de0b9bec821ca81aedbb9ec6594d1dc15a679d34dc5c1536ab63216c07262a9c"
)


def _envelope() -> dict[str, object]:
    inner = {
        "data": {"encData": _ENCIPHERED},
        "appCode": KEYS.app_code,
        "version": "1.0.0",
        "encType": "SM4",
        "signType": "SM2",
        "timestamp": _AT,
        "signData": base64.b64encode(_SIGNED).decode(),
    }
    return {"data": inner}


def test_what_openssl_has_enciphered_and_signed_is_opened() -> None:
    assert opened(to_json(_envelope()), KEYS) == Disclosed(DATA, str(_AT))


def test_what_is_sealed_is_enciphered_as_openssl_does_and_opens_again() -> None:
    body = sealed(DATA, KEYS, timestamp=_AT)
    assert from_json(body)["data"]["data"]["encData"] == _ENCIPHERED
    assert opened(body, KEYS).data == DATA


def test_its_signature_is_masked_where_it_is_shown() -> None:
    body = sealed(DATA, KEYS, timestamp=_AT)
    call = Call("POST", "/", {PROFILES["tif-sm"].signature: "made"}, body=body)
    shown = masked(PROFILES["tif-sm"], call)
    assert shown.headers == {PROFILES["tif-sm"].signature: MASK}
    told, whole = from_json(shown.body), from_json(body)
    assert told["data"].pop("signData") == MASK
    assert whole["data"].pop("signData") not in shown.body.decode()
    assert told == whole
    for other in (b"", b"[]", b'{"data":1}', b'{"data":{}}'):
        assert masked(PROFILES["tif-sm"], Call("POST", "/", body=other)).body == other


def test_the_text_that_is_signed_is_in_order_and_without_what_is_empty() -> None:
    said: dict[str, object] = {
        "b": None,
        "a": "",
        "version": "1.0.0",
        "data": {"z": 1, "k": True, "n": [], "m": None},
    }
    assert signed_text(said, "S") == b'data={"k":"true","z":"1"}&version=1.0.0&key=S'


@pytest.mark.parametrize(
    "altered",
    [
        {"timestamp": _AT + 1},
        {"version": "1.0.1"},
        {"appCode": "ANOTHERSAPPCODE0"},
        {"signData": base64.b64encode(bytes(64)).decode()},
        {"signData": "AA=="},
        {"signData": None},
        {"data": {"encData": _ENCIPHERED[:-32]}},
        {"data": {"encData": "00" * 16}},
        {"data": {"encData": "zz"}},
        {"data": {}},
        {"data": []},
    ],
)
def test_an_altered_envelope_is_refused(altered: dict[str, object]) -> None:
    envelope = _envelope()["data"]
    assert isinstance(envelope, dict)
    with pytest.raises(SignatureWrong):
        opened(to_json({"data": {**envelope, **altered}}), KEYS)


def test_one_by_another_key_or_that_is_none_is_refused() -> None:
    for keys in (replace(KEYS, app_secret="another secret of 32 characters!"),):
        with pytest.raises(SignatureWrong):
            opened(to_json(_envelope()), keys)
    for body in (b"", b"[]", b"{}", b'{"data":1}', b"\xff"):
        with pytest.raises(SignatureWrong):
            opened(body, KEYS)


@pytest.mark.parametrize("told", [[5], [], [[]], "x", 5, None, True])
def test_an_envelope_of_something_else_than_an_object_is_none(told: Any) -> None:
    with pytest.raises(SignatureWrong):
        opened(sealed({}, KEYS, timestamp=_AT).replace(_empty(), _of(told)), KEYS)


def _empty() -> bytes:
    return _of({})


def _of(told: Any) -> bytes:
    return _enciphered(_sm4_key(KEYS), to_json(told)).hex().upper().encode()


def test_a_private_key_that_begins_with_zeros_has_all_its_bytes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gmalg import SM2  # noqa: PLC0415 (an optional extra)

    short = bytes(range(1, 32))
    monkeypatch.setattr(SM2, "generate_keypair", lambda _: (short, b"\4" * 65))
    assert new_pair() == (b"\0" + short, b"\4" * 65)


def test_a_new_pair_seals_and_opens_and_its_public_half_is_a_point() -> None:
    private, public = new_pair()
    assert is_point(public)
    assert not is_point(public[:-1] + bytes([public[-1] ^ 1]))
    assert not is_point(b"\x04" + bytes(64))
    keys = replace(KEYS, private_key=private, public_key=public)
    assert opened(sealed(DATA, keys, timestamp=_AT), keys).data == DATA


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gmalg", None)  # as where it was never installed
    for work in (
        new_pair,
        lambda: is_point(_PUBLIC),
        lambda: sealed(DATA, KEYS, timestamp=_AT),
        lambda: opened(to_json(_envelope()), KEYS),
    ):
        with pytest.raises(SmNotInstalled):
            work()
