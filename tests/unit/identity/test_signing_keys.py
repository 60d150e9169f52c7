"""The life of signing keys: one is always there, published before and after it signs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws

from services.core.identity.signing_keys import (
    LONGEST_LIFE,
    PUBLISHED_BEFORE,
    SIGNS_FOR,
    IssuingKey,
    can_sign,
    new_signing_key,
    next_from,
    outlived,
    signing,
)
from services.core.kit.sealing import Seal, new_seal_key

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)


def a_key(number: int, signs_from: datetime) -> IssuingKey:
    return IssuingKey(number, f"k{number}", signs_from, {}, b"")


def test_the_first_key_signs_at_once_and_the_next_is_made_a_day_before_it_signs() -> None:
    assert next_from([], BEGIN) == BEGIN
    first = a_key(1, BEGIN)
    early = BEGIN + SIGNS_FOR - PUBLISHED_BEFORE - timedelta(seconds=1)
    assert next_from([first], early) is None
    due = early + timedelta(seconds=1)
    assert next_from([first], due) == BEGIN + SIGNS_FOR
    assert next_from([first], BEGIN - SIGNS_FOR) == BEGIN - SIGNS_FOR, "the clock was set back"
    both = [first, a_key(2, BEGIN + SIGNS_FOR)]
    assert next_from(both, due) is None
    assert signing(both, BEGIN + SIGNS_FOR - timedelta(seconds=1)) == first
    assert signing(both, BEGIN + SIGNS_FOR) == both[1]


@given(
    looks=st.lists(st.timedeltas(timedelta(seconds=1), timedelta(days=45)), min_size=1, max_size=40)
)
def test_there_is_never_a_gap_however_seldom_somebody_looks(looks: Sequence[timedelta]) -> None:
    """A key was published a day before it signs, and every token's key is there until it ends."""
    now, made = BEGIN, {1: BEGIN}
    keys = [a_key(1, BEGIN)]
    for number, later in enumerate(looks, start=2):
        signed_by = signing(keys, now)
        assert signed_by is not None
        token_ends = now + LONGEST_LIFE
        now += later
        signs_from = next_from(keys, now)
        if signs_from is not None:
            keys.append(a_key(number, signs_from))
            made[number] = now
        keys = [key for key in keys if key not in outlived(keys, now)]
        if now < token_ends:
            assert signed_by in keys
        present = signing(keys, now)
        assert present is not None
        assert present.number == 1 or made[present.number] <= present.signs_from - PUBLISHED_BEFORE
        assert len(keys) <= 3


def test_a_private_key_opens_with_its_seal_alone_and_only_in_its_place() -> None:
    seal, other = Seal.read(new_seal_key()), Seal.read(new_seal_key())
    key = new_signing_key(1, signs_from=BEGIN, seal=seal)
    moved = IssuingKey(2, key.kid, key.signs_from, key.public, key.sealed)
    assert [can_sign(key, seal), can_sign(key, other), can_sign(moved, seal)] == [
        True,
        False,
        False,
    ]
    assert "d" not in key.public, "the public half is public"
    assert key.private(seal).as_dict(private=False)["x"] == key.public["x"]


def test_what_one_half_signs_the_published_half_verifies_by_its_name() -> None:
    seal = Seal.read(new_seal_key())
    key = new_signing_key(1, signs_from=BEGIN, seal=seal)
    assert {name: key.public[name] for name in ("kid", "use", "alg", "kty", "crv")} == {
        "kid": key.kid,
        "use": "sig",
        "alg": "ES256",
        "kty": "EC",
        "crv": "P-256",
    }
    signed = jws.serialize_compact({"alg": "ES256"}, b"said", key.private(seal), ["ES256"])
    assert jws.deserialize_compact(signed, key.verifier(), ["ES256"]).payload == b"said"


def test_a_key_is_kept_until_every_token_of_it_has_ended_and_a_little_longer() -> None:
    old, new = a_key(1, BEGIN), a_key(2, BEGIN + SIGNS_FOR)
    last_token_ends = new.signs_from + LONGEST_LIFE
    assert outlived([old, new], last_token_ends + timedelta(minutes=1)) == []
    assert outlived([old, new], last_token_ends + timedelta(days=1)) == [old]
