"""Each way to sign is proved by a vector that another implementation made, and takes no less."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from services.core.gateways.errors import SignatureLate, SignatureMissing, SignatureWrong
from services.core.gateways.profiles import PROFILES, Profile, SignedPart
from services.core.gateways.signing import (
    MASK,
    Call,
    body_of,
    masked,
    nonce_digest,
    presented,
    prove,
    read_time,
    sign,
)

SECRET = b"wufei-test-secret"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
PATH = "/gw/v1/list_submissions"

# What is no vector of the reference was made by OpenSSL 3.0, such as
# printf 'P-11767225600000n-0001' | openssl dgst -sha256 -hmac wufei-test-secret -binary | base64
VECTORS = {
    "wufei-hmac": "a79b475ceabbf17d8c9f96395d0492479d39207fe948d4a13e89097ed7509e9f",
    "wufei-hmac-sm3": "473ef3c5295ed12975e69fd7d8366925f4e799f56d2b1c2601e7f7ff2793adab",
    "shandong": "FFiNjwkCLDUCxijWaQUFB2Bxjlcc1sD85wAX/Yhb03M=",
    "app-sha1": "bec247064d51dff333b60c7cfeb7df69ea0a290c",
    "app-md5": "0e3d12169bf7d64288ac9e919481fd4c",
}
_OF_TIF = (
    b"wufei-test-token",
    "C662FF79421C6FAEC51269B06C8E171DE12A436E67AB70CCF8C5031EA31A8117",
)
_PUBLISHED = {
    "tif": _OF_TIF,
    "tif-sm": _OF_TIF,  # its envelope has vectors of its own
    "zzd": (SECRET, "oLNH+utAKwZxETLVtclHwimxU1Pk1UD6uiDUUICBP6M="),
    "national": (b"secret", "EA3PV0ovNiRjZDU+QY8xMqUXwylHYJuaSuS28DQeAcA="),
}


def _call(profile: Profile) -> Call:
    _, body = body_of(profile, {"plan": "410183-2025"})
    return Call("POST", PATH, {}, "b=2&a=1", body)


def _signed(profile: Profile, call: Call | None = None, secret: bytes = SECRET) -> Call:
    return sign(
        profile,
        call or _call(profile),
        partner="P-1",
        secret=secret,
        now=NOW,
        nonce="n-0001",
        interface="list_submissions",
    )


def _proved(profile: Profile, call: Call, secret: bytes = SECRET, now: datetime = NOW) -> None:
    prove(profile, call, presented(profile, call), [b"another", secret], now)


def test_every_profile_has_a_vector() -> None:
    assert VECTORS.keys() | _PUBLISHED.keys() == PROFILES.keys()


@pytest.mark.parametrize("name", VECTORS)
def test_what_goes_out_is_what_another_implementation_makes(name: str) -> None:
    profile = PROFILES[name]
    assert presented(profile, _signed(profile)).signature == VECTORS[name]


@pytest.mark.parametrize("name", _PUBLISHED)
def test_the_published_vectors_are_let_in_and_made(name: str) -> None:
    profile = PROFILES[name]
    secret, signature = _PUBLISHED[name]
    calls = {
        "tif": Call("POST", PATH),
        "tif-sm": Call("POST", PATH),
        "zzd": Call("POST", "/gettoken.json", body=b"appsecret=s1&appkey=k1"),
        "national": Call("POST", PATH),
    }
    times = {"national": datetime.fromtimestamp(1_700_000_000, UTC)}
    made = sign(
        profile,
        calls[name],
        partner="RID-1",
        secret=secret,
        now=times.get(name, NOW),
        nonce="17672256000001234" if name == "zzd" else "n-0001",
        interface="SID-1",
    )
    assert made.headers[profile.signature] == signature
    _proved(profile, made, secret, times.get(name, NOW))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda one: one.name)
def test_a_time_is_taken_to_the_edge_of_its_window_and_not_beyond(profile: Profile) -> None:
    call = _signed(profile)
    for side in (1, -1):
        _proved(profile, call, now=NOW + side * profile.window)
        with pytest.raises(SignatureLate):
            _proved(profile, call, now=NOW + side * (profile.window + timedelta(seconds=1)))


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda one: one.name)
def test_another_secret_and_every_altered_part_are_refused(profile: Profile) -> None:
    call = _signed(profile)
    with pytest.raises(SignatureWrong):
        _proved(profile, call, b"wufei-test-secret ")
    for altered in _alterations(profile, call):
        with pytest.raises((SignatureWrong, SignatureLate)):
            _proved(profile, altered)


def _alterations(profile: Profile, call: Call) -> Iterator[Call]:
    """Yield the request with each thing altered that its profile signs."""
    signed = set(profile.signed)
    if SignedPart.METHOD in signed:
        yield replace(call, method="GET")
    if SignedPart.PATH in signed:
        yield replace(call, path=call.path + "/")
    if SignedPart.QUERY in signed:
        yield replace(call, query="a=1&b=3")
    if signed & {SignedPart.BODY, SignedPart.PARAMETERS}:
        yield replace(call, body=call.body.replace(b"2025", b"2026"))
    for part in signed & profile.places.keys():
        name = profile.places[part]
        if profile.in_body:
            said = {**call.members(profile), name: f"{call.members(profile)[name]}1"}
            yield replace(call, body=body_of(profile, said)[1])
        else:
            value = call.headers[name]
            yield replace(call, headers={**call.headers, name: value[:-1] + "9"})


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda one: one.name)
def test_what_is_missing_is_told_by_name(profile: Profile) -> None:
    with pytest.raises(SignatureMissing) as refused:
        presented(profile, Call("POST", PATH, body=b"{}"))
    assert refused.value.detail is not None
    for name in [*profile.places.values(), profile.signature]:
        assert name in refused.value.detail.en


def test_the_order_of_a_query_may_change_on_the_way_and_its_pairs_may_not() -> None:
    profile = PROFILES["wufei-hmac"]
    call = _signed(profile)
    _proved(profile, replace(call, query="a=1&b=2"))
    with pytest.raises(SignatureWrong):
        _proved(profile, replace(call, query="a=1&b=2&b=2"))


def test_hexadecimal_digits_are_compared_without_case_and_base64_with_it() -> None:
    for name, fits in (("tif", True), ("national", False)):
        profile = PROFILES[name]
        call = _signed(profile)
        headers = {**call.headers, profile.signature: call.headers[profile.signature].lower()}
        if fits:
            _proved(profile, replace(call, headers=headers))
        else:
            with pytest.raises(SignatureWrong):
                _proved(profile, replace(call, headers=headers))


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        ("s", "１７６７２２５６００"), ("s", "-1"), ("s", "1e9"), ("s", "9" * 11), ("ms", "1.5"),
        ("iso", "2026-01-01T08:00:00.000"), ("iso", "2026-13-01T08:00:00.000+08:00"),
        ("iso", "2026-W01-1T08:00:00+08:00"),
    ],
)  # fmt: skip
def test_what_is_no_time_is_none(unit: str, text: str) -> None:
    read = read_time(unit, text)  # type: ignore[arg-type] # by parameter
    assert read is None or read.year > 5000


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda one: one.name)
def test_a_signature_that_is_shown_is_masked_and_the_rest_is_not(profile: Profile) -> None:
    signed = _signed(profile)
    made = presented(profile, signed)
    shown = masked(profile, signed)
    whole = repr(sorted(shown.headers.items())).encode() + shown.body
    assert made.signature.encode() not in whole.lower() + whole
    told = presented(profile, shown)
    assert told == replace(made, signature=MASK)
    assert {**shown.members(profile), profile.signature: ""} == {
        **signed.members(profile),
        profile.signature: "",
    }
    with pytest.raises(SignatureWrong):
        _proved(profile, shown)


def test_once_only_is_the_nonce_or_the_signature_where_there_is_none() -> None:
    digests = set()
    for name in ("wufei-hmac", "national"):
        profile = PROFILES[name]
        said = presented(profile, _signed(profile))
        assert nonce_digest(said) == nonce_digest(replace(said, interface="another"))
        digests.add(nonce_digest(said))
        other = replace(said, nonce="n-0002") if said.nonce else replace(said, signature="x")
        assert nonce_digest(other) != nonce_digest(said)
    assert len(digests) == 2


def test_what_leaves_something_unsigned_is_known_as_weak() -> None:
    whole = {name for name, profile in PROFILES.items() if profile.signs_all}
    assert whole == {"wufei-hmac", "wufei-hmac-sm3"}
